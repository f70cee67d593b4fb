//! Builds every feasible sampled task, or some at random, and takes three steps of each. `cargo xtask sweep-check` runs it.
//!
//! It uses synthetic data, Adam with a learning rate of 0.001, and f32. A task fails if it cannot be built, if it has
//! another number of parameters than described, or if its gradient is not finite although the loss is. The last is no
//! failure where the gradient is finite in f64 and too large for f32 (recurrent networks with large weights). Tasks that
//! are left out are counted.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use taskset_datasets::{Datasets, Source};
use taskset_optim::{Configured, Mode, named};
use taskset_rng::StreamId;
use taskset_tasks::Description;
use taskset_train::{StepCheck, available_threads, check_operations, check_steps};

/// Steps of each task.
const STEPS: usize = 3;
/// Operations beyond which a task is skipped: about ten seconds.
const MOST_OPERATIONS: f64 = 4e11;
/// How many of the slowest tasks are shown.
const SHOWN: usize = 10;

/// What became of a task.
enum Fate {
    Checked(StepCheck),
    Failed(String),
}

/// Builds every feasible sampled task, or some at random, and takes three steps of each.
#[derive(Parser)]
#[command(bin_name = "cargo xtask sweep-check")]
struct Options {
    /// So many feasible tasks at random, instead of all of the 12 × 1,000 names.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Which ones.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Only tasks that take more operations than this, in billions: with 400, those that are skipped by default.
    #[arg(long, value_name = "G")]
    min_gflop: Option<f64>,
    /// Skip tasks that take more operations than this, in billions [default: 400, with --min-gflop none].
    #[arg(long, value_name = "G")]
    max_gflop: Option<f64>,
}

impl Options {
    fn least_operations(&self) -> Option<f64> {
        self.min_gflop.map(|gflop| gflop * 1e9)
    }

    fn most_operations(&self) -> f64 {
        let usual = if self.min_gflop.is_some() { f64::INFINITY } else { MOST_OPERATIONS };
        self.max_gflop.map_or(usual, |gflop| gflop * 1e9)
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Checks the chosen tasks and returns whether all passed.
fn run(options: &Options) -> Result<bool, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let mut feasible = Vec::new();
    let (mut names, mut infeasible) = (0, 0);
    for family in taskset_tasks::families() {
        for name in taskset_tasks::select(&[family.name]).map_err(|e| text(&e))? {
            let description = taskset_tasks::describe(&name).map_err(|e| text(&e))?;
            names += 1;
            if description.feasible { feasible.push(description) } else { infeasible += 1 }
        }
    }
    println!("{names} names: {} feasible, {infeasible} infeasible", feasible.len());
    if let Some(count) = options.count {
        StreamId::root("sweep-check").index(options.seed).stream().shuffle(&mut feasible);
        feasible.truncate(count);
        println!("{} of the feasible at random, seed {}", feasible.len(), options.seed);
    }
    if let Some(least) = options.least_operations() {
        feasible.retain(|task| check_operations(task, STEPS) > least);
        println!("{} of them take more than {} GFLOP", feasible.len(), least / 1e9);
    }
    let (mut chosen, dear): (Vec<Description>, Vec<Description>) =
        feasible.into_iter().partition(|task| check_operations(task, STEPS) <= options.most_operations());
    // The longest first, so that the last ones to run are short.
    chosen.sort_by(|a, b| check_operations(b, STEPS).total_cmp(&check_operations(a, STEPS)));

    let adam = named("adam_lr_-3.00").map_err(|e| text(&e))?;
    let adam = adam.configured(Mode::Upstream, 10_000).map_err(|e| text(&e))?;
    let fates = check_all(&chosen, &adam);
    Ok(report(&chosen, &fates, &dear, options))
}

/// The fate of each task, on all cores.
fn check_all(tasks: &[Description], adam: &Configured) -> Vec<Fate> {
    let data = Datasets::new(Source::Synthetic);
    let next = AtomicUsize::new(0);
    let fates: Mutex<BTreeMap<usize, Fate>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..available_threads() {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(i) else { return };
                    let fate = check(task, &data, adam);
                    let mut fates = fates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    fates.insert(i, fate);
                    if fates.len().is_multiple_of(500) {
                        eprintln!("{} of {} checked", fates.len(), tasks.len());
                    }
                }
            });
        }
    });
    fates.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_values().collect()
}

fn check(task: &Description, data: &Datasets, adam: &Configured) -> Fate {
    match check_steps(task, data, adam, STEPS) {
        Ok(checked) => match checked.problem() {
            Some(problem) => Fate::Failed(problem),
            None => Fate::Checked(checked),
        },
        Err(error) => Fate::Failed(error.to_string()),
    }
}

/// Counts of a family.
#[derive(Default)]
struct Counts {
    checked: usize,
    diverged: usize,
    overflowed: usize,
    too_dear: usize,
    failed: usize,
    micros: Vec<f64>,
}

/// Prints what was found and returns whether all passed.
fn report(tasks: &[Description], fates: &[Fate], dear: &[Description], options: &Options) -> bool {
    let mut families: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut slowest: Vec<(f64, &str)> = Vec::new();
    for task in dear {
        families.entry(&task.family).or_default().too_dear += 1;
    }
    for (task, fate) in tasks.iter().zip(fates) {
        let counts = families.entry(&task.family).or_default();
        match fate {
            Fate::Checked(checked) => {
                counts.checked += 1;
                counts.diverged += usize::from(checked.diverged_at.is_some());
                counts.overflowed += usize::from(checked.overflowed_at.is_some());
                counts.micros.push(checked.micros_per_step);
                slowest.push((checked.micros_per_step, &task.name));
            }
            Fate::Failed(reason) => {
                counts.failed += 1;
                println!("FAILED {}: {reason}", task.name);
            }
        }
    }
    println!(
        "\n{:<34} {:>7} {:>8} {:>10} {:>7} {:>8} {:>14} {:>14}",
        "family", "checked", "diverged", "overflowed", "failed", "too dear", "median µs/step", "largest"
    );
    let mut total = Counts::default();
    for (family, mut counts) in families {
        counts.micros.sort_by(f64::total_cmp);
        let at = |i: usize| counts.micros.get(i).map_or("-".to_owned(), |micros| format!("{micros:.1}"));
        println!(
            "{family:<34} {:>7} {:>8} {:>10} {:>7} {:>8} {:>14} {:>14}",
            counts.checked,
            counts.diverged,
            counts.overflowed,
            counts.failed,
            counts.too_dear,
            at(counts.micros.len() / 2),
            at(counts.micros.len().wrapping_sub(1))
        );
        total.checked += counts.checked;
        total.diverged += counts.diverged;
        total.overflowed += counts.overflowed;
        total.failed += counts.failed;
        total.too_dear += counts.too_dear;
    }
    slowest.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("\nslowest:");
    for (micros, name) in slowest.iter().take(SHOWN) {
        println!("  {name:<44} {micros:>12.0} µs/step");
    }
    println!(
        "\n{} checked, of which {} diverged within {STEPS} steps and {} had a gradient too large for f32 \
         at a finite loss; {} failed",
        total.checked, total.diverged, total.overflowed, total.failed
    );
    if !dear.is_empty() {
        println!("skipped: {} above {} GFLOP", total.too_dear, options.most_operations() / 1e9);
    }
    total.failed == 0
}
