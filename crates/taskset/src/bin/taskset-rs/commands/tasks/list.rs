//! `tasks list`: tasks with what they cost, those that the paper would reject as too slow, and the families.

use serde::Serialize;
use taskset::tasks::{self, Description};
use taskset::train::{MachineRate, Rejection, screen};
use taskset::trial::Protocol;

use crate::output;

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    family: &'a str,
    dataset: Option<&'a str>,
    num_params: u64,
    feasible: bool,
    mflops_per_step: f64,
}

impl<'a> From<&'a Description> for Listed<'a> {
    fn from(d: &'a Description) -> Self {
        Self {
            name: &d.name,
            family: &d.family,
            dataset: d.dataset.as_deref(),
            num_params: d.num_params,
            feasible: d.feasible,
            mflops_per_step: d.flops_per_step / 1e6,
        }
    }
}

/// The descriptions that patterns stand for; all of them for none.
fn described(patterns: &[String]) -> anyhow::Result<Vec<Description>> {
    let names = if patterns.is_empty() { tasks::all_names().collect() } else { tasks::select(patterns)? };
    Ok(names.iter().map(|name| tasks::describe(name)).collect::<Result<_, _>>()?)
}

#[derive(Serialize)]
struct Screened<'a> {
    name: &'a str,
    family: &'a str,
    num_params: u64,
    /// Estimated minutes of a trial; none for a task without a model.
    minutes: Option<f64>,
    /// Why it is rejected.
    rejected: Option<String>,
}

/// The tasks that the paper's rejection keeps, or those that it drops.
pub(super) fn screened(
    patterns: &[String],
    json: bool,
    most: f64,
    rate: Option<f64>,
    rejected: bool,
) -> anyhow::Result<()> {
    let described = described(patterns)?;
    let rate = rate.map_or_else(MachineRate::measure, MachineRate::new);
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for task in &described {
        let result = screen(task, &Protocol::PAPER, &rate, most);
        let to = if result.is_ok() { &mut kept } else { &mut dropped };
        let (minutes, reason) = match result {
            Ok(minutes) => (Some(minutes), None),
            Err(Rejection::TooSlow { minutes, limit }) => {
                (Some(minutes), Some(Rejection::TooSlow { minutes, limit }.to_string()))
            }
            Err(other) => (None, Some(other.to_string())),
        };
        to.push(Screened {
            name: &task.name,
            family: &task.family,
            num_params: task.num_params,
            minutes,
            rejected: reason,
        });
    }
    let shown = if rejected { &dropped } else { &kept };
    if json {
        output::json(shown)?;
    } else {
        let last = if rejected { "rejected because" } else { "family" };
        let row = |task: &Screened<'_>| {
            vec![
                task.name.to_owned(),
                task.num_params.to_string(),
                task.minutes.map_or("-".to_owned(), output::short),
                task.rejected.clone().unwrap_or_else(|| task.family.to_owned()),
            ]
        };
        let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
        output::table(&["name", "parameters", "minutes", last], &[false, true, true, false], &rows)?;
    }
    say!(
        "({} tasks kept, {} rejected, at {} GFLOP/s and {} GB/s a core; minutes are estimates of one trial alone)",
        kept.len(),
        dropped.len(),
        output::short(rate.gflops),
        output::short(rate.gigabytes_per_second)
    );
    Ok(())
}

pub(super) fn run(patterns: &[String], json: bool) -> anyhow::Result<()> {
    let described = described(patterns)?;
    let listed: Vec<Listed<'_>> = described.iter().map(Listed::from).collect();
    if json {
        return output::json(&listed);
    }
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|l| {
            let feasible = if l.feasible { "yes" } else { "no" };
            vec![
                l.name.to_owned(),
                l.family.to_owned(),
                l.dataset.unwrap_or("-").to_owned(),
                l.num_params.to_string(),
                output::short(l.mflops_per_step),
                feasible.to_owned(),
            ]
        })
        .collect();
    let right = [false, false, false, true, true, false];
    output::table(&["name", "family", "dataset", "parameters", "MFLOP/step", "feasible"], &right, &rows)
}

pub(super) fn families() -> anyhow::Result<()> {
    let mut rows: Vec<Vec<String>> = tasks::families()
        .iter()
        .map(|family| vec![format!("{}_seed{{0..999}}", family.name), family.summary.to_owned()])
        .collect();
    let fixed = tasks::select(&["fixed"])?;
    let line = format!("{} tasks with names of their own; `tasks list fixed` shows them", fixed.len());
    rows.push(vec!["fixed".to_owned(), line]);
    output::table(&["tasks", "what they are"], &[false; 2], &rows)
}
