//! Ways to turn curves into scores.

use taskset_names::Split;
use taskset_normalize::{Best, Initial, Normalizer, Replicas, Upper};

use crate::Error;

/// One way to turn curves into scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reading {
    /// Name of the normaliser.
    pub(crate) normalizer: &'static str,
    /// What is changed about it.
    pub(crate) change: Option<Change>,
    /// Only the first 1/n of the training counts; 1: all of it.
    pub(crate) part: u32,
}

/// A change of one detail of a normaliser, to see what depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Each replica is scored by itself.
    AverageScores,
    /// Configurations are chosen, and references set, on the inner validation split.
    ValidInner,
    /// 0 is the lowest loss of any single replica.
    BestReplica,
    /// 1 is each curve's own first loss.
    OwnInitial,
}

impl Reading {
    /// Whole curves under a normaliser.
    pub(crate) const fn whole(normalizer: &'static str) -> Self {
        Self { normalizer, change: None, part: 1 }
    }

    /// Its normaliser.
    ///
    /// # Errors
    /// Only for a name that no normaliser has.
    pub(crate) fn normalizer(&self) -> Result<Normalizer, Error> {
        let normalizer = taskset_normalize::named(self.normalizer)?;
        Ok(match self.change {
            None => normalizer,
            Some(Change::AverageScores) => Normalizer { replicas: Replicas::AverageScores, ..normalizer },
            Some(Change::ValidInner) => Normalizer { selection: Split::ValidInner, ..normalizer },
            Some(Change::BestReplica) => Normalizer { best: Best::SingleReplica, ..normalizer },
            Some(Change::OwnInitial) => {
                Normalizer { upper: Upper::Initial(Initial::OwnFirstPoint), ..normalizer }
            }
        })
    }
}
