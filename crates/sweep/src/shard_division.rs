//! How the trials of a task are divided among shards.

use std::ops::Range;

use taskset_trial::{Identifier, TrialId};

use crate::plan_block::Block;
use crate::shard::{Shard, shard_id};

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
