//! One value per feed, such as a stream, so that evaluation never shifts training.

use taskset_names::Split;
use taskset_rng::StreamId;

use crate::Feed;

/// One value for training and one for the evaluation of each split.
#[derive(Clone, Debug)]
pub(crate) struct PerFeed<S> {
    training: S,
    evaluation: [S; 4],
}

impl<S> PerFeed<S> {
    /// Makes each value from its feed's name under `parent`: `training` or `evaluation`/split.
    pub(crate) fn new(parent: &StreamId, mut make: impl FnMut(StreamId) -> S) -> Self {
        let evaluation = parent.child("evaluation");
        Self {
            training: make(parent.child("training")),
            evaluation: Split::ALL.map(|split| make(evaluation.child(split.name()))),
        }
    }

    /// The value of a feed.
    pub(crate) fn get_mut(&mut self, feed: Feed) -> &mut S {
        match feed {
            Feed::Training => &mut self.training,
            Feed::Evaluation(split) => &mut self.evaluation[split.index()],
        }
    }
}
