//! A growing directory of curves of one plan.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::by_task::ByTask;
use crate::file::{self, CurveFile, TEMPORARY_PREFIX};
use crate::query::Query;
use crate::reader::{part_files, trials};
use crate::{Curve, Error, Metadata, TrialKey};

/// A directory of immutable part files, all of one plan.
///
/// A part is complete or absent, and named by the hash of its content; several processes may append to one directory. A
/// killed process loses only what it had not appended, and its left-over temporary file is removed by the next
/// [`CurveStore::open`].
#[derive(Clone, Debug)]
pub struct CurveStore {
    directory: PathBuf,
    metadata: Metadata,
}

impl CurveStore {
    /// Opens the directory, creating it where it is absent.
    ///
    /// # Errors
    /// [`Error::OtherPlan`] if a part was written under another plan or protocol, [`Error::SchemaVersion`] under another
    /// schema; an [`Error`] naming the file for a part that is truncated or no curve file.
    pub fn open(directory: &Path, metadata: &Metadata) -> Result<Self, Error> {
        std::fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
        for part in part_files(directory)? {
            metadata.check_plan(&part, &CurveFile::open(&part)?.metadata)?;
        }
        remove_left_overs(directory)?;
        Ok(Self { directory: directory.to_owned(), metadata: metadata.clone() })
    }

