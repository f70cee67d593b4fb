//! What a run of a sweep has to do: its blocks and shards.

use std::collections::HashSet;
use std::sync::Arc;

use taskset_datasets::Datasets;
use taskset_optim::{Mode, Optimizer};
use taskset_tasks::Task;
use taskset_train::{configure, nominal_seconds};
use taskset_trial::{Identifier, Protocol, TrialId, TrialSpec};

use crate::Error;
use crate::plan_block::{Block, BlockTask, BuiltTasks};
use crate::shard::Shard;
use crate::shard_division::{ShardSize, divide};

/// All trials of some tasks × optimizers × replicas, ready to run.
///
/// Trials are divided among *shards*: trials of one task, which are trained by one thread and stored as one file. A
/// [`Directory`](crate::Directory) runs them.
#[derive(Debug)]
pub struct Sweep {
    pub(crate) blocks: Vec<Block>,
    /// Longest shards first, so that the last ones to finish are short.
    pub(crate) shards: Vec<Shard>,
    /// Trials in lockstep; `None`: as many as each task asks for.
    pub(crate) group_size: Option<usize>,
    pub(crate) built: BuiltTasks,
    /// Whether the shards are those of a plan, so that several processes divide the same ones.
    pub(crate) planned: bool,
}

impl Sweep {
    /// The sweep of tasks and optimizers by their names. The tasks are built now (data is loaded once and shared).
    ///
    /// # Errors
    /// Unknown names, infeasible tasks, missing data; [`Error::EmptyPlan`]; a protocol that cannot be.
    pub fn new(
        tasks: &[impl AsRef<str>],
        optimizers: &[impl AsRef<str>],
        replicas: u32,
        protocol: Protocol,
        mode: Mode,
        data: &Datasets,
    ) -> Result<Self, Error> {
        taskset_train::check_protocol(&protocol)?;
        let build = |name: &str| taskset_tasks::build(name, data);
        let tasks = tasks.iter().map(|name| build(name.as_ref())).collect::<Result<_, _>>()?;
        let optimizer = |name: &str| -> Result<Arc<dyn Optimizer>, Error> {
            Ok(Arc::new(configure(&taskset_optim::named(name)?, mode, &protocol)?))
        };
        let optimizers =
            optimizers.iter().map(|name| optimizer(name.as_ref())).collect::<Result<_, Error>>()?;
        Self::of(tasks, optimizers, replicas, protocol)
    }

    /// A sweep of tasks that are already built and of any optimizers, for example the caller's own. If a task does not say
    /// its [version](Task::version), its curves are stored, but never found again by another sweep.
    ///
    /// # Errors
    /// [`Error::EmptyPlan`] if there is nothing to train, errors of [`check_protocol`](taskset_train::check_protocol), and
    /// [`Error::SameName`] if two different optimizers have one name.
    pub fn of(
        tasks: Vec<Arc<dyn Task>>,
        optimizers: Vec<Arc<dyn Optimizer>>,
        replicas: u32,
        protocol: Protocol,
    ) -> Result<Self, Error> {
        let of_block = tasks.iter().map(|task| BlockTask::built(Arc::clone(task))).collect();
        let block = Block::of(of_block, optimizers, replicas, protocol)?;
        let cost =
            |task: &Arc<dyn Task>| (nominal_seconds(&**task, &protocol), block.group_size(&**task, None));
        let costs: Vec<(f64, usize)> = tasks.iter().map(cost).collect();
        let trials = block.trials_per_task();
        let seconds = costs.iter().map(|(seconds, _)| seconds * trials as f64).sum();
        let size = ShardSize::of(seconds, trials * block.tasks.len() as u64);
        // A trial that is named twice is trained once.
        let mut known = HashSet::new();
        let divided = costs.into_iter().enumerate();
        let shards =
            divided.flat_map(|(task, cost)| divide(&block, (0, task), cost, &size, |id| known.insert(*id)));
        let shards = shards.collect();
        Ok(Self::with_shards(vec![block], shards, false))
    }

    pub(crate) fn with_shards(blocks: Vec<Block>, mut shards: Vec<Shard>, planned: bool) -> Self {
        shards.iter_mut().zip(0..).for_each(|(shard, number)| shard.number = number);
        shards.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        Self { blocks, shards, group_size: None, built: BuiltTasks::default(), planned }
    }

    /// The trials, shard by shard.
    pub fn specs(&self) -> impl Iterator<Item = TrialSpec> {
        self.shards
            .iter()
            .flat_map(|shard| shard.numbers().map(|trial| self.blocks[shard.block].spec(shard.task, trial)))
    }

    /// The identities of the trials.
    pub fn ids(&self) -> HashSet<TrialId> {
        let mut identifier = Identifier::default();
        self.specs().map(|spec| identifier.id(&spec)).collect()
    }

    /// Number of trials.
    pub fn len(&self) -> u64 {
        self.shards.iter().map(Shard::len).sum()
    }

    /// Whether there is no trial: all of them were planned before.
    pub fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    /// The same sweep with at most `size` trials in lockstep, instead of as many as each task asks for. Curves are the
    /// same for every size; this is for measuring time, and for testing that.
    #[must_use]
    pub fn with_group_size(self, size: usize) -> Self {
        Self { group_size: Some(size.max(1)), ..self }
    }
}
