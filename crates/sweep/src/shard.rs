//! Trials of one task that are trained, committed and lost together.

use std::ops::Range;

use taskset_trial::{Digest, Identifier, TrialId};

use crate::block::Block;

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

/// How large shards are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardSize {
    /// Seconds of work that a shard should have.
    seconds: f64,
    /// Most trials of a shard that is made larger for the sake of lockstep.
    fair: u64,
}

/// Seconds of a shard, on the made-up machine: at least so much, so that writing its file is a small part of the work, and
/// at most so much, so that a crash loses little.
const SECONDS: Range<f64> = 2.0..300.0;
/// Shards that a sweep should have at least: enough to keep many workers busy until the end.
const SHARDS: f64 = 200.0;
/// Beyond so many shards, they grow.
const MANY_SHARDS: f64 = 100_000.0;
/// Longest shard that a larger lockstep group may make.
const GROUP_SECONDS: f64 = 1800.0;
/// Least number of groups that a sweep should have: then no thread of a few waits long for the last group of another.
const GROUPS: u64 = 16;

impl ShardSize {
    /// For all the work of a plan: its seconds and number of trials.
    pub(crate) fn of(seconds: f64, trials: u64) -> Self {
        let target = (seconds / SHARDS).clamp(SECONDS.start, SECONDS.end).max(seconds / MANY_SHARDS);
        Self { seconds: target, fair: trials.div_ceil(GROUPS) }
    }

    /// Trials of a shard, for a task whose trials take so many seconds and are trained in lockstep in groups of this size.
    fn trials(&self, seconds: f64, group: usize) -> u64 {
        let by_cost = (self.seconds / seconds.max(1e-9)) as u64;
        let by_group = (group as u64).min(self.fair).min((GROUP_SECONDS / seconds.max(1e-9)) as u64);
        let trials = by_cost.max(by_group).max(1);
        // Whole groups, so that none is smaller than it need be.
        if trials > group as u64 { trials / group as u64 * group as u64 } else { trials }
    }
}

/// Divides the trials of a task among shards of similar cost. Trials that `wanted` refuses are left out.
pub(crate) fn divide(
    block: &Block,
    (block_number, task): (usize, usize),
    (seconds, group): (f64, usize),
    size: &ShardSize,
    mut wanted: impl FnMut(&TrialId) -> bool,
) -> Vec<Shard> {
    let most = size.trials(seconds, group);
    let mut identifier = Identifier::default();
    let mut shards = Vec::new();
    let mut ids: Vec<TrialId> = Vec::new();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut finish = |ids: &mut Vec<TrialId>, ranges: &mut Vec<Range<u64>>| {
        if !ids.is_empty() {
            shards.push(Shard {
                id: shard_id(ids),
                block: block_number,
                task,
                number: 0,
                trials: std::mem::take(ranges),
                seconds: seconds * ids.len() as f64,
            });
            ids.clear();
        }
    };
    for trial in 0..block.trials_per_task() {
        let id = identifier.id(&block.spec(task, trial));
        if !wanted(&id) {
            continue;
        }
        ids.push(id);
        match ranges.last_mut() {
            Some(range) if range.end == trial => range.end += 1,
            _ => ranges.push(trial..trial + 1),
        }
        if ids.len() as u64 == most {
            finish(&mut ids, &mut ranges);
        }
    }
    finish(&mut ids, &mut ranges);
    shards
}
