//! A small plan over every kind of task, and a place to store it.

use std::sync::atomic::AtomicBool;

use taskset_optim::Mode;
use taskset_sweep::{Directory, Outcome, RunOptions, Sweep, SweepObserver};
use taskset_trial::{Curve, Protocol};

// The same tasks, optimizers and data as those of the trainer's tests.
#[path = "../../../train/tests/it/support.rs"]
mod trials;

pub(crate) use trials::{DATA, OPTIMIZERS, TASKS, bits};

/// Trials by name.
#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) tasks: Vec<String>,
    pub(crate) optimizers: Vec<String>,
    pub(crate) replicas: u32,
    pub(crate) protocol: Protocol,
    pub(crate) mode: Mode,
}

pub(crate) fn names(tasks: &[&str], optimizers: &[&str], replicas: u32, protocol: Protocol) -> Names {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Names { tasks: names(tasks), optimizers: names(optimizers), replicas, protocol, mode: Mode::Upstream }
}

pub(crate) fn plan(tasks: &[&str]) -> Names {
    names(tasks, &OPTIMIZERS, 2, Protocol { steps: 25, eval_every: 10, eval_batches: 2 })
}

pub(crate) fn sweep(names: Names) -> Sweep {
    let Names { tasks, optimizers, replicas, protocol, mode } = names;
    Sweep::new(&tasks, &optimizers, replicas, protocol, mode, &DATA).unwrap()
}

pub(crate) fn run(
    sweep: &Sweep,
    directory: &Directory,
    jobs: usize,
    observer: &mut dyn SweepObserver,
    cancel: &AtomicBool,
) -> Outcome {
    directory.run(sweep, &RunOptions::new(jobs), observer, cancel).unwrap()
}

/// All stored curves.
pub(crate) fn stored(directory: &Directory) -> Vec<Curve> {
    directory.reader().unwrap().read_all().unwrap()
}
