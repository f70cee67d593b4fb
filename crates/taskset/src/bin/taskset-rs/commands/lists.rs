//! `lists learn | evaluate | show`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use taskset::curves::{self, Query};
use taskset::files;
use taskset::meta::{self, HyperparameterList, ScoreMatrix};
use taskset::names::{Origin, Split};
use taskset::normalize::{self, TaskScores};
use taskset::optim;

use crate::options::SelectionOption;
use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Learn a list from curves: greedily, the configurations to try in order.
    #[command(
        after_help = "Example:\n  taskset-rs lists learn --curves taskset-out/sec5-quick-synthetic/curves \\\n      \
        --family adam8p --k 10 --out list.json"
    )]
    Learn {
        /// A Parquet file or a directory of them.
        #[arg(long, value_name = "PATH")]
        curves: PathBuf,
        /// Family whose configurations are candidates, e.g. adam8p.
        #[arg(long)]
        family: String,
        /// Length of the list.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        k: u32,
        /// How curves become scores.
        #[arg(long, default_value = "default", value_parser = PossibleValuesParser::new(normalize::names()))]
        normalize: String,
        /// Write the list to this file.
        #[arg(long, value_name = "FILE.json")]
        out: Option<PathBuf>,
        /// One JSON document on stdout: the list.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        selection: SelectionOption,
    },
    /// What a list is worth on curves: J after each entry (best by validation, reported on test, mean over tasks).
    #[command(
        after_help = "Example:\n  taskset-rs lists evaluate list.json --curves taskset-out/sec5-quick-synthetic/curves"
    )]
    Evaluate {
        /// `published`, or a file written by `lists learn`.
        list: String,
        /// A Parquet file or a directory of them, with curves of the list's entries.
        #[arg(long, value_name = "PATH")]
        curves: PathBuf,
        /// Only the first so many entries.
        #[arg(long)]
        k: Option<usize>,
        /// How curves become scores.
        #[arg(long, default_value = "default", value_parser = PossibleValuesParser::new(normalize::names()))]
        normalize: String,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        selection: SelectionOption,
    },
    /// Show the published list, or a learned one.
    #[command(
        after_help = "Examples:\n  taskset-rs lists show published --k 10\n  taskset-rs lists show list.json"
    )]
    Show {
        /// `published`, or a file written by `lists learn`.
        list: String,
        /// Only the first so many entries.
        #[arg(long)]
        k: Option<usize>,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Learn { curves, family, k, normalize, out, json, selection } => {
            let family: optim::Family = family.parse()?;
            let scores = score(&curves, &normalize, &selection)?;
            learn(&scores, &curves, family, k as usize, &normalize, out.as_deref(), json)
        }
        Command::Evaluate { list, curves, k, normalize, json, selection } => {
            let list = load(&list, k)?;
            let scores = score(&curves, &normalize, &selection)?;
            evaluate(&list, &scores, &curves, &normalize, json)
        }
        Command::Show { list, k, json } => show(&list, k, json),
    }
}

fn learn(
    scores: &[TaskScores],
    path: &Path,
    family: optim::Family,
    k: usize,
    normalizer: &str,
    out: Option<&Path>,
    json: bool,
) -> anyhow::Result<()> {
    let info = family.info();
    let configs = normalize::configurations(scores, info.prefix);
    anyhow::ensure!(
        !configs.is_empty(),
        "there are no curves of family {} in {}; `curves info` says what is there",
        info.name,
        path.display()
    );
    let matrix = ScoreMatrix::from_scores(scores, &configs)?;
    anyhow::ensure!(!matrix.tasks().is_empty(), "there is no task to learn from in {}", path.display());
    if k > configs.len() {
        say!("the family has {} configurations here; the list ends there", configs.len());
    }
    let protocol = scores.iter().find_map(|score| score.shared.protocol());
    let protocol = protocol.map_or_else(String::new, |protocol| format!(", {protocol}"));
    let source = format!("{} data{protocol}", origin(scores));
    let mut list = HyperparameterList::learn(&matrix, k, info.name, normalizer, &source);
    for entry in &mut list.entries {
        // Those that were trained, in upstream's order where they are what the name stands for.
        let trained = scores.iter().find_map(|score| score.shared.optimizer(&entry.name));
        let trained =
            trained.map(|optimizer| serde_json::to_value(&optimizer.hyperparameters)).transpose()?;
        let known =
            optim::named(&entry.name).ok().map(|named| serde_json::to_value(named.config)).transpose()?;
        let is_known = trained.is_none() || trained == known;
        entry.hyperparameters = if is_known { known } else { trained };
    }
    if let Some(out) = out {
        files::write_atomically(out, (list.to_json()? + "\n").as_bytes())
            .with_context(|| format!("the list could not be written to {}", out.display()))?;
        say!("list of {} written to {}", list.entries.len(), out.display());
    }
    if json { output::json(&list) } else { print(&list) }
}

