//! `tasks list | show | check`.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use taskset::names::Split;
use taskset::optim::{self, Mode};
use taskset::tasks::{self, Description, Feed, Task};
use taskset::train::replica_stream;

use crate::options::DataOption;
use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// One line a task: name, family, data set, parameters, work, whether it can be trained.
    #[command(
        after_help = "Examples:\n  taskset-rs tasks list                      # families and fixed tasks\n  \
        taskset-rs tasks list 'mlp_family_seed{0..9}' 'TwoD_*'\n  taskset-rs tasks list quadratic_family --json"
    )]
    List {
        /// Names, ranges `mlp_family_seed{0..99}`, wildcards `TwoD_*`, a family, `fixed`. None: all tasks.
        patterns: Vec<String>,
        /// One line a family instead.
        #[arg(long, conflicts_with_all = ["patterns", "json"])]
        families: bool,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Configuration, parameter count and feasibility of one task.
    #[command(after_help = "Example:\n  taskset-rs tasks show mlp_family_seed12 --json")]
    Show {
        /// Task name.
        name: String,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Build tasks, evaluate loss and gradient on a batch of each split, take some Adam steps.
    #[command(
        after_help = "Example:\n  taskset-rs tasks check 'mlp_family_seed{0..9}' --data synthetic --steps 100"
    )]
    Check {
        /// Names or patterns.
        #[arg(required = true)]
        names: Vec<String>,
        /// Adam steps (learning rate 0.001).
        #[arg(long, default_value_t = 10)]
        steps: u32,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { families: true, .. } => families(),
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
    trainable: bool,
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
            trainable: d.trainable,
            mflops_per_step: d.flops_per_step / 1e6,
        }
    }
}

fn list(patterns: &[String], json: bool) -> anyhow::Result<()> {
    let all: Vec<String> = tasks::families().iter().map(|family| family.name.to_owned()).collect();
    let patterns =
        if patterns.is_empty() { [all, vec!["fixed".to_owned()]].concat() } else { patterns.to_vec() };
    let described: Vec<Description> =
        tasks::select(&patterns)?.iter().map(|name| tasks::describe(name)).collect::<Result<_, _>>()?;
    let listed: Vec<Listed<'_>> = described.iter().map(Listed::from).collect();
    if json {
        return output::json(&listed);
    }
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|l| {
            let status = match (l.feasible, l.trainable) {
                (false, _) => "infeasible",
                (true, true) => "trainable",
                (true, false) => "described",
            };
            vec![
                l.name.to_owned(),
                l.family.to_owned(),
                l.dataset.unwrap_or("-").to_owned(),
                l.num_params.to_string(),
                output::short(l.mflops_per_step),
                status.to_owned(),
            ]
        })
        .collect();
    let right = [false, false, false, true, true, false];
    output::table(&["name", "family", "dataset", "parameters", "MFLOP/step", "status"], &right, &rows)
}

fn families() -> anyhow::Result<()> {
    let mut rows: Vec<Vec<String>> = tasks::families()
        .iter()
        .map(|family| {
            let trainable = tasks::describe(&format!("{}_seed0", family.name)).is_ok_and(|d| d.trainable);
            let status = if trainable { "trainable" } else { "described" };
            vec![format!("{}_seed{{0..999}}", family.name), status.to_owned(), family.summary.to_owned()]
        })
        .collect();
    let fixed = tasks::select(&["fixed"])?;
    let trainable = fixed.iter().filter(|name| tasks::describe(name).is_ok_and(|d| d.trainable)).count();
    let fixed_line =
        format!("{} named tasks, {trainable} of them trainable; `tasks list fixed` shows them", fixed.len());
    rows.push(vec!["fixed".to_owned(), "partly".to_owned(), fixed_line]);
    output::table(&["tasks", "status", "what they are"], &[false; 3], &rows)?;
    say!("(trainable: can be trained by this version; described: configuration and size only)");
    Ok(())
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
}

fn show(name: &str, json: bool) -> anyhow::Result<()> {
    let d = tasks::describe(name)?;
    if json {
        return output::json(&Shown {
            name: &d.name,
            family: &d.family,
            config: &d.config,
            dataset: &d.dataset,
            num_params: d.num_params,
            feasible: d.feasible,
            reason: &d.reason,
        });
    }
    let config = d.config.as_ref().map_or_else(|| "none (a fixed task)".to_owned(), ToString::to_string);
    let feasible = match &d.reason {
        Some(reason) => format!("no: {reason}"),
        None => "yes".to_owned(),
    };
    let trainable = if d.trainable { "yes" } else { "not by this version" };
    output::lines([
        format!("name        {}", d.name),
        format!("family      {}", d.family),
        format!("config      {config}"),
        format!("data set    {}", d.dataset.as_deref().unwrap_or("none")),
        format!("parameters  {}", d.num_params),
        format!("feasible    {feasible}"),
        format!("trainable   {trainable}"),
    ])
}

#[derive(Serialize)]
struct Checked {
    name: String,
    num_params: u64,
    initial_loss: serde_json::Map<String, serde_json::Value>,
    grad_norm: f64,
    final_loss: f64,
    micros_per_step: f64,
    data: &'static str,
}

fn check(patterns: &[String], steps: u32, json: bool, data: &DataOption) -> anyhow::Result<()> {
    let datasets = data.datasets();
    let mut documents = Vec::new();
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    let names = tasks::select(patterns)?;
    for name in &names {
        let checked = tasks::build(name, &datasets)
            .map_err(anyhow::Error::from)
            .and_then(|task| check_one(&task, steps));
        match checked {
            Ok(checked) => {
                rows.push(vec![
                    name.clone(),
                    checked.num_params.to_string(),
                    checked.initial_loss["train"].as_f64().map_or("-".to_owned(), output::short),
                    output::short(checked.grad_norm),
                    output::short(checked.final_loss),
                    output::short(checked.micros_per_step),
                    checked.data.to_owned(),
                ]);
                documents.push(serde_json::to_value(&checked)?);
            }
            Err(error) => {
                let message = crate::failure::message(&error);
                say!("{name}: {message}");
                documents.push(serde_json::json!({"name": name, "error": message}));
                failed.push(name.clone());
            }
        }
    }
    if json {
        output::json(&documents)?;
    } else if !rows.is_empty() {
        let header = ["name", "parameters", "initial loss", "grad norm", "final loss", "µs/step", "data"];
        output::table(&header, &[false, true, true, true, true, true, false], &rows)?;
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
    let rule = optim::named("adam_lr_-3.00")?.config.rule(Mode::Upstream, u64::from(steps));
    let mut state = rule.init::<f32>(n);
    let start = Instant::now();
    for _ in 0..steps {
        problem.next_batch(Feed::Training);
        problem.loss_and_gradients(&params, &mut gradients);
        rule.update(&gradients, &mut params, &mut state);
    }
    let micros_per_step = start.elapsed().as_secs_f64() * 1e6 / f64::from(steps.max(1));
    problem.next_batch(Feed::Training);
    let final_loss = f64::from(problem.loss(&params));
    anyhow::ensure!(final_loss.is_finite(), "the loss after {steps} Adam steps is {final_loss}");
    Ok(Checked {
        name: task.name().to_owned(),
        num_params: n as u64,
        initial_loss,
        grad_norm,
        final_loss,
        micros_per_step,
        data: task.origin().name(),
    })
}
