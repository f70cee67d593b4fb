//! Trains the spirals with two optimizers and prints their losses.

use std::error::Error;
use std::sync::atomic::AtomicBool;

use taskset_optim::{Mode, named};
use taskset_train::{Protocol, Quiet, run_trial};

fn main() -> Result<(), Box<dyn Error>> {
    let task = your_own_task_layers::task()?;
    let protocol = Protocol { steps: 600, eval_every: 100, eval_batches: 10 };
    for optimizer in ["adam_lr_-2.00", "adam_lr_-3.00"] {
        // Any name of the optimizer families is a configuration; `taskset-rs optimizers list` shows them.
        let configured = named(optimizer)?.configured(Mode::Upstream, u64::from(protocol.steps))?;
        let curve = run_trial(&task, &configured, 0, &protocol, &mut Quiet, &AtomicBool::new(false))?;
        println!("{optimizer}");
        let [train, .., test] = &curve.losses;
        for ((step, train), test) in curve.steps.iter().zip(train).zip(test) {
            println!("  step {step:>4}  train {train:.4}  test {test:.4}");
        }
    }
    Ok(())
}
