//! Reading curves task by task, whatever the order of the files: each row group is read once.
//!
//! First the tasks of every row group are looked up. Then the row groups are decoded ahead on all cores ([`Ahead`]); their
//! curves wait by task until the last row group of the task has been read. Files that are sorted by task need the memory of
//! a few tasks; of others, curves that wait are put into a temporary file once they fill [`WAITING_BYTES`].

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use taskset_trial::{Curve, Identifier};

use crate::Error;
use crate::decode_ahead::{Ahead, Place};
use crate::decode_rows::{Columns, Decoder, Names};
use crate::parquet_file::CurveFile;
use crate::query::{Choice, bounds, only_task};
use crate::reader::in_order;
use crate::spill::{Segment, Spill};

/// Bytes of curves that wait in memory for the rest of their task, about.
const WAITING_BYTES: usize = 48 << 20;

/// A curve on its way.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) curve: Curve,
    /// Number of the file that it comes from.
    pub(crate) file: u32,
    /// A hash of the whole curve where it was cut: 0 elsewhere.
    pub(crate) content: u64,
}

impl Row {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.curve.losses.iter().map(|losses| 4 * losses.len() + 16).sum::<usize>()
    }
}

/// The curves of one task that have been read.
#[derive(Debug, Default)]
struct Waiting {
    /// Row groups of the task that are still to be read.
    groups: usize,
    rows: Vec<Row>,
    segments: Vec<Segment>,
}

/// The chosen curves of some files, task by task in the order of names; ends after an error.
///
/// Curves of a task are sorted by optimizer and replica; different trials of the same names by their identity. A trial that
/// is there twice comes once.
pub struct ByTask {
    files: Arc<[CurveFile]>,
    state: Result<(Ahead, State), Option<Error>>,
    /// Finished tasks that were not asked for yet.
    ready: VecDeque<Vec<Curve>>,
    waiting_bytes: usize,
    limit: usize,
}

struct State {
    tasks: BTreeMap<String, Waiting>,
    /// Which tasks a row group holds, of those that are still to be read.
    holds: BTreeMap<Place, Vec<String>>,
    spill: Spill,
    /// Whether a trial was there twice.
    twice: AtomicBool,
    /// Where only some splits are read: the same choice with all of them. The other splits of a trial that is there twice must
    /// be the same, too.
    whole: Option<Choice>,
}

impl ByTask {
    /// Looks through the files for the tasks of their row groups.
    pub(crate) fn new(files: Arc<[CurveFile]>, choice: Result<Choice, Error>) -> Self {
        let state = choice.and_then(|choice| {
            let (places, state) = State::new(&files, &choice)?;
            Ok((Ahead::new(Arc::clone(&files), choice, places), state))
        });
        Self {
            files,
            state: state.map_err(Some),
            ready: VecDeque::new(),
            waiting_bytes: 0,
            limit: WAITING_BYTES,
        }
    }

    /// With another limit of memory, so that tests need no large files.
    #[cfg(test)]
    pub(crate) fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Calls a function with the curves of each task, on all cores; the results come in the order of the tasks' names.
    pub fn map_parallel<T, E, F>(mut self, function: F) -> impl Iterator<Item = Result<T, E>>
    where
        T: Send,
        E: Send + From<Error>,
        F: Fn(Vec<Curve>) -> Result<T, E> + Sync,
    {
        let mut results: VecDeque<Result<T, E>> = VecDeque::new();
        std::iter::from_fn(move || {
            loop {
                if let Some(result) = results.pop_front() {
                    if result.is_err() {
                        // Nothing follows an error.
                        self.state = Err(None);
                        results.clear();
                    }
                    return Some(result);
                }
                match self.finished_tasks() {
                    Ok(tasks) if tasks.is_empty() => return None,
                    Ok(tasks) => {
                        let files = &self.files;
                        let state = self.state.as_ref().ok().map(|(_, state)| state);
                        let made: Vec<_> = tasks
                            .into_par_iter()
                            .map(|task| match finish(files, state, task) {
                                Ok(curves) if curves.is_empty() => None,
                                Ok(curves) => Some(function(curves)),
                                Err(e) => Some(Err(e.into())),
                            })
                            .collect();
                        results.extend(made.into_iter().flatten());
                    }
                    Err(e) => results.push_back(Err(e.into())),
                }
            }
        })
    }

