//! What an optimizer costs in training: microseconds of a step of a task, and the share of the update in it.
//!
//! `cargo bench -p taskset-train --bench optimizers [-- TASK…]`

use std::sync::Arc;
use std::time::{Duration, Instant};

use taskset_datasets::{Datasets, Source};
use taskset_nn::denormals::FlushGuard;
use taskset_optim::{Config, Error, Mode, Muon, MuonTensors, Optimizer, Step, named};
use taskset_rng::StreamId;
use taskset_tasks::{Feed, Task};
use taskset_train::replica_stream;

const TASKS: [&str; 3] = ["mlp_family_seed57", "conv_pooling_family_seed137", "quadratic_family_seed1"];
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(400);

/// A word for the table, and the optimizer.
type Labelled = (&'static str, Box<dyn Optimizer>);

/// The optimizers that are compared. The first ones cost as little as any; the last two differ in what Muon makes orthogonal.
fn optimizers() -> Result<Vec<Labelled>, Error> {
    let registered = |name: &str| -> Result<Box<dyn Optimizer>, Error> {
        Ok(Box::new(named(name)?.configured(Mode::Upstream, 10_000)?))
    };
    let muon = |tensors| -> Result<Box<dyn Optimizer>, Error> {
        let config = Config::from(Muon { tensors, learning_rate: 1e-3, ..Muon::DEFAULT });
        Ok(Box::new(config.configured(Mode::Upstream, 10_000)?))
    };
    Ok(vec![
        ("sgd", registered("sgd_default")?),
        ("adam", registered("adam_lr_-3.00")?),
        ("schedule-free adamw", registered("schedule_free_adamw_default")?),
        ("lamb", registered("lamb_default")?),
        ("muon, hidden", muon(MuonTensors::Hidden)?),
        ("muon, all", muon(MuonTensors::All)?),
    ])
}

/// Microseconds of a step, and of the update in it: of the fastest round.
fn measure(task: &dyn Task, optimizer: &dyn Optimizer) -> Result<[f64; 2], Error> {
    let _flush = FlushGuard::new();
    let (layout, mut problem) =
        (Arc::new(task.layout().clone()), task.start(&replica_stream(task.name(), 0)));
    let (mut params, mut gradients) = (vec![0.0f32; layout.len()], vec![0.0; layout.len()]);
    problem.init(&mut params);
    let mut run = optimizer.start(&layout, &params, &StreamId::root("bench"))?;
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        let (start, mut steps, mut updates) = (Instant::now(), 0u32, Duration::ZERO);
        while start.elapsed() < ROUND {
            problem.next_batch(Feed::Training);
            let loss = problem.loss_and_gradients(&params, &mut gradients);
            let before = Instant::now();
            run.update(Step::new(&gradients).with_loss(loss), &mut params);
            updates += before.elapsed();
            steps += 1;
        }
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(steps);
        if micros(start.elapsed()) < best[0] {
            best = [micros(start.elapsed()), micros(updates)];
        }
    }
    Ok(best)
}

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let names = if asked.is_empty() { TASKS.map(str::to_owned).to_vec() } else { asked };
    let data = Datasets::new(Source::Synthetic);
    println!("{:<30}{:<22}{:>10}{:>11}{:>8}", "task", "optimizer", "step µs", "update µs", "share");
    for name in names {
        let task = taskset_tasks::build(&name, &data)?;
        for (label, optimizer) in optimizers()? {
            let [step, update] = measure(&*task, &*optimizer)?;
            println!("{name:<30}{label:<22}{step:>10.1}{update:>11.1}{:>7.1}%", 100.0 * update / step);
        }
    }
    Ok(())
}
