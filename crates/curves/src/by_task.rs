//! Reading curves one task at a time.

use std::collections::{BTreeMap, btree_map};
use std::path::PathBuf;

use crate::curve::sort_and_deduplicate;
use crate::file::CurveFile;
use crate::query::{Choice, Query, may_hold};
use crate::schema::{self, Rows};
use crate::{Curve, Error};

/// Where the curves of a task lie: a file by its position, and the row groups of it that have the task.
type Places = BTreeMap<usize, Vec<usize>>;

/// The chosen curves of some files, task by task in the order of names; ends after an error.
pub(crate) struct ByTask {
    files: Vec<PathBuf>,
    state: State,
}

enum State {
    /// The files could not be looked through.
    Failed(Option<Error>),
    /// The tasks that are still to be read.
    Reading(Box<Choice>, btree_map::IntoIter<String, Places>),
}

impl ByTask {
    /// Looks through the files for the names of tasks. Where `steps` is given, every curve must have these.
    pub(crate) fn new(files: Vec<PathBuf>, query: &Query, steps: Option<&[u32]>) -> Self {
        let state = match index(&files, query, steps) {
            Ok((choice, tasks)) => State::Reading(Box::new(choice), tasks.into_iter()),
            Err(e) => State::Failed(Some(e)),
        };
        Self { files, state }
    }
}

/// The chosen tasks and where they are. Decodes only the column of tasks.
fn index(
    files: &[PathBuf],
    query: &Query,
    steps: Option<&[u32]>,
) -> Result<(Choice, BTreeMap<String, Places>), Error> {
    let choice = Choice::new(query, steps)?;
    let mut tasks: BTreeMap<String, Places> = BTreeMap::new();
    for (number, path) in files.iter().enumerate() {
        let file = CurveFile::open(path)?;
        for group in file.groups(|group| may_hold(group, &choice.tasks)) {
            for batch in file.batches_of(Some(&[schema::TASK]), vec![group])? {
                for task in Rows::new(path, &batch?).tasks()?.filter(|task| choice.tasks.matches(task)) {
                    if !tasks.contains_key(task) {
                        tasks.insert(task.to_owned(), Places::new());
                    }
                    let Some(places) = tasks.get_mut(task) else { continue };
                    let groups = places.entry(number).or_default();
                    if groups.last() != Some(&group) {
                        groups.push(group);
                    }
                }
            }
        }
    }
    Ok((choice, tasks))
}

impl Iterator for ByTask {
    type Item = Result<Vec<Curve>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (choice, tasks) = match &mut self.state {
            State::Failed(error) => return error.take().map(Err),
            State::Reading(choice, tasks) => (choice, tasks),
        };
        for (task, places) in tasks {
            match read(&self.files, choice, &task, places) {
                Ok(curves) if curves.is_empty() => {}
                Ok(curves) => return Some(Ok(curves)),
                Err(e) => {
                    self.state = State::Failed(None);
                    return Some(Err(e));
                }
            }
        }
        None
    }
}

fn read(files: &[PathBuf], choice: &Choice, task: &str, places: Places) -> Result<Vec<Curve>, Error> {
    let mut curves = Vec::new();
    for (number, groups) in places {
        choice.read(&CurveFile::open(&files[number])?, groups, |name| name == task, &mut curves)?;
    }
    sort_and_deduplicate(&mut curves);
    Ok(curves)
}
