//! `curves query`: streams task by task, so that memory is bounded and the first line comes soon.

use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;
use taskset::curves::{CsvWriter, CurveWriter, Metadata, Query, Reader};
use taskset::files::AtomicFile;
use taskset::names::Split;
use taskset::train;
use taskset::trial::Curve;

use super::choose::Chosen;
use super::curve_document;
use crate::commands::table_file::note_replaced;
use crate::failure::Usage;
use crate::options::SelectionOption;
use crate::output;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A Parquet file or a directory of them.
    path: PathBuf,
    /// Tasks: names, ranges, wildcards, families such as mlp_family, or `fixed` [default: all].
    #[arg(long = "task", value_name = "PATTERN")]
    tasks: Vec<String>,
    /// Optimizers: names, ranges, wildcards, families such as adam8p [default: all].
    #[arg(long = "optimizer", value_name = "PATTERN")]
    optimizers: Vec<String>,
    /// Replicas [default: all].
    #[arg(long = "replica", value_name = "N")]
    replicas: Vec<u32>,
    /// Splits: train, valid_inner, valid_outer, test [default: all].
    #[arg(long = "split", value_name = "SPLIT")]
    splits: Vec<String>,
    /// Only the points at steps FIRST to LAST, both included [default: all].
    #[arg(long, value_name = "FIRST..LAST")]
    steps: Option<String>,
    /// Write to this file, .parquet or .csv, instead of to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON document: a list of curves. Losses that are not finite are null.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: SelectionOption,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { path, tasks, optimizers, replicas, splits, steps, out, json, selection } = arguments;
    let splits = splits.iter().map(|s| s.parse()).collect::<Result<Vec<Split>, _>>()?;
    let steps = steps.as_deref().map(range).transpose()?;
    let mut chosen = Chosen::new(tasks, optimizers)?;
    let query = Query { replicas, splits, steps, selection: selection.selection(), ..chosen.query() };
    let reader = super::open(&path)?;
    super::note_left_out(&reader);
    let format = format(&query, out.as_deref(), json)?;
    if let Some(out) = &out {
        check_out(&reader, &query, &path, out)?;
        note_replaced(out);
    }
    let (twins, any) = match format {
        Format::Parquet(out) => write_parquet(&reader, &query, &mut chosen, out)?,
        Format::Text(text, Some(out)) => {
            let failed = || format!("{} cannot be written", out.display());
            let mut file = AtomicFile::create(out).with_context(failed)?;
            let found = write_text(&reader, &query, &mut chosen, text, &mut file)?;
            if found.1 {
                file.commit().with_context(failed)?;
            }
            found
        }
        Format::Text(text, None) => write_text(&reader, &query, &mut chosen, text, &mut output::stdout()?)?,
    };
    if !any {
        return Err(chosen.nothing(&path));
    }
    chosen.report();
    twins.report();
    Ok(())
}

fn range(text: &str) -> anyhow::Result<RangeInclusive<u32>> {
    let parsed = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..=b.parse().ok()?));
    let parsed = parsed.filter(|range: &RangeInclusive<u32>| !range.is_empty());
    parsed.ok_or_else(|| {
        let message = format!("`{text}` is not a range, e.g. 0..200, both ends included");
        Usage(message).into()
    })
}

/// Different trials of the same names, which a reader of the output might take for one.
#[derive(Default)]
struct Twins {
    trials: u64,
    /// The first difference that was seen.
    difference: Option<String>,
    option: Option<&'static str>,
}

impl Twins {
    fn look(&mut self, curves: &[Curve]) {
        for run in curves.chunk_by(|a, b| a.order(b).is_eq()).filter(|run| run.len() > 1) {
            self.trials += run.len() as u64;
            if self.difference.is_none()
                && let Some(difference) = run[0].spec.first_difference(&run[1].spec)
            {
                self.option = SelectionOption::option_of(difference.field);
                self.difference = Some(difference.to_string());
            }
        }
    }

    fn report(&self) {
        if let Some(difference) = &self.difference {
            say!(
                "note: {} trials share task, optimizer and replica with another one; the first differ in {difference}{}",
                self.trials,
                self.option.map_or_else(String::new, |option| format!(" (`{option}` chooses)"))
            );
        }
    }
}

/// What is written, and where: to a file, or (none) to stdout.
enum Format<'a> {
    Parquet(&'a Path),
    Text(Text, Option<&'a Path>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Csv,
    Json,
}

fn format<'a>(query: &Query, out: Option<&'a Path>, json: bool) -> anyhow::Result<Format<'a>> {
    let Some(out) = out else {
        return Ok(Format::Text(if json { Text::Json } else { Text::Csv }, None));
    };
    match out.extension().map(|e| e.to_ascii_lowercase()).as_deref().and_then(|e| e.to_str()) {
        _ if json => Err(Usage("--json prints on stdout; leave out --out or --json".to_owned()).into()),
        Some("parquet") if query.splits.is_empty() => Ok(Format::Parquet(out)),
        Some("parquet") => {
            let message = "a curve file has all four splits; leave out --split or write a .csv";
            Err(Usage(message.to_owned()).into())
        }
        Some("csv") => Ok(Format::Text(Text::Csv, Some(out))),
        _ => Err(Usage(format!("{}: name a file that ends in .parquet or .csv", out.display())).into()),
    }
}

