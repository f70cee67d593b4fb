//! `optimizers list | show | trace`.

use std::path::PathBuf;

use serde::Serialize;
use taskset::optim;

use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// The optimizer families, their names and search spaces.
    #[command(after_help = "Example:\n  taskset-rs optimizers list --json")]
    List {
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Family and hyperparameters of one optimizer.
    #[command(after_help = "Example:\n  taskset-rs optimizers show adam8p_wide_grid_seed107 --json")]
    Show {
        /// Optimizer name.
        name: String,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Run an update rule in f64 on given initial parameters and gradients.
    #[command(
        after_help = "Example:\n  taskset-rs optimizers trace adam_lr_-3.00 --problem problem.json --json\n\n\
        The problem file: {\"initial_params\": [n numbers], \"grads\": [steps][n], and optionally\n\
        \"hparams\": {…} in place of the name's (\"warmup_rule\": \"min\" | \"max\" in place of the mode's),\n\
        \"training_steps\": T (default 10000), \"mode\": \"upstream\" | \"opt_list\" | \"paper\"}.\n\
        Other keys are refused."
    )]
    Trace {
        /// Optimizer name.
        name: String,
        /// JSON file with the problem.
        #[arg(long, value_name = "FILE.json")]
        problem: PathBuf,
        /// One JSON document on stdout: params, lr, m, v.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { json } => list(json),
        Command::Show { name, json } => show(&name, json),
        Command::Trace { name, problem, json } => super::trace::run(&name, &problem, json),
    }
}

#[derive(Serialize)]
struct ListedDimension {
    name: &'static str,
    scale: String,
    lo: f64,
    hi: f64,
    or_zero: bool,
}

#[derive(Serialize)]
struct ListedFamily {
    family: &'static str,
    names: String,
    set: Option<&'static str>,
    count: u32,
    summary: &'static str,
    space: Vec<ListedDimension>,
}

fn list(json: bool) -> anyhow::Result<()> {
    let families: Vec<ListedFamily> = optim::families()
        .iter()
        .map(|info| {
            let mut names = info.names();
            let first = names.next().unwrap_or_default();
            let last = names.last();
            let space = info.space.iter().map(|d| ListedDimension {
                name: d.name,
                scale: scale_name(d.scale).to_owned(),
                lo: d.lo,
                hi: d.hi,
                or_zero: d.or_zero,
            });
            ListedFamily {
                family: info.name,
                names: last.map_or(first.clone(), |last| format!("{first} … {last}")),
                set: info.set(),
                count: info.len(),
                summary: info.summary,
                space: space.collect(),
            }
        })
        .collect();
    if json {
        return output::json(&families);
    }
    let mut lines = Vec::new();
    for family in &families {
        lines.push(format!("{}  ({}: {})", family.family, family.count, family.names));
        let set = family.set.map(|set| format!(" Set: {set}.")).unwrap_or_default();
        lines.push(format!("    {}{set}", family.summary));
        for d in &family.space {
            let zero = if d.or_zero { ", or 0" } else { "" };
            lines.push(format!("    {:<26} {} {:e} to {:e}{zero}", d.name, d.scale, d.lo, d.hi));
        }
    }
    output::lines(lines)
}

fn scale_name(scale: optim::Scale) -> &'static str {
    match scale {
        optim::Scale::Log => "log",
        optim::Scale::OneMinusLog => "one minus log",
        optim::Scale::Linear => "linear",
        optim::Scale::Switch => "true or false,",
        _ => "other",
    }
}

#[derive(Serialize)]
struct Shown {
    name: String,
    family: &'static str,
    hyperparameters: optim::Config,
}

fn show(name: &str, json: bool) -> anyhow::Result<()> {
    let named = optim::named(name)?;
    let family = named.family.info().name;
    if json {
        return output::json(&Shown { name: named.name, family, hyperparameters: named.config });
    }
    let hyperparameters = serde_json::to_value(named.config)?;
    let values = hyperparameters
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("    {key:<24} {value}"));
    output::lines([format!("name    {}", named.name), format!("family  {family}")].into_iter().chain(values))
}
