//! `train TASK OPTIMIZER`: one trial.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use taskset::curves;
use taskset::files;
use taskset::names::Origin;
use taskset::optim::{self, Mode};
use taskset::tasks;
use taskset::train::{self, Curve, Protocol, TrialSpec};

use crate::commands::curves::curve_document;
use crate::commands::picture::Picture;
use crate::failure::{Interrupted, Usage, in_full};
use crate::options::DataOption;
use crate::progress::TrialProgress;
use crate::{interrupt, output};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  taskset-rs train TwoD_Rosenbrock adam_lr_-2.00 --steps 1000\n  \
    taskset-rs train FixedMLP_mnist_ce_128x128x128_relu_bs128 adam_lr_-3.00 --steps 1000 --data /path/to/data\n  \
    taskset-rs train TwoD_Rosenbrock nadamw_grid_seed251 --mode opt_list --steps 1000 --plot loss.svg\n  \
    taskset-rs train mlp_family_seed12 adam8p_wide_grid_seed107 --data synthetic --out curve.parquet")]
pub(crate) struct Arguments {
    /// Task name.
    task: String,
    /// Optimizer name.
    optimizer: String,
    /// Training steps.
    #[arg(long, default_value_t = Protocol::PAPER.steps)]
    steps: u32,
    /// Evaluate every so many steps (and at steps 0 and the last).
    #[arg(long, default_value_t = Protocol::PAPER.eval_every, value_parser = clap::value_parser!(u32).range(1..))]
    eval_every: u32,
    /// Minibatches averaged per split at each evaluation.
    #[arg(long, default_value_t = Protocol::PAPER.eval_batches, value_parser = clap::value_parser!(u32).range(1..))]
    eval_batches: u32,
    /// Replica: which initial parameters and minibatches.
    #[arg(long, default_value_t = 0)]
    replica: u32,
    /// Optimizer mode: upstream, opt_list or paper.
    #[arg(long, default_value = "upstream")]
    mode: String,
    /// Steps over which schedules run [default: 10000 in mode upstream, else --steps].
    #[arg(long, value_name = "T")]
    schedule_steps: Option<u64>,
    /// Write the curve to this Parquet file.
    #[arg(long, value_name = "FILE.parquet")]
    out: Option<PathBuf>,
    /// Draw the loss on all splits against steps into this file, .svg or .png. A picture that is there is replaced.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// One JSON document on stdout: the curve.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mode: Mode = arguments.mode.parse()?;
    if let Some(path) = &arguments.out {
        check_out(path)?;
    }
    let picture = arguments.plot.as_deref().map(|path| Picture::check(path, "--plot")).transpose()?;
    if let Ok(names) = tasks::select(&[&arguments.task])
        && names.len() > 1
    {
        let message = format!("`{}` stands for {} tasks; train takes one name", arguments.task, names.len());
        return Err(Usage(message).into());
    }
    let named = optim::named(&arguments.optimizer)?;
    let protocol = Protocol {
        steps: arguments.steps,
        eval_every: arguments.eval_every,
        eval_batches: arguments.eval_batches,
    };
    train::check_protocol(&protocol)?;
    let task = tasks::build(&arguments.task, &arguments.data.datasets())?;
    match task.origin() {
        Origin::Synthetic => {
            say!("note: synthetic stand-in data; losses say nothing about the real data set");
        }
        Origin::Partial => say!("note: a part of the data set only; losses are not those of the whole"),
        Origin::Real => {}
    }
    let schedule = arguments.schedule_steps.unwrap_or_else(|| train::schedule_steps(mode, &protocol));
    let optimizer = named.configured(mode, schedule);
    if let Some(path) = arguments.out.as_ref().filter(|path| path.exists()) {
        let identity = Arc::new(train::task_identity(&*task));
        check_older(path, &train::trial_spec(&identity, &optimizer, arguments.replica, &protocol))?;
    }
    let cancel = interrupt::flag()?;
    let mut progress = TrialProgress::new(protocol.steps);
    let curve = train::run_trial(&*task, &optimizer, arguments.replica, &protocol, &mut progress, cancel)
        .map_err(|_| Interrupted("the trial was not finished; nothing was written".to_owned()))?;
    summary(&curve);
    // Written before it is shown: a reader that leaves early must not cost the file. Shown even if writing fails: a full disk
    // must not cost the result.
    let written = match &arguments.out {
        Some(path) => (if path.exists() { check_equal(path, &curve) } else { Ok(()) })
            .and_then(|()| Ok(curves::write(path, std::slice::from_ref(&curve), &train::metadata(1))?))
            .with_context(|| format!("the curve could not be written to {}", path.display()))
            .inspect(|()| say!("curve written to {}", path.display())),
        None => Ok(()),
    };
    let drawn = picture.map_or(Ok(()), |picture| picture.write_trial(&curve));
    let shown = if arguments.json { output::json(&curve_document(&curve)) } else { table(&curve) };
    written.and(drawn).and(shown)
}

/// Whether a curve file can be written here: looked at before hours of training.
fn check_out(path: &Path) -> anyhow::Result<()> {
    let wrong = |what: &str| Err(Usage(format!("--out {}: {what}", path.display())).into());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if directory.is_some_and(|directory| !directory.is_dir()) {
        return wrong("its directory does not exist");
    }
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet")) {
        return wrong("name a file that ends in .parquet");
    }
    if path.file_name().is_none_or(files::is_hidden) {
        return wrong("readers leave out hidden files; name one that does not begin with a dot");
    }
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => wrong("what is there is not a regular file"),
        _ => Ok(()),
    }
}

/// Refuses to replace a file that holds anything but this trial.
fn check_older(path: &Path, spec: &TrialSpec) -> anyhow::Result<()> {
    let usage =
        |what: String| Err(Usage(format!("--out {}: {what}; name another file", path.display())).into());
    match curves::open(path).and_then(|reader| reader.ids()) {
        Ok(ids) if ids.len() == 1 && ids.contains(&spec.id()) => Ok(()),
        Ok(_) => usage("the file holds something else than this trial, and is not replaced".to_owned()),
        Err(e) => usage(format!("what is there cannot be read, so it is not replaced ({})", in_full(&e))),
    }
}

/// Refuses to replace another result of the same trial: whoever trains it again must hear that bits have moved.
fn check_equal(path: &Path, curve: &Curve) -> anyhow::Result<()> {
    let (_, older) = curves::read(path)?;
    if let Some(column) = older.first().and_then(|older| older.difference(curve)) {
        anyhow::bail!(
            "the file holds this trial with another result ({column} differs), and is not replaced; `curves recheck {}` says \
             more",
            path.display()
        );
    }
    Ok(())
}

fn summary(curve: &Curve) {
    let steps = curve.steps.last().copied().unwrap_or_default();
    let micros = curve.train_seconds * 1e6 / f64::from(steps.max(1));
    say!(
        "{} parameters, {} a step, trained {}, evaluated {}",
        curve.num_params,
        if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.2} ms", micros / 1000.0) },
        output::duration(curve.train_seconds),
        output::duration(curve.eval_seconds)
    );
    if let Some(step) = curve.diverged_at {
        say!("diverged: the first non-finite loss was at step {step} (the curve keeps NaN and counts as 1)");
    }
}

fn table(curve: &Curve) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = curve
        .steps
        .iter()
        .enumerate()
        .map(|(point, step)| {
            let losses = curve.losses.iter().map(|l| output::short(f64::from(l[point])));
            std::iter::once(step.to_string()).chain(losses).collect()
        })
        .collect();
    output::table(&["step", "train", "valid_inner", "valid_outer", "test"], &[true; 5], &rows)
}
