//! The curves that the paper's authors released, as curves of this program.
//!
//! A released file is `TASK/SET_STEPS_replicaN.npz` ([`taskset_curves::released_npz`] says what is in it). Names decide which curve
//! is whose, never places. The trials are in mode `upstream`, their column `revisions` says `external:task_set`, and their clock
//! columns are 0: the files have no times. They are on real data, unless the file says otherwise (those that this program
//! writes of stand-ins do).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use taskset_curves::released_npz::{ReleasedCurves, ReleasedName};
use taskset_curves::{Metadata, Selection};
use taskset_normalize::TaskCurves;
use taskset_optim::{Mode, Optimizer, OptimizerIdentity};
use taskset_trial::{Arithmetic, Curve, Protocol, Source, TaskIdentity, TrialSpec};

use crate::Error;
use crate::scored_task::OneTask;

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
        function: impl Fn(OneTask) -> Result<T, Error> + Sync + 'a,
    ) -> impl Iterator<Item = Result<T, Error>> + 'a {
        let tasks: Vec<&Vec<(PathBuf, ReleasedName)>> = self.tasks.values().collect();
        let optimizers = Arc::new(KnownOptimizers::default());
        // The curves of a task are gone when its results are there: only these wait for each other.
        let at_once = 16 * rayon::current_num_threads().max(1);
        let chunks: Vec<Vec<_>> = tasks.chunks(at_once).map(<[_]>::to_vec).collect();
        chunks.into_iter().flat_map(move |chunk| {
            let of_task =
                |files: &Vec<(PathBuf, ReleasedName)>| match one_task(files, selection, &optimizers)? {
                    Some(task) => function(task).map(Some),
                    None => Ok(None),
                };
            let made: Vec<Result<Option<T>, Error>> = chunk.into_par_iter().map(of_task).collect();
            made.into_iter().filter_map(Result::transpose)
        })
    }
}