    /// Writes curves as one new part, or none if there are none, and returns when they are on disk.
    ///
    /// # Errors
    /// [`Error::InvalidCurve`], or [`Error::Io`] if the part cannot be written; the store is then as it was.
    pub fn append(&self, curves: &[Curve]) -> Result<(), Error> {
        if curves.is_empty() {
            return Ok(());
        }
        let bytes = file::encode(&self.directory, curves, &self.metadata)?;
        let hash = Sha256::digest(&bytes);
        let hex: String = hash[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        file::write_atomically(&self.directory.join(format!("part-{hex}.parquet")), &bytes)
    }

    /// The trials that are there, those of other processes included.
    ///
    /// # Errors
    /// [`Error::OtherSteps`] if one was not evaluated at the steps of the protocol, so that a selection of steps that was
    /// written into the directory does not pass for the trial; an [`Error`] naming the part that cannot be read.
    pub fn finished(&self) -> Result<BTreeSet<TrialKey>, Error> {
        trials(&part_files(&self.directory)?, Some(&self.metadata.protocol.eval_steps()))
    }

    /// All curves, sorted by task, optimizer and replica; of a trial that is there twice, the first part's by name.
    ///
    /// # Errors
    /// [`Error::OtherSteps`] as in [`CurveStore::finished`]; an [`Error`] naming the part that cannot be read.
    pub fn read_all(&self) -> Result<Vec<Curve>, Error> {
        self.query(&Query::default())
    }

    /// The chosen curves, in the same order.
    ///
    /// # Errors
    /// [`Error::Pattern`]; [`Error::OtherSteps`] for a chosen curve as in [`CurveStore::finished`]; an [`Error`] naming the
    /// part that cannot be read.
    pub fn query(&self, query: &Query) -> Result<Vec<Curve>, Error> {
        query.run(&part_files(&self.directory)?, Some(&self.metadata.protocol.eval_steps()))
    }

    /// All curves, one task after the other in the memory of one, like [`Reader::by_task`](crate::Reader::by_task).
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be listed; an item is an [`Error`] like those of [`CurveStore::read_all`],
    /// and nothing follows it.
    pub fn by_task(&self) -> Result<impl Iterator<Item = Result<Vec<Curve>, Error>> + use<>, Error> {
        let steps = self.metadata.protocol.eval_steps();
        Ok(ByTask::new(part_files(&self.directory)?, &Query::default(), Some(&steps)))
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The metadata of new parts.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

/// Removes the temporary files whose writers are gone: a living writer holds a lock on its file.
fn remove_left_overs(directory: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(directory).map_err(Error::io("list", directory))? {
        let entry = entry.map_err(Error::io("list", directory))?;
        if !entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            continue;
        }
        let path = entry.path();
        // A file that vanished meanwhile was renamed by its writer.
        let Ok(left) = File::open(&path) else { continue };
        if left.try_lock().is_ok()
            && let Err(e) = std::fs::remove_file(&path)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Error::io("remove", &path)(e));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;
    use crate::testing::{curve, metadata};

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_appended_is_finished_and_read_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let store = CurveStore::open(&dir.path().join("new/store"), &metadata()).unwrap();
        assert!(store.finished().unwrap().is_empty());
        store.append(&[curve("b", "o", 0), curve("a", "o", 1)]).unwrap();
        store.append(&[]).unwrap();
        store.append(&[curve("a", "o", 0), curve("b", "o", 0)]).unwrap();
        store.append(&[curve("a", "o", 0), curve("b", "o", 0)]).unwrap();
        assert_eq!(names(store.directory()).len(), 2, "equal parts are one file");
        let again = CurveStore::open(store.directory(), &metadata()).unwrap();
        let keys = [("a".into(), "o".into(), 0), ("a".into(), "o".into(), 1), ("b".into(), "o".into(), 0)];
        assert_eq!(again.finished().unwrap().into_iter().collect::<Vec<_>>(), keys);
        assert_eq!(again.read_all().unwrap().iter().map(Curve::key).collect::<Vec<_>>(), keys);
        let q = Query { replicas: vec![1], ..Query::default() };
        assert_eq!(again.query(&q).unwrap().len(), 1);
    }

    #[test]
    fn another_plan_or_protocol_is_refused_with_both_named() {
        let dir = tempfile::tempdir().unwrap();
        CurveStore::open(dir.path(), &metadata()).unwrap().append(&[curve("a", "o", 0)]).unwrap();
        let check = |other: Metadata, words: &[&str]| {
            let message = CurveStore::open(dir.path(), &other).unwrap_err().to_string();
            assert!(words.iter().all(|w| message.contains(w)), "{message}");
        };
        let other = Metadata { plan_hash: "other".into(), ..metadata() };
        check(other.clone(), &["`plan`", "`other`", "part-", "same protocol", "mode or data"]);
        let newer = Metadata { program_version: "9".into(), ..other.clone() };
        check(
            newer,
            &["`plan` of program 0.1.0", "`other` of program 9", "same protocol", "the program's curves"],
        );
        check(
            Metadata { protocol: Protocol::PAPER, ..other },
            &["another protocol", "20 steps", "10000 steps"],
        );
        check(Metadata { protocol: Protocol::PAPER, ..metadata() }, &["20 steps", "10000 steps"]);
        // Another machine or program may continue.
        let elsewhere =
            Metadata { machine: "m2".into(), threads: 9, program_version: "9".into(), ..metadata() };
        assert!(CurveStore::open(dir.path(), &elsewhere).is_ok());
    }

    #[test]
    fn a_cut_curve_does_not_pass_for_a_trial() {
        let dir = tempfile::tempdir().unwrap();
        let store = CurveStore::open(dir.path(), &metadata()).unwrap();
        store.append(&[curve("a", "o", 0)]).unwrap();
        let query = Query { steps: Some(10..=20), ..Query::default() };
        let cut = store.query(&query).unwrap();
        assert_eq!(cut[0].steps, [10, 20]);
        crate::write(&dir.path().join("cut.parquet"), &cut, &metadata()).unwrap();
        let results = [
            store.finished().map(drop),
            store.read_all().map(drop),
            store.query(&query).map(drop),
            store.by_task().unwrap().try_for_each(|curves| curves.map(drop)),
        ];
        for result in results {
            let message = result.unwrap_err().to_string();
            assert!(message.contains("cut.parquet") && message.contains("2 of 3 points"), "{message}");
        }
        assert_eq!(crate::open(dir.path()).unwrap().read_all().unwrap().len(), 1, "readers take any");
    }

    #[test]
    fn stores_that_append_to_one_directory_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let append = |task: &'static str| {
            let directory = dir.path();
            move || {
                for replica in 0..20 {
                    // Opened anew each time: that is when left-overs are removed.
                    let store = CurveStore::open(directory, &metadata()).unwrap();
                    store.append(&[curve(task, "o", replica)]).unwrap();
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(append("a"));
            scope.spawn(append("b"));
        });
        let store = CurveStore::open(dir.path(), &metadata()).unwrap();
        assert_eq!(store.finished().unwrap().len(), 40);
        assert_eq!(names(dir.path()).len(), 40);
    }

    #[test]
    fn left_overs_are_removed_and_files_in_work_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = CurveStore::open(dir.path(), &metadata()).unwrap();
        store.append(&[curve("a", "o", 0)]).unwrap();
        std::fs::write(dir.path().join(".writing-dead"), b"PAR1").unwrap();
        let in_work = File::create(dir.path().join(".writing-alive.parquet")).unwrap();
        in_work.lock().unwrap();
        assert_eq!(store.finished().unwrap().len(), 1);
        CurveStore::open(dir.path(), &metadata()).unwrap();
        let left = names(dir.path());
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!(left[0], ".writing-alive.parquet");
    }

    #[test]
    fn a_truncated_or_foreign_part_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let store = CurveStore::open(dir.path(), &metadata()).unwrap();
        store.append(&[curve("a", "o", 0)]).unwrap();
        for content in [&b"not parquet"[..], b""] {
            std::fs::write(dir.path().join("zzz.parquet"), content).unwrap();
            for message in [
                CurveStore::open(dir.path(), &metadata()).unwrap_err().to_string(),
                store.finished().unwrap_err().to_string(),
                store.read_all().unwrap_err().to_string(),
            ] {
                assert!(message.contains("zzz.parquet"), "{message}");
            }
        }
    }
}
