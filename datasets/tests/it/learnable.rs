//! Stand-ins can be learned by a linear classifier, better by a network with a hidden layer, perfectly by neither.

use std::sync::Arc;

use taskset_datasets::{Carving, Datasets, ImageData, IndexStream, Source, carve};
use taskset_names::Split;
use taskset_rng::{Stream, StreamId};

const BATCH: usize = 32;

/// A classifier with at most one hidden layer of ReLU units, trained by momentum SGD on the mean cross entropy.
struct Classifier {
    /// Weights of each layer, one row of inputs (then the bias) an output.
    layers: Vec<(Vec<f32>, Vec<f32>, usize)>,
}

impl Classifier {
    fn new(sizes: &[usize], stream: &mut Stream) -> Self {
        let layer = |pair: &[usize]| {
            let scale = (2.0 / pair[0] as f64).sqrt();
            let mut w: Vec<f32> =
                (0..(pair[0] + 1) * pair[1]).map(|_| (scale * stream.normal()) as f32).collect();
            w.iter_mut().skip(pair[0]).step_by(pair[0] + 1).for_each(|bias| *bias = 0.0);
            (vec![0.0; w.len()], w, pair[0])
        };
        Self { layers: sizes.windows(2).map(layer).collect() }
    }

    /// Inputs of every layer, and the logits at last.
    fn forward(&self, input: Vec<f32>) -> Vec<Vec<f32>> {
        let mut values = vec![input];
        for (i, (_, w, inputs)) in self.layers.iter().enumerate() {
            let x = &values[i];
            let y = w.chunks_exact(inputs + 1).map(|row| {
                let sum = row[*inputs] + dot(&row[..*inputs], x);
                if i + 1 < self.layers.len() { sum.max(0.0) } else { sum }
            });
            values.push(y.collect());
        }
        values
    }

    fn step(&mut self, data: &ImageData, batch: &[u32], rate: f32) {
        for (velocity, ..) in &mut self.layers {
            velocity.iter_mut().for_each(|v| *v *= 0.9);
        }
        for &example in batch {
            let mut values = self.forward(floats(data, example));
            let mut delta = values.pop().unwrap();
            let max = delta.iter().copied().fold(f32::MIN, f32::max);
            delta.iter_mut().for_each(|z| *z = (*z - max).exp());
            let sum: f32 = delta.iter().sum();
            delta.iter_mut().for_each(|p| *p /= sum);
            delta[usize::from(data.label(example))] -= 1.0;
            for (velocity, w, inputs) in self.layers.iter_mut().rev() {
                let x = values.pop().unwrap();
                let mut below = vec![0.0; *inputs];
                let rows = velocity.chunks_exact_mut(*inputs + 1).zip(w.chunks_exact(*inputs + 1));
                for ((v, w), d) in rows.zip(&delta) {
                    let scaled = -rate / BATCH as f32 * d;
                    v.iter_mut().zip(&x).for_each(|(v, x)| *v += scaled * x);
                    v[*inputs] += scaled;
                    if !values.is_empty() {
                        below.iter_mut().zip(w).for_each(|(b, w)| *b += d * w);
                    }
                }
                below.iter_mut().zip(&x).filter(|(_, x)| **x <= 0.0).for_each(|(b, _)| *b = 0.0);
                delta = below;
            }
        }
        for (velocity, w, _) in &mut self.layers {
            w.iter_mut().zip(velocity).for_each(|(w, v)| *w += *v);
        }
    }

    fn error(&self, data: &ImageData, examples: &[u32]) -> f64 {
        let wrong = |&&example: &&u32| {
            let logits = self.forward(floats(data, example)).pop().unwrap();
            let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
            best != usize::from(data.label(example))
        };
        examples.iter().filter(wrong).count() as f64 / examples.len() as f64
    }
}

/// Dot product in eight lanes, so that it is fast in debug builds too.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Pixels in [-1, 1].
fn floats(data: &ImageData, example: u32) -> Vec<f32> {
    data.pixels(example).iter().map(|&p| f32::from(p) / 127.5 - 1.0).collect()
}

/// Test error after `steps` steps with the given hidden sizes.
fn test_error(data: &Arc<ImageData>, hidden: &[usize], steps: usize, rate: f32) -> f64 {
    let id = StreamId::root("learnable").child(data.name());
    let splits = carve(data, Carving::Sampled, None);
    let mut sizes = vec![data.shape().len()];
    sizes.extend(hidden);
    sizes.push(data.classes());
    let mut classifier = Classifier::new(&sizes, &mut id.child("init").stream());
    let mut batches =
        IndexStream::new(splits.get(Split::Train).clone(), 10_000, id.child("batches").stream());
    let mut batch = [0; BATCH];
    for _ in 0..steps {
        batches.next_batch(&mut batch);
        classifier.step(data, &batch, rate);
    }
    classifier.error(data, splits.get(Split::Test))
}

fn check(name: &str, steps: usize) {
    let data = Datasets::new(Source::Synthetic).images(name).unwrap();
    let linear = test_error(&data, &[], steps, 0.004);
    let hidden = test_error(&data, &[48], steps, 0.01);
    println!("{name}: test error {linear:.3} linear, {hidden:.3} with a hidden layer");
    assert!(linear < 0.6, "a linear classifier should be far better than chance (0.9): {linear}");
    assert!(linear > 0.15, "a linear classifier should not be nearly perfect: {linear}");
    assert!(hidden < 0.8 * linear, "a hidden layer should help: {hidden} against {linear}");
    assert!(hidden > 0.02, "some labels are wrong, nothing can be perfect: {hidden}");
}

#[test]
fn strokes_are_learnable_but_not_trivially() {
    check("mnist", 700);
}

#[test]
fn shapes_are_learnable_but_not_trivially() {
    check("fashion_mnist", 700);
}

#[test]
fn fields_are_learnable_but_not_trivially() {
    check("cifar10", 200);
}
