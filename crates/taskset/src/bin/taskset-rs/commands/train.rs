//! `train TASK OPTIMIZER`: one trial.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use taskset::curves;
use taskset::files;
use taskset::names::Origin;
use taskset::optim::{self, Mode, Optimizer};
use taskset::tasks;
use taskset::train::{self, Checkpoint, Curve, Protocol, Saving, TrialError, TrialObserver, TrialSpec};

use crate::commands::curve_plot::Picture;
use crate::commands::curves::curve_document;
use crate::commands::table_file::check_writable;
use crate::failure::{Usage, in_full};
use crate::interrupt::{self, Unsaved};
use crate::options::DataOption;
use crate::output;
use crate::progress::TrialProgress;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  taskset-rs train TwoD_Rosenbrock adam_lr_-2.00 --steps 1000\n  \
    taskset-rs train FixedMLP_mnist_ce_128x128x128_relu_bs128 adam_lr_-3.00 --steps 1000 --data /path/to/data\n  \
    taskset-rs train mlp_family_seed12 adam8p_wide_grid_seed107 --data synthetic --out curve.parquet\n\n\
    Entry 0 of the published list, as the published package runs it:\n  \
    taskset-rs train TwoD_Rosenbrock nadamw_grid_seed251 --mode opt_list --steps 1000 --plot loss.svg\n\n\
    A long trial. If it is interrupted, the same command continues it:\n  \
    taskset-rs train mlp_family_seed12 adam_lr_-3.00 --data synthetic --out curve.parquet --checkpoint-every 5\n\n\
    After Ctrl-C, the file of --out contains the points so far, and is marked as a part of a curve.")]
pub(crate) struct Arguments {
    /// Task name.
    task: String,
    /// Optimizer name.
    optimizer: String,
    /// Training steps.
    #[arg(long, default_value_t = Protocol::PAPER.steps)]
    steps: u32,
    /// Number of steps between evaluations. The first and the last step are always evaluated.
    #[arg(long, default_value_t = Protocol::PAPER.eval_every, value_parser = clap::value_parser!(u32).range(1..))]
    eval_every: u32,
    /// Number of minibatches of each split in an evaluation. The loss is the mean over these minibatches.
    #[arg(long, default_value_t = Protocol::PAPER.eval_batches, value_parser = clap::value_parser!(u32).range(1..))]
    eval_batches: u32,
    /// Replica: a number that decides the initial parameters and the minibatches.
    #[arg(long, default_value_t = 0)]
    replica: u32,
    /// Optimizer mode: upstream (the code that made the released curves), opt_list (the published package of the learned list)
    /// or paper (the equations of the paper) [default: upstream]. Only the families of the paper have modes.
    #[arg(long)]
    mode: Option<String>,
    /// Steps over which learning rate schedules run [default: 10000 in mode upstream, as in the released curves; otherwise
    /// --steps]. Only for families whose schedules run over the steps of training.
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u64).range(1..))]
    schedule_steps: Option<u64>,
    /// Write the curve to this Parquet file.
    #[arg(long, value_name = "FILE.parquet")]
    out: Option<PathBuf>,
    /// Save the running trial to FILE.parquet.checkpoint every MINUTES minutes, and when it is interrupted. The same command then
    /// continues from this point and gives the same curve. The checkpoint is removed when the trial is finished.
    #[arg(long, value_name = "MINUTES", requires = "out", value_parser = super::positive)]
    checkpoint_every: Option<f64>,
    /// Draw the loss on all splits against steps, and write the picture to this file, .svg or .png. An older picture is replaced.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print one JSON document: the curve.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mode: Mode = arguments.mode.as_deref().map_or(Ok(Mode::default()), str::parse)?;
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
    let info = named.family.info();
    if arguments.mode.is_some() && !info.has_modes {
        let message = format!("--mode: {} is the same in every mode; leave it out", info.name);
        return Err(Usage(message).into());
    }
    if arguments.schedule_steps.is_some() && !info.needs_horizon {
        let message = format!(
            "--schedule-steps: {} has no schedule over the steps of training; leave it out",
            info.name
        );
        return Err(Usage(message).into());
    }
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
        Origin::Partial => {
            say!("note: only a part of the data set is used; losses are not those of the whole data set");
        }
        Origin::Real => {}
    }
    let optimizer = match arguments.schedule_steps {
        Some(steps) => named.configured(mode, steps)?,
        None => train::configure(&named, mode, &protocol)?,
    };
    let identity = Arc::new(optimizer.identity());
    let task_identity = Arc::new(train::task_identity(&*task));
    let spec = train::trial_spec(&task_identity, &identity, arguments.replica, &protocol);
    if let Some(path) = arguments.out.as_ref().filter(|path| path.exists()) {
        check_older(path, &spec)?;
    }
    let schedule = identity
        .schedule_steps
        .map(|steps| format!(", schedules over {}", taskset::figures::counted(steps, "step")));
    let mode = identity.mode.as_ref().map(|mode| format!(" in mode {mode}"));
    say!("optimizer {}{}{}", named.name, mode.unwrap_or_default(), schedule.unwrap_or_default());
    let checkpoints = arguments.checkpoint_every.zip(arguments.out.as_deref());
    let checkpoints = checkpoints.map(|(minutes, out)| Checkpoints::beside(out, minutes));
    let from = checkpoints.as_ref().map(|checkpoints| checkpoints.load(&spec)).transpose()?.flatten();
    let so_far = SoFar::default();
    if let Some(from) = &from {
        say!("going on after step {}, from the checkpoint of an earlier run", from.step);
        so_far.add(&from.curve);
    }
    let unsaved = Unsaved::new({
        let (so_far, out, checkpoints) = (so_far.clone(), arguments.out.clone(), checkpoints.clone());
        move || {
            let kept = so_far.save(out.as_deref());
            checkpoints.as_ref().map_or(kept.clone(), |checkpoints| checkpoints.said_of(&kept))
        }
    });
    let mut observer = Watched { progress: TrialProgress::new(protocol.steps), so_far };
    let mut save = |checkpoint: Checkpoint| {
        if let Some(checkpoints) = &checkpoints {
            checkpoints.save(&checkpoint);
        }
    };
    let saving = checkpoints.as_ref().map(|checkpoints| Saving { every: checkpoints.every, save: &mut save });
    let trained = train::continue_trial(
        &*task,
        &optimizer,
        arguments.replica,
        &protocol,
        from.as_ref(),
        saving,
        &mut observer,
        interrupt::flag(),
    );
    let curve = match trained {
        Ok(curve) => curve,
        Err(TrialError::Cancelled) => return Err(unsaved.interrupted().into()),
        Err(error) => return Err(error.into()),
    };
    summary(&curve);
    // Written before it is shown: a reader that leaves early must not cost the file. Shown even if writing fails: a full disk
    // must not cost the result.
    let written = match &arguments.out {
        Some(path) => unsaved
            .finish(&format!("the trial is finished, and its curve is in {}", path.display()), || {
                store(path, &curve)
            })
            .with_context(|| format!("the curve could not be written to {}", path.display()))
            .inspect(|()| {
                say!("curve written to {}", path.display());
                if let Some(checkpoints) = &checkpoints {
                    checkpoints.remove();
                }
            }),
        None => unsaved.finish("the trial is finished", || Ok(())),
    };
    let drawn = picture.map_or(Ok(()), |picture| picture.write_trial(&curve));
    let shown = if arguments.json { output::json(&curve_document(&curve)) } else { table(&curve) };
    written.and(drawn).and(shown)
}

