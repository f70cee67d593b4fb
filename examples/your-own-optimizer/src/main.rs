//! Sweeps Lion over learning rates on three tasks, and says what to do with the curves.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use taskset::datasets::{Datasets, Source};
use taskset::optim::Optimizer;
use taskset::sweep::{Directory, RunOptions, Sweep};
use taskset::tasks;
use taskset::train::{Protocol, Quiet, available_threads};
use your_own_optimizer::Lion;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Datasets::new(Source::Synthetic);
    let names = ["TwoD_Rosenbrock", "quadratic_family_seed3", "mlp_family_seed131"];
    let tasks = names.iter().map(|name| tasks::build(name, &data)).collect::<Result<_, _>>()?;
    let lions = (0..7).map(|i| -> Arc<dyn Optimizer> {
        let learning_rate = 10f64.powf(-4.0 + 0.5 * f64::from(i));
        Arc::new(Lion { learning_rate, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 })
    });
    let protocol = Protocol { steps: 500, eval_every: 100, eval_batches: 10 };
    let sweep = Sweep::of(tasks, lions.collect(), 2, protocol)?;

    let options = RunOptions::new(available_threads());
    let directory = Directory::at(Path::new("curves"));
    let outcome = directory.run(&sweep, &options, &mut Quiet, &AtomicBool::new(false))?;
    println!(
        "{} trials trained on synthetic stand-in data, {} found in curves/",
        outcome.trained, outcome.reused
    );
    println!("try: taskset-rs lists learn --curves curves --family lion --k 3 --out lion.json");
    Ok(())
}
