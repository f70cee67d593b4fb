//! From names, ranges and sets to tasks and optimizers, with what they cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::Serialize;
use taskset_datasets::{Datasets, Source};
use taskset_names::Origin;
use taskset_optim::Optimizer;
use taskset_train::{MachineRate, Rejection, configure, nominal_seconds, screen, task_identity};

use crate::Error;
use crate::plan_block::{Block, BlockTask, TaskSource};
use crate::plan_file::PlanBlock;

/// Where data of each kind comes from.
#[derive(Clone, Debug)]
pub struct DataSources {
    real: Datasets,
    partial: Datasets,
    synthetic: Datasets,
}

impl DataSources {
    /// Real and partial data from `data`, whatever that is; stand-ins for what asks for them.
    pub fn new(data: Datasets) -> Self {
        Self {
            real: data.clone().allow_partial(false),
            partial: data.allow_partial(true),
            synthetic: Datasets::new(Source::Synthetic),
        }
    }

    /// The data sets of a kind.
    pub(crate) fn of(&self, origin: Origin) -> &Datasets {
        match origin {
            Origin::Real => &self.real,
            Origin::Partial => &self.partial,
            Origin::Synthetic => &self.synthetic,
        }
    }

    /// The directory of real data.
    pub(crate) fn directory(&self) -> Option<&std::path::Path> {
        match self.real.source() {
            Source::Directory(directory) => Some(directory),
            Source::Synthetic => None,
        }
    }
}

/// What the trials of a task in a block will take, as estimated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskEstimate {
    /// The task.
    pub task: String,
    /// Trials that are new.
    pub trials: u64,
    /// Minutes of a trial on one core of this machine, alone. Good to a factor of about two.
    pub minutes_per_trial: f64,
    /// Hours of one core for all of them.
    pub core_hours: f64,
    /// Megabytes that a worker needs for parameters, gradients and optimizer states, besides data and activations.
    pub memory_mb: f64,
    /// Megabytes of their curves on disk.
    pub disk_mb: f64,
}

/// A block whose names are expanded.
pub(crate) struct Expanded {
    pub(crate) block: Block,
    pub(crate) tasks: Vec<TaskCost>,
    /// Tasks that a range or pattern named and that are left out, with the reason.
    pub(crate) left_out: Vec<(String, String)>,
    /// Names of the optimizers.
    pub(crate) optimizers: Vec<String>,
}

/// What a task of a block costs.
#[derive(Clone, Copy)]
pub(crate) struct TaskCost {
    /// Of a trial, on the made-up machine.
    pub(crate) seconds: f64,
    /// Trials in lockstep.
    pub(crate) group: usize,
    /// Of a trial, on a core of this machine.
    pub(crate) minutes: f64,
    /// Bytes of a trial's parameters and states.
    pub(crate) bytes: usize,
}

/// Bytes of a curve on disk, besides its losses, as measured on sweeps of many kinds.
const CURVE_BYTES: f64 = 90.0;
/// Bytes of a loss on disk: floats hardly compress.
const LOSS_BYTES: f64 = 3.6;

impl TaskCost {
    /// Of the parameters and states of a group.
    pub(crate) fn memory_mb(&self) -> f64 {
        (self.bytes * self.group) as f64 / 1e6
    }

    pub(crate) fn estimate(&self, task: &str, trials: u64, evaluations: usize) -> TaskEstimate {
        let curve = CURVE_BYTES + 4.0 * LOSS_BYTES * evaluations as f64;
        TaskEstimate {
            task: task.to_owned(),
            trials,
            minutes_per_trial: self.minutes,
            core_hours: self.minutes / 60.0 * trials as f64,
            memory_mb: self.memory_mb(),
            disk_mb: curve * trials as f64 / 1e6,
        }
    }
}