/// Writes the file, which readers find whole or not at all.
fn store(path: &Path, curve: &Curve) -> anyhow::Result<()> {
    if path.exists() {
        check_equal(path, curve)?;
    }
    Ok(curves::write(path, std::slice::from_ref(curve), &train::metadata(1))?)
}

/// Where a trial is saved while it runs.
#[derive(Clone)]
struct Checkpoints {
    path: PathBuf,
    every: Duration,
}

impl Checkpoints {
    fn beside(out: &Path, minutes: f64) -> Self {
        let mut path = out.as_os_str().to_owned();
        path.push(".checkpoint");
        Self { path: path.into(), every: Duration::from_secs_f64((60.0 * minutes).min(1e9)) }
    }

    /// The checkpoint of an earlier run of this trial, if there is one.
    fn load(&self, spec: &TrialSpec) -> anyhow::Result<Option<Checkpoint>> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("{} could not be read", self.path.display()));
            }
        };
        let checkpoint = Checkpoint::from_bytes(&bytes, spec).with_context(|| {
            format!(
                "the trial cannot go on from {}; remove it, or name another file with --out",
                self.path.display()
            )
        })?;
        Ok(Some(checkpoint))
    }

    /// A checkpoint that cannot be written is no reason to stop: the trial may end before the next one.
    fn save(&self, checkpoint: &Checkpoint) {
        let written = checkpoint
            .to_bytes()
            .map_err(anyhow::Error::from)
            .and_then(|bytes| Ok(files::write_atomically(&self.path, &bytes)?));
        if let Err(error) = written {
            say!("note: no checkpoint could be written to {}: {error:#}", self.path.display());
        }
    }

    /// The curve is written: nothing will go on from here.
    fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            say!("note: {} is not needed any more, but could not be removed: {error}", self.path.display());
        }
    }

    /// What an interruption keeps, in words, given what is said of the points.
    fn said_of(&self, points: &str) -> String {
        if self.path.exists() {
            format!("{points}. The same command goes on from {}", self.path.display())
        } else {
            points.to_owned()
        }
    }
}

