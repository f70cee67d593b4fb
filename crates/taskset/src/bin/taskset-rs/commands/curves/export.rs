//! `curves export`: normalised scores, and curves in other forms.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use taskset::curves::{Column, DataTable, Query, Reader};
use taskset::meta::{Normalizer, TaskScores};
use taskset::names::Split;
use taskset::normalize;
use taskset::trial::{Curve, OptimizerIdentity, Uniform};

use super::choose::Chosen;
use super::export_curves::{self, Form};
use crate::commands::lists::normalizers;
use crate::commands::table_file::note_replaced;
use crate::failure::Usage;
use crate::options::SelectionOption;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A Parquet file or a directory of them.
    path: PathBuf,
    /// What is written.
    #[arg(long, value_enum)]
    format: Format,
    /// How curves become scores; only for format `scores`.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = normalizers())]
    normalize: String,
    /// Tasks: names, ranges, wildcards, families such as mlp_family, or `fixed` [default: all].
    #[arg(long = "task", value_name = "PATTERN")]
    tasks: Vec<String>,
    /// Optimizers: names, ranges, wildcards, families such as adam8p. The others do not influence the scale
    /// [default: all].
    #[arg(long = "optimizer", value_name = "PATTERN")]
    optimizers: Vec<String>,
    /// Directory for the new files. It is created if it does not exist. Older files of the same names are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    selection: SelectionOption,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The form of the released curves: one NumPy archive a task and set of optimizers.
    Npz,
    /// One CSV table a task, with one row a loss.
    LongCsv,
    /// One Parquet table a task, with one row a loss.
    LongParquet,
    /// One row per task and optimizer, with its scores.
    Scores,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { path, format, normalize: name, tasks, optimizers, out, selection } = arguments;
    let mut chosen = Chosen::new(tasks, optimizers)?;
    check_out(&path, &out)?;
    let normalizer = normalize::named(&name)?;
    let reader = super::open(&path)?.whole()?;
    super::note_left_out(&reader);
    let query = Query { selection: selection.selection(), ..chosen.query() };
    let form = match format {
        Format::Scores => None,
        Format::Npz => Some(Form::Npz),
        Format::LongCsv => Some(Form::LongCsv),
        Format::LongParquet => Some(Form::LongParquet),
    };
    if let Some(form) = form {
        std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
        return export_curves::run(form, &reader, &query, &mut chosen, &path, &out);
    }
    let scored = scores(&reader, &query, normalizer, &mut chosen)?;
    if scored.is_empty() {
        return Err(chosen.nothing(&path));
    }
    chosen.report();
    let table = table(&scored, &name);
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    for name in ["scores.parquet", "scores.csv"] {
        note_replaced(&out.join(name));
    }
    table.write_parquet(&out.join("scores.parquet"))?;
    table.write_csv(&out.join("scores.csv"))?;
    say!(
        "{} on {} written to {} and scores.csv beside it",
        taskset::figures::counted(table.rows() as u64, "score"),
        taskset::figures::counted(scored.len() as u64, "task"),
        out.join("scores.parquet").display()
    );
    Ok(())
}

/// A file of scores among the curves would stop every reader of the curves.
fn check_out(path: &Path, out: &Path) -> anyhow::Result<()> {
    let wrong = |what: &str| Err(Usage(format!("--out {}: {what}", out.display())).into());
    if out.exists() && !out.is_dir() {
        return wrong("what is there is not a directory");
    }
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let curves = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let places = [curves.to_owned(), curves.join("shards")];
    if real(out).is_some_and(|out| places.iter().any(|place| real(place).as_ref() == Some(&out)))
        && path.is_dir()
    {
        return wrong(
            "this directory has the curves that are read, and only curve files may be in it; name another directory",
        );
    }
    if taskset::curves::open(&out.join("scores.parquet")).is_ok() {
        return wrong("its scores.parquet holds curves, and is not replaced");
    }
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
