//! A growing directory of curves.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use taskset_trial::{Curve, TrialId};

use crate::reader::{Reader, part_files};
use crate::writer::CurveWriter;
use crate::{Error, Metadata, Query};

/// How often a part is written anew whose temporary file another process has removed.
const WRITE_TRIES: u32 = 4;

/// A directory of immutable part files, of any trials.
///
/// A part is complete or absent, and named by the digest of its content; several processes may append to one directory. A
/// killed process loses only what it had not appended, and its left-over temporary file is removed by the next
/// [`CurveStore::open`].
#[derive(Clone, Debug)]
pub struct CurveStore {
    directory: PathBuf,
    metadata: Metadata,
}

impl CurveStore {
    /// Opens the directory, creating it where it is absent. `metadata` is that of the parts that will be written.
    ///
    /// # Errors
    /// [`Error::SchemaVersion`] if a part was written under another schema; [`Error::Slice`] if one holds slices; an
    /// [`Error`] naming the file for a part that is truncated, damaged or no curve file.
    pub fn open(directory: &Path, metadata: &Metadata) -> Result<Self, Error> {
        std::fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
        let store = Self { directory: directory.to_owned(), metadata: metadata.clone() };
        store.reader()?;
        taskset_files::remove_left_overs(directory).map_err(Error::io("clean up", directory))?;
        Ok(store)
    }

    /// Writes curves as one new part, or none if there are none, and returns when they are on disk.
    ///
    /// # Errors
    /// [`Error::InvalidCurve`], or [`Error::Io`] if the part cannot be written; the store is then as it was.
    pub fn append(&self, curves: &[Curve]) -> Result<(), Error> {
        if curves.is_empty() {
            return Ok(());
        }
        let mut tries = 1;
        loop {
            match self.try_append(curves) {
                // Another process took the temporary file for a left-over before it was locked.
                Err(Error::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && tries < WRITE_TRIES =>
                {
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    fn try_append(&self, curves: &[Curve]) -> Result<(), Error> {
        let mut writer = CurveWriter::create_in(&self.directory, &self.metadata)?;
        for curve in curves {
            writer.append(curve.clone())?;
        }
        writer.finish_as(|digest| self.directory.join(format!("part-{}.parquet", &digest.to_string()[..24])))
    }

    /// The trials that are there, those of other processes included.
    ///
    /// # Errors
    /// An [`Error`] naming the part that cannot be read.
    pub fn finished(&self) -> Result<HashSet<TrialId>, Error> {
        self.reader()?.ids()
    }

    /// All curves, sorted by task, optimizer and replica.
    ///
    /// # Errors
    /// An [`Error`] naming the part that cannot be read; [`Error::Conflict`] if a trial is there twice with different
    /// results.
    pub fn read_all(&self) -> Result<Vec<Curve>, Error> {
        self.query(&Query::default())
    }

    /// The chosen curves, in the same order.
    ///
    /// # Errors
    /// [`Error::Pattern`], and as [`CurveStore::read_all`].
    pub fn query(&self, query: &Query) -> Result<Vec<Curve>, Error> {
        self.reader()?.query(query)
    }

    /// A reader of the parts that are there now; there may be none.
    ///
    /// # Errors
    /// As [`CurveStore::open`].
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::of_files(&part_files(&self.directory)?.0)?.whole()
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
