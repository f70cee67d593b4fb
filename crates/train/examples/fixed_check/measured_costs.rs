//! What each task costs: measured times beside their estimates, for whole trials by the paper's protocol, from steps and
//! evaluations. The numbers of `docs/fixed-tasks.md` are from here.

use std::collections::BTreeMap;
use std::hint::black_box;

use taskset_datasets::Datasets;
use taskset_names::Split;
use taskset_nn::denormals::FlushGuard;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{Backend, Scalar};
use taskset_tasks::Description;
use taskset_train::{MachineRate, Protocol, estimate_minutes};

use crate::Failure;
use crate::timing::{Clock, median};
use crate::trials::Trials;

/// Rounds in which a product of matrices and a task take turns, so that a slow moment of the machine falls on both, and
/// seconds of processor time of each part of a round. Medians count.
const ROUNDS: usize = 5;
const SECONDS: f64 = 0.04;
/// Measurements of the machine's memory, of which the fastest counts.
const MEMORY_ROUNDS: usize = 10;
/// Operations of the minibatches of an evaluation that is timed, and most minibatches.
const EVALUATED: f64 = 2e10;
/// Largest factor between measured and estimated time that is accepted.
const FACTOR: f64 = 1.6;

/// Measured times of a task, in microseconds.
struct Measured {
    step: f64,
    /// Of a minibatch, with its drawing.
    evaluation: f64,
    /// A forward pass on the minibatch that is there.
    forward: f64,
    /// The rate of products in the same rounds.
    gflops: f64,
}

/// The product of which a machine's rate is measured.
struct Product {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    scratch: Scratch<f32>,
}

impl Product {
    const SHAPE: [usize; 3] = [128, 512, 128];

    fn new() -> Self {
        let [m, k, n] = Self::SHAPE;
        Self { a: vec![0.5; m * k], b: vec![0.25; k * n], c: vec![0.0; m * n], scratch: Scratch::default() }
    }

    fn compute(&mut self) {
        let [m, k, n] = Self::SHAPE;
        let (a, b) = (MatrixRef::new(&self.a, m, k), MatrixRef::new(&self.b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut self.c, &mut self.scratch);
        black_box(&self.c);
    }

    /// Operations a nanosecond.
    fn gflops(&mut self) -> f64 {
        let [m, k, n] = Self::SHAPE;
        2.0 * (m * k * n) as f64 / micros(&mut || self.compute()) / 1e3
    }
}

/// Mean microseconds of processor time of a call. Unlike the benches it lasts until enough processor time is used, so that
/// it can run beside other programs.
fn micros(call: &mut dyn FnMut()) -> f64 {
    let (clock, mut calls) = (Clock::start(), 0u32);
    loop {
        call();
        calls += 1;
        let (_, cpu) = clock.micros();
        if cpu >= SECONDS * 1e6 {
            return cpu / f64::from(calls);
        }
    }
}

fn measure(task: &Description, data: &Datasets) -> Result<Measured, Failure> {
    let built = taskset_tasks::build(&task.name, data)?;
    let (mut trials, mut product) = (Trials::new(&*built, 1), Product::new());
    let batches = (EVALUATED / task.flops_per_step.max(1.0)).clamp(4.0, 50.0) as u32;
    trials.step();
    let [mut steps, mut evaluations, mut forwards, mut rates] = [const { Vec::new() }; 4];
    let mut means = [0.0];
    for _ in 0..ROUNDS {
        rates.push(product.gflops());
        steps.push(micros(&mut || {
            trials.step();
        }));
        let Trials { problem, params, .. } = &mut trials;
        forwards.push(micros(&mut || {
            black_box(problem.loss(params));
        }));
        let evaluation = micros(&mut || {
            problem.mean_losses(Split::ValidInner, params, batches, &mut means);
        });
        evaluations.push(evaluation / f64::from(batches));
    }
    Ok(Measured {
        step: median(&mut steps),
        evaluation: median(&mut evaluations),
        forward: median(&mut forwards),
        gflops: median(&mut rates),
    })
}

/// Peak memory of this process in megabytes, where the system tells.
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1e3)
}

/// Measures tasks and prints measured ÷ estimated, task by task and by group; returns whether every group is within the
/// factor. Peak memory is that of the process: of the first task, if it is to be one task's.
pub(crate) fn compare(tasks: &[Description], data: &Datasets) -> Result<bool, Failure> {
    let _flush = FlushGuard::new();
    let protocol = Protocol::PAPER;
    println!(
        "{:<78} {:>9} {:>9} {:>11} {:>11} {:>10} {:>9} {:>9} {:>7} {:>7} {:>6} {:>8}",
        "task",
        "params",
        "GFLOP",
        "µs/step",
        "µs/eval",
        "÷ forward",
        "trials/h",
        "÷ est.",
        "step",
        "eval",
        "MB",
        "GFLOP/s"
    );
    // Other programs can only make the memory slower.
    let machines = (0..MEMORY_ROUNDS).map(|_| MachineRate::measure());
    let machine = machines.max_by(|a, b| a.gigabytes_per_second.total_cmp(&b.gigabytes_per_second));
    let machine = machine.unwrap_or_else(MachineRate::measure);
    println!("memory: {:.1} GB/s", machine.gigabytes_per_second);
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for task in tasks {
        let Measured { step, evaluation, forward, gflops } = measure(task, data)?;
        let rate = MachineRate { gflops, ..machine };
        let points = protocol.eval_steps().len() as f64;
        let minibatches = points * 4.0 * f64::from(protocol.eval_batches);
        let seconds = (f64::from(protocol.steps) * step + minibatches * evaluation) / 1e6;
        let estimated = estimate_minutes(task, &protocol, &rate) * 60.0;
        // The parts of the estimate: a protocol that never evaluates but at the ends, and the rest.
        let long = Protocol { steps: 1_000_000, eval_every: 1_000_000, eval_batches: 1 };
        let estimated_step = estimate_minutes(task, &long, &rate) * 60.0;
        let estimated_evaluation =
            (estimated - estimated_step * 1e-6 * f64::from(protocol.steps)) / minibatches * 1e6;
        groups.entry(&task.family).or_default().push(seconds / estimated);
        println!(
            "{:<78} {:>9} {:>9.4} {step:>11.2} {evaluation:>11.2} {:>10.2} {:>9.1} {:>9.2} {:>7.2} {:>7.2} {:>6.0} {:>8.0}",
            task.name,
            task.num_params,
            task.flops_per_step / 1e9,
            evaluation / forward,
            3600.0 / seconds,
            seconds / estimated,
            step / estimated_step,
            evaluation / estimated_evaluation.max(evaluation / 1e3),
            peak_megabytes().unwrap_or(f64::NAN),
            gflops
        );
    }
    println!(
        "\n{:<34} {:>6} {:>22} {:>7} {:>8}",
        "group", "tasks", "measured ÷ estimated", "least", "greatest"
    );
    let mut good = true;
    for (group, ratios) in groups {
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        let (least, greatest) =
            ratios.iter().fold((f64::INFINITY, 0.0f64), |(a, b), &r| (a.min(r), b.max(r)));
        println!("{group:<34} {:>6} {mean:>22.2} {least:>7.2} {greatest:>8.2}", ratios.len());
        good &= (1.0 / FACTOR..=FACTOR).contains(&mean);
    }
    Ok(good)
}
