//! `curves import`: the released curves, as curve files of this program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use taskset::curves::released::{ReleasedCurves, ReleasedName};
use taskset::curves::{self, Metadata};
use taskset::figures::counted;
use taskset::names::{Origin, Split};
use taskset::optim::{self, Mode, Optimizer, OptimizerIdentity};
use taskset::tasks;
use taskset::train;
use taskset::trial::{Arithmetic, Curve, Protocol, Source, TaskIdentity, TrialSpec};

use crate::failure::{Interrupted, Usage};
use crate::interrupt;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  taskset-rs curves import task_set_data --out released\n\n\
    A released file is TASK/SET_STEPS_replicaN.npz, for example \
    mlp_family_seed12/adam8p_wide_grid_1k_10000_replica5.npz. Folders are searched for such files. Each becomes a file TASK.SET.parquet: \
    trials in mode upstream on real data, whose column `revisions` says external:task_set. Names in the file decide which curve is \
    whose; a task or an optimizer that this program does not know is an error. Losses in double precision are rounded to single.")]
pub(crate) struct Arguments {
    /// Files (.npz), or folders of them.
    #[arg(value_name = "SRC", required = true)]
    sources: Vec<PathBuf>,
    /// Directory for the new files. It is created if it does not exist. Older files of the same names are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Where the curves come from, in the column `revisions`.
const SOURCE: &str = "task_set";
/// Minibatches of each evaluation: the files do not say it (paper, section 3.3).
const EVAL_BATCHES: u32 = Protocol::PAPER.eval_batches;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let files = files(&arguments.sources)?;
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    interrupt::keep(format!(
        "the files in {} are whole; the same command writes all of them again",
        out.display()
    ));
    let (mut trials, mut diverged) = (0, 0);
    for (number, (path, name)) in files.iter().enumerate() {
        if interrupt::flag().load(Ordering::Relaxed) {
            let kept = counted(number as u64, "file");
            return Err(Interrupted(format!(
                "{kept} in {} are whole; the same command writes all of them again",
                out.display()
            ))
            .into());
        }
        let curves = import(path, name)?;
        trials += curves.len() as u64;
        diverged += curves.iter().filter(|curve| curve.diverged_at.is_some()).count() as u64;
        curves::write(&out.join(format!("{}.{}.parquet", name.task, name.set)), &curves, &metadata())?;
    }
    say!(
        "{} from {} written to {}; {diverged} of them with losses that are not finite",
        counted(trials, "trial"),
        counted(files.len() as u64, "file"),
        out.display()
    );
    Ok(())
}

/// The released files among what was named, by path.
fn files(sources: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, ReleasedName)>> {
    let mut found = Vec::new();
    for source in sources {
        if !source.is_dir() {
            let name = ReleasedName::parse(source).ok_or_else(|| {
                Usage(format!(
                    "{}: the name of a released file is TASK/SET_STEPS_replicaN.npz, with the task as its folder",
                    source.display()
                ))
            })?;
            found.push((source.clone(), name));
            continue;
        }
        let before = found.len();
        let mut folders = vec![source.clone()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder)
                .with_context(|| format!("{} cannot be listed", folder.display()))?;
            for entry in entries {
                let path = entry.with_context(|| format!("{} cannot be listed", folder.display()))?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Some(name) = ReleasedName::parse(&path) {
                    found.push((path, name));
                }
            }
        }
        if found.len() == before {
            return Err(Usage(format!(
                "{}: there is no released file (TASK/SET_STEPS_replicaN.npz) in this folder or below",
                source.display()
            ))
            .into());
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    Ok(found)
}

fn metadata() -> Metadata {
    // Nothing is known of the machines.
    let unknown = || "unknown (imported)".to_owned();
    Metadata { machine: unknown(), kernels: unknown(), threads: 0, ..train::metadata(1) }
}

/// The curves of a file.
fn import(path: &Path, name: &ReleasedName) -> anyhow::Result<Vec<Curve>> {
    let place = || path.display().to_string();
    let wrong =
        |array: &str, reason: String| anyhow::anyhow!("{}: array `{array}`: {reason}", path.display());
    let task = tasks::describe(&name.task).with_context(place)?;
    let released = ReleasedCurves::read(path)?;
    if released.replicas != name.replicas {
        let reason =
            format!("{} replicas, and the name of the file says {}", released.replicas, name.replicas);
        return Err(wrong("ys", reason));
    }
    let protocol = protocol(&released.steps, name.steps).map_err(|reason| wrong("xs", reason))?;
    let identity = Arc::new(TaskIdentity {
        name: name.task.clone(),
        origin: Origin::Real,
        data_digest: None,
        version: None,
    });
    let steps: Arc<[u32]> = released.steps.clone().into();
    let mut curves = Vec::with_capacity(released.optimizers.len() * released.replicas);
    for (row, optimizer) in released.optimizers.iter().enumerate() {
        let named = optim::named(optimizer).map_err(|error| wrong("optimizers", error.to_string()))?;
        let configured = named.configured(Mode::Upstream, u64::from(protocol.steps))?;
        let known_by = Arc::new(OptimizerIdentity { revision: None, ..configured.identity() });
        for replica in 0..released.replicas {
            let losses = Split::ALL.map(|split| released.curve(row, replica, split.index()));
            let lost = (0..steps.len()).find(|&point| losses.iter().any(|losses| !losses[point].is_finite()));
            curves.push(Curve {
                spec: TrialSpec {
                    task: Arc::clone(&identity),
                    optimizer: Arc::clone(&known_by),
                    replica: replica as u32,
                    protocol,
                    // TensorFlow's kernels of that time used fused multiply-add where the processor had it.
                    arithmetic: Arithmetic::Fma,
                    source: Source::External(SOURCE.to_owned()),
                },
                steps: Arc::clone(&steps),
                losses,
                diverged_at: lost.map(|point| steps[point]),
                num_params: task.num_params,
                train_seconds: 0.0,
                eval_seconds: 0.0,
            });
        }
    }
    curves.sort_by(Curve::order);
    Ok(curves)
}

/// The protocol whose evaluations are at these steps.
fn protocol(steps: &[u32], last: u32) -> Result<Protocol, String> {
    let protocol = Protocol {
        steps: last,
        eval_every: steps.get(1).copied().filter(|&step| step > 0).unwrap_or(last.max(1)),
        eval_batches: EVAL_BATCHES,
    };
    if protocol.each_eval_step().eq(steps.iter().copied()) {
        Ok(protocol)
    } else {
        Err(format!(
            "the steps are not 0, {0}, 2 × {0}, … up to {last}, the last step by the name of the file",
            protocol.eval_every
        ))
    }
}
