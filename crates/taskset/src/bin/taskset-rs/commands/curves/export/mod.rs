//! `curves export`: normalised scores, and curves in other forms.

mod curve_formats;
mod scores;

use std::path::{Path, PathBuf};

use anyhow::Context;
use taskset::curves::Query;
use taskset::normalize;

use super::choose::Chosen;
use crate::commands::lists::normalizers;
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
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = normalizers::names())]
    normalize: String,
    /// Tasks: names, ranges, wildcards, families such as mlp_family, or `fixed` [default: all].
    #[arg(long = "task", value_name = "PATTERN")]
    tasks: Vec<String>,
    /// Optimizers: names, ranges, wildcards, families such as adam8p. Only the chosen ones set the scale of the scores
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
    /// The format of the released curves: one NumPy archive per task and set of optimizers.
    Npz,
    /// One CSV table per task, with one row per loss.
    LongCsv,
    /// One Parquet table per task, with one row per loss.
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
    let write: curve_formats::WriteTask = match format {
        Format::Scores => return scores::run(&reader, &query, normalizer, &name, &mut chosen, &path, &out),
        Format::Npz => curve_formats::npz,
        Format::LongCsv => curve_formats::long_csv,
        Format::LongParquet => curve_formats::long_parquet,
    };
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    curve_formats::run(write, &reader, &query, &mut chosen, &path, &out)
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
