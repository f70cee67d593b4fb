//! Whole trials of a task, evaluations included, as the program runs them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use taskset_datasets::{Datasets, Source};
use taskset_names::Split;
use taskset_optim::{Configured, Mode, named};
use taskset_tasks::Task;
use taskset_train::{Protocol, Quiet, run_trial};

use crate::workloads::task_of;

/// A task that is trained from its start each time.
pub(crate) struct Whole {
    task: Arc<dyn Task>,
    optimizer: Configured,
}

impl Whole {
    /// On a stand-in for its data, with `adam_lr_-3.00`.
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let data = Datasets::new(Source::Synthetic);
        let task = taskset_tasks::build(task_of(name), &data).map_err(|error| error.to_string())?;
        let adam = named("adam_lr_-3.00").and_then(|adam| adam.configured(Mode::Upstream, 10_000));
        let optimizer = adam.map_err(|error| error.to_string())?;
        Ok(Self { task, optimizer })
    }

    /// A trial of so many steps with an evaluation every 200; the last loss.
    pub(crate) fn run(&self, steps: u32) -> Result<f32, String> {
        let protocol = Protocol { steps, ..Protocol::PAPER };
        let never = AtomicBool::new(false);
        let curve = run_trial(&*self.task, &self.optimizer, 0, &protocol, &mut Quiet, &never);
        let curve = curve.map_err(|error| error.to_string())?;
        curve.losses[Split::Train.index()].last().copied().ok_or_else(|| "an empty curve".to_owned())
    }

    /// Floating-point operations of a step, without those of evaluations.
    pub(crate) fn flops(&self) -> f64 {
        self.task.flops_per_step()
    }
}
