//! `optimizers list | show | trace`.

mod list;
mod show;
mod trace;

use std::path::PathBuf;

use taskset::optim::{self, Family, Hint};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the optimizer families, their names and search spaces.
    #[command(after_help = "Example:\n  taskset-rs optimizers list --json")]
    List {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show the family and hyperparameters of optimizers, or write them to a table file.
    #[command(after_help = "Examples:\n  taskset-rs optimizers show adam8p_wide_grid_seed107 --json\n  \
        taskset-rs optimizers show 'adam_lr_*' nadamw_grid_seed251\n  \
        taskset-rs optimizers show adam8p --out adam8p.parquet\n\n\
        With --json, one name gives one object. A pattern or several names give a list of such objects.")]
    Show {
        /// Names, ranges such as nadamw_grid_seed{0..9}, wildcards such as 'adam_lr_*', families such as adam8p.
        #[arg(required = true, value_name = "PATTERN")]
        patterns: Vec<String>,
        /// Write a table to this file, .parquet or .csv: one row per optimizer, one column per hyperparameter.
        #[arg(long, value_name = "FILE", conflicts_with = "json")]
        out: Option<PathBuf>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Run an update rule in f64 on given initial parameters and gradients.
    #[command(
        after_help = "Examples:\n  taskset-rs optimizers trace adam_lr_-3.00 --problem problem.json --json\n  \
        taskset-rs optimizers trace --problem problem.json     (the file names the optimizer)\n\n\
        The problem file is a JSON object with the keys:\n  \
        \"initial_params\"  list of n numbers, or an object {\"tensor\": nested lists of numbers}\n  \
        \"grads\"           list of one gradient per step, each like initial_params\n  \
        \"optimizer\"       needed if NAME is not given: a family such as \"lamb\", or the name of an optimizer. Case, - and _ \
        make no difference\n  \
        \"hparams\"         optional: hyperparameters. They replace those of the named optimizer, or the defaults of the family \
        (`optimizers list` shows which families have defaults; the others need all keys). For nadamw, \"warmup_rule\": \
        \"min\" or \"max\" replaces the rule of the mode\n  \
        \"tensors\"         optional: {\"tensor\": {\"role\": \"first kernel\", \"axes\": \"out, in\"}}. A role is a kind (dense, \
        kernel, recurrent, embedding, bias, gain, plain), a position (first, hidden, last, only) or both. By default, the \
        number of axes decides the kind, and the position is hidden. \"axes\" has one word for each axis. The word `out` \
        marks the axis of the outputs, which is the last one by default\n  \
        \"training_steps\"  optional: steps over which schedules run (default 10000 for every family)\n  \
        \"mode\"            optional: \"upstream\", \"opt_list\" or \"paper\", for the families of the paper\n\
        Other keys are refused.\n\n\
        The result has one row per step: params after the step and, if the optimizer has them, lr, the moments m and v, and \
        eval_params (the parameters at which the loss is evaluated). Parameters and moments are lists or objects, like \
        initial_params."
    )]
    Trace {
        /// Optimizer name. It can be left out if the problem file has "optimizer".
        name: Option<String>,
        /// JSON file with the problem.
        #[arg(long, value_name = "FILE.json")]
        problem: PathBuf,
        /// Print one JSON document: params, lr, m, v, eval_params.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { json } => list::run(json),
        Command::Show { patterns, out, json } => show::run(&patterns, out.as_deref(), json),
        Command::Trace { name, problem, json } => trace::run(name.as_deref(), &problem, json),
    }
}

/// The error for a word that names no optimizer: a word that is near no optimizer's name is taken for that of a family.
pub(crate) fn unknown_family(word: &str, error: optim::Error) -> anyhow::Error {
    let optim::Error::UnknownOptimizer { hint, .. } = &error else { return error.into() };
    let near_none = matches!(hint, Hint::Nothing | Hint::Group { .. } | Hint::DefaultAdam);
    match word.parse::<Family>() {
        Err(unknown) if near_none && !word.contains("_seed") => unknown.into(),
        _ => error.into(),
    }
}
