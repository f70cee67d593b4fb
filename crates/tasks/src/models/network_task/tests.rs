//! Tests of network tasks: minibatches, evaluation passes, versions, errors.

use super::*;
use taskset_datasets::{Carving, Datasets, Source};
use taskset_nn::{Activation, Dense, Dropout, Flatten, Initializer, Layer, Loss};

use crate::models::augment::Augmentation;
use crate::models::image_batches::{ImageExamples, ImageTask};

fn task(dataset: &str, augmentation: Option<Augmentation>, layers: Vec<Layer>) -> NetworkTask<ImageTask> {
    let examples = ImageExamples {
        dataset: dataset.to_owned(),
        carving: Carving::Sampled,
        num_train: Some(1000),
        batch_size: 24,
        buffer: Some(10_000),
        augmentation,
        centre: true,
    };
    let input = examples.input().unwrap();
    let mut layers = layers;
    layers.insert(0, Flatten.into());
    layers.push(Dense { outputs: input.classes }.into());
    let network = Network::new(input.shape(), layers, Loss::SoftmaxCrossEntropy)
        .with_weights(Initializer::GlorotUniform);
    let images = examples.load(&Datasets::new(Source::Synthetic)).unwrap();
    NetworkTask::new("t", network, images).unwrap()
}

fn variants() -> Vec<NetworkTask<ImageTask>> {
    let augmentation = Augmentation {
        crop_amount: 2,
        flip_left_right: true,
        flip_up_down: true,
        do_color_aug: true,
        brightness: 0.2,
        saturation: 0.5,
        hue: 0.2,
        contrast: 0.5,
    };
    let dense = Layer::from(Dense { outputs: 20 });
    vec![
        task("mnist", None, vec![dense.clone(), Activation::Relu.into()]),
        task("cifar10", Some(augmentation), vec![dense.clone(), Activation::Tanh.into()]),
        task("mnist", None, vec![dense, Dropout { keep: 0.5 }.into(), Activation::Relu.into()]),
    ]
}

fn replica(index: u64) -> StreamId {
    StreamId::root("network-task-tests").index(index)
}

fn start<T: Scalar>(task: &NetworkTask<ImageTask>, index: u64) -> (Replica<T>, Vec<T>) {
    let mut problem = task.replica::<T>(&replica(index));
    let mut params = vec![T::zero(); task.layout().len()];
    problem.init(&mut params);
    (problem, params)
}

