//! Deciding name after name: trains what the rule needs and reads what is stored.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use taskset_curves::Query;
use taskset_datasets::{Datasets, Source};
use taskset_optim::Mode;
use taskset_tasks::families::{SEEDS, TaskFamily};
use taskset_tasks::task_set::{self, Entry};
use taskset_trial::{Curve, Protocol};

use super::rule;
use crate::{Directory, Error, RunOptions, Sweep, SweepObserver};

/// Names that are decided together, at least: so many that the trials of one task wait for few others.
const WAVE: usize = 8;

/// Finds the tasks of the set. All data are stand-ins, so that everyone can repeat the list.
#[derive(Clone, Debug)]
pub struct Search {
    /// Folder of the sweeps, one for each family.
    directory: PathBuf,
    options: RunOptions,
    data: Datasets,
    /// Most tasks that are kept of a family, if that is less than its share.
    most: usize,
}

/// How far the search is with a family.
#[derive(Clone, Debug)]
pub struct FamilySearch {
    /// The family.
    pub family: &'static TaskFamily,
    /// Tasks that it shall have.
    pub wanted: usize,
    /// The names that were decided, in the order of seeds.
    pub entries: Vec<Entry>,
}

impl FamilySearch {
    /// Tasks that are kept.
    pub fn kept(&self) -> usize {
        self.entries.iter().filter(|entry| entry.verdict.is_kept()).count()
    }

    /// Whether the family has its share, or no seed is left.
    pub fn is_complete(&self) -> bool {
        self.kept() >= self.wanted || self.entries.len() >= SEEDS as usize
    }

    /// Estimated seconds until the family has its share, on one core, if every name that its description does not reject
    /// passes with the first configuration.
    ///
    /// # Errors
    /// [`Error::Task`].
    pub fn seconds_left(&self) -> Result<f64, Error> {
        let mut missing = self.wanted.saturating_sub(self.kept());
        let mut seconds = 0.0;
        for seed in self.entries.len() as u32..SEEDS {
            if missing == 0 {
                break;
            }
            let task = taskset_tasks::describe(&self.family.task_name(seed))?;
            if rule::by_description(&task).is_ok() {
                seconds += rule::estimated_seconds(&task);
                missing -= 1;
            }
        }
        Ok(seconds)
    }
}

/// Curves by the names of their task and optimizer. Both protocols have different optimizers.
type Curves = HashMap<(String, String), Curve>;

impl Search {
    /// A search in a folder.
    pub fn new(directory: PathBuf, options: RunOptions) -> Self {
        Self { directory, options, data: Datasets::new(Source::Synthetic), most: usize::MAX }
    }

    /// The same with at most so many tasks of each family, to try it out.
    #[must_use]
    pub fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// The search of a family, before anything is decided.
    pub fn start(&self, family: &'static TaskFamily) -> FamilySearch {
        let wanted = task_set::share(family.name).min(self.most);
        FamilySearch { family, wanted, entries: Vec::new() }
    }

