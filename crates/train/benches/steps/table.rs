//! The table: our own workloads and tasks, each a line.
//!
//! Every number is the median over rounds in which all take turns, so that a slow moment of the machine falls on all of
//! them.

use taskset_nn::denormals::FlushGuard;
use taskset_train::{Protocol, machine_description};

use crate::tasks::{TASKS, TaskTraining, forward_flops};
use crate::timing::{median, micros};
use crate::training::{Product, Training};
use crate::workloads::{self, WORKLOADS, Workload};

/// Rounds, and seconds that steps, forward passes or evaluations of a line get in each.
const ROUNDS: usize = 9;
const SECONDS: f64 = 0.25;

/// A line of the table.
struct Line {
    label: String,
    training: Box<dyn Training>,
    /// Operations of an evaluation minibatch, for lines that evaluate.
    operations: Option<f64>,
    evaluates: bool,
    steps: Vec<f64>,
    forwards: Vec<f64>,
    evaluations: Vec<f64>,
}

impl Line {
    fn new(label: String, mut training: Box<dyn Training>) -> Self {
        training.step();
        let [steps, forwards, evaluations] = [const { Vec::new() }; 3];
        Self { label, training, operations: None, evaluates: false, steps, forwards, evaluations }
    }

    fn measure(&mut self) {
        let training = &mut self.training;
        self.steps.push(micros(SECONDS, 4, &mut || {
            training.step();
        }));
        if self.evaluates {
            self.forwards.push(micros(SECONDS, 4, &mut || training.forward()));
            self.evaluations.push(micros(SECONDS, 1, &mut || {
                training.evaluate(Protocol::PAPER.eval_batches);
            }));
        }
    }

    /// Cells of the table; `peak` in operations a microsecond.
    fn cells(&mut self, peak: f64) -> [String; 8] {
        let step = median(&mut self.steps);
        let evaluation = median(&mut self.evaluations);
        let forward = median(&mut self.forwards);
        let protocol = Protocol::PAPER;
        let points = protocol.eval_steps().len() as f64;
        let trial = f64::from(protocol.steps) * step + points * 4.0 * evaluation;
        let batches = f64::from(protocol.eval_batches);
        let or_dash = |shown: bool, text: String| if shown { text } else { "-".to_owned() };
        let per_pass = |time: f64| format!("{:.2}", evaluation / (batches * time));
        [
            self.label.clone(),
            format!("{step:.2}"),
            format!("{:.0}", 1e6 / step),
            format!("{:.1}", self.training.flops() / step / peak * 100.0),
            or_dash(self.evaluates, format!("{:.3}", evaluation / 1e3)),
            or_dash(self.operations.is_some(), per_pass(forward)),
            self.operations.map_or("-".to_owned(), |operations| per_pass(operations / peak)),
            or_dash(self.evaluates, format!("{:.0}", 3600e6 / trial)),
        ]
    }
}

/// Measures and prints the workloads and tasks whose names contain one of the filters; all of them without filters.
pub(crate) fn print(filters: &[&str]) {
    let _flush = FlushGuard::new();
    let chosen = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f));
    println!("{}, one thread", machine_description());
    let mut lines = Vec::new();
    for Workload { name, what, .. } in WORKLOADS.into_iter().filter(|workload| chosen(workload.name)) {
        match workloads::start(name) {
            Ok(training) => lines.push(Line::new(format!("{name}: {what}"), training)),
            Err(reason) => println!("{name}: {reason}"),
        }
    }
    for name in TASKS.into_iter().filter(|name| chosen(name)) {
        match TaskTraining::named(name) {
            Ok(training) => {
                let mut line = Line::new(name.to_owned(), Box::new(training));
                (line.operations, line.evaluates) = (forward_flops(name), true);
                lines.push(line);
            }
            Err(error) => println!("{error}"),
        }
    }
    let mut peaks = Vec::new();
    let mut product = Product::new();
    for _ in 0..ROUNDS {
        let time = micros(SECONDS, 4, &mut || {
            product.step();
        });
        peaks.push(product.flops() / time);
        lines.iter_mut().for_each(Line::measure);
    }
    let peak = median(&mut peaks);
    println!("matrix product 128 x 512 x 128: {:.1} GFLOP/s, the peak of the columns", peak / 1e3);
    println!(
        "evaluation: {} minibatches of one split with their drawing; ÷ forward: against as many forward passes on one \
         minibatch that is there; ÷ peak: against the time of its operations at the peak",
        Protocol::PAPER.eval_batches
    );
    println!(
        "trials: whole trainings of {} steps with their evaluations, an hour and a core",
        Protocol::PAPER.steps
    );
    let header =
        ["", "µs/step", "steps/s", "% peak", "eval ms", "÷ forward", "÷ peak", "trials/h"].map(str::to_owned);
    for cells in std::iter::once(header).chain(lines.iter_mut().map(|line| line.cells(peak))) {
        let [label, rest @ ..] = cells;
        let rest: Vec<String> = rest.iter().map(|cell| format!("{cell:>10}")).collect();
        println!("{label:<44}{}", rest.join(""));
    }
}