#[test]
fn both_precisions_are_the_same_problem() {
    for task in variants() {
        let (mut single, p32) = start::<f32>(&task, 0);
        let (mut double, p64) = start::<f64>(&task, 0);
        let (mut g32, mut g64) = (p32.clone(), p64.clone());
        for feed in [Feed::Training, Feed::Evaluation(Split::Test), Feed::Training] {
            single.next_batch(feed);
            double.next_batch(feed);
            let (a, b) =
                (single.loss_and_gradients(&p32, &mut g32), double.loss_and_gradients(&p64, &mut g64));
            assert!((f64::from(a) - b).abs() < 1e-5 * b);
            let norm = g64.iter().map(|g| g * g).sum::<f64>().sqrt();
            let error = g32.iter().zip(&g64).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum::<f64>().sqrt();
            assert!(error < 2e-5 * norm, "{error:e} {norm:e}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    for task in variants() {
        let (mut problem, params) = start::<f64>(&task, 1);
        problem.next_batch(Feed::Training);
        let mut gradients = params.clone();
        problem.loss_and_gradients(&params, &mut gradients);
        let norm = gradients.iter().map(|g| g * g).sum::<f64>().sqrt();
        for i in (0..params.len()).step_by(params.len() / 20) {
            let mut at = |by: f64| {
                let mut params = params.clone();
                params[i] += by;
                problem.loss(&params)
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            let bound = 1e-5 * difference.abs() + 1e-7 * norm;
            assert!((gradients[i] - difference).abs() <= bound, "{i}: {} {difference}", gradients[i]);
        }
    }
}

#[test]
fn large_evaluation_passes_use_the_same_examples_and_leave_training_alone() {
    for task in variants() {
        let (mut large, params) = start::<f32>(&task, 2);
        let (mut small, _) = start::<f32>(&task, 2);
        for split in Split::ALL {
            // More than one pass, the last not full.
            let batches = 50;
            let all = large.mean_loss(split, &params, batches);
            let mut sum = 0.0;
            for _ in 0..batches {
                small.next_batch(Feed::Evaluation(split));
                sum += f64::from(small.loss(&params));
            }
            assert!((all - sum / f64::from(batches)).abs() < 1e-6 * all, "{split}");
        }
        let (mut fresh, _) = start::<f32>(&task, 2);
        for problem in [&mut large, &mut fresh] {
            problem.next_batch(Feed::Training);
        }
        assert_eq!(large.loss(&params).to_bits(), fresh.loss(&params).to_bits());
    }
}

#[test]
fn the_noise_of_the_minibatch_can_be_seen() {
    let mut seen = Vec::new();
    for task in variants() {
        let noise = || {
            let (mut problem, _) = start::<f32>(&task, 5);
            [(); 2].map(|()| {
                problem.next_batch(Feed::Training);
                problem.noise().concat()
            })
        };
        let [first, second] = noise();
        assert_eq!([&first, &second], noise().each_ref());
        assert!(first.is_empty() || first != second);
        seen.push(first.len() / task.data.batch_size);
    }
    // Only the last has dropout, of as many numbers per row as its layer before has outputs.
    assert_eq!(seen.iter().filter(|&&n| n > 0).count(), 1, "{seen:?}");
    assert!(seen.last() > Some(&0));
}

#[test]
fn replicas_repeat_bit_for_bit_and_differ_from_each_other() {
    let task = &variants()[1];
    let run = |index: u64| {
        let (mut problem, mut params) = start::<f32>(task, index);
        let mut gradients = params.clone();
        for _ in 0..3 {
            problem.next_batch(Feed::Training);
            problem.loss_and_gradients(&params, &mut gradients);
            params.iter_mut().zip(&gradients).for_each(|(p, g)| *p -= 0.1 * g);
        }
        params.iter().map(|p| p.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(0), run(0));
    assert_ne!(run(0), run(1));
}

#[test]
fn lockstep_changes_no_bit_and_nan_stays() {
    for task in variants() {
        let (mut group, start) = start::<f32>(&task, 4);
        let (mut alone, _) = self::start::<f32>(&task, 4);
        let n = start.len();
        let mut params = start.repeat(3);
        params[..n].iter_mut().for_each(|p| *p *= 1.5);
        params[n..2 * n].fill(f32::NAN);
        let (mut gradients, mut gradient, mut losses) = (params.clone(), start.clone(), [0.0; 3]);
        for _ in 0..3 {
            group.next_batch(Feed::Training);
            alone.next_batch(Feed::Training);
            group.losses_and_gradients(&params, &mut gradients, &mut losses);
            for (k, row) in params.chunks_exact(n).enumerate() {
                let loss = alone.loss_and_gradients(row, &mut gradient);
                assert_eq!((loss.is_nan(), k == 1), (losses[k].is_nan(), losses[k].is_nan()));
                let same = |a: &f32, b: &f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                assert!(same(&loss, &losses[k]));
                assert!(gradient.iter().zip(&gradients[k * n..]).all(|(a, b)| same(a, b)));
            }
        }
        for split in Split::ALL {
            let mut means = [0.0; 3];
            group.mean_losses(split, &params, 30, &mut means);
            let mean = alone.mean_loss(split, &params[2 * n..], 30);
            assert_eq!((means[1].is_nan(), means[2].to_bits()), (true, mean.to_bits()));
        }
    }
}

#[test]
fn training_lowers_the_loss_on_the_test_split() {
    let task = &variants()[0];
    let (mut problem, mut params) = start::<f32>(task, 3);
    let mut gradients = params.clone();
    let before = problem.mean_loss(Split::Test, &params, 20);
    for _ in 0..200 {
        problem.next_batch(Feed::Training);
        problem.loss_and_gradients(&params, &mut gradients);
        params.iter_mut().zip(&gradients).for_each(|(p, g)| *p -= 0.05 * g);
    }
    assert!(problem.mean_loss(Split::Test, &params, 20) < 0.8 * before);
}
