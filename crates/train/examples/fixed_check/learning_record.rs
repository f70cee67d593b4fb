//! What was found of one trial: a line of JSON, and rows of tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdict::{Mean, exception, learnt};

/// One trial.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) task: String,
    pub(crate) group: String,
    /// Its data set, if it has one.
    pub(crate) dataset: Option<String>,
    /// Whether the data were real, a part of them, or stand-ins.
    pub(crate) origin: String,
    pub(crate) optimizer: String,
    pub(crate) steps: u32,
    /// Minibatches of an evaluation.
    pub(crate) batches: u32,
    pub(crate) num_params: u64,
    /// Losses before training, on the four splits.
    pub(crate) first: [Mean; 4],
    /// After training.
    pub(crate) last: [Mean; 4],
    /// First step with a loss that is not finite.
    pub(crate) diverged_at: Option<u32>,
    /// Processor time of a step, and of the evaluation of a minibatch.
    pub(crate) micros_per_step: f64,
    pub(crate) micros_per_evaluation: f64,
}

impl Record {
    /// Whether the loss fell.
    pub(crate) fn learnt(&self) -> bool {
        learnt(&self.first, &self.last)
    }

    /// Whether this is no surprise.
    pub(crate) fn as_expected(&self) -> bool {
        self.learnt() || exception(&self.task).is_some()
    }

    /// Whether it is the trial of these names.
    pub(crate) fn is(&self, task: &str, optimizer: &str, steps: u32, batches: u32) -> bool {
        self.task == task && self.optimizer == optimizer && self.steps == steps && self.batches == batches
    }

    /// One line for a terminal.
    pub(crate) fn line(&self) -> String {
        let (first, last) = (Mean::over(&self.first), Mean::over(&self.last));
        let verdict = match (self.learnt(), exception(&self.task)) {
            (true, None) => "learnt".to_owned(),
            (true, Some(_)) => "learnt, though listed as an exception".to_owned(),
            (false, Some(reason)) => format!("exception: {reason}"),
            (false, None) => "NOT LEARNT".to_owned(),
        };
        let diverged = self.diverged_at.map_or(String::new(), |step| format!(", not finite at step {step}"));
        format!(
            "{:<78} {:<14} {:>12} ±{:<9} {:>12} ±{:<9} {:>11.1} {:>11.1}  {verdict}{diverged}",
            self.task,
            self.optimizer,
            short(first.mean),
            short(first.error),
            short(last.mean),
            short(last.error),
            self.micros_per_step,
            self.micros_per_evaluation
        )
    }
}

/// The header of [`Record::line`].
pub(crate) fn header() -> String {
    format!(
        "{:<78} {:<14} {:>12}  {:<9} {:>12}  {:<9} {:>11} {:>11}",
        "task", "optimizer", "first", "", "last", "", "µs/step", "µs/eval"
    )
}

/// Four significant digits.
fn short(number: Option<f64>) -> String {
    let Some(number) = number else { return "NaN".to_owned() };
    let digits = if number == 0.0 { 3 } else { (3 - number.abs().log10().floor() as i32).clamp(0, 6) };
    format!("{number:.*}", digits as usize)
}

fn splits(means: &[Mean; 4]) -> String {
    means.map(|mean| short(mean.mean)).join(" / ")
}

/// Losses on the four splits as a table in Markdown: a row for each task, a column for each optimizer.
pub(crate) fn table(records: &[Record]) -> String {
    let mut optimizers: Vec<&str> = Vec::new();
    let mut tasks: Vec<&str> = Vec::new();
    let mut found: BTreeMap<(&str, &str), &Record> = BTreeMap::new();
    for record in records {
        if !optimizers.contains(&record.optimizer.as_str()) {
            optimizers.push(&record.optimizer);
        }
        if !tasks.contains(&record.task.as_str()) {
            tasks.push(&record.task);
        }
        found.insert((&record.task, &record.optimizer), record);
    }
    optimizers.sort_unstable();
    let order = taskset_tasks::select(&["fixed"]).unwrap_or_default();
    tasks.sort_by_key(|task| order.iter().position(|name| name == task));
    let mut text = format!("| task | data | before | {} |\n", optimizers.join(" | "));
    text += &format!("|---|---|---|{}\n", "---|".repeat(optimizers.len()));
    for task in tasks {
        let of = |optimizer: &&str| found.get(&(task, *optimizer)).copied();
        let Some(any) = optimizers.iter().find_map(of) else { continue };
        let data = any.dataset.as_deref().unwrap_or("-");
        let cells: Vec<String> = optimizers
            .iter()
            .map(|optimizer| of(optimizer).map_or("-".to_owned(), |record| splits(&record.last)))
            .collect();
        text += &format!(
            "| {task} | {data}, {} | {} | {} |\n",
            any.origin,
            splits(&any.first),
            cells.join(" | ")
        );
    }
    text
}
