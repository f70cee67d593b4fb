//! `tasks list | show | check`.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde::Serialize;
use taskset::names::Split;
use taskset::optim::{self, Mode};
use taskset::tasks::set::{self, Verdict};
use taskset::tasks::{self, Description, Feed, Task};
use taskset::train::{MachineRate, Rejection, replica_stream, screen};
use taskset::trial::Protocol;

use crate::options::DataOption;
use crate::output;
use crate::progress::ListProgress;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List tasks, one per line: name, family, data set, parameters, work per step, and whether there is such a model.
    #[command(
        after_help = "Examples:\n  taskset-rs tasks list                      # families and fixed tasks\n  \
        taskset-rs tasks list 'mlp_family_seed{0..9}' 'TwoD_*'\n  taskset-rs tasks list quadratic_family --json\n  \
        taskset-rs tasks list set                  # our list of the paper's 1,162 tasks, as far as it is made\n  \
        taskset-rs tasks list mlp_family --max-minutes 5             # the paper's rejection of slow tasks\n  \
        taskset-rs tasks list mlp_family --max-minutes 5 --rejected  # the others, and why"
    )]
    List {
        /// Names, ranges `mlp_family_seed{0..99}`, wildcards `TwoD_*`, families, groups of fixed tasks (`fixed_maf`), `sampled`,
        /// `fixed`, or `set`: the fixed tasks, and sampled ones that can be trained [default: all tasks].
        patterns: Vec<String>,
        /// Print one line per family instead of one per task.
        #[arg(long, conflicts_with_all = ["patterns", "json", "max_minutes"])]
        families: bool,
        /// Only feasible tasks on which one trial takes at most about M minutes on one core of this machine. A trial has
        /// 10,000 steps, and an evaluation on 50 minibatches every 200 steps.
        #[arg(long, value_name = "M", value_parser = super::positive)]
        max_minutes: Option<f64>,
        /// Speed of matrix products on one core. Without this option, it is measured in 0.2 s.
        #[arg(long, value_name = "GFLOPS", requires = "max_minutes", value_parser = super::positive)]
        rate: Option<f64>,
        /// Print the rejected tasks instead, each with its reason.
        #[arg(long, requires = "max_minutes")]
        rejected: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show configuration, parameter count and feasibility of one task, and where its name misleads.
    #[command(after_help = "Example:\n  taskset-rs tasks show mlp_family_seed12 --json")]
    Show {
        /// Task name.
        name: String,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Build tasks, evaluate loss and gradient on a minibatch of each split, and take some Adam steps. All cores are used,
    /// one task a core. A loss that diverges is shown, but is no failure: the learning rate does not suit every task.
    #[command(
        after_help = "Examples:\n  taskset-rs tasks check 'mlp_family_seed{0..9}' --data synthetic --steps 100\n  \
        taskset-rs tasks check fixed --data synthetic   # all 109 fixed tasks, in a few minutes"
    )]
    Check {
        /// Names or patterns.
        #[arg(required = true)]
        names: Vec<String>,
        /// Number of Adam steps (learning rate 0.001).
        #[arg(long, default_value_t = 10)]
        steps: u32,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { families: true, .. } => families(),
        Command::List { patterns, json, max_minutes: Some(most), rate, rejected, .. } => {
            screened(&patterns, json, most, rate, rejected)
        }
        Command::List { patterns, json, .. } => list(&patterns, json),
        Command::Show { name, json } => show(&name, json),
        Command::Check { names, steps, json, data } => check(&names, steps, json, &data),
    }
}

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
fn screened(
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

fn list(patterns: &[String], json: bool) -> anyhow::Result<()> {
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

fn families() -> anyhow::Result<()> {
    let mut rows: Vec<Vec<String>> = tasks::families()
        .iter()
        .map(|family| vec![format!("{}_seed{{0..999}}", family.name), family.summary.to_owned()])
        .collect();
    let fixed = tasks::select(&["fixed"])?;
    let line = format!("{} tasks with names of their own; `tasks list fixed` shows them", fixed.len());
    rows.push(vec!["fixed".to_owned(), line]);
    output::table(&["tasks", "what they are"], &[false; 2], &rows)
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    family: &'a str,
    config: &'a Option<serde_json::Value>,
    dataset: &'a Option<String>,
    num_params: u64,
    feasible: bool,
    reason: &'a Option<String>,
    /// Where the name misleads, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    /// Whether it is in the set of tasks.
    in_set: bool,
    /// Why it is not in the set, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_in_set_because: Option<&'a str>,
}

/// Whether a task is in the set, why it is not in a word, and both as a text.
fn in_set(d: &Description) -> (bool, Option<&'static str>, String) {
    // Only sampled tasks have a configuration; all others are fixed.
    let verdict =
        if d.config.is_none() { Some(Verdict::Kept) } else { set::entry(&d.name).map(|entry| entry.verdict) };
    match verdict {
        Some(Verdict::Kept) => (true, None, "yes".to_owned()),
        Some(Verdict::Rejected(reason)) => (false, Some(reason.word()), format!("no: {reason}")),
        // Behind the last seed of its family.
        None => (false, Some("not_needed"), "no: its family has its share without it".to_owned()),
    }
}

fn show(name: &str, json: bool) -> anyhow::Result<()> {
    let d = tasks::describe(name)?;
    let (in_set, not_in_set_because, in_set_words) = in_set(&d);
    if json {
        return output::json(&Shown {
            name: &d.name,
            family: &d.family,
            config: &d.config,
            dataset: &d.dataset,
            num_params: d.num_params,
            feasible: d.feasible,
            reason: &d.reason,
            note: d.note,
            in_set,
            not_in_set_because,
        });
    }
    let config = d.config.as_ref().map_or_else(|| "none (a fixed task)".to_owned(), ToString::to_string);
    let feasible = match &d.reason {
        Some(reason) => format!("no: {reason}"),
        None => "yes".to_owned(),
    };
    let mut lines = vec![
        format!("name        {}", d.name),
        format!("family      {}", d.family),
        format!("task        {}", d.summary),
        format!("config      {config}"),
        format!("data set    {}", d.dataset.as_deref().unwrap_or("none")),
        format!("parameters  {}", d.num_params),
        format!("feasible    {feasible}"),
        format!("in the set  {in_set_words}"),
    ];
    lines.extend(d.note.map(|note| format!("note        {note}")));
    output::lines(lines)
}

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

fn check(patterns: &[String], steps: u32, json: bool, data: &DataOption) -> anyhow::Result<()> {
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
