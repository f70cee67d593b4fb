//! Trials of one task that are trained, committed and lost together.

use std::ops::Range;

use taskset_trial::{Digest, TrialId};

/// Trials of one task that are trained one after the other by one thread and committed as one file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shard {
    /// Name of its file: the beginning of a digest over the identities of its trials. Equal names hold equal curves.
    pub(crate) id: String,
    pub(crate) block: usize,
    pub(crate) task: usize,
    /// Numbers of its trials among those of the task in the block.
    pub(crate) trials: Vec<Range<u64>>,
    /// Its place in the plan, from 0. It stays when the plan grows.
    pub(crate) number: usize,
    /// Estimated seconds of work on a made-up machine ([`taskset_train::nominal_seconds`]).
    pub(crate) seconds: f64,
}

/// Digits of a shard's name.
const ID_DIGITS: usize = 24;

impl Shard {
    pub(crate) fn len(&self) -> u64 {
        self.trials.iter().map(|range| range.end - range.start).sum()
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.trials.iter().flat_map(Clone::clone)
    }

    /// Name of its file in the folder of shards.
    pub(crate) fn file(&self) -> String {
        committed_file(&self.id)
    }

    /// Name of the file with its finished curves, while it is not committed.
    pub(crate) fn partial_file(&self) -> String {
        format!("{}/{}", crate::storage::CHECKPOINTS, file_name(&self.id))
    }
}

/// The file of a committed shard.
pub(crate) fn committed_file(id: &str) -> String {
    format!("{}/{}", crate::storage::SHARDS, file_name(id))
}

/// Its name without the folder; that of its finished curves, while it is not committed, is the same.
pub(crate) fn file_name(id: &str) -> String {
    format!("{id}.parquet")
}

/// The name of a shard of these trials.
pub(crate) fn shard_id(ids: &[TrialId]) -> String {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.0.0).collect();
    Digest::of(&bytes).to_string()[..ID_DIGITS].to_owned()
}
