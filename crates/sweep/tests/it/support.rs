//! A small plan over every kind of task, and a place to store it.

use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use taskset_datasets::{Datasets, Source};
use taskset_optim::Mode;
use taskset_sweep::{Directory, Outcome, RunOptions, Sweep, SweepObserver};
use taskset_trial::{Curve, Protocol};

pub(crate) const TASKS: [&str; 5] = [
    "TwoD_Rosenbrock",
    "quadratic_family_seed3",
    "losg_tasks_family_seed0",
    "losg_tasks_family_seed3",
    "mlp_family_seed131",
];
pub(crate) const OPTIMIZERS: [&str; 4] =
    ["adam8p_wide_grid_seed0", "adam1p_wide_grid_seed1", "nadamw_grid_seed107", "adam_lr_1.00"];

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

/// One copy for all tests of the binary: making stand-ins takes longer than training on them here.
pub(crate) static DATA: LazyLock<Datasets> = LazyLock::new(|| Datasets::new(Source::Synthetic));

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

/// The curves without their timings and with losses as bits, so that NaN equals itself.
pub(crate) fn bits(curves: &[Curve]) -> Vec<String> {
    let show = |c: &Curve| {
        let losses: Vec<u32> = c.losses.iter().flatten().map(|loss| loss.to_bits()).collect();
        let (task, optimizer, replica) = (c.task(), c.optimizer(), c.replica());
        format!("{task} {optimizer} {replica} {:?} {losses:?} {:?} {}", c.steps, c.diverged_at, c.num_params)
    };
    curves.iter().map(show).collect()
}
