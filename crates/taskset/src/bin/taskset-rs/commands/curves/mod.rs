//! `curves info | query | plot | import | export | diff | recheck`.

mod choose;
mod diff;
mod export;
mod import;
mod info;
mod plot;
mod query;
mod recheck;

use std::path::{Path, PathBuf};

use serde_json::json;
use taskset::curves::{self, Reader};
use taskset::names::Split;
use taskset::trial::Curve;

use crate::options::DataOption;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Read the curves that were released with the paper (.npz), and write them as curve files of this program.
    Import(import::Arguments),
    /// Show what a curve file or directory contains, and verify all its bytes by their digests.
    #[command(after_help = "Example:\n  taskset-rs curves info taskset-out/sec5-quick-synthetic/curves")]
    Info {
        /// A Parquet file or a directory of them.
        path: PathBuf,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Select curves and print them as CSV (one line per loss) or JSON, or write them to a new file.
    #[command(
        after_help = "Examples:\n  taskset-rs curves query curves --task 'mlp_family_seed{0..9}' --split valid_outer\n  \
        taskset-rs curves query curves --optimizer 'adam8p*' --steps 0..200 --out slice.parquet\n  \
        taskset-rs curves query curves --mode upstream --out upstream.parquet\n\n\
        DuckDB opens the files directly: SELECT task, optimizer, test[-1] FROM 'curves/*.parquet'"
    )]
    Query(Box<query::Arguments>),
    /// Draw curves: loss against steps, one line per optimizer, one chart per task.
    #[command(
        after_help = "Examples:\n  taskset-rs curves plot curves --task TwoD_Rosenbrock --optimizer 'adam_lr_*' --out adam.svg\n  \
        taskset-rs curves plot curves --task 'TwoD_*' --optimizer adam8p_wide_grid_seed{0..3} --split train --split test --out all.png\n\n\
        Each line is the median over the replicas. A loss that is not finite counts as larger than any other, so a line ends \
        where half of the replicas have diverged. The band covers only replicas that have not diverged. The legend says how many \
        have diverged."
    )]
    Plot(Box<plot::Arguments>),
    /// Write curves, or scores computed from them, in formats that other programs read.
    #[command(
        after_help = "Examples:\n  taskset-rs curves export curves --format scores --normalize min --out scores\n  \
        taskset-rs curves export curves --format npz --out released\n  \
        taskset-rs curves export curves --format long-parquet --out tables\n\n\
        Format `npz` writes files in the format of the released curves, TASK/SET_STEPS_replicaN.npz. The losses of a missing \
        trial are NaN. `curves import` reads these files back with the same losses.\n\
        Formats `long-csv` and `long-parquet` write one table per task, with one row per loss. The columns are task, family, \
        config, replica, step, split, loss and diverged_at, and four columns that distinguish trials with the same names: mode, \
        data, protocol and trial. A loss that is NaN is an empty cell in CSV, and null in Parquet.\n\
        Format `scores` writes DIR/scores.parquet and DIR/scores.csv: one row per task and optimizer, with its score on each \
        split (by default, 1 is the initial loss and 0 the lowest loss on the task), the losses that set this scale, and mode, \
        protocol and data of the trials."
    )]
    Export(Box<export::Arguments>),
    /// Compare two sets of curves, trial by trial. The exit code is 0 if everything except the measured times is equal,
    /// otherwise 1.
    #[command(after_help = "Example:\n  taskset-rs curves diff before/curves after/curves")]
    Diff {
        /// A Parquet file or a directory of them.
        first: PathBuf,
        /// Another Parquet file, or a directory of them.
        second: PathBuf,
        /// Largest number of unequal trials to show.
        #[arg(long, value_name = "N", default_value_t = 20)]
        examples: usize,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Train some stored trials again and check that they give the same curves. The exit code is 1 if a trial gives
    /// another curve, or could not be trained here.
    #[command(
        after_help = "Examples:\n  taskset-rs curves recheck taskset-out/sec5-quick-synthetic/curves --sample 10 \
        --data synthetic\n  taskset-rs curves recheck curves --sample 3 --data /path/to/data"
    )]
    Recheck {
        /// A Parquet file or a directory of them.
        path: PathBuf,
        /// Number of trials to train again. They are chosen by their identities, so they are the same ones every time.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        sample: u32,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Import(arguments) => import::run(&arguments),
        Command::Plot(arguments) => plot::run(*arguments),
        Command::Export(arguments) => export::run(*arguments),
        Command::Info { path, json } => info::run(&path, json),
        Command::Query(arguments) => query::run(*arguments),
        Command::Diff { first, second, examples, json } => diff::run(&first, &second, examples, json),
        Command::Recheck { path, sample, json, data } => recheck::run(&path, sample as usize, json, &data),
    }
}

/// Opens curves; where there are none, says how to make some.
pub(crate) fn open(path: &Path) -> anyhow::Result<Reader> {
    curves::open(path).map_err(|error| match error {
        _ if !path.exists() && path.to_string_lossy().contains("://") => {
            let place = path.display();
            anyhow::anyhow!(
                "{place}: curves are read from files; `sweep compact {place} --out DIR` writes those of a sweep in an object \
                 store to files"
            )
        }
        curves::Error::Empty { .. } if path.join("curves").is_dir() => {
            anyhow::anyhow!("{error}; its curves lie in {}", path.join("curves").display())
        }
        curves::Error::Empty { .. } => {
            anyhow::anyhow!("{error}; make some with `reproduce sec5`, or `train … --out FILE.parquet`")
        }
        error => error.into(),
    })
}

/// Says what has the ending of a curve file and is none.
pub(crate) fn note_left_out(reader: &Reader) {
    for (path, what) in reader.left_out() {
        say!("note: {} is {what}, and is left out", path.display());
    }
}

/// JSON has no NaN: non-finite losses are null.
pub(crate) fn curve_document(curve: &Curve) -> serde_json::Value {
    let (spec, optimizer) = (&curve.spec, &curve.spec.optimizer);
    let hyperparameters = serde_json::to_value(&optimizer.hyperparameters).unwrap_or_default();
    let mut document = json!({
        "trial_id": curve.id().to_string(), "task": curve.task(), "optimizer": curve.optimizer(),
        "family": optimizer.family, "hyperparameters": hyperparameters, "mode": optimizer.mode,
        "schedule_steps": optimizer.schedule_steps, "replica": curve.replica(), "protocol": spec.protocol,
        "data": curve.origin().name(), "data_digest": spec.task.data_digest.map(|digest| digest.to_string()),
        "arithmetic": spec.arithmetic.name(), "revisions": spec.revisions(), "steps": &*curve.steps,
        "diverged_at": curve.diverged_at, "num_params": curve.num_params,
        "train_seconds": curve.train_seconds, "eval_seconds": curve.eval_seconds,
    });
    for split in Split::ALL.into_iter().filter(|s| !curve.losses[s.index()].is_empty()) {
        document[split.name()] = json!(curve.split(split));
    }
    document
}