/// Reads a list and cuts it after `k` entries.
fn load(list: &str, k: Option<usize>) -> anyhow::Result<HyperparameterList> {
    let mut list = if list == "published" {
        published()?
    } else {
        let text = std::fs::read_to_string(list).with_context(|| {
            format!("{list} cannot be read; name a file written by `lists learn --out`, or `published`")
        })?;
        HyperparameterList::from_json(&text).with_context(|| format!("{list} cannot be used"))?
    };
    list.entries.truncate(k.unwrap_or(usize::MAX));
    Ok(list)
}

fn show(list: &str, k: Option<usize>, json: bool) -> anyhow::Result<()> {
    let list = load(list, k)?;
    if json { output::json(&list) } else { print(&list) }
}

fn evaluate(
    list: &HyperparameterList,
    scores: &[TaskScores],
    path: &Path,
    normalizer: &str,
    json: bool,
) -> anyhow::Result<()> {
    let configs: Vec<String> = list.entries.iter().map(|entry| entry.name.clone()).collect();
    let matrix = ScoreMatrix::from_scores(scores, &configs).with_context(|| {
        format!("{} does not have the curves of every entry of the list (`--k` cuts it)", path.display())
    })?;
    let tasks: Vec<usize> = (0..matrix.tasks().len()).collect();
    anyhow::ensure!(!tasks.is_empty(), "there is no task to evaluate on in {}", path.display());
    let order: Vec<usize> = (0..configs.len()).collect();
    let worth = meta::best_of(&matrix, &tasks, &order);
    let data = origin(scores).name();
    if json {
        let entries: Vec<_> =
            configs.iter().zip(&worth).map(|(name, j)| serde_json::json!({"name": name, "j": j})).collect();
        return output::json(&serde_json::json!({
            "normalizer": normalizer, "tasks": tasks.len(), "data": data, "entries": entries
        }));
    }
    say!("J on {} tasks, {data} data: 1 is the initial loss, 0 the best of all curves there", tasks.len());
    let rows: Vec<Vec<String>> = configs
        .into_iter()
        .zip(&worth)
        .enumerate()
        .map(|(i, (name, j))| vec![(i + 1).to_string(), name, format!("{j:.4}")])
        .collect();
    output::table(&["k", "name", "J"], &[true, false, true], &rows)
}

/// Scores all tasks of a place. All families at hand set the scale, so that scores do not depend on which one a list is
/// learned for. Only the two splits that a list needs are read.
fn score(path: &Path, normalizer: &str, selection: &SelectionOption) -> anyhow::Result<Vec<TaskScores>> {
    let normalizer = normalize::named(normalizer)?;
    let mut splits = vec![normalizer.selection, Split::Test];
    splits.dedup();
    let query = Query { splits, selection: selection.selection(), ..Query::default() };
    let reader = curves::open(path)?.whole()?;
    super::curves::note_left_out(&reader);
    let scores = reader
        .query_by_task(&query)
        .map_parallel(|curves| Ok::<_, anyhow::Error>(normalizer.scores(&curves)?))
        .collect::<anyhow::Result<Vec<TaskScores>>>()?;
    anyhow::ensure!(
        !scores.is_empty(),
        "no curve in {} is chosen; `curves info` says what is there",
        path.display()
    );
    let dropped: Vec<&str> = scores.iter().filter(|s| s.dropped).map(|s| s.task.as_str()).collect();
    if !dropped.is_empty() {
        say!("left out, because nothing learned there: {}", dropped.join(", "));
    }
    Ok(scores)
}

fn origin(scores: &[TaskScores]) -> Origin {
    Origin::of_all(scores.iter().map(|score| score.origin))
}

fn published() -> anyhow::Result<HyperparameterList> {
    let entries = (0..optim::list::published().len())
        .map(|index| {
            let named = optim::list::entry(index)?;
            Ok(meta::ListEntry {
                name: named.name,
                hyperparameters: Some(serde_json::to_value(named.config)?),
                train_score_after: None,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(HyperparameterList::new(
        "nadamw",
        "not documented",
        1162,
        "opt_list of google-research and learned_optimization; Copyright Google LLC, Apache-2.0",
        entries,
    ))
}

/// One line an entry: place, name, score, hyperparameters.
fn print(list: &HyperparameterList) -> anyhow::Result<()> {
    let keys: Vec<String> = list
        .entries
        .first()
        .and_then(|e| e.hyperparameters.as_ref()?.as_object())
        .map(|o| o.keys().cloned().collect())
        .unwrap_or_default();
    let value = |v: &serde_json::Value| v.as_f64().map_or_else(|| v.to_string(), |x| format!("{x:.4e}"));
    let rows: Vec<Vec<String>> = list
        .entries
        .iter()
        .enumerate()
        .map(|(i, entry)| {
            let score = entry.train_score_after.map_or("-".to_owned(), |s| format!("{s:.4}"));
            let cells = keys.iter().map(|key| {
                entry.hyperparameters.as_ref().and_then(|h| h.get(key)).map_or("-".to_owned(), value)
            });
            [i.to_string(), entry.name.clone(), score].into_iter().chain(cells).collect()
        })
        .collect();
    let mut header = vec!["entry", "name", "score after"];
    header.extend(keys.iter().map(String::as_str));
    let mut right = vec![true; header.len()];
    right[1] = false;
    output::table(&header, &right, &rows)
}
