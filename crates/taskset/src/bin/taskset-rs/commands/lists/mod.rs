//! `lists learn | evaluate | show | normalizers`.

mod evaluate;
mod learn;
pub(crate) mod normalizers;
mod show;

use std::path::{Path, PathBuf};

use anyhow::Context;
use taskset::curves::Query;
use taskset::meta::{self, HyperparameterList, TaskScores};
use taskset::names::{Origin, Split};
use taskset::normalize;
use taskset::optim::{self, Mode};

use crate::options::SelectionOption;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Learn a list greedily from curves: which configurations to try, in which order.
    #[command(
        after_help = "Examples:\n  taskset-rs lists learn --curves taskset-out/sec5-quick-synthetic/curves \\\n      \
        --family adam8p --k 10 --out list.json\n  \
        taskset-rs lists learn --curves curves --family adam1p --family 'adam8p_wide_grid_seed{0..99}'\n\n\
        The list has fewer than K entries if no further configuration improves the score of any task."
    )]
    Learn {
        /// A Parquet file or a directory of them.
        #[arg(long, value_name = "PATH")]
        curves: PathBuf,
        /// Which configurations are candidates: a family such as adam8p (the same as adam8p_wide_grid or
        /// adam8p_wide_grid_1k), names, ranges, wildcards. Families and names may be those of your own optimizers. If you
        /// give several, one list is learned, with candidates from all of them.
        #[arg(long = "family", value_name = "FAMILY|PATTERN", required = true)]
        families: Vec<String>,
        /// Largest number of entries of the list.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        k: u32,
        /// How curves become scores.
        #[arg(long, value_name = "NAME", default_value = "default", value_parser = normalizers::names())]
        normalize: String,
        /// Write the list to this file.
        #[arg(long, value_name = "FILE.json")]
        out: Option<PathBuf>,
        /// Print one JSON document: the list.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        selection: SelectionOption,
    },
    /// Evaluate a list on curves: its score J after each entry, and the score of each entry on each task.
    #[command(
        after_help = "Examples:\n  taskset-rs lists evaluate list.json --curves taskset-out/sec5-quick-synthetic/curves\n  \
        taskset-rs lists evaluate list.json --curves curves --k 5 --out scores.csv\n\n\
        On each task, the entry with the best validation score among the entries so far is chosen. J is the mean, over the \
        tasks, of the test scores of the chosen entries. The file of --out has one row per task and entry: the entry's own \
        scores, which of the entries so far is chosen on the task, and the test score of the chosen entry."
    )]
    Evaluate {
        /// `published`, or a file written by `lists learn`.
        list: String,
        /// A Parquet file or a directory of them, with curves of the list's entries.
        #[arg(long, value_name = "PATH")]
        curves: PathBuf,
        /// Use only the first K entries.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        k: Option<u32>,
        /// How curves become scores.
        #[arg(long, value_name = "NAME", default_value = "default", value_parser = normalizers::names())]
        normalize: String,
        /// Write the scores of all entries on all tasks to this file: .csv or .parquet.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        selection: SelectionOption,
    },
    /// Show the published list or a learned one, and the command that trains with an entry.
    #[command(
        after_help = "Examples:\n  taskset-rs lists show published --k 10\n  taskset-rs lists show list.json\n\n\
        The entries of the published list are meant for mode opt_list, with schedules over the steps of your own training. \
        This command does what entry 0 of the published package does:\n  \
        taskset-rs train TASK nadamw_grid_seed251 --mode opt_list --steps STEPS"
    )]
    Show {
        /// `published`, or a file written by `lists learn`.
        list: String,
        /// Use only the first K entries.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        k: Option<u32>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// List the names for `--normalize`: the ways to turn curves into scores.
    #[command(after_help = "Example:\n  taskset-rs lists normalizers")]
    Normalizers {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Learn { curves, families, k, normalize, out, json, selection } => {
            learn::run(&curves, &families, k as usize, &normalize, out.as_deref(), json, &selection)
        }
        Command::Evaluate { list, curves, k, normalize, out, json, selection } => {
            evaluate::run(&load(&list, k)?, &curves, &normalize, out.as_deref(), json, &selection)
        }
        Command::Show { list, k, json } => show::run(&load(&list, k)?, json),
        Command::Normalizers { json } => normalizers::run(json),
    }
}

