//! Microseconds a step and trial, trained alone and in lockstep: what `Task::lockstep` is chosen by.
//!
//! `cargo bench -p taskset-train --bench lockstep -- NAME…`; names as `taskset-rs tasks list` takes them. Every number is the
//! median over rounds in which all group sizes take turns.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod timing;

use taskset_datasets::{Datasets, Source};
use taskset_nn::denormals::FlushGuard;
use taskset_optim::{Mode, Rule, State, named};
use taskset_tasks::{Feed, Problem, Task};
use taskset_train::{machine_description, replica_stream};

use timing::{median, micros};

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
    let mut groups: Vec<Group> = SIZES.iter().map(|&size| Group::new(task, size)).collect();
    let mut micros = vec![Vec::new(); SIZES.len()];
    for _ in 0..ROUNDS {
        for (group, micros) in groups.iter_mut().zip(&mut micros) {
            micros.push(group.micros());
        }
    }
    let medians: Vec<f64> = micros.iter_mut().map(|m| median(m)).collect();
    let shown: String = medians.iter().map(|m| format!("{m:>9.2}")).collect();
    let best = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let gain = medians[0] / best;
    println!("{:<42} {:>6} {shown} {gain:>6.2} {:>5}", task.name(), task.layout().len(), task.lockstep());
}

/// Trials in lockstep with Adam.
struct Group {
    problem: Box<dyn Problem<f32>>,
    n: usize,
    params: Vec<f32>,
    gradients: Vec<f32>,
    losses: Vec<f32>,
    rules: Vec<(Rule, State<f32>)>,
}

impl Group {
    fn new(task: &dyn Task, size: usize) -> Self {
        let n = task.layout().len();
        let mut problem = task.start(&replica_stream(task.name(), 0));
        let mut start = vec![0f32; n];
        problem.init(&mut start);
        let rule = match named("adam_lr_-3.00") {
            Ok(adam) => adam.config.rule(Mode::Upstream, 10_000),
            Err(error) => unreachable!("a registered name: {error}"),
        };
        Self {
            problem,
            n,
            params: start.repeat(size),
            gradients: vec![0.0; n * size],
            losses: vec![0.0; size],
            rules: (0..size)
                .map(|k| (rule.with_base_learning_rate(1e-3 / (k + 1) as f64), rule.init(n)))
                .collect(),
        }
    }

    fn step(&mut self) {
        self.problem.next_batch(Feed::Training);
        self.problem.losses_and_gradients(&self.params, &mut self.gradients, &mut self.losses);
        let rows = self.params.chunks_exact_mut(self.n).zip(self.gradients.chunks_exact(self.n));
        for ((rule, state), (params, gradients)) in self.rules.iter_mut().zip(rows) {
            rule.update(gradients, params, state);
        }
    }

    /// Mean time of a step and trial.
    fn micros(&mut self) -> f64 {
        micros(SECONDS, 4, &mut || self.step()) / self.losses.len() as f64
    }
}
