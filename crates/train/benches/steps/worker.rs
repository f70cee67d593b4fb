//! The worker: answers `WORKLOAD STEPS` with `wall_us cpu_us steps loss flops` a step, as the peers do.

use std::collections::BTreeMap;
use std::io::BufRead;

use taskset_nn::Backend;
use taskset_nn::denormals::FlushGuard;

use crate::pin::pin;
use crate::timing::Clock;
use crate::training::{Product, Training};
use crate::workloads;

/// Serves until the input ends, on the given core if there is one.
pub(crate) fn serve(core: Option<usize>) {
    let _flush = FlushGuard::new();
    let place = match core {
        Some(core) if pin(core) => format!("core {core}"),
        _ => "not pinned".to_owned(),
    };
    println!("ready taskset-rs {}, kernels {}, {place}", env!("CARGO_PKG_VERSION"), Backend::detect().name());
    let mut running = BTreeMap::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        println!("{}", answer(&line, &mut running).unwrap_or_else(|reason| format!("error {reason}")));
    }
}

fn answer(question: &str, running: &mut BTreeMap<String, Box<dyn Training>>) -> Result<String, String> {
    let (name, steps) = question.split_once(' ').ok_or("a question is WORKLOAD STEPS")?;
    let steps: u32 = steps.trim().parse().map_err(|_| format!("`{steps}` is not a number of steps"))?;
    if !running.contains_key(name) {
        running.insert(name.to_owned(), start(name)?);
    }
    let training = running.get_mut(name).ok_or("just inserted")?;
    let rounds = (steps / training.trials()).max(1);
    let clock = Clock::start();
    let mut loss = f32::NAN;
    for _ in 0..rounds {
        loss = training.step();
    }
    let (wall, cpu) = clock.micros();
    let taken = rounds * training.trials();
    let (n, flops) = (f64::from(taken), training.flops());
    Ok(format!("{:.3} {:.3} {taken} {loss:.6} {flops}", wall / n, cpu / n))
}

/// A workload after its first step, which allocates.
fn start(name: &str) -> Result<Box<dyn Training>, String> {
    let mut training: Box<dyn Training> =
        if name == "PEAK" { Box::new(Product::new()) } else { workloads::start(name)? };
    training.step();
    Ok(training)
}
