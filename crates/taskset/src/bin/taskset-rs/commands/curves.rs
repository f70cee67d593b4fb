//! `curves info | query`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;
use taskset::curves::{self, Curve, Metadata, Query};
use taskset::names::Split;
use taskset::tasks;

use crate::failure::Usage;
use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Not in this version: upstream's released .npz files and learned_optimization's .curves.
    #[command(after_help = "Not in this version; `taskset-rs curves query` reads what this program writes.")]
    Import {
        /// Files.
        files: Vec<PathBuf>,
    },
    /// Not in this version; `curves query --out FILE.csv` writes CSV.
    #[command(after_help = "Not in this version; `taskset-rs curves query PATH --out FILE.csv` writes CSV.")]
    Export {
        /// Files.
        files: Vec<PathBuf>,
    },
    /// What lies in a curve file or directory.
    #[command(after_help = "Example:\n  taskset-rs curves info taskset-out/sec5-quick-synthetic/curves")]
    Info {
        /// A Parquet file or a directory of them.
        path: PathBuf,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Slice curves: CSV on stdout (task, optimizer, replica, data, step, split, loss), JSON, or a new Parquet file.
    #[command(
        after_help = "Examples:\n  taskset-rs curves query curves --task 'mlp_family_seed{0..9}' --split valid_outer\n  \
        taskset-rs curves query curves --optimizer 'adam8p*' --steps 0..200 --out slice.parquet\n\n\
        The files open as they are in DuckDB: SELECT task, optimizer, test[-1] FROM 'curves/*.parquet'"
    )]
    Query {
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
        /// One JSON document on stdout: a list of curves.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Import { .. } => anyhow::bail!("importing .npz and .curves files is not built yet"),
        Command::Export { .. } => {
            anyhow::bail!("exporting is not built yet; `curves query PATH --out FILE.csv` writes CSV")
        }
        Command::Info { path, json } => info(&path, json),
        Command::Query { path, tasks, optimizers, replicas, splits, steps, out, json } => {
            let splits = splits.iter().map(|s| s.parse()).collect::<Result<Vec<Split>, _>>()?;
            let steps = steps.as_deref().map(range).transpose()?;
            // `fixed` is a name of the registry of tasks, which curves know nothing of.
            let (fixed, mut tasks): (Vec<String>, Vec<String>) =
                tasks.into_iter().partition(|t| t == "fixed");
            tasks.extend(tasks::select(&fixed)?);
            let query = Query { tasks, optimizers, replicas, splits, steps };
            slice(&path, &query, out.as_deref(), json)
        }
    }
}

fn range(text: &str) -> anyhow::Result<std::ops::RangeInclusive<u32>> {
    let parsed = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..=b.parse().ok()?));
    let parsed = parsed.filter(|range: &std::ops::RangeInclusive<u32>| !range.is_empty());
    parsed.ok_or_else(|| {
        Usage(format!("`{text}` is no range of steps; write FIRST..LAST, both included")).into()
    })
}

fn info(path: &std::path::Path, json: bool) -> anyhow::Result<()> {
    let info = curves::info(path)?;
    if json {
        return output::json(&info);
    }
    let few = |names: Vec<String>| match names.len() {
        0..=4 => names.join(", "),
        n => format!("{n}: {}, …, {}", names[..2].join(", "), names[n - 1]),
    };
    let p = info.metadata.protocol;
    let families = info.families.iter().map(|(f, n)| format!("{f} ({n})")).collect::<Vec<_>>().join(", ");
    let origins = info.origins.iter().map(|(o, n)| format!("{o} ({n})")).collect::<Vec<_>>().join(", ");
    let steps: Vec<String> = info.steps.iter().map(u32::to_string).collect();
    output::lines([
        format!("curves      {} in {} file(s), {} bytes", info.rows, info.files, info.bytes),
        format!("tasks       {}", few(info.tasks.iter().cloned().collect())),
        format!("optimizers  {families}"),
        format!("replicas    {}", few(info.replicas.iter().map(u32::to_string).collect())),
        format!(
            "protocol    {} steps, evaluated every {} on {} batches a split",
            p.steps, p.eval_every, p.eval_batches
        ),
        format!("points      {}", few(steps)),
        format!("data        {origins}"),
        format!("diverged    {}", info.diverged),
        format!("plans       {}", few(info.plans.iter().cloned().collect())),
        format!(
            "written by  taskset-rs {} on {}, {} thread(s)",
            info.metadata.program_version, info.metadata.machine, info.metadata.threads
        ),
    ])
}

fn slice(
    path: &std::path::Path,
    query: &Query,
    out: Option<&std::path::Path>,
    json: bool,
) -> anyhow::Result<()> {
    let reader = curves::open(path)?;
    let mut chosen = reader.query(query)?;
    chosen.retain(|curve| !curve.steps.is_empty());
    if chosen.is_empty() {
        say!("no curve matches; `curves info {}` says what is there", path.display());
    }
    let Some(out) = out else {
        if json {
            return output::json(&chosen.iter().map(curve_document).collect::<Vec<_>>());
        }
        let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
        curves::write_csv(&mut stdout, &chosen)?;
        stdout.flush()?;
        return Ok(());
    };
    match out.extension().and_then(|e| e.to_str()) {
        Some("parquet") if query.splits.is_empty() => {
            // A slice is not the sweep that it comes from, and must not pass for it.
            let metadata = Metadata { plan_hash: String::new(), ..reader.metadata().clone() };
            curves::write(out, &chosen, &metadata)?;
        }
        Some("parquet") => {
            return Err(Usage(
                "a curve file has all four splits; leave out --split or write a .csv".to_owned(),
            )
            .into());
        }
        Some("csv") => {
            let mut csv = Vec::new();
            curves::write_csv(&mut csv, &chosen)?;
            curves::write_atomically(out, &csv)?;
        }
        _ => {
            return Err(Usage(format!("{}: name a file that ends in .parquet or .csv", out.display())).into());
        }
    }
    Ok(())
}

/// JSON has no NaN: non-finite losses are null.
pub(crate) fn curve_document(curve: &Curve) -> serde_json::Value {
    let mut document = json!({
        "task": curve.task, "optimizer": curve.optimizer, "replica": curve.replica, "steps": curve.steps,
        "diverged_at": curve.diverged_at, "num_params": curve.num_params, "train_seconds": curve.train_seconds,
        "eval_seconds": curve.eval_seconds, "data": curve.origin.name(),
    });
    for split in Split::ALL.into_iter().filter(|s| !curve.losses[s.index()].is_empty()) {
        document[split.name()] = json!(curve.split(split));
    }
    document
}
