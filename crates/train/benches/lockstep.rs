//! Microseconds a step and trial, trained alone and in lockstep: what `Task::lockstep` is chosen by.
//!
//! `cargo bench -p taskset-train --bench lockstep -- NAME…`; names as `taskset-rs tasks list` takes them. Every number is the
//! median over rounds in which all group sizes take turns.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod timing;
mod trials;

use taskset_datasets::{Datasets, Source};
use taskset_nn::denormals::FlushGuard;
use taskset_tasks::Task;
use taskset_train::machine_description;

use timing::{median, micros};
use trials::Trials;

/// Rounds, and seconds a group size gets in each.
const ROUNDS: usize = 5;
const SECONDS: f64 = 0.15;
/// Trials in lockstep.
const SIZES: [usize; 6] = [1, 4, 8, 12, 24, 48];

/// Small and large, with and without noise or augmentation.
const TASKS: [&str; 17] = [
    "quadratic_family_seed2",
    "quadratic_family_seed17",
    "quadratic_family_seed13",
    "quadratic_family_seed15",
    "quadratic_family_seed1",
    "quadratic_family_seed20",
    "losg_tasks_family_seed0",
    "losg_tasks_family_seed1",
    "losg_tasks_family_seed2",
    "losg_tasks_family_seed4",
    "mlp_family_seed3",
    "mlp_family_seed12",
    "mlp_family_seed131",
    "mlp_family_seed24",
    "mlp_family_seed109",
    "conv_fc_family_seed11",
    "TwoD_Rosenbrock",
];

fn main() {
    let mut patterns: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    if patterns.is_empty() {
        patterns = TASKS.map(str::to_owned).to_vec();
    }
    let data = Datasets::new(Source::Synthetic);
    let names = match taskset_tasks::select(&patterns) {
        Ok(names) => names,
        Err(error) => return println!("{error}"),
    };
    let _flush = FlushGuard::new();
    println!("{}, one thread; µs a step and trial, by trials in lockstep", machine_description());
    let header: String = SIZES.iter().map(|size| format!("{size:>9}")).collect();
    println!("{:<42} {:>6} {header} {:>6} {:>5}", "task", "n", "gain", "asks");
    for name in names {
        match taskset_tasks::build(&name, &data) {
            Ok(task) => line(&*task),
            Err(error) => println!("{error}"),
        }
    }
}

fn line(task: &dyn Task) {
    let mut groups = SIZES.map(|size| Trials::new(task, size));
    let mut times = vec![Vec::new(); SIZES.len()];
    for _ in 0..ROUNDS {
        for (group, times) in groups.iter_mut().zip(&mut times) {
            let step = || {
                group.step();
            };
            times.push(micros(SECONDS, 4, &mut { step }) / group.count() as f64);
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|m| median(m)).collect();
    let shown: String = medians.iter().map(|m| format!("{m:>9.2}")).collect();
    let best = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let gain = medians[0] / best;
    println!(
        "{:<42} {:>6} {shown} {gain:>6.2} {:>5}",
        task.name(),
        task.layout().len(),
        task.capabilities().lockstep
    );
}
