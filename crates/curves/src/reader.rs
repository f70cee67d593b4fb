//! Reading curves from a file or from a directory of part files, whoever wrote them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::by_task::ByTask;
use crate::file::{CurveFile, TEMPORARY_PREFIX};
use crate::query::{Query, check_steps};
use crate::schema::{self, Rows};
use crate::{Curve, Error, Metadata, TrialKey};

/// Curve files that are read as one: a file, or all parts of a directory in the order of their names.
#[derive(Clone, Debug)]
pub struct Reader {
    files: Vec<PathBuf>,
    metadata: Metadata,
    plans: BTreeSet<String>,
}

/// Opens a curve file, a directory of `*.parquet` parts, or the directory of a sweep (its parts lie in `shards/`).
///
/// Parts may come from different plans, but must share the protocol.
///
/// # Errors
/// [`Error::Empty`] if there is no curve file; [`Error::OtherPlan`] if protocols differ; otherwise an [`Error`] that
/// names the file that cannot be read.
pub fn open(path: &Path) -> Result<Reader, Error> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = part_files(path)?;
        let shards = path.join("shards");
        if files.is_empty() && shards.is_dir() {
            files = part_files(&shards)?;
        }
    }
    let mut metadata: Option<Metadata> = None;
    let mut plans = BTreeSet::new();
    for file in &files {
        let found = CurveFile::open(file)?.metadata;
        plans.insert(found.plan_hash.clone());
        match &metadata {
            None => metadata = Some(found),
            Some(first) => first.check_protocol(file, &found)?,
        }
    }
    let metadata = metadata.ok_or_else(|| Error::Empty { path: path.to_owned() })?;
    Ok(Reader { files, metadata, plans })
}

