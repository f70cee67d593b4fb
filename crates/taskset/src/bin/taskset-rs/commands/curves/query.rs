//! `curves query`: streams task by task, so that memory is bounded and the first line comes soon.

use std::io::{BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::Context;
use taskset::curves::{self, CsvWriter, CurveWriter, Metadata, Query, Reader};
use taskset::files::AtomicFile;
use taskset::names::Split;
use taskset::tasks;
use taskset::train;
use taskset::trial::Curve;

use super::curve_document;
use crate::failure::Usage;
use crate::options::SelectionOption;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A Parquet file or a directory of them.
    path: PathBuf,
    /// Tasks: names, ranges, wildcards. All if none.
    #[arg(long = "task", value_name = "PATTERN")]
    tasks: Vec<String>,
    /// Optimizers: names, ranges, wildcards. All if none.
    #[arg(long = "optimizer", value_name = "PATTERN")]
    optimizers: Vec<String>,
    /// Replicas. All if none.
    #[arg(long = "replica", value_name = "N")]
    replicas: Vec<u32>,
    /// Splits: train, valid_inner, valid_outer, test. All if none.
    #[arg(long = "split", value_name = "SPLIT")]
    splits: Vec<String>,
    /// Steps FIRST..LAST, both included.
    #[arg(long, value_name = "FIRST..LAST")]
    steps: Option<String>,
    /// Write to this file: .parquet or .csv.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// One JSON document on stdout: a list of curves. Losses that are not finite are null.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: SelectionOption,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { path, tasks, optimizers, replicas, splits, steps, out, json, selection } = arguments;
    let splits = splits.iter().map(|s| s.parse()).collect::<Result<Vec<Split>, _>>()?;
    let steps = steps.as_deref().map(range).transpose()?;
    // `fixed` is a name of the registry of tasks, which curves know nothing of.
    let (fixed, mut tasks): (Vec<String>, Vec<String>) = tasks.into_iter().partition(|t| t == "fixed");
    tasks.extend(tasks::select(&fixed)?);
    let query =
        Query { tasks, optimizers, replicas, splits, steps, selection: selection.selection(), ids: None };
    let reader = curves::open(&path)?;
    super::note_left_out(&reader);
    let mut sink = sink(&reader, &query, out.as_deref(), json)?;
    let mut twins = Twins::default();
    let mut any = false;
    for task in reader.query_by_task(&query) {
        let task = task?;
        twins.look(&task);
        for curve in task.into_iter().filter(|curve| !curve.steps.is_empty()) {
            any = true;
            sink.put(curve)?;
        }
    }
    sink.finish()?;
    if !any {
        say!("no curve matches; `curves info {}` says what is there", path.display());
    }
    twins.report();
    Ok(())
}

fn range(text: &str) -> anyhow::Result<RangeInclusive<u32>> {
    let parsed = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..=b.parse().ok()?));
    let parsed = parsed.filter(|range: &RangeInclusive<u32>| !range.is_empty());
    parsed.ok_or_else(|| {
        let message =
            format!("`{text}` is not a range of steps; write FIRST..LAST, both included, e.g. 0..200");
        Usage(message).into()
    })
}

/// Different trials of the same names, which a reader of the output might take for one.
#[derive(Default)]
struct Twins {
    trials: u64,
    /// The first difference that was seen.
    difference: Option<String>,
    option: &'static str,
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
                "note: {} trials share task, optimizer and replica with another one; the first differ in {difference} (`{}` \
                 chooses)",
                self.trials,
                self.option
            );
        }
    }
}

/// Where chosen curves go.
trait Sink {
    fn put(&mut self, curve: Curve) -> anyhow::Result<()>;
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

fn sink(reader: &Reader, query: &Query, out: Option<&Path>, json: bool) -> anyhow::Result<Box<dyn Sink>> {
    let stdout = || BufWriter::with_capacity(1 << 16, std::io::stdout());
    let Some(out) = out else {
        return Ok(if json {
            Box::new(Json { out: stdout(), started: false })
        } else {
            Box::new(Csv(CsvWriter::new(stdout())?))
        });
    };
    match out.extension().and_then(|e| e.to_str()) {
        Some("parquet") if query.splits.is_empty() => {
            let metadata = metadata(reader, query);
            Ok(Box::new(Parquet(CurveWriter::create(out, &metadata)?)))
        }
        Some("parquet") => {
            let message = "a curve file has all four splits; leave out --split or write a .csv";
            Err(Usage(message.to_owned()).into())
        }
        Some("csv") => {
            let failed = || format!("{} cannot be written", out.display());
            let file = AtomicFile::create(out).with_context(failed)?;
            Ok(Box::new(CsvFile { csv: CsvWriter::new(file).with_context(failed)?, path: out.to_owned() }))
        }
        _ => Err(Usage(format!("{}: name a file that ends in .parquet or .csv", out.display())).into()),
    }
}

/// How the curves of a new file came about: as in the files that they are read from, where these agree.
fn metadata(reader: &Reader, query: &Query) -> Metadata {
    let mut all = reader.metadata();
    let mut metadata = all.next().cloned().unwrap_or_else(|| train::metadata(1));
    for other in all {
        let merge = |ours: &mut String, theirs: &str| {
            if !ours.split("; ").any(|known| known == theirs) {
                *ours = format!("{ours}; {theirs}");
            }
        };
        merge(&mut metadata.machine, &other.machine);
        merge(&mut metadata.kernels, &other.kernels);
        merge(&mut metadata.program_version, &other.program_version);
        metadata.threads = metadata.threads.max(other.threads);
        if let Some(slice) = &other.slice
            && metadata.slice.is_none()
        {
            metadata.slice = Some(slice.clone());
        }
    }
    if let Some(range) = &query.steps {
        // A slice is not the trial that it is cut from, and must not pass for it.
        metadata.slice = Some(format!("steps {}..{}", range.start(), range.end()));
    }
    metadata
}

struct Csv<W: Write>(CsvWriter<W>);

impl<W: Write> Sink for Csv<W> {
    fn put(&mut self, curve: Curve) -> anyhow::Result<()> {
        Ok(self.0.write(&curve)?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        self.0.finish()?;
        Ok(())
    }
}

struct CsvFile {
    csv: CsvWriter<AtomicFile>,
    path: PathBuf,
}

impl Sink for CsvFile {
    fn put(&mut self, curve: Curve) -> anyhow::Result<()> {
        self.csv.write(&curve).with_context(|| format!("{} cannot be written", self.path.display()))
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        let Self { csv, path } = *self;
        csv.finish()
            .and_then(AtomicFile::commit)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// A list of documents, written as they come.
struct Json<W: Write> {
    out: W,
    started: bool,
}

impl<W: Write> Sink for Json<W> {
    fn put(&mut self, curve: Curve) -> anyhow::Result<()> {
        self.out.write_all(if self.started { b",\n" } else { b"[\n" })?;
        self.started = true;
        serde_json::to_writer_pretty(&mut self.out, &curve_document(&curve))?;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        writeln!(self.out, "{}", if self.started { "\n]" } else { "[]" })?;
        self.out.flush()?;
        Ok(())
    }
}

struct Parquet(CurveWriter);

impl Sink for Parquet {
    fn put(&mut self, curve: Curve) -> anyhow::Result<()> {
        Ok(self.0.append(curve)?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        self.0.finish()?;
        Ok(())
    }
}
