//! The worker: answers `WORKLOAD STEPS` with `wall_us cpu_us steps loss flops` a step, as the peers do; any task is a workload,
//! too. `TASK:protocol STEPS` trains a whole trial with its evaluations. `describe TASK` answers with the size of a
//! minibatch and the network, `sample TASK FOLDER` also writes a minibatch with its loss and gradients.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use taskset_nn::Backend;
use taskset_nn::denormals::FlushGuard;

use crate::networks;
use crate::pin_to_core::pin;
use crate::timing::Clock;
use crate::training::{Product, Training};
use crate::whole_trials::Whole;
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

/// What questions are asked about.
enum Running {
    Steps(Box<dyn Training>),
    Whole(Whole),
}

fn answer(question: &str, running: &mut BTreeMap<String, Running>) -> Result<String, String> {
    let (name, steps) = match question.split(' ').collect::<Vec<_>>()[..] {
        ["describe", name] => return networks::describe(name),
        ["sample", name, folder] => return networks::sample(name, Path::new(folder)),
        [name, steps] => (name, steps),
        _ => return Err("a question is WORKLOAD STEPS".to_owned()),
    };
    let steps: u32 = steps.trim().parse().map_err(|_| format!("`{steps}` is not a number of steps"))?;
    if !running.contains_key(name) {
        running.insert(name.to_owned(), start(name)?);
    }
    let clock;
    let (taken, loss, flops) = match running.get_mut(name).ok_or("just inserted")? {
        Running::Steps(training) => {
            let rounds = (steps / training.trials()).max(1);
            clock = Clock::start();
            let mut loss = f32::NAN;
            for _ in 0..rounds {
                loss = training.step();
            }
            (rounds * training.trials(), loss, training.flops())
        }
        Running::Whole(whole) => {
            clock = Clock::start();
            (steps.max(1), whole.run(steps.max(1))?, whole.flops())
        }
    };
    let (wall, cpu) = clock.micros();
    let n = f64::from(taken);
    Ok(format!("{:.3} {:.3} {taken} {loss:.6} {flops}", wall / n, cpu / n))
}

/// A workload after its first step, which allocates; or a whole trial, which has none before it.
fn start(name: &str) -> Result<Running, String> {
    if let Some(task) = name.strip_suffix(":protocol") {
        return Ok(Running::Whole(Whole::new(task)?));
    }
    let mut training: Box<dyn Training> =
        if name == "PEAK" { Box::new(Product::new()) } else { workloads::start(name)? };
    training.step();
    Ok(Running::Steps(training))
}