    /// Decides the next names of a family. What is not stored is trained if there is an `observer`; without one, nothing is
    /// trained. Returns whether all of these names were decided. If not, the search can go no further: because nothing was
    /// to be trained, or because of `cancel`.
    ///
    /// # Errors
    /// As [`Directory::run`] and [`Sweep::new`].
    pub fn advance(
        &self,
        search: &mut FamilySearch,
        mut observer: Option<&mut dyn SweepObserver>,
        cancel: &AtomicBool,
    ) -> Result<bool, Error> {
        let missing = search.wanted.saturating_sub(search.kept());
        let first = search.entries.len() as u32;
        let names = (first..SEEDS).map(|seed| search.family.task_name(seed));
        // Names that their description rejects cost nothing, so they do not count.
        let mut wave: Vec<(String, Result<f64, Entry>)> = Vec::new();
        let mut candidates = 0;
        for name in names {
            if candidates == missing.min(WAVE.max(2 * self.options.jobs)) {
                break;
            }
            let decided = rule::by_description(&taskset_tasks::describe(&name)?);
            candidates += usize::from(decided.is_ok());
            wave.push((name, decided));
        }
        let directory = Directory::at(&self.directory.join(search.family.name));
        let mut trials = Trials { search: self, directory, curves: Curves::new(), cancel };
        let mut to_train: Vec<String> =
            wave.iter().filter(|(_, decided)| decided.is_ok()).map(|(name, _)| name.clone()).collect();
        let initial = [rule::INITIAL_OPTIMIZER];
        trials.add(&to_train, &initial, rule::INITIAL, reborrowed(&mut observer))?;
        for part in rule::PARTS {
            to_train.retain(|name| trials.missing(name) == Some(part.start));
            trials.add(&to_train, &rule::OPTIMIZERS[part], rule::TRAINING, reborrowed(&mut observer))?;
        }
        for (name, decided) in wave {
            let entry = match decided {
                Err(rejected) => rejected,
                Ok(minutes) => match trials.decide(&name, minutes) {
                    Some(Ok(entry)) => entry,
                    // Names behind one that is not decided are not in the list, because seeds are taken in order.
                    _ => return Ok(false),
                },
            };
            search.entries.push(entry);
        }
        Ok(true)
    }

    /// What is stored decides: the entries of all families, without training.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn stored(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for family in taskset_tasks::families() {
            let mut search = self.start(family);
            // Descriptions alone decide nothing of a family that nobody has begun.
            if self.directory.join(family.name).is_dir() {
                while !search.is_complete() && self.advance(&mut search, None, &AtomicBool::new(false))? {}
            }
            entries.append(&mut search.entries);
        }
        Ok(entries)
    }
}

/// The same observer for a shorter time.
fn reborrowed<'a>(observer: &'a mut Option<&mut dyn SweepObserver>) -> Option<&'a mut dyn SweepObserver> {
    match observer {
        Some(observer) => Some(&mut **observer),
        None => None,
    }
}

/// The trials of some names.
struct Trials<'a> {
    search: &'a Search,
    directory: Directory,
    curves: Curves,
    cancel: &'a AtomicBool,
}

impl Trials<'_> {
    /// Trains what is not stored, if there is an observer, and reads what is stored then.
    fn add(
        &mut self,
        tasks: &[String],
        optimizers: &[&str],
        protocol: Protocol,
        observer: Option<&mut dyn SweepObserver>,
    ) -> Result<(), Error> {
        if tasks.is_empty() {
            return Ok(());
        }
        let sweep = Sweep::new(tasks, optimizers, 1, protocol, Mode::Upstream, &self.search.data)?;
        if let Some(observer) = observer {
            self.directory.run(&sweep, &self.search.options, observer, self.cancel)?;
        }
        let query = Query { ids: Some(Arc::new(sweep.ids())), ..Query::default() };
        for curve in self.directory.reader()?.query(&query)? {
            self.curves.insert((curve.task().to_owned(), curve.optimizer().to_owned()), curve);
        }
        Ok(())
    }

    fn curve(&self, task: &str, optimizer: &str) -> Option<&Curve> {
        self.curves.get(&(task.to_owned(), optimizer.to_owned()))
    }

    /// The entry of a task, or the number of the first configuration that has to be trained; none if not even the initial
    /// loss is known.
    fn decide(&self, name: &str, minutes: f64) -> Option<Result<Entry, usize>> {
        let initial = self.curve(name, rule::INITIAL_OPTIMIZER)?;
        Some(rule::by_curves(name, minutes, initial, |optimizer| self.curve(name, optimizer)))
    }

    /// The first configuration that has to be trained before the task can be decided.
    fn missing(&self, name: &str) -> Option<usize> {
        self.decide(name, 0.0)?.err()
    }
}