/// Whether the new file would destroy or disturb what is read.
fn check_out(reader: &Reader, query: &Query, path: &Path, out: &Path) -> anyhow::Result<()> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    if let Some(target) = real(out)
        && reader.paths().any(|input| real(input).as_ref() == Some(&target))
    {
        return Err(Usage(format!("--out {}: it is one of the files that are read", out.display())).into());
    }
    if out.file_name().is_none_or(taskset::files::is_hidden) {
        let message = "hidden files are not read; choose a name that does not begin with a dot";
        return Err(Usage(format!("--out {}: {message}", out.display())).into());
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let among = |place: &Path| real(folder).is_some_and(|folder| Some(folder) == real(place));
    let beside = reader
        .paths()
        .filter_map(Path::parent)
        .any(|p| among(if p.as_os_str().is_empty() { Path::new(".") } else { p }));
    let curves = path.is_dir() && (beside || among(path) || among(&path.join("shards")));
    let is_parquet = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    if query.steps.is_some() && is_parquet && curves {
        let message = "a file of slices must not be in a directory of whole curves: name a file elsewhere";
        return Err(Usage(format!("--out {}: {message}", out.display())).into());
    }
    Ok(())
}

/// Curves whose text is made at a time: enough for all cores, and some megabytes of text at most.
const CURVES_AT_ONCE: usize = 512;
/// Curves whose text one core makes at a time.
const CURVES_PER_PIECE: usize = 16;

/// Writes the chosen curves as text, which is made on all cores.
fn write_text(
    reader: &Reader,
    query: &Query,
    chosen: &mut Chosen,
    text: Text,
    out: &mut dyn Write,
) -> anyhow::Result<(Twins, bool)> {
    let (mut twins, mut any) = (Twins::default(), false);
    let header = if text == Text::Csv { CsvWriter::new(Vec::new())?.finish()? } else { b"[".to_vec() };
    for task in reader.query_by_task(query) {
        let mut task = task?;
        chosen.see(&task);
        twins.look(&task);
        task.retain(|curve| !curve.steps.is_empty());
        // Nothing is printed before it is known that there is something to print.
        if !any && !task.is_empty() {
            out.write_all(&header)?;
        }
        for curves in task.chunks(CURVES_AT_ONCE) {
            let pieces: Vec<Vec<u8>> = curves
                .par_chunks(CURVES_PER_PIECE)
                .map(|curves| if text == Text::Csv { csv(curves) } else { documents(curves) })
                .collect::<anyhow::Result<_>>()?;
            for piece in pieces {
                if text == Text::Json {
                    out.write_all(if any { b",\n" } else { b"\n" })?;
                }
                any = true;
                out.write_all(&piece)?;
            }
        }
    }
    if text == Text::Json && any {
        out.write_all(b"\n]\n")?;
    }
    out.flush()?;
    Ok((twins, any))
}

fn csv(curves: &[Curve]) -> anyhow::Result<Vec<u8>> {
    let mut csv = CsvWriter::without_header(Vec::new());
    curves.iter().try_for_each(|curve| csv.write(curve))?;
    Ok(csv.finish()?)
}

/// Documents with commas between them.
fn documents(curves: &[Curve]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for curve in curves {
        if !bytes.is_empty() {
            bytes.extend(b",\n");
        }
        serde_json::to_writer_pretty(&mut bytes, &curve_document(curve))?;
    }
    Ok(bytes)
}

fn write_parquet(
    reader: &Reader,
    query: &Query,
    chosen: &mut Chosen,
    out: &Path,
) -> anyhow::Result<(Twins, bool)> {
    let mut writer = CurveWriter::create(out, &metadata(reader, query)?)?;
    let (mut twins, mut any) = (Twins::default(), false);
    for task in reader.query_by_task(query) {
        let task = task?;
        chosen.see(&task);
        twins.look(&task);
        for curve in task.into_iter().filter(|curve| !curve.steps.is_empty()) {
            any = true;
            writer.append(curve)?;
        }
    }
    if any {
        writer.finish()?;
    }
    Ok((twins, any))
}

/// How the curves of a new file came about: as in the files that they are read from, where these agree.
fn metadata(reader: &Reader, query: &Query) -> anyhow::Result<Metadata> {
    let mut metadata = reader.metadata().next().cloned().unwrap_or_else(|| train::metadata(1));
    // It says how one file came about.
    metadata.environment = None;
    let mut slices: Vec<Option<String>> = Vec::new();
    for other in reader.metadata() {
        let merge = |ours: &mut String, theirs: &str| {
            // The files may have been put together before.
            for part in theirs.split("; ") {
                if !ours.split("; ").any(|known| known == part) {
                    *ours = format!("{ours}; {part}");
                }
            }
        };
        merge(&mut metadata.machine, &other.machine);
        merge(&mut metadata.kernels, &other.kernels);
        merge(&mut metadata.program_version, &other.program_version);
        metadata.threads = metadata.threads.max(other.threads);
        if !slices.contains(&other.slice) {
            slices.push(other.slice.clone());
        }
    }
    anyhow::ensure!(
        slices.len() <= 1,
        "some of the files hold whole curves and some hold slices, or their slices differ; query each kind separately"
    );
    // A slice is not the trial that it is cut from, and must not pass for it.
    let cut = query.steps.as_ref().map(|range| format!("steps {}..{}", range.start(), range.end()));
    metadata.slice = match (slices.pop().flatten(), cut) {
        (Some(before), Some(cut)) => Some(format!("{before}; of these {cut}")),
        (before, cut) => before.or(cut),
    };
    Ok(metadata)
}
