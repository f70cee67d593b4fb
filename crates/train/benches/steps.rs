//! Microseconds a training step, whole: minibatch, loss, gradient, Adam. `cargo xtask bench` runs it.
//!
//! Every line is the median over rounds in which all workloads take turns, so that a slow moment of the machine falls on
//! all of them. Arguments choose workloads by a part of their name.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::time::Instant;

use taskset_datasets::{Datasets, Source};
use taskset_nn::denormals::FlushGuard;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{Activation, Backend, Loss, Network, Plan, Scalar};
use taskset_optim::{Mode, Rule, State, named};
use taskset_rng::{Stream, StreamId};
use taskset_tasks::{Feed, Problem};
use taskset_train::{machine_description, replica_stream};

/// Rounds, and seconds a workload gets in each.
const ROUNDS: usize = 9;
const SECONDS: f64 = 0.25;

/// One task of each trainable family, mid-sized in its family, and a fixed one.
const TASKS: [&str; 8] = [
    "mlp_family_seed3",
    "mlp_family_seed12",
    "FixedMLP_mnist_ce_128x128x128_relu_bs128",
    "quadratic_family_seed1",
    "quadratic_family_seed2",
    "losg_tasks_family_seed0",
    "losg_tasks_family_seed1",
    "TwoD_Rosenbrock",
];

/// Something that takes steps.
struct Workload {
    name: String,
    flops: f64,
    step: Box<dyn FnMut()>,
    micros: Vec<f64>,
}

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let _flush = FlushGuard::new();
    let chosen = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str()));
    let mut workloads: Vec<Workload> =
        ["W0", "W1", "W2"].into_iter().filter(|n| chosen(n)).map(model).collect();
    workloads.extend(TASKS.into_iter().filter(|n| chosen(n)).map(task));

    println!("{}, one thread, kernels {}", machine_description(), Backend::detect().name());
    let mut peaks = Vec::new();
    for _ in 0..ROUNDS {
        peaks.push(gemm_gflops());
        for workload in &mut workloads {
            workload.micros.push(micros(&mut workload.step));
        }
    }
    let peak = median(&mut peaks);
    println!("matrix product 128 x 512 x 128: {peak:.1} GFLOP/s, the peak of the last column");
    println!("{:<44} {:>10} {:>12} {:>9}", "workload", "µs/step", "steps/s", "% peak");
    for workload in &mut workloads {
        let micros = median(&mut workload.micros);
        let share = workload.flops / (micros * 1e3) / peak * 100.0;
        println!("{:<44} {micros:>10.2} {:>12.0} {share:>9.1}", workload.name, 1e6 / micros);
    }
}

/// Mean time of a step over about [`SECONDS`].
fn micros(step: &mut dyn FnMut()) -> f64 {
    let (start, mut steps) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < SECONDS {
        for _ in 0..8 {
            step();
        }
        steps += 8;
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(steps)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn gemm_gflops() -> f64 {
    let (m, k, n) = (128, 512, 128);
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let mut scratch = Scratch::default();
    let mut product = || {
        let (a, b) = (MatrixRef::new(&a, m, k), MatrixRef::new(&b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut c, &mut scratch);
    };
    2.0 * (m * k * n) as f64 / (micros(&mut product) * 1e3)
}

fn adam() -> Rule {
    match named("adam_lr_-3.00") {
        Ok(adam) => adam.config.rule(Mode::Upstream, 10_000),
        Err(error) => unreachable!("a registered name: {error}"),
    }
}

fn task(name: &str) -> Workload {
    let task = match taskset_tasks::build(name, &Datasets::new(Source::Synthetic)) {
        Ok(task) => task,
        Err(error) => unreachable!("a trainable task: {error}"),
    };
    let n = task.layout().len();
    let mut problem: Box<dyn Problem<f32>> = task.start(&replica_stream(name, 0));
    let (mut params, mut gradients) = (vec![0f32; n], vec![0f32; n]);
    problem.init(&mut params);
    let rule = adam();
    let mut state: State<f32> = rule.init(n);
    let step = move || {
        problem.next_batch(Feed::Training);
        problem.loss_and_gradients(&params, &mut gradients);
        rule.update(&gradients, &mut params, &mut state);
    };
    Workload { name: name.to_owned(), flops: task.flops_per_step(), step: Box::new(step), micros: Vec::new() }
}

/// W0, W1, W2: MLP classifiers on random images in memory.
fn model(name: &str) -> Workload {
    let (inputs, sizes, rows, examples): (usize, &[usize], usize, usize) = match name {
        "W0" => (8, &[8, 8, 10], 4, 1000),
        "W1" => (784, &[32, 32, 10], 16, 10_000),
        _ => (3072, &[128, 128, 128, 10], 128, 2000),
    };
    let network = Network::mlp(inputs, sizes, Activation::Relu, Loss::SoftmaxCrossEntropy);
    let mut stream: Stream = StreamId::root("bench").child(name).stream();
    let images: Vec<f32> = (0..examples * inputs).map(|_| stream.unit_f32()).collect();
    let labels: Vec<u16> = (0..examples).map(|_| stream.below(10) as u16).collect();
    let mut params = vec![0f32; network.parameter_count()];
    network.init(&mut params, &mut stream);
    let mut gradients = params.clone();
    let mut plan = Plan::new(&network, rows).expect("a network whose parts fit");
    let rule = adam();
    let mut state: State<f32> = rule.init(params.len());
    let step = move || {
        let batch = plan.batch_mut();
        let (batch, batch_labels) = (batch.features, batch.labels);
        for (row, label) in batch.chunks_exact_mut(inputs).zip(batch_labels) {
            let example = stream.below(examples as u64) as usize;
            row.copy_from_slice(&images[example * inputs..(example + 1) * inputs]);
            *label = labels[example];
        }
        plan.loss_and_gradients(&params, &mut gradients);
        rule.update(&gradients, &mut params, &mut state);
    };
    let shape = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
    Workload {
        name: format!("{name}: mlp {inputs}-{shape}, batch {rows}"),
        flops: network.flops_per_step(rows),
        step: Box::new(step),
        micros: Vec::new(),
    }
}