/// Expands the names of a block, builds its tasks once to see that they can be, and measures nothing but this machine's speed.
///
/// # Errors
/// Unknown names; [`Error::Infeasible`] for tasks that are named one by one and cannot be built; missing data;
/// [`Error::EmptyPlan`] if no task is left.
pub(crate) fn expand(
    asked: &PlanBlock,
    data: &DataSources,
    rate: &MachineRate,
    cancel: &AtomicBool,
) -> Result<Option<Expanded>, Error> {
    let (names, left_out) = feasible(asked, rate)?;
    let optimizers = taskset_optim::select(&asked.optimizers)?;
    let (mode, protocol) = (asked.mode()?, asked.protocol());
    let configured =
        optimizers.iter().map(|name| optimizer(name, asked, mode)).collect::<Result<_, Error>>()?;
    let origin = asked.origin().unwrap_or(Origin::Real);
    let datasets = data.of(origin);
    if origin != Origin::Synthetic && data.directory().is_none() {
        return Err(Error::StandIns { origin, tasks: asked.tasks.join(", ") });
    }
    let built: Vec<Option<Result<_, taskset_tasks::Error>>> = names
        .par_iter()
        .map(|(name, minutes)| {
            (!cancel.load(Ordering::Relaxed)).then(|| {
                let task = taskset_tasks::build(name, datasets)?;
                let source = TaskSource::Named(datasets.clone());
                Ok((BlockTask { identity: Arc::new(task_identity(&*task)), source }, task, *minutes))
            })
        })
        .collect();
    let Some(built) = built.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
    let built = built.into_iter().collect::<Result<Vec<_>, _>>()?;
    let tasks = built.iter().map(|(task, ..)| task.clone()).collect();
    let block = Block::of(tasks, configured, asked.replicas, protocol)?;
    let cost = |(_, task, minutes): &(BlockTask, Arc<dyn taskset_tasks::Task>, f64)| TaskCost {
        seconds: nominal_seconds(&**task, &protocol),
        group: block.group_size(&**task, None),
        minutes: *minutes,
        bytes: block.trial_bytes(&**task),
    };
    let tasks = built.iter().map(cost).collect();
    Ok(Some(Expanded { block, tasks, left_out, optimizers }))
}

/// An optimizer of a block.
pub(crate) fn optimizer(
    name: &str,
    asked: &PlanBlock,
    mode: taskset_optim::Mode,
) -> Result<Arc<dyn Optimizer>, Error> {
    let named = taskset_optim::named(name)?;
    let takes_steps = named.family.info().needs_horizon;
    Ok(match asked.schedule_steps.filter(|_| takes_steps) {
        Some(steps) => Arc::new(named.configured(mode, steps)?),
        None => Arc::new(configure(&named, mode, &asked.protocol())?),
    })
}

/// The tasks that can be built, with the minutes of a trial, and those that are left out.
#[expect(clippy::type_complexity, reason = "a pair that is taken apart at once")]
fn feasible(
    asked: &PlanBlock,
    rate: &MachineRate,
) -> Result<(Vec<(String, f64)>, Vec<(String, String)>), Error> {
    let (protocol, most_minutes) = (asked.protocol(), asked.max_minutes.unwrap_or(f64::INFINITY));
    let screened: Vec<_> = taskset_tasks::select(&asked.tasks)?
        .into_par_iter()
        .map(|name| {
            let screened = screen(&taskset_tasks::describe(&name)?, &protocol, rate, most_minutes);
            Ok((name, screened))
        })
        .collect::<Result<_, taskset_tasks::Error>>()?;
    let (mut names, mut left_out, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (name, screened) in screened {
        match screened {
            Ok(minutes) => names.push((name, minutes)),
            // That a trial takes too long was asked for; that a task cannot be built was not.
            Err(Rejection::Infeasible { reason }) if asked.tasks.contains(&name) => {
                refused.push((name, reason));
            }
            Err(rejection) => left_out.push((name, rejection.to_string())),
        }
    }
    match (refused.is_empty(), names.is_empty(), left_out.first()) {
        (false, ..) => Err(Error::Infeasible { tasks: refused }),
        (true, true, Some((name, reason))) => {
            let (tasks, example) = (left_out.len(), format!("{name}: {reason}"));
            Err(Error::AllLeftOut { tasks, example })
        }
        _ => Ok((names, left_out)),
    }
}
