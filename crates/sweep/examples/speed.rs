//! How much of the raw training speed a sweep keeps: `cargo run --release -p taskset-sweep --example speed -- [ROUNDS] [TRIALS]`.
//!
//! For some fast tasks, trials of 10,000 steps with an evaluation every 200 are trained in lockstep groups without storing
//! anything, and as a sweep into a temporary directory, in turns on one thread. Processor time is compared, and the best round
//! of each counts: other programs only slow rounds down.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use taskset_datasets::{Datasets, Source};
use taskset_optim::{Mode, Optimizer};
use taskset_sweep::{Directory, RunOptions, Sweep};
use taskset_tasks::Task;
use taskset_train::{Group, Quiet, configure};
use taskset_trial::Protocol;

const TASKS: [&str; 5] = [
    "TwoD_Rosenbrock",
    "TwoD_Bowl1",
    "quadratic_family_seed3",
    "quadratic_family_seed1",
    "losg_tasks_family_seed0",
];
const PROTOCOL: Protocol = Protocol { steps: 10_000, eval_every: 200, eval_batches: 50 };

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let rounds = numbers.next().transpose()?.unwrap_or(5);
    let trials = numbers.next().transpose()?.unwrap_or(200);
    let names: Vec<String> = (0..trials).map(|seed| format!("adam8p_wide_grid_seed{seed}")).collect();
    let data = Datasets::new(Source::Synthetic);
    println!("{:<28} {:>12} {:>12} {:>8}", "task", "raw /s", "sweep /s", "share");
    for name in TASKS {
        let task = taskset_tasks::build(name, &data)?;
        let configured = |name: &String| -> Result<Arc<dyn Optimizer>, Box<dyn std::error::Error>> {
            Ok(Arc::new(configure(&taskset_optim::named(name)?, Mode::Upstream, &PROTOCOL)?))
        };
        let optimizers: Vec<Arc<dyn Optimizer>> = names.iter().map(configured).collect::<Result<_, _>>()?;
        let (mut raw, mut swept) = (Duration::MAX, Duration::MAX);
        for _ in 0..rounds {
            raw = raw.min(processor_time(|| train(&*task, &optimizers)));
            swept = swept.min(processor_time(|| sweep(&task, &optimizers)));
        }
        let rate = |time: Duration| trials as f64 / time.as_secs_f64();
        let share = raw.as_secs_f64() / swept.as_secs_f64();
        println!("{name:<28} {:>12.1} {:>12.1} {share:>8.3}", rate(raw), rate(swept));
    }
    Ok(())
}

/// All trials, as groups, without storing anything.
fn train(task: &dyn Task, optimizers: &[Arc<dyn Optimizer>]) {
    for group in optimizers.chunks(task.capabilities().lockstep.max(1)) {
        let group: Vec<&dyn Optimizer> = group.iter().map(|optimizer| &**optimizer).collect();
        let curves = Group::of(task, &group, 0, &PROTOCOL).train(None, None, &|| false);
        assert!(curves.is_ok_and(|curves| curves.len() == group.len()), "a group could not be trained");
    }
}

/// The same as a sweep.
fn sweep(task: &Arc<dyn Task>, optimizers: &[Arc<dyn Optimizer>]) {
    let place = tempfile::tempdir().expect("a temporary directory can be made");
    let sweep =
        Sweep::of(vec![Arc::clone(task)], optimizers.to_vec(), 1, PROTOCOL).expect("the sweep can be made");
    let directory = Directory::at(place.path());
    let outcome = directory.run(&sweep, &RunOptions::new(1), &mut Quiet, &AtomicBool::new(false));
    assert_eq!(outcome.expect("the sweep runs").trained, optimizers.len());
}

/// Processor time of the whole process while this runs.
fn processor_time(work: impl FnOnce()) -> Duration {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let start = now();
    work();
    now() - start
}
