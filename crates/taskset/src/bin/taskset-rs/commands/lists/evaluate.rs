//! `lists evaluate`: what a list is worth on curves, over all tasks and on each of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use taskset::curves::{Column, DataTable};
use taskset::meta::{self, HyperparameterList, ScoreMatrix, TaskScores};
use taskset::names::Origin;

use super::{explain, origin, score};
use crate::commands::table_file::TableFile;
use crate::options::SelectionOption;
use crate::output;

/// Entries whose scores the printed table shows; a file has them all.
const SHOWN: usize = 8;

pub(super) fn run(
    list: &HyperparameterList,
    path: &Path,
    normalizer: &str,
    out: Option<&Path>,
    json: bool,
    selection: &SelectionOption,
) -> anyhow::Result<()> {
    let out = out.map(TableFile::check).transpose()?;
    let scores = score(path, normalizer, selection)?;
    let configs: Vec<String> = list.entries.iter().map(|entry| entry.name.clone()).collect();
    anyhow::ensure!(!configs.is_empty(), "the list has no entry to evaluate");
    let matrix = ScoreMatrix::from_scores(&scores, &configs)
        .map_err(|error| explain(error, path, &scores, list.mode.as_deref(), &shorter(&configs, &scores)))?;
    note_other_mode(list, &scores);
    let evaluation = Evaluation::of(&matrix);
    let data = origin(&scores).name();
    if let Some(out) = &out {
        out.write(&evaluation.table(&matrix, normalizer, &scores))?;
        say!(
            "scores of {} entries on {} tasks written to {}",
            configs.len(),
            matrix.tasks().len(),
            out.path().display(),
        );
    }
    if json {
        return output::json(&evaluation.document(&matrix, normalizer, data));
    }
    evaluation.print(&matrix, data, scores.iter().find(|score| !score.dropped))
}

/// Says so where the curves are of another mode than the list is meant for, or of schedules over other steps.
fn note_other_mode(list: &HyperparameterList, scores: &[TaskScores]) {
    let (mut modes, mut steps) = (None, None);
    for entry in &list.entries {
        let Some(trained) = scores.iter().find_map(|score| score.shared.optimizer(&entry.name)) else {
            continue;
        };
        let meant = entry.mode.as_ref().or(list.mode.as_ref());
        if let (Some(meant), Some(found)) = (meant, &trained.mode)
            && meant != found
        {
            modes.get_or_insert((meant, found));
        }
        let meant = entry.schedule_steps.or(list.schedule_steps);
        if let (Some(meant), Some(found)) = (meant, trained.schedule_steps)
            && meant != found
        {
            steps.get_or_insert((&entry.name, meant, found));
        }
    }
    if let Some((meant, other)) = modes {
        say!("note: the list is meant for mode {meant}, and these curves are of mode {other}");
    }
    if let Some((name, meant, other)) = steps {
        say!(
            "note: the list was learned from schedules over {meant} steps, and in these curves they run over {other} steps \
             (`{name}`)"
        );
    }
}

/// The longest list that can be evaluated, as advice.
fn shorter(configs: &[String], scores: &[TaskScores]) -> String {
    let kept = scores.iter().filter(|score| !score.dropped);
    let complete = |score: &TaskScores| {
        configs.iter().take_while(|name| score.optimizers.binary_search(name).is_ok()).count()
    };
    match kept.map(complete).min() {
        Some(k) if k > 0 => format!(", or use `--k {k}`"),
        _ => String::new(),
    }
}

/// What a list is worth.
struct Evaluation {
    /// J after each entry.
    worth: Vec<f64>,
    /// For each task, the entry that is picked by validation among the first k.
    picked: Vec<Vec<usize>>,
}

impl Evaluation {
    /// The configurations of the matrix are the entries of the list, in order.
    fn of(matrix: &ScoreMatrix) -> Self {
        let (tasks, entries) = (matrix.tasks().len(), matrix.configs().len());
        let order: Vec<usize> = (0..entries).collect();
        let picked = |task: usize| {
            let valid = matrix.valid(task);
            let mut best = 0;
            order
                .iter()
                .map(|&entry| {
                    // Of equal ones the first, as `best_of_first_k` picks.
                    best = if valid[entry] < valid[best] { entry } else { best };
                    best
                })
                .collect()
        };
        let all: Vec<usize> = (0..tasks).collect();
        Self {
            worth: meta::best_of_first_k(matrix, &all, &order),
            picked: all.iter().map(|&task| picked(task)).collect(),
        }
    }

