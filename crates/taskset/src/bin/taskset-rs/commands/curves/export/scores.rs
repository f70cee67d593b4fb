//! `curves export --format scores`: one row for each task and optimizer.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use taskset::curves::{Column, DataTable, Query, Reader};
use taskset::figures::counted;
use taskset::meta::{Normalizer, TaskScores};
use taskset::names::Split;
use taskset::normalize;
use taskset::trial::{Curve, OptimizerIdentity, Uniform};

use super::Chosen;
use crate::commands::table_file::note_replaced;

/// Scores the chosen curves by the normaliser of this name, and writes the table.
pub(super) fn run(
    reader: &Reader,
    query: &Query,
    normalizer: Normalizer,
    name: &str,
    chosen: &mut Chosen,
    path: &Path,
    out: &Path,
) -> anyhow::Result<()> {
    let scored = scores(reader, query, normalizer, chosen)?;
    if scored.is_empty() {
        return Err(chosen.nothing(path));
    }
    chosen.report();
    let table = table(&scored, name);
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    for name in ["scores.parquet", "scores.csv"] {
        note_replaced(&out.join(name));
    }
    table.write_parquet(&out.join("scores.parquet"))?;
    table.write_csv(&out.join("scores.csv"))?;
    say!(
        "{} on {} written to {} and scores.csv beside it",
        counted(table.rows() as u64, "score"),
        counted(scored.len() as u64, "task"),
        out.join("scores.parquet").display()
    );
    Ok(())
}

/// The scores of a task, and what they come from.
struct Scored {
    scores: TaskScores,
    replicas: usize,
    /// By optimizer: how many of its replicas diverged.
    diverged: Vec<u64>,
}

fn scores(
    reader: &Reader,
    query: &Query,
    normalizer: Normalizer,
    chosen: &mut Chosen,
) -> anyhow::Result<Vec<Scored>> {
    let mut scored = Vec::new();
    let mut shared = Uniform::default();
    for task in reader.query_by_task(query) {
        let curves = task?;
        chosen.see(&curves);
        let scores = normalizer.scores(&curves)?;
        // Scores of different protocols or modes in one table would be compared.
        shared.join(&scores.shared, &format!("on task `{}` and the tasks before it", scores.task))?;
        let lost =
            |replicas: &[Curve]| replicas.iter().filter(|curve| curve.diverged_at.is_some()).count() as u64;
        scored.push(Scored {
            replicas: curves.iter().map(Curve::replica).collect::<BTreeSet<_>>().len(),
            diverged: curves.chunk_by(|a, b| a.optimizer() == b.optimizer()).map(lost).collect(),
            scores,
        });
    }
    Ok(scored)
}

fn table(scored: &[Scored], name: &str) -> DataTable {
    let rows = || scored.iter().flat_map(|task| (0..task.scores.optimizers.len()).map(move |i| (task, i)));
    let identity =
        |task: &Scored, i: usize| task.scores.shared.optimizer(&task.scores.optimizers[i]).cloned();
    let texts = |text: &dyn Fn(&Scored, usize) -> Option<String>| {
        Column::Text(rows().map(|(t, i)| text(t, i)).collect())
    };
    let numbers = |number: &dyn Fn(&Scored, usize) -> Option<f64>| {
        // No loss was finite where a reference is not: the cell is empty.
        Column::Number(rows().map(|(t, i)| number(t, i).filter(|x| x.is_finite())).collect())
    };
    let of_identity = |text: &dyn Fn(&OptimizerIdentity) -> Option<String>| {
        texts(&|t, i| identity(t, i).and_then(|optimizer| text(&optimizer)))
    };
    let mut table = DataTable::default();
    table.push("task", texts(&|t, _| Some(t.scores.task.clone())));
    table.push("optimizer", texts(&|t, i| Some(t.scores.optimizers[i].clone())));
    table.push("family", of_identity(&|optimizer| Some(optimizer.family.clone())));
    table.push("normalizer", texts(&|_, _| Some(name.to_owned())));
    table.push("selection_split", texts(&|t, _| Some(t.scores.selection.name().to_owned())));
    for split in Split::ALL {
        let score = |t: &Scored, i: usize| t.scores.split(split).get(i).copied();
        table.push(&format!("score_{split}"), numbers(&score));
    }
    table.push("initial_loss", numbers(&|t, _| Some(t.scores.initial)));
    table.push("loss_of_score_1", numbers(&|t, _| Some(t.scores.upper)));
    table.push("loss_of_score_0", numbers(&|t, _| Some(t.scores.best)));
    table.push("degenerate", Column::Flag(rows().map(|(t, _)| Some(t.scores.degenerate)).collect()));
    table.push("scale_families", texts(&|t, _| Some(t.scores.families.join(" "))));
    table.push("replicas", Column::Count(rows().map(|(t, _)| Some(t.replicas as u64)).collect()));
    table.push("diverged", Column::Count(rows().map(|(t, i)| t.diverged.get(i).copied()).collect()));
    table.push("data", texts(&|t, _| Some(t.scores.origin.name().to_owned())));
    table.push("mode", of_identity(&|optimizer| optimizer.mode.clone()));
    table
        .push("schedule_steps", Column::Count(rows().map(|(t, i)| identity(t, i)?.schedule_steps).collect()));
    let protocol = |t: &Scored| {
        t.scores.shared.protocol().map(|p| format!("{}/{}/{}", p.steps, p.eval_every, p.eval_batches))
    };
    table.push("protocol", texts(&|t, _| protocol(t)));
    table.describe("taskset.program_version", env!("CARGO_PKG_VERSION"));
    table.describe("taskset.normalizer", name);
    let meaning = normalize::NAMED.iter().find(|row| row.name == name).map_or("", |row| row.doc);
    table.describe("taskset.normalizer_meaning", meaning);
    table.describe("taskset.scores", "1 is loss_of_score_1, 0 is loss_of_score_0; lower is better");
    table
}