    /// The next tasks in order all of whose curves are read; reads on until there is one. None at the end.
    fn finished_tasks(&mut self) -> Result<Vec<Waiting>, Error> {
        let (ahead, state) = match &mut self.state {
            Ok((ahead, state)) => (ahead, state),
            Err(error) => return error.take().map_or(Ok(Vec::new()), Err),
        };
        // Enough to keep all cores at work, and no more: each may have to be read back.
        let most = 2 * rayon::current_num_threads();
        let result = loop {
            let mut finished = Vec::new();
            while finished.len() < most
                && let Some(first) = state.tasks.first_entry()
                && first.get().groups == 0
            {
                let waiting = first.remove();
                self.waiting_bytes -= waiting.rows.iter().map(Row::bytes).sum::<usize>();
                finished.push(waiting);
            }
            if !finished.is_empty() {
                break Ok(finished);
            }
            match ahead.next() {
                None if !state.tasks.is_empty() => {
                    unreachable!("all row groups were read, so no task waits for one")
                }
                None => break state.compare_twins(&self.files).map(|()| finished),
                Some((place, Ok(rows))) => self.waiting_bytes += state.take_in(place, rows),
                Some((_, Err(e))) => break Err(e),
            }
            if self.waiting_bytes > self.limit {
                if let Err(e) = state.put_aside() {
                    break Err(e);
                }
                self.waiting_bytes = 0;
            }
        };
        if result.is_err() {
            self.state = Err(None);
        }
        result
    }
}

impl State {
    /// The tasks of each row group. Decodes only the column of tasks, and that only where statistics do not tell.
    fn new(files: &[CurveFile], choice: &Choice) -> Result<(VecDeque<Place>, Self), Error> {
        let all: Vec<Place> = files
            .iter()
            .enumerate()
            .flat_map(|(number, file)| {
                let possible = |group: &usize| choice.may_be_in(&file.groups()[*group]);
                (0..file.groups().len()).filter(possible).map(move |group| (number, group))
            })
            .collect();
        let tasks_of = |&(number, group): &Place| {
            let file = &files[number];
            let mut tasks = match only_task(&file.groups()[group]) {
                Some(task) => vec![task.to_owned()],
                None => Decoder::tasks(&file.path, &file.read_group(group, &Columns::tasks())?)?,
            };
            tasks.retain(|task| choice.tasks.matches(task));
            Ok(((number, group), tasks))
        };
        let found: Vec<(Place, Vec<String>)> = in_order(all.par_iter().map(tasks_of).collect())?;
        let holds: BTreeMap<Place, Vec<String>> =
            found.into_iter().filter(|(_, tasks)| !tasks.is_empty()).collect();
        let mut tasks: BTreeMap<String, Waiting> = BTreeMap::new();
        for task in holds.values().flatten() {
            tasks.entry(task.clone()).or_default().groups += 1;
        }
        // In the order of their first tasks, so that of files that are sorted by task few tasks wait.
        let mut places: Vec<Place> = holds.keys().copied().collect();
        let first = |&(number, group): &Place| {
            let low = bounds(&files[number].groups()[group]).map(|(low, _)| low.to_vec());
            (low.unwrap_or_default(), number, group)
        };
        places.sort_by_cached_key(first);
        let whole = choice.with_all_splits()?;
        let (spill, twice) = (Spill::default(), AtomicBool::new(false));
        Ok((places.into(), Self { tasks, holds, spill, twice, whole }))
    }

    /// Where only some splits were read and a trial was there twice: reads the same curves once more, with all splits, which
    /// is an error if they differ. Done once, at the end.
    fn compare_twins(&mut self, files: &Arc<[CurveFile]>) -> Result<(), Error> {
        match self.whole.take() {
            Some(choice) if self.twice.load(Ordering::Relaxed) => {
                ByTask::new(Arc::clone(files), Ok(choice)).try_for_each(|curves| curves.map(drop))
            }
            _ => Ok(()),
        }
    }

    /// Puts the curves of a row group to their tasks. Returns their bytes.
    fn take_in(&mut self, place: Place, rows: Vec<Row>) -> usize {
        let mut bytes = 0;
        // Rows of a task often follow each other.
        let mut rows = rows.into_iter().peekable();
        while let Some(row) = rows.next() {
            let task = Arc::clone(&row.curve.spec.task);
            bytes += row.bytes();
            let Some(waiting) = self.tasks.get_mut(&task.name) else { continue };
            waiting.rows.push(row);
            while let Some(row) = rows.next_if(|next| Arc::ptr_eq(&next.curve.spec.task, &task)) {
                bytes += row.bytes();
                waiting.rows.push(row);
            }
        }
        for task in self.holds.remove(&place).unwrap_or_default() {
            if let Some(waiting) = self.tasks.get_mut(&task) {
                waiting.groups -= 1;
            }
        }
        bytes
    }

    /// Puts all curves that wait into the temporary file.
    fn put_aside(&mut self) -> Result<(), Error> {
        for waiting in self.tasks.values_mut().filter(|waiting| !waiting.rows.is_empty()) {
            waiting.segments.push(self.spill.write(&waiting.rows)?);
            waiting.rows = Vec::new();
        }
        Ok(())
    }
}

