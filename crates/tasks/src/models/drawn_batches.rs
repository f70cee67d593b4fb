//! Data whose minibatches are independent draws.

use std::fmt::Debug;
use std::sync::Arc;

use taskset_names::{Origin, Split};
use taskset_nn::{BatchMut, Scalar};
use taskset_rng::{Stream, StreamId};
use taskset_trial::Digest;

use super::network_task::{Batches, Data};
use crate::Feed;
use crate::objectives::feed::PerFeed;

/// How to draw a minibatch: from a distribution, or with replacement from examples in memory.
pub trait Draw: Debug + Send + Sync + 'static {
    /// Examples of a minibatch, 1 at least.
    fn batch_size(&self) -> usize;

    /// Whether the data are real (the default, also for tasks without data), a part of the real data, or a stand-in.
    fn origin(&self) -> Origin {
        Origin::Real
    }

    /// What decides the minibatches, as a text that changes whenever they change: parameters of the distribution, a version.
    /// `None`, the default, means that nobody can tell: curves are then never taken for those of a later run.
    fn description(&self) -> Option<String> {
        None
    }

    /// Digest of the examples in memory; `None` (the default) where minibatches are made up.
    fn digest(&self) -> Option<Digest> {
        None
    }

    /// Writes a minibatch of a split: all of `batch`, in the layout of the network's input
    /// ([`Shape`](taskset_nn::Shape)); what it holds before is arbitrary. Everything random must come from `stream`. Draw in
    /// the same way whatever `T` is, and convert: both precisions must see the same examples.
    fn draw<T: Scalar>(&self, split: Split, stream: &mut Stream, batch: BatchMut<'_, T>);
}

/// [`Data`] for a [`NetworkTask`](crate::NetworkTask) from a [`Draw`]. Streams of a replica: `batches`/feed for the draws and
/// `noise`/feed for the network's noise, a feed being `training` or `evaluation`/split.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<D>(pub D);

impl<D: Draw> Data for Drawn<D> {
    fn origin(&self) -> Origin {
        self.0.origin()
    }

    fn batch_size(&self) -> usize {
        self.0.batch_size()
    }

    fn description(&self) -> Option<String> {
        self.0.description()
    }

    fn digest(&self) -> Option<Digest> {
        self.0.digest()
    }

    fn open<T: Scalar>(self: &Arc<Self>, replica: &StreamId) -> Box<dyn Batches<T>> {
        let streams = |name: &str| PerFeed::new(&replica.child(name), |id| id.stream());
        Box::new(DrawnBatches {
            data: Arc::clone(self),
            batches: streams("batches"),
            noise: streams("noise"),
        })
    }
}

#[derive(Debug)]
struct DrawnBatches<D> {
    data: Arc<Drawn<D>>,
    batches: PerFeed<Stream>,
    noise: PerFeed<Stream>,
}

impl<T: Scalar, D: Draw> Batches<T> for DrawnBatches<D> {
    fn next(&mut self, feed: Feed, batch: BatchMut<'_, T>) -> &mut Stream {
        self.data.0.draw(feed.split(), self.batches.get_mut(feed), batch);
        self.noise.get_mut(feed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::models::testing::{check, train};
    use crate::{Error, NetworkTask};
    use taskset_nn::{Activation, Dropout, Loss, Network, Shape};

    /// Points of two classes, around 1 and -1 in both coordinates.
    #[derive(Clone, Copy, Debug)]
    pub(in crate::models) struct Clouds {
        pub(in crate::models) batch_size: usize,
    }

    impl Draw for Clouds {
        fn batch_size(&self) -> usize {
            self.batch_size
        }

        fn draw<T: Scalar>(&self, split: Split, stream: &mut Stream, batch: BatchMut<'_, T>) {
            for (point, label) in batch.features.chunks_exact_mut(2).zip(batch.labels) {
                *label = stream.below(2) as u16;
                let centre = if *label == 0 { -1.0 } else { 1.0 };
                // The other splits have wider clouds.
                let width = if split == Split::Train { 0.5 } else { 0.8 };
                point.iter_mut().for_each(|x| *x = T::of(centre + width * stream.normal()));
            }
        }
    }

    #[test]
    fn networks_on_drawn_minibatches_are_tasks() {
        let mut network = Network::mlp(2, &[8, 2], Activation::Tanh, Loss::SoftmaxCrossEntropy);
        network.layers.insert(2, Dropout { keep: 0.9 }.into());
        let task = NetworkTask::new("clouds", network, Drawn(Clouds { batch_size: 16 })).unwrap();
        check(&task);
        let (before, after) = train(&task, 100, 0.02);
        assert!(after < 0.5 * before, "{before} {after}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let task = |inputs, outputs: &[usize], batch_size| {
            let mut network = Network::mlp(2, outputs, Activation::Tanh, Loss::SoftmaxCrossEntropy);
            network.input = inputs;
            NetworkTask::new("t", network, Drawn(Clouds { batch_size })).err().map(|error| error.to_string())
        };
        assert!(task(Shape::Features(2), &[2], 0).unwrap().contains("one example at least"));
        let tokens = Shape::Tokens { length: 2, vocabulary: 3 };
        assert!(task(tokens, &[2], 4).unwrap().contains("layer 0"));
        assert_eq!(task(Shape::Features(2), &[2], 4), None);
        let error = NetworkTask::new(
            "t",
            Network::mlp(2, &[0], Activation::Relu, Loss::SoftmaxCrossEntropy),
            Drawn(Clouds { batch_size: 1 }),
        );
        assert!(matches!(error, Err(Error::Infeasible { .. })));
    }
}
