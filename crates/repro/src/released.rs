//! The curves that the paper's authors released, as curves of this program.
//!
//! A released file is `TASK/SET_STEPS_replicaN.npz` ([`taskset_curves::released`] says what is in it). Names decide which curve
//! is whose, never places. The trials are in mode `upstream`, their column `revisions` says `external:task_set`, and their clock
//! columns are 0: the files have no times. They are on real data, unless the file says otherwise (those that this program
//! writes of stand-ins do).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use taskset_curves::released::{ReleasedCurves, ReleasedName};
use taskset_curves::{Metadata, Selection};
use taskset_optim::{Mode, Optimizer, OptimizerIdentity};
use taskset_trial::{Arithmetic, Curve, Protocol, Source, TaskIdentity, TrialSpec};

use crate::Error;

/// Where the curves come from, in the column `revisions`.
const SOURCE: &str = "task_set";
/// Minibatches of each evaluation: the files do not say it (paper, section 3.3).
const EVAL_BATCHES: u32 = Protocol::PAPER.eval_batches;

/// Released files, by task.
#[derive(Clone, Debug)]
pub struct Archives {
    tasks: BTreeMap<String, Vec<(PathBuf, ReleasedName)>>,
}

/// Optimizers that were met, by name and steps of the schedule: making one from its name costs as much as reading its curves,
/// and all tasks have the same ones.
#[derive(Debug, Default)]
pub struct KnownOptimizers(Mutex<HashMap<(String, u32), Arc<OptimizerIdentity>>>);

impl KnownOptimizers {
    /// What a name stands for.
    fn find(&self, name: &str, steps: u32) -> Result<Arc<OptimizerIdentity>, taskset_optim::Error> {
        let key = (name.to_owned(), steps);
        let known = |found: &HashMap<_, _>| found.get(&key).cloned();
        // Another thread's panic leaves the map whole.
        if let Some(identity) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(identity);
        }
        let configured = taskset_optim::named(name)?.configured(Mode::Upstream, u64::from(steps))?;
        let made = Arc::new(OptimizerIdentity { revision: None, ..configured.identity() });
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(found.entry(key).or_insert(made)))
    }
}

impl Archives {
    /// All released files in these folders and below, and those that are named themselves.
    ///
    /// # Errors
    /// [`Error::NotReleased`] for a file whose name is not that of a released one, and for a folder without any;
    /// [`Error::Read`] for a folder that cannot be listed.
    pub fn find(sources: &[impl AsRef<Path>]) -> Result<Self, Error> {
        let mut found = Vec::new();
        for source in sources.iter().map(AsRef::as_ref) {
            let not_released = || Error::NotReleased { path: source.to_owned() };
            if !source.is_dir() {
                found.push((source.to_owned(), ReleasedName::parse(source).ok_or_else(not_released)?));
                continue;
            }
            let before = found.len();
            search(source, &mut found)?;
            if found.len() == before {
                return Err(not_released());
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.dedup_by(|a, b| a.0 == b.0);
        let mut tasks: BTreeMap<String, Vec<(PathBuf, ReleasedName)>> = BTreeMap::new();
        for (path, name) in found {
            tasks.entry(name.task.clone()).or_default().push((path, name));
        }
        Ok(Self { tasks })
    }

    /// Whether a path holds released files instead of this program's: one of them, or a folder with some below and no curve
    /// file of this program.
    pub fn are_in(path: &Path) -> bool {
        if !path.is_dir() {
            return ReleasedName::parse(path).is_some();
        }
        let mut found = Vec::new();
        // Names first: a folder of this program's curves has none of them, and its files are opened only once, by the reader.
        search(path, &mut found).is_ok() && !found.is_empty() && taskset_curves::open(path).is_err()
    }

    /// The files, sorted by task and path.
    pub fn files(&self) -> impl Iterator<Item = &(PathBuf, ReleasedName)> {
        self.tasks.values().flatten()
    }

    /// Calls a function with the curves of each task, on all cores; the results come in the order of the tasks' names. The curves
    /// of as many tasks are in memory as there are threads.
    pub(crate) fn map_parallel<'a, T: Send + 'a>(
        &'a self,
        selection: &'a Selection,
        function: impl Fn(Vec<Curve>) -> Result<T, Error> + Sync + 'a,
    ) -> impl Iterator<Item = Result<T, Error>> + 'a {
        let tasks: Vec<&Vec<(PathBuf, ReleasedName)>> = self.tasks.values().collect();
        let optimizers = Arc::new(KnownOptimizers::default());
        // The curves of a task are gone when its results are there: only these wait for each other.
        let at_once = 16 * rayon::current_num_threads().max(1);
        let chunks: Vec<Vec<_>> = tasks.chunks(at_once).map(<[_]>::to_vec).collect();
        chunks.into_iter().flat_map(move |chunk| {
            let of_task = |files: &Vec<(PathBuf, ReleasedName)>| {
                let mut curves = Vec::new();
                for (path, name) in files {
                    curves.extend(read(path, name, &optimizers)?);
                }
                if *selection != Selection::default() {
                    curves.retain(|curve| selection.matches(&curve.spec));
                }
                curves.sort_by(Curve::order);
                if curves.is_empty() { Ok(None) } else { function(curves).map(Some) }
            };
            let made: Vec<Result<Option<T>, Error>> = chunk.into_par_iter().map(of_task).collect();
            made.into_iter().filter_map(Result::transpose)
        })
    }
}

/// What is known of the machines: nothing.
pub fn metadata() -> Metadata {
    let unknown = || "unknown (imported)".to_owned();
    Metadata { machine: unknown(), kernels: unknown(), threads: 0, ..taskset_train::metadata(1) }
}

/// Released files in a folder and below.
fn search(folder: &Path, found: &mut Vec<(PathBuf, ReleasedName)>) -> Result<(), Error> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| Error::Read { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = ReleasedName::parse(&path) {
                found.push((path, name));
            }
        }
    }
    Ok(())
}

/// The curves of a file. Give the same `optimizers` for several files.
///
/// # Errors
/// [`Error::Curves`] if it cannot be read; [`Error::Released`], with the array's name, for an optimizer that this program does
/// not know, and for steps or replicas that the name of the file contradicts; [`Error::Task`] for a task that it does not know.
pub fn read(path: &Path, name: &ReleasedName, optimizers: &KnownOptimizers) -> Result<Vec<Curve>, Error> {
    let wrong =
        |array: &'static str, reason: String| Error::Released { path: path.to_owned(), array, reason };
    let task = taskset_tasks::describe(&name.task)
        .map_err(|source| Error::ReleasedTask { path: path.to_owned(), source: Box::new(source) })?;
    let released = ReleasedCurves::read(path)?;
    if released.replicas != name.replicas {
        let reason =
            format!("{} replicas, and the name of the file says {}", released.replicas, name.replicas);
        return Err(wrong("ys", reason));
    }
    let protocol = protocol(&released.steps, name.steps).map_err(|reason| wrong("xs", reason))?;
    let identity = Arc::new(TaskIdentity {
        name: name.task.clone(),
        origin: released.origin,
        data_digest: None,
        version: None,
    });
    let steps: Arc<[u32]> = released.steps.clone().into();
    let mut curves = Vec::with_capacity(released.optimizers.len() * released.replicas);
    for (row, optimizer) in released.optimizers.iter().enumerate() {
        let known_by = optimizers
            .find(optimizer, protocol.steps)
            .map_err(|error| wrong("optimizers", error.to_string()))?;
        for replica in 0..released.replicas {
            // The last axis of the files has the order of `Split::ALL`.
            let losses = released.curve(row, replica);
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