/// The chosen curves of a row group.
pub(crate) fn decode(
    file: &CurveFile,
    number: u32,
    group: usize,
    choice: &Choice,
    decoder: &Decoder,
) -> Result<Vec<Row>, Error> {
    let batch = file.read_group(group, &choice.columns)?;
    let mut rows = Vec::new();
    let (mut ids, mut cut) = (Identifier::default(), None);
    let wanted = |names: &Names<'_>| {
        choice.tasks.matches(names.task) && choice.optimizers.matches_optimizer(names.optimizer, names.family)
    };
    decoder.curves(file, &batch, &choice.columns, wanted, |mut curve| {
        if choice.matches(&curve.spec, &mut ids) {
            let content = if choice.cuts() { content(&curve) } else { 0 };
            choice.cut(&mut curve, &mut cut);
            rows.push(Row { curve, file: number, content });
        }
    })?;
    Ok(rows)
}

/// A hash of all that equal trials share besides their names, so that curves can be compared that are cut.
fn content(curve: &Curve) -> u64 {
    let mut hash = DefaultHasher::new();
    curve.steps.hash(&mut hash);
    let bits = |loss: &f32| if loss.is_nan() { f32::NAN.to_bits() } else { loss.to_bits() };
    curve.losses.iter().for_each(|losses| losses.iter().map(bits).collect::<Vec<_>>().hash(&mut hash));
    (curve.diverged_at, curve.num_params).hash(&mut hash);
    hash.finish()
}

/// All curves of a task in order, each trial once.
fn finish(files: &Arc<[CurveFile]>, state: Option<&State>, waiting: Waiting) -> Result<Vec<Curve>, Error> {
    let Waiting { mut rows, segments, .. } = waiting;
    if let Some(state) = state {
        for segment in segments {
            state.spill.read(segment, &mut rows)?;
        }
    }
    let mut twice = false;
    rows.sort_by(|a, b| a.curve.order(&b.curve).then_with(|| a.file.cmp(&b.file)));
    let mut curves: Vec<Curve> = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while let Some(row) = rows.next() {
        let mut same: Vec<Row> = Vec::new();
        while let Some(next) = rows.next_if(|next| next.curve.order(&row.curve).is_eq()) {
            same.push(next);
        }
        if same.is_empty() {
            curves.push(row.curve);
        } else {
            same.insert(0, row);
            let count = same.len();
            let once = each_once(files, same)?;
            twice |= once.len() < count;
            curves.extend(once);
        }
    }
    if twice && let Some(state) = state {
        state.twice.store(true, Ordering::Relaxed);
    }
    Ok(curves)
}

/// Of rows of the same task, optimizer and replica each trial once, in the order of identities. Of a trial that is there
/// twice, the first file's.
fn each_once(files: &[CurveFile], rows: Vec<Row>) -> Result<Vec<Curve>, Error> {
    let mut kept: Vec<Row> = Vec::new();
    for row in rows {
        let known = kept.iter().find(|known| known.curve.spec.first_difference(&row.curve.spec).is_none());
        let Some(known) = known else {
            kept.push(row);
            continue;
        };
        let path = |row: &Row| files[row.file as usize].path.clone();
        let (first, second) = (path(known), path(&row));
        let slice = |row: &Row| files[row.file as usize].metadata.slice.clone();
        let field = known.curve.difference(&row.curve);
        // Parts of the same trial: neither is wrong, and they are not put together here.
        match (slice(known), slice(&row)) {
            (Some(slice), None) => return Err(Error::Slice { path: first, slice }),
            (_, Some(slice)) if field == Some("steps") || known.content != row.content => {
                return Err(Error::Slice { path: second, slice });
            }
            (None, Some(slice)) => return Err(Error::Slice { path: second, slice }),
            _ => {}
        }
        let field = field.or((known.content != row.content).then_some("steps that were not asked for"));
        if let Some(field) = field {
            let curve = &row.curve;
            let trial = format!(
                "of `{}` on `{}`, replica {} ({})",
                curve.optimizer(),
                curve.task(),
                curve.replica(),
                curve.id().short()
            );
            return Err(Error::Conflict { first, second, trial, field });
        }
    }
    kept.sort_by_cached_key(|row| row.curve.id());
    Ok(kept.into_iter().map(|row| row.curve).collect())
}

impl Iterator for ByTask {
    type Item = Result<Vec<Curve>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(curves) = self.ready.pop_front() {
                return Some(Ok(curves));
            }
            let tasks = match self.finished_tasks() {
                Ok(tasks) if tasks.is_empty() => return None,
                Ok(tasks) => tasks,
                Err(e) => return Some(Err(e)),
            };
            let (files, state) = (&self.files, self.state.as_ref().ok().map(|(_, state)| state));
            let finished: Vec<_> = tasks.into_par_iter().map(|task| finish(files, state, task)).collect();
            match in_order(finished) {
                Ok(curves) => self.ready.extend(curves.into_iter().filter(|curves| !curves.is_empty())),
                Err(e) => {
                    self.state = Err(None);
                    return Some(Err(e));
                }
            }
        }
    }
}