/// Reads a list and cuts it after `k` entries.
fn load(list: &str, k: Option<u32>) -> anyhow::Result<HyperparameterList> {
    let mut list = if list == "published" {
        published()?
    } else {
        let text = std::fs::read_to_string(list).with_context(|| {
            format!("{list} cannot be read; name a file written by `lists learn --out`, or `published`")
        })?;
        HyperparameterList::from_json(&text).with_context(|| format!("{list} cannot be used"))?
    };
    if let Some(k) = k.map(|k| k as usize).filter(|&k| k < list.entries.len()) {
        list.entries.truncate(k);
        list.ends_because = None;
    }
    Ok(list)
}

/// Scores all tasks of a place. All families at hand set the scale, so that scores do not depend on which one a list is
/// learned for. Only the two splits that a list needs are read.
fn score(path: &Path, normalizer: &str, selection: &SelectionOption) -> anyhow::Result<Vec<TaskScores>> {
    let normalizer = normalize::named(normalizer)?;
    let mut splits = vec![normalizer.selection, Split::Test];
    splits.dedup();
    let query = Query { splits, selection: selection.selection(), ..Query::default() };
    let reader = super::curves::open(path)?.whole()?;
    super::curves::note_left_out(&reader);
    let scores = reader
        .query_by_task(&query)
        .map_parallel(|curves| Ok::<_, anyhow::Error>(normalizer.scores(&curves)?))
        .collect::<anyhow::Result<Vec<TaskScores>>>()?;
    anyhow::ensure!(
        !scores.is_empty(),
        "no curve in {} matches; `curves info` says what is there",
        path.display()
    );
    let dropped: Vec<&str> = scores.iter().filter(|s| s.dropped).map(|s| s.task.as_str()).collect();
    anyhow::ensure!(
        dropped.len() < scores.len(),
        "no task in {} can be scored: on all {} of them, no loss is below the initial loss",
        path.display(),
        scores.len()
    );
    if !dropped.is_empty() {
        say!("left out, because no loss there is below the initial one: {}", dropped.join(", "));
    }
    Ok(scores)
}

fn origin(scores: &[TaskScores]) -> Origin {
    Origin::of_all(scores.iter().map(|score| score.origin))
}

/// What to do about a configuration that some task has no curve of; other errors as they are.
fn explain(
    error: meta::Error,
    path: &Path,
    scores: &[TaskScores],
    mode: Option<&str>,
    more: &str,
) -> anyhow::Error {
    let meta::Error::Missing { task, config } = &error else { return error.into() };
    if optim::named(config).is_err() {
        return anyhow::anyhow!(
            "{} has no curve of `{config}` on `{task}`. This program has no optimizer of that name: train it with the program \
             that made its other curves{more}",
            path.display()
        );
    }
    let protocol = scores.iter().find_map(|score| score.shared.protocol()).map_or_else(String::new, |p| {
        format!(" --steps {} --eval-every {} --eval-batches {}", p.steps, p.eval_every, p.eval_batches)
    });
    // As the curves of its family were trained, so that the new one can be compared with them.
    let family = optim::named(config).map(|named| named.family.info()).ok();
    let like = scores.iter().find_map(|score| {
        let trained = score.optimizers.iter().filter_map(|name| score.shared.optimizer(name));
        trained.into_iter().find(|trained| family.is_some_and(|info| info.name == trained.family))
    });
    let has_modes = family.is_some_and(|info| info.has_modes);
    let mode = mode.or_else(|| like?.mode.as_deref()).filter(|_| has_modes);
    let mode = mode.map_or_else(String::new, |mode| format!(" --mode {mode}"));
    let steps = like.and_then(|trained| trained.schedule_steps);
    let steps = steps.map_or_else(String::new, |steps| format!(" --schedule-steps {steps}"));
    anyhow::anyhow!(
        "{} has no curve of `{config}` on `{task}`. Train it with `train {task} {config}{mode}{steps}{protocol} --out FILE.parquet`{more}",
        path.display()
    )
}

fn published() -> anyhow::Result<HyperparameterList> {
    let entries = (0..optim::published_list::published().len())
        .map(|index| {
            let named = optim::published_list::entry(index)?;
            Ok(meta::ListEntry {
                name: named.name,
                hyperparameters: Some(serde_json::to_value(named.config)?),
                mode: None,
                schedule_steps: None,
                train_score_after: None,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let source = "opt_list of google-research and learned_optimization; Copyright Google LLC, Apache-2.0";
    let mut list = HyperparameterList::new("nadamw", "not documented", 1162, source, entries);
    list.mode = Some(Mode::OptList.name().to_owned());
    Ok(list)
}