/// The curves of a task; none where the selection leaves none.
fn one_task(
    files: &[(PathBuf, ReleasedName)],
    selection: &Selection,
    optimizers: &KnownOptimizers,
) -> Result<Option<OneTask>, Error> {
    let read = files.iter().map(|(path, name)| OneFile::read(path, name, optimizers));
    let files = read.collect::<Result<Vec<OneFile>, Error>>()?;
    // Most often all files fit together, and then their losses can stay in tables. A curve for each trial takes several times as
    // long. Files that do not fit take the longer way, which finds out what is wrong with which curve.
    let whole = *selection == Selection::default();
    let some = files.iter().any(|file| !file.optimizers.is_empty());
    let fit = |first: &&OneFile| whole && some && files.iter().all(|file| file.fits(first));
    if let Some(first) = files.first().filter(fit) {
        let (parameters, steps) = (first.parameters, first.protocol.steps);
        return Ok(Some(OneTask::of_tables(parameters, steps, tables(files)?)));
    }
    let mut curves: Vec<Curve> = files.iter().flat_map(OneFile::curves).collect();
    curves.retain(|curve| whole || selection.matches(&curve.spec));
    curves.sort_by(Curve::order);
    if curves.is_empty() { Ok(None) } else { OneTask::of_curves(&curves).map(Some) }
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

/// A released file, and what its names stand for.
struct OneFile {
    released: ReleasedCurves,
    task: Arc<TaskIdentity>,
    /// Parameters of the task.
    parameters: u64,
    /// By row.
    optimizers: Vec<Arc<OptimizerIdentity>>,
    protocol: Protocol,
}

/// The curves of a file. Give the same `optimizers` for several files.
///
/// # Errors
/// [`Error::Curves`] if it cannot be read; [`Error::Released`], with the array's name, for an optimizer that this program does
/// not know, and for steps or replicas that the name of the file contradicts; [`Error::Task`] for a task that it does not know.
pub fn read(path: &Path, name: &ReleasedName, optimizers: &KnownOptimizers) -> Result<Vec<Curve>, Error> {
    let mut curves = OneFile::read(path, name, optimizers)?.curves();
    curves.sort_by(Curve::order);
    Ok(curves)
}

impl OneFile {
    fn read(path: &Path, name: &ReleasedName, known: &KnownOptimizers) -> Result<Self, Error> {
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
        let optimizers = released.optimizers.iter().map(|optimizer| {
            known.find(optimizer, protocol.steps).map_err(|error| wrong("optimizers", error.to_string()))
        });
        let optimizers = optimizers.collect::<Result<_, Error>>()?;
        let task_identity = TaskIdentity {
            name: name.task.clone(),
            origin: released.origin,
            data_digest: None,
            version: None,
        };
        Ok(Self {
            released,
            task: Arc::new(task_identity),
            parameters: task.num_params,
            optimizers,
            protocol,
        })
    }

    /// Whether the losses of both files can stand in one table.
    fn fits(&self, other: &Self) -> bool {
        let (a, b) = (&self.released, &other.released);
        self.protocol == other.protocol
            && (&a.steps, a.replicas, a.origin) == (&b.steps, b.replicas, b.origin)
    }

    /// A trial of the optimizer in a row.
    fn spec(&self, row: usize, replica: u32) -> TrialSpec {
        TrialSpec {
            task: Arc::clone(&self.task),
            optimizer: Arc::clone(&self.optimizers[row]),
            replica,
            protocol: self.protocol,
            // TensorFlow's kernels of that time used fused multiply-add where the processor had it.
            arithmetic: Arithmetic::Fma,
            source: Source::External(SOURCE.to_owned()),
        }
    }

    /// A curve for each trial, by rows.
    fn curves(&self) -> Vec<Curve> {
        let released = &self.released;
        let steps: Arc<[u32]> = released.steps.clone().into();
        let trials = (0..self.optimizers.len()).flat_map(|row| (0..released.replicas).map(move |r| (row, r)));
        let curve = |(row, replica): (usize, usize)| {
            // The last axis of the files has the order of `Split::ALL`.
            let losses = released.curve(row, replica);
            let lost = (0..steps.len()).find(|&point| losses.iter().any(|losses| !losses[point].is_finite()));
            Curve {
                spec: self.spec(row, replica as u32),
                steps: Arc::clone(&steps),
                losses,
                diverged_at: lost.map(|point| steps[point]),
                num_params: self.parameters,
                train_seconds: 0.0,
                eval_seconds: 0.0,
            }
        };
        trials.map(curve).collect()
    }
}

/// The losses of files that fit together, as tables, and how many trials diverged.
fn tables(files: Vec<OneFile>) -> Result<(TaskCurves, usize), Error> {
    let diverged = files.iter().map(|file| diverged(&file.released)).sum();
    let rows = files.iter().flat_map(|file| (0..file.optimizers.len()).map(|row| file.spec(row, 0)));
    let specs: Vec<TrialSpec> = rows.collect();
    let (replicas, steps) = (files[0].released.replicas, files[0].released.steps.clone());
    let parts = files.into_iter().map(|file| file.released.losses).collect();
    Ok((TaskCurves::from_tables(&specs, replicas, steps, parts)?, diverged))
}

/// Trials with a loss that is not finite.
fn diverged(released: &ReleasedCurves) -> usize {
    let points = released.steps.len();
    let mut lost = vec![false; released.losses[0].len() / points];
    for losses in &released.losses {
        for (lost, trial) in lost.iter_mut().zip(losses.chunks_exact(points)) {
            // Counted, because that is quicker than to stop at the first one.
            *lost |= trial.iter().map(|loss| u32::from(!loss.is_finite())).sum::<u32>() > 0;
        }
    }
    lost.into_iter().filter(|&lost| lost).count()
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

#[cfg(test)]
mod tests {
    use taskset_names::Origin;
    use taskset_normalize::NAMED;

    use super::*;

    /// A file of a task with some optimizers, whose losses follow from `seed`. One of its trials diverges.
    fn write(folder: &Path, set: &str, optimizers: &[&str], replicas: usize, steps: &[u32], seed: u32) {
        let name = ReleasedName {
            task: "TwoD_Bowl1".to_owned(),
            set: set.to_owned(),
            steps: steps[steps.len() - 1],
            replicas,
        };
        let count = optimizers.len() * replicas * steps.len();
        let loss = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 16) as f32 / 65_536.0;
        let of_split = |split: u32| (0..count as u32).map(|i| loss(4 * i + split)).collect();
        let mut losses: [Vec<f32>; 4] = [0, 1, 2, 3].map(of_split);
        // The last point of the first trial, on the train split.
        losses[0][steps.len() - 1] = f32::NAN;
        let path = name.path(folder);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let optimizers = optimizers.iter().map(|&name| name.to_owned()).collect();
        let curves =
            ReleasedCurves { optimizers, steps: steps.to_vec(), replicas, losses, origin: Origin::Real };
        curves.write(&path).unwrap();
    }

    const ADAM1P: [&str; 3] = ["adam1p_wide_grid_seed10", "adam1p_wide_grid_seed2", "adam1p_wide_grid_seed0"];
    const NADAMW: [&str; 2] = ["nadamw_grid_seed1", "nadamw_grid_seed0"];

    fn files(folder: &Path) -> Vec<(PathBuf, ReleasedName)> {
        Archives::find(&[folder]).unwrap().files().cloned().collect()
    }

    /// All curves of files, one by one.
    fn curves(files: &[(PathBuf, ReleasedName)]) -> Vec<Curve> {
        let optimizers = KnownOptimizers::default();
        files.iter().flat_map(|(path, name)| read(path, name, &optimizers).unwrap()).collect()
    }

    #[test]
    fn tables_and_curves_give_the_same_scores() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "nadamw_grid_1k", &NADAMW, 2, &[0, 10, 20], 1);
        write(folder.path(), "adam1p_wide_grid_1k", &ADAM1P, 2, &[0, 10, 20], 9);
        let files = files(folder.path());
        let optimizers = KnownOptimizers::default();
        let opened: Vec<OneFile> =
            files.iter().map(|(path, name)| OneFile::read(path, name, &optimizers).unwrap()).collect();
        let (table, diverged) = tables(opened).unwrap();
        let curves = curves(&files);
        let plain = TaskCurves::new(&curves).unwrap();
        for (cut, other) in [(table.clone(), plain.clone()), (table.until(10), plain.until(10))] {
            for row in NAMED {
                let [a, b] = [&cut, &other].map(|curves| row.normalizer.scores_of(curves).unwrap());
                assert_eq!(a, b, "{}", row.name);
            }
        }
        assert_eq!((diverged, table.replicas(), table.optimizers().len()), (2, 2, 5));
        let of_curves = curves.iter().filter(|curve| curve.diverged_at == Some(20)).count();
        assert_eq!(diverged, of_curves);
    }

    #[test]
    fn files_that_do_not_fit_are_refused_by_the_curve_that_is_missing() {
        let check = |replicas: usize, steps: &[u32], words: &str| {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "adam1p_wide_grid_1k", &ADAM1P, 2, &[0, 10, 20], 9);
            write(folder.path(), "nadamw_grid_1k", &NADAMW, replicas, steps, 1);
            let all = Selection::default();
            let found = one_task(&files(folder.path()), &all, &KnownOptimizers::default());
            let message = found.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.contains(words), "{message}");
        };
        check(1, &[0, 10, 20], "replica 1 is missing");
        check(2, &[0, 5, 10, 15, 20], "protocol");
        check(2, &[0, 10, 20], "");
    }

    #[test]
    fn a_selection_takes_some_of_the_curves() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "adam1p_wide_grid_1k", &ADAM1P, 2, &[0, 10, 20], 9);
        let optimizers = |revisions: &str| {
            let chosen = Selection { revisions: Some(revisions.to_owned()), ..Selection::default() };
            let found = one_task(&files(folder.path()), &chosen, &KnownOptimizers::default()).unwrap();
            found.map(|task| task.table().optimizers().len())
        };
        assert_eq!(optimizers("external:task_set"), Some(3));
        assert_eq!(optimizers("trainer"), None);
    }
}
