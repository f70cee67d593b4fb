//! Tasks of every kind and some optimizers.

use std::sync::LazyLock;

use taskset_datasets::{Datasets, Source};
use taskset_train::Curve;

pub(crate) const TASKS: [&str; 5] = [
    "TwoD_Rosenbrock",
    "quadratic_family_seed3",
    "losg_tasks_family_seed0",
    "losg_tasks_family_seed3",
    "mlp_family_seed131",
];
pub(crate) const OPTIMIZERS: [&str; 4] =
    ["adam8p_wide_grid_seed0", "adam1p_wide_grid_seed1", "nadamw_grid_seed107", "adam_lr_1.00"];

/// One copy for all tests of the binary: making stand-ins takes longer than training on them here.
pub(crate) static DATA: LazyLock<Datasets> = LazyLock::new(|| Datasets::new(Source::Synthetic));

/// The curves without their timings and with losses as bits, so that NaN equals itself.
pub(crate) fn bits(curves: &[Curve]) -> Vec<String> {
    let show = |c: &Curve| {
        let losses: Vec<u32> = c.losses.iter().flatten().map(|loss| loss.to_bits()).collect();
        let (task, optimizer, replica) = (c.task(), c.optimizer(), c.replica());
        format!("{task} {optimizer} {replica} {:?} {losses:?} {:?} {}", c.steps, c.diverged_at, c.num_params)
    };
    curves.iter().map(show).collect()
}
