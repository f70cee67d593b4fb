//! A small plan over every kind of task, and a place to store it.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use taskset_curves::{CurveStore, Metadata};
use taskset_datasets::{Datasets, Source};
use taskset_optim::Mode;
use taskset_train::{Curve, Outcome, Protocol, Sweep, SweepObserver, SweepPlan};

pub(crate) const TASKS: [&str; 5] = [
    "TwoD_Rosenbrock",
    "quadratic_family_seed3",
    "losg_tasks_family_seed0",
    "losg_tasks_family_seed3",
    "mlp_family_seed131",
];
pub(crate) const OPTIMIZERS: [&str; 4] =
    ["adam8p_wide_grid_seed0", "adam1p_wide_grid_seed1", "nadamw_grid_seed107", "adam_lr_1.00"];

pub(crate) fn plan(tasks: &[&str]) -> SweepPlan {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    let protocol = Protocol { steps: 25, eval_every: 10, eval_batches: 2 };
    SweepPlan::new(names(tasks), names(&OPTIMIZERS), 2, protocol, Mode::Upstream).unwrap()
}

/// One copy for all tests of the binary: making stand-ins takes longer than training on them here.
pub(crate) static DATA: LazyLock<Datasets> = LazyLock::new(|| Datasets::new(Source::Synthetic));

pub(crate) fn sweep(plan: SweepPlan) -> Sweep {
    Sweep::new(&plan, &DATA).unwrap()
}

pub(crate) fn store(directory: &Path) -> CurveStore {
    let metadata = Metadata {
        program_version: "test".to_owned(),
        machine: "test".to_owned(),
        kernels: "test".to_owned(),
        threads: 1,
        slice: None,
    };
    CurveStore::open(directory, &metadata).unwrap()
}

pub(crate) fn run(
    sweep: &Sweep,
    store: &CurveStore,
    jobs: usize,
    observer: &mut dyn SweepObserver,
    cancel: &AtomicBool,
) -> Outcome {
    sweep.run(store, jobs, observer, cancel).unwrap()
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