    fn print(&self, matrix: &ScoreMatrix, data: &str, scores: Option<&TaskScores>) -> anyhow::Result<()> {
        let selection = scores.map_or("validation", |score| score.selection.name());
        say!(
            "Scores on {} tasks, {data} data: 1 is the initial loss, 0 the lowest loss of all curves there.\n\
             On each task, the entry with the best {selection} score among the first k is chosen; J(k) is the mean of its test score over tasks.",
            matrix.tasks().len()
        );
        let worst = |entry: usize| {
            (0..matrix.tasks().len())
                .map(|task| (matrix.test(task)[entry], task))
                .reduce(|worst, next| if next.0 > worst.0 { next } else { worst })
                .map_or_else(Default::default, |(score, task)| {
                    [matrix.tasks()[task].clone(), format!("{score:.4}")]
                })
        };
        let rows: Vec<Vec<String>> = matrix
            .configs()
            .iter()
            .enumerate()
            .map(|(entry, name)| {
                let [task, score] = worst(entry);
                vec![
                    (entry + 1).to_string(),
                    entry.to_string(),
                    name.clone(),
                    format!("{:.4}", self.worth[entry]),
                    task,
                    score,
                ]
            })
            .collect();
        let header = ["k", "entry", "name", "J", "worst task of the entry", "its score"];
        output::table(&header, &[true, true, false, true, false, true], &rows)?;
        output::lines([""])?;
        let entries = matrix.configs().len();
        let shown = entries.min(SHOWN);
        let columns: Vec<String> = (0..shown).map(|entry| format!("entry {entry}")).collect();
        let rows: Vec<Vec<String>> = (0..matrix.tasks().len())
            .map(|task| {
                let pick = self.picked[task][entries - 1];
                let score = |entry: usize| format!("{:.4}", matrix.test(task)[entry]);
                let fixed = [matrix.tasks()[task].clone(), score(pick), pick.to_string()];
                fixed.into_iter().chain((0..shown).map(score)).collect()
            })
            .collect();
        let header: Vec<&str> =
            ["task", "list", "picks"].into_iter().chain(columns.iter().map(String::as_str)).collect();
        let right: Vec<bool> = (0..header.len()).map(|column| column > 0).collect();
        output::table(&header, &right, &rows)?;
        if shown < entries {
            say!(
                "test scores of the first {shown} entries; `--out FILE.csv` and `--json` have all {entries}"
            );
        }
        Ok(())
    }

    fn document(&self, matrix: &ScoreMatrix, normalizer: &str, data: &str) -> serde_json::Value {
        let entries: Vec<_> =
            matrix.configs().iter().zip(&self.worth).map(|(name, j)| json!({"name": name, "j": j})).collect();
        let per_task: Vec<_> = (0..matrix.tasks().len())
            .map(|task| {
                let entries: Vec<_> = (0..matrix.configs().len())
                    .map(|entry| {
                        let picked = self.picked[task][entry];
                        json!({
                            "entry": entry, "name": matrix.configs()[entry], "validation_score": matrix.valid(task)[entry],
                            "test_score": matrix.test(task)[entry], "picked": picked,
                            "list_score": matrix.test(task)[picked],
                        })
                    })
                    .collect();
                json!({"task": matrix.tasks()[task], "entries": entries})
            })
            .collect();
        json!({
            "normalizer": normalizer, "tasks": matrix.tasks().len(), "data": data, "entries": entries, "per_task": per_task
        })
    }

    /// One row per task and entry.
    fn table(&self, matrix: &ScoreMatrix, normalizer: &str, scores: &[TaskScores]) -> DataTable {
        let entries = matrix.configs().len();
        let pairs =
            || (0..matrix.tasks().len()).flat_map(|task| (0..entries).map(move |entry| (task, entry)));
        let texts = |text: &dyn Fn(usize, usize) -> String| {
            Column::Text(pairs().map(|(task, entry)| Some(text(task, entry))).collect())
        };
        let numbers = |number: &dyn Fn(usize, usize) -> f64| {
            Column::Number(pairs().map(|(task, entry)| Some(number(task, entry))).collect())
        };
        let counts = |count: &dyn Fn(usize, usize) -> usize| {
            Column::Count(pairs().map(|(task, entry)| Some(count(task, entry) as u64)).collect())
        };
        let mut table = DataTable::default();
        table.push("task", texts(&|task, _| matrix.tasks()[task].clone()));
        table.push("k", counts(&|_, entry| entry + 1));
        table.push("entry", counts(&|_, entry| entry));
        table.push("name", texts(&|_, entry| matrix.configs()[entry].clone()));
        table.push("validation_score", numbers(&|task, entry| matrix.valid(task)[entry]));
        table.push("test_score", numbers(&|task, entry| matrix.test(task)[entry]));
        table.push("picked", counts(&|task, entry| self.picked[task][entry]));
        table.push("list_score", numbers(&|task, entry| matrix.test(task)[self.picked[task][entry]]));
        table.push("normalizer", texts(&|_, _| normalizer.to_owned()));
        let origins: BTreeMap<&str, Origin> =
            scores.iter().map(|scores| (scores.task.as_str(), scores.origin)).collect();
        let data =
            |task: usize| origins.get(matrix.tasks()[task].as_str()).map_or("", |origin| origin.name());
        table.push("data", texts(&|task, _| data(task).to_owned()));
        table
    }
}
