//! The random data sets of losg problems and their minibatches.

use std::sync::Arc;

use taskset_datasets::IndexStream;
use taskset_rng::{Stream, StreamId};

use crate::Feed;
use crate::objectives::element_draw::ElementDraw;
use crate::objectives::feed::PerFeed;
use crate::objectives::real::Real;

/// Minibatches of example numbers: repeat for ever, shuffle through a buffer as large as the data set, cut into full
/// batches (which may be larger than the data set). Every split reads all of the data; the feeds differ in order only.
pub(super) struct Batches {
    streams: PerFeed<IndexStream>,
    batch: Vec<u32>,
}

impl Batches {
    /// Batches of `size` of the examples `0..examples` (at least 1).
    pub(super) fn new(replica: &StreamId, examples: usize, size: usize) -> Self {
        let all: Arc<[u32]> = (0..examples as u32).collect();
        let streams = PerFeed::new(&replica.child("batches"), |feed| {
            IndexStream::new(all.clone(), examples, feed.stream())
        });
        Self { streams, batch: vec![0; size] }
    }

    /// The next minibatch of a feed.
    pub(super) fn next(&mut self, feed: Feed) -> &[u32] {
        self.streams.get_mut(feed).next_batch(&mut self.batch);
        &self.batch
    }
}

/// Examples that are rows of a matrix, with their minibatches.
pub(super) struct Rows<T> {
    dim: usize,
    data: Vec<T>,
    batches: Batches,
}

impl<T: Real> Rows<T> {
    /// `samples` rows of independent N(0, 1) elements.
    pub(super) fn normal(replica: &StreamId, samples: usize, dim: usize, size: usize) -> Self {
        let data = normal_rows(replica, samples * dim);
        Self { dim, data, batches: Batches::new(replica, samples, size) }
    }

    /// ⌊samples/2⌋ rows of independent N(0, 1) elements, then the negative of each: a data set with mean 0.
    pub(super) fn symmetric(replica: &StreamId, samples: usize, dim: usize, size: usize) -> Self {
        let half = samples / 2;
        let mut data: Vec<T> = normal_rows(replica, half * dim);
        data.extend_from_within(..);
        for x in &mut data[half * dim..] {
            *x = -*x;
        }
        Self { dim, data, batches: Batches::new(replica, 2 * half, size) }
    }

    /// The rows of the next minibatch of a feed.
    pub(super) fn next(&mut self, feed: Feed) -> impl Iterator<Item = &[T]> {
        let (data, dim) = (&self.data, self.dim);
        self.batches.next(feed).iter().map(move |&i| &data[i as usize * dim..(i as usize + 1) * dim])
    }
}

fn normal_rows<T: Real>(replica: &StreamId, elements: usize) -> Vec<T> {
    let mut data = vec![T::zero(); elements];
    ElementDraw::STANDARD_NORMAL.fill(&mut replica.child("data").stream(), &mut data);
    data
}

/// Labels of rows of `dim` features by a random relu network: six layers of width 20 without biases, weights
/// N(0, 2/dim) in every layer; the label is whether the first output is positive.
pub(super) fn network_labels(features: &[f64], dim: usize, stream: &mut Stream) -> Vec<bool> {
    const WIDTH: usize = 20;
    const LAYERS: usize = 6;
    let weight = ElementDraw::Normal { mean: 0.0, std: (2.0 / dim as f64).sqrt() };
    let layers: Vec<Vec<f64>> =
        (0..LAYERS).map(|l| weight.many(stream, if l == 0 { dim } else { WIDTH } * WIDTH)).collect();
    let label = |row: &[f64]| {
        let mut hidden = row.to_vec();
        for layer in &layers {
            let mut next = vec![0.0; WIDTH];
            for (&h, weights) in hidden.iter().zip(layer.chunks_exact(WIDTH)) {
                for (n, &w) in next.iter_mut().zip(weights) {
                    *n += h * w;
                }
            }
            hidden = next.into_iter().map(|x| x.max(0.0)).collect();
        }
        hidden[0] > 0.0
    };
    features.chunks_exact(dim).map(label).collect()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "negation is exact")]
mod tests {
    use super::*;
    use taskset_names::Split;

    #[test]
    fn batches_are_full_even_if_larger_than_the_data() {
        let mut batches = Batches::new(&StreamId::root("t"), 3, 50);
        let batch = batches.next(Feed::Training).to_vec();
        assert_eq!(batch.len(), 50);
        assert!((0..3).all(|i| batch.contains(&i)) && batch.iter().all(|&i| i < 3));
        assert_ne!(batches.next(Feed::Evaluation(Split::Train)), batch);
    }

    #[test]
    fn symmetric_data_come_in_pairs() {
        let rows = Rows::<f64>::symmetric(&StreamId::root("t"), 9, 4, 2);
        assert_eq!(rows.data.len(), 8 * 4);
        for (x, y) in rows.data[..16].iter().zip(&rows.data[16..]) {
            assert_eq!(*x, -y);
        }
    }

    #[test]
    fn labels_of_many_networks_are_mixed() {
        let mut stream = StreamId::root("t").stream();
        let (mut ones, mut all) = (0, 0);
        for _ in 0..40 {
            let features = ElementDraw::STANDARD_NORMAL.many(&mut stream, 25 * 5);
            let labels = network_labels(&features, 5, &mut stream);
            assert_eq!(labels.len(), 25);
            all += labels.len();
            ones += labels.iter().filter(|&&l| l).count();
        }
        assert!(ones > all / 5 && ones < all * 4 / 5, "{ones} of {all}");
    }
}