/// The points that a trial has reached, shared with whoever saves them when it is interrupted.
#[derive(Clone, Default)]
struct SoFar(Arc<Mutex<Option<Curve>>>);

impl SoFar {
    fn add(&self, curve: &Curve) {
        let mut so_far = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(so_far) = &mut *so_far else {
            *so_far = Some(curve.clone());
            return;
        };
        for (points, all) in so_far.losses.iter_mut().zip(&curve.losses) {
            points.extend(&all[points.len()..]);
        }
        so_far.diverged_at = curve.diverged_at;
        (so_far.train_seconds, so_far.eval_seconds) = (curve.train_seconds, curve.eval_seconds);
    }

    /// Writes the points so far where the curve was to be, as a slice, which no score takes for a whole trial; what is kept,
    /// in words.
    fn save(&self, out: Option<&Path>) -> String {
        let curve = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut curve) = curve.filter(|curve| !curve.losses[0].is_empty()) else {
            return "the trial was not finished; nothing was written".to_owned();
        };
        let points = curve.losses[0].len();
        curve.steps = curve.steps.iter().copied().take(points).collect();
        let last = curve.steps.last().copied().unwrap_or_default();
        let reached = format!("the trial was at step {last} of {} or later", curve.spec.protocol.steps);
        let Some(path) = out else { return format!("{reached}; nothing was written") };
        if path.exists() && !holds_slice(path) {
            return format!("{reached}; {} is as it was", path.display());
        }
        let slice = format!("interrupted; steps 0..{last} of {}", curve.spec.protocol.steps);
        let metadata = curves::Metadata { slice: Some(slice), ..train::metadata(1) };
        match curves::write(path, &[curve], &metadata) {
            Ok(()) => format!(
                "{reached}; its losses so far ({}) are in {}, which is marked as a part. The same command trains \
                 the whole trial and replaces the part",
                taskset::figures::counted(points as u64, "point"),
                path.display()
            ),
            Err(error) => {
                format!(
                    "{reached}; its points could not be written to {}: {}",
                    path.display(),
                    in_full(&error)
                )
            }
        }
    }
}

/// Whether a file holds a part of a curve.
fn holds_slice(path: &Path) -> bool {
    curves::open(path).is_ok_and(|reader| reader.metadata().all(|metadata| metadata.slice.is_some()))
}

/// Shows the progress of a trial and gathers its points.
struct Watched {
    progress: TrialProgress,
    so_far: SoFar,
}

impl TrialObserver for Watched {
    fn evaluated(&mut self, curve: &Curve) {
        self.so_far.add(curve);
        self.progress.evaluated(curve);
    }
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
        return wrong("hidden files are not read; choose a name that does not begin with a dot");
    }
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return wrong("what is there is not a regular file");
    }
    check_writable(path, "--out")
}

/// Refuses to replace a file that holds anything but this trial.
fn check_older(path: &Path, spec: &TrialSpec) -> anyhow::Result<()> {
    let usage =
        |what: String| Err(Usage(format!("--out {}: {what}; name another file", path.display())).into());
    match curves::open(path).and_then(|reader| reader.ids()) {
        Ok(ids) if ids.len() == 1 && ids.contains(&spec.id()) => Ok(()),
        Ok(_) => usage("the file contains something other than this trial, and is not replaced".to_owned()),
        Err(e) => usage(format!("what is there cannot be read, so it is not replaced ({})", in_full(&e))),
    }
}

/// Refuses to replace another result of the same trial, or of a part of it: whoever trains it again must hear that bits have
/// moved.
fn check_equal(path: &Path, curve: &Curve) -> anyhow::Result<()> {
    let (metadata, older) = curves::read(path)?;
    let Some(older) = older.first() else { return Ok(()) };
    let mut now = curve.clone();
    if metadata.slice.is_some() {
        // The points that the part has.
        let kept: Vec<usize> =
            (0..curve.steps.len()).filter(|&point| older.steps.contains(&curve.steps[point])).collect();
        now.steps = kept.iter().map(|&point| curve.steps[point]).collect();
        now.losses = curve.losses.each_ref().map(|losses| kept.iter().map(|&point| losses[point]).collect());
        now.diverged_at = older.diverged_at;
    }
    if let Some(column) = older.difference(&now) {
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
        say!(
            "diverged: the first non-finite loss was at step {step} (the curve keeps NaN, which scores count as 1)"
        );
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