/// The complete curve files of a directory, by name.
pub(crate) fn part_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(Error::io("list", directory))? {
        let path = entry.map_err(Error::io("list", directory))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".parquet") && !name.starts_with(TEMPORARY_PREFIX) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Reader {
    /// Metadata of the first file; the protocol is that of all.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Hashes of the plans that the files come from.
    pub fn plans(&self) -> &BTreeSet<String> {
        &self.plans
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The trials that are there. Reads only the columns of names.
    ///
    /// # Errors
    /// [`Error`] naming the file that cannot be read.
    pub fn trials(&self) -> Result<BTreeSet<TrialKey>, Error> {
        trials(&self.files, None)
    }

    /// All curves, sorted by task, optimizer and replica; of a trial that is there twice, the first file's.
    ///
    /// # Errors
    /// [`Error`] naming the file that cannot be read.
    pub fn read_all(&self) -> Result<Vec<Curve>, Error> {
        self.query(&Query::default())
    }

    /// The chosen curves, sorted and deduplicated like [`Reader::read_all`]. [`Reader::query_by_task`] needs less memory.
    ///
    /// # Errors
    /// [`Error::Pattern`], or an [`Error`] naming the file that cannot be read.
    pub fn query(&self, query: &Query) -> Result<Vec<Curve>, Error> {
        query.run(&self.files, None)
    }

    /// All curves, one task after the other in the order of their names; those of a task are sorted by optimizer and
    /// replica. Together the same as [`Reader::read_all`], in the memory of one task.
    ///
    /// The names of the tasks are read first; then each task is read only from the row groups that have it.
    ///
    /// # Errors
    /// An item is an [`Error`] naming the file that cannot be read; nothing follows it.
    pub fn by_task(&self) -> impl Iterator<Item = Result<Vec<Curve>, Error>> + use<> {
        self.query_by_task(&Query::default())
    }

    /// The chosen curves, task by task like [`Reader::by_task`]. Tasks of which none is chosen are left out.
    ///
    /// # Errors
    /// An item is an [`Error`] like those of [`Reader::query`]; nothing follows it.
    pub fn query_by_task(&self, query: &Query) -> impl Iterator<Item = Result<Vec<Curve>, Error>> + use<> {
        ByTask::new(self.files.clone(), query, None)
    }
}

/// The trials of some files.
///
/// Where `steps` is given, every curve must have been evaluated at these.
pub(crate) fn trials(files: &[PathBuf], steps: Option<&[u32]>) -> Result<BTreeSet<TrialKey>, Error> {
    let mut trials = BTreeSet::new();
    for path in files {
        let file = CurveFile::open(path)?;
        let columns = [schema::TASK, schema::OPTIMIZER, schema::REPLICA, schema::STEPS];
        let columns = if steps.is_some() { &columns[..] } else { &columns[..3] };
        for batch in file.batches(Some(columns), |_| true)? {
            let batch = batch?;
            let rows = Rows::new(path, &batch);
            let keys = rows.keys()?;
            if let Some(expected) = steps {
                for (row, found) in rows.steps()?.iter().enumerate() {
                    check_steps(path, keys.row(row), found, expected)?;
                }
            }
            for row in 0..batch.num_rows() {
                let (task, optimizer, replica) = keys.row(row);
                trials.insert((task.to_owned(), optimizer.to_owned(), replica));
            }
        }
    }
    Ok(trials)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{curve, metadata};
    use crate::{Protocol, write};

    #[test]
    fn a_file_a_directory_and_a_sweep_give_the_same_curves() {
        let dir = tempfile::tempdir().unwrap();
        let shards = dir.path().join("shards");
        std::fs::create_dir(&shards).unwrap();
        let file = shards.join("a.parquet");
        write(&file, &[curve("t", "o", 1), curve("t", "o", 0)], &metadata()).unwrap();
        for path in [file.as_path(), &shards, dir.path()] {
            let reader = open(path).unwrap();
            let keys: Vec<_> = reader.read_all().unwrap().iter().map(Curve::key).collect();
            assert_eq!(keys, [("t".into(), "o".into(), 0), ("t".into(), "o".into(), 1)]);
            assert_eq!(reader.trials().unwrap().into_iter().collect::<Vec<_>>(), keys);
        }
    }

    #[test]
    fn plans_may_differ_and_protocols_may_not() {
        let dir = tempfile::tempdir().unwrap();
        let other = Metadata { plan_hash: "other".into(), ..metadata() };
        write(&dir.path().join("a.parquet"), &[curve("t", "o", 0)], &metadata()).unwrap();
        write(&dir.path().join("b.parquet"), &[curve("t", "o", 1)], &other).unwrap();
        assert_eq!(open(dir.path()).unwrap().plans().len(), 2);
        let other = Metadata { protocol: Protocol::PAPER, ..metadata() };
        write(&dir.path().join("c.parquet"), &[curve("t", "o", 2)], &other).unwrap();
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(message.contains("c.parquet") && message.contains("10000 steps"), "{message}");
    }

    #[test]
    fn task_by_task_is_the_same_as_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut other = curve("b", "o", 1);
        other.num_params = 1;
        let parts = [
            vec![curve("c", "o", 0), curve("a", "p", 0), curve("b", "o", 1)],
            vec![curve("a", "o", 2), curve("a", "o", 0), other],
            vec![curve("c", "q", 0)],
        ];
        for (i, part) in parts.iter().enumerate() {
            write(&dir.path().join(format!("{i}.parquet")), part, &metadata()).unwrap();
        }
        let reader = open(dir.path()).unwrap();
        let check = |query: &Query, tasks: &[&str]| {
            let groups: Vec<Vec<Curve>> = reader.query_by_task(query).map(Result::unwrap).collect();
            assert_eq!(groups.iter().map(|g| g[0].task.as_str()).collect::<Vec<_>>(), tasks);
            assert!(groups.iter().all(|g| g.iter().all(|c| c.task == g[0].task)));
            assert_eq!(groups.concat(), reader.query(query).unwrap());
        };
        check(&Query::default(), &["a", "b", "c"]);
        check(&Query { optimizers: vec!["p".into(), "q".into()], ..Query::default() }, &["a", "c"]);
        check(
            &Query { tasks: vec!["b".into()], splits: vec![taskset_names::Split::Test], ..Query::default() },
            &["b"],
        );
        assert_eq!(reader.by_task().count(), 3);
        std::fs::write(dir.path().join("1.parquet"), "no").unwrap();
        let items: Vec<_> = reader.by_task().collect();
        assert!(matches!(&items[..], [Err(e)] if e.to_string().contains("1.parquet")));
    }

    #[test]
    fn nothing_there_is_said() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(open(dir.path()), Err(Error::Empty { .. })));
        assert!(matches!(open(&dir.path().join("absent.parquet")), Err(Error::Io { .. })));
    }
}
