//! `tasks check`: builds tasks, evaluates them and takes some steps.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde::Serialize;
use taskset::names::Split;
use taskset::optim::{self, Mode};
use taskset::tasks::{self, Feed, Task};
use taskset::train::replica_stream;

use crate::options::DataOption;
use crate::output;
use crate::progress::ListProgress;

#[derive(Serialize)]
struct Checked {
    name: String,
    num_params: u64,
    initial_loss: serde_json::Map<String, serde_json::Value>,
    grad_norm: f64,
    /// Loss after all steps; null if it is not finite.
    final_loss: f64,
    /// First step with a loss that is not finite.
    #[serde(skip_serializing_if = "Option::is_none")]
    diverged_at: Option<usize>,
    micros_per_step: f64,
    data: &'static str,
}

pub(super) fn run(patterns: &[String], steps: u32, json: bool, data: &DataOption) -> anyhow::Result<()> {
    let datasets = data.datasets();
    let mut documents = Vec::new();
    let mut rows = Vec::new();
    let (mut failed, mut diverged) = (Vec::new(), Vec::new());
    let names = tasks::select(patterns)?;
    let work = |name: &str| {
        // Drawing initial parameters takes as long as some hundred operations each; 1e7 is for the rest.
        tasks::describe(name)
            .map_or(1.0, |d| d.flops_per_step * (f64::from(steps) + 6.0) + 100.0 * d.num_params as f64 + 1e7)
    };
    let progress =
        Mutex::new(ListProgress::new("tasks", names.len(), names.iter().map(|name| work(name)).sum()));
    let check = |name: &String| {
        let checked = tasks::build(name, &datasets)
            .map_err(anyhow::Error::from)
            .and_then(|task| check_one(&task, steps));
        progress.lock().unwrap_or_else(PoisonError::into_inner).finished(work(name));
        checked
    };
    // Tasks are taken one by one, so that no thread waits with a list of its own.
    let results: Vec<anyhow::Result<Checked>> = names.par_iter().with_max_len(1).map(check).collect();
    for (name, checked) in names.iter().zip(results) {
        match checked {
            Ok(checked) => {
                let loss = |split: Split| {
                    checked.initial_loss[split.name()].as_f64().map_or("-".to_owned(), output::short)
                };
                let mut row = vec![name.clone(), checked.num_params.to_string()];
                row.extend(Split::ALL.map(loss));
                row.extend([
                    output::short(checked.grad_norm),
                    output::short(checked.final_loss),
                    output::short(checked.micros_per_step),
                    checked.data.to_owned(),
                ]);
                rows.push(row);
                if let Some(step) = checked.diverged_at {
                    diverged.push(format!("{name} (step {step})"));
                }
                documents.push(serde_json::to_value(&checked)?);
            }
            Err(error) => {
                let message = crate::failure::with_advice(&error);
                say!("{name}: {message}");
                documents.push(serde_json::json!({"name": name, "error": message}));
                failed.push(name.clone());
            }
        }
    }
    if json {
        output::json(&documents)?;
    } else if !rows.is_empty() {
        let header = [
            "name",
            "parameters",
            "initial loss: train",
            "valid_inner",
            "valid_outer",
            "test",
            "grad norm",
            "final loss",
            "µs/step",
            "data",
        ];
        let right = [false, true, true, true, true, true, true, true, true, false];
        output::table(&header, &right, &rows)?;
    }
    if !diverged.is_empty() {
        say!(
            "diverged with Adam at a learning rate of 0.001, which is no fault of a task: {}",
            diverged.join(", ")
        );
    }
    anyhow::ensure!(
        failed.is_empty(),
        "{} of {} tasks failed: {}",
        failed.len(),
        names.len(),
        failed.join(", ")
    );
    Ok(())
}

fn check_one(task: &Arc<dyn Task>, steps: u32) -> anyhow::Result<Checked> {
    let _flush = taskset::nn::denormals::FlushGuard::new();
    let n = task.layout().len();
    let mut problem = task.start(&replica_stream(task.name(), 0));
    let (mut params, mut gradients) = (vec![0.0_f32; n], vec![0.0_f32; n]);
    problem.init(&mut params);
    let mut initial_loss = serde_json::Map::new();
    let mut grad_norm = 0.0;
    for split in Split::ALL {
        problem.next_batch(Feed::Evaluation(split));
        let loss = f64::from(problem.loss_and_gradients(&params, &mut gradients));
        let norm = gradients.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        anyhow::ensure!(loss.is_finite(), "the initial loss on the {split} split is {loss}");
        anyhow::ensure!(norm.is_finite(), "the initial gradient on the {split} split is not finite");
        initial_loss.insert(split.name().to_owned(), loss.into());
        if split == Split::Train {
            grad_norm = norm;
        }
    }
    let adam = optim::named("adam_lr_-3.00")?.configured(Mode::Upstream, u64::from(steps))?;
    // One more step, whose loss is that after `steps` updates.
    let taken = taskset::train::take_steps(&**task, &adam, steps as usize + 1)?;
    if let Some(problem) = taken.problem() {
        anyhow::bail!("{problem}");
    }
    let final_loss = taken.losses.last().copied().map_or(f64::NAN, f64::from);
    Ok(Checked {
        name: task.name().to_owned(),
        num_params: n as u64,
        initial_loss,
        grad_norm,
        final_loss,
        diverged_at: taken.diverged_at,
        micros_per_step: taken.micros_per_step,
        data: task.origin().name(),
    })
}
