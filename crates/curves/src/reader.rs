//! Reading curves from a file or from a directory of part files, whoever wrote them.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use taskset_trial::{Curve, TrialId};

use crate::decode_rows::{Columns, Decoder};
use crate::parquet_file::CurveFile;
use crate::query::{Choice, Query};
use crate::scan::ByTask;
use crate::{Error, Metadata};

/// Curve files that are read as one: a file, or all parts of a directory in the order of their names.
#[derive(Clone, Debug)]
pub struct Reader {
    files: Arc<[CurveFile]>,
    left_out: Vec<(PathBuf, &'static str)>,
}

/// Opens a curve file, a directory of `*.parquet` parts, or the directory of a sweep (its parts lie in `shards/`, and are read
/// with those beside it).
///
/// Hidden files are left out, and so is what is no regular file ([`Reader::left_out`] names it). The parts may hold curves
/// of any trials; [`Query::selection`] chooses among them.
///
/// # Errors
/// [`Error::Empty`] if there is no curve file; otherwise an [`Error`] that names the file that cannot be read.
pub fn open(path: &Path) -> Result<Reader, Error> {
    let mut reader = Reader { files: Arc::new([]), left_out: Vec::new() };
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let (found, left_out) = part_files(path)?;
        (paths, reader.left_out) = (found, left_out);
        let shards = path.join("shards");
        if shards.is_dir() {
            let (found, left_out) = part_files(&shards)?;
            paths.extend(found);
            reader.left_out.extend(left_out);
        }
    }
    if paths.is_empty() {
        return Err(Error::Empty { path: path.to_owned(), left_out: reader.left_out });
    }
    Reader::of_files(&paths).map(|opened| Reader { left_out: reader.left_out, ..opened })
}

/// The complete curve files of a directory, by name, and what else has their ending.
#[expect(clippy::type_complexity, reason = "a pair that is taken apart at once")]
pub(crate) fn part_files(directory: &Path) -> Result<(Vec<PathBuf>, Vec<(PathBuf, &'static str)>), Error> {
    let listing = taskset_files::listing(directory, "parquet").map_err(Error::io("list", directory))?;
    Ok((listing.files, listing.left_out))
}

/// All results, or the first error in their order: which one is met first depends on threads.
pub(crate) fn in_order<T>(results: Vec<Result<T, Error>>) -> Result<Vec<T>, Error> {
    results.into_iter().collect()
}

impl Reader {
    /// A reader of nothing: that of a directory in which no curve is stored yet.
    pub fn empty() -> Self {
        Self { files: Arc::new([]), left_out: Vec::new() }
    }

    pub(crate) fn of_files(paths: &[PathBuf]) -> Result<Self, Error> {
        let files: Vec<CurveFile> = in_order(paths.par_iter().map(|path| CurveFile::open(path)).collect())?;
        Ok(Self { files: files.into(), left_out: Vec::new() })
    }

    /// Metadata of the files, in the order in which they are read.
    pub fn metadata(&self) -> impl Iterator<Item = &Metadata> {
        self.files.iter().map(|file| &file.metadata)
    }

    /// The files, in the order in which they are read.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// What has the ending of a curve file and is none: folders, pipes, links to nowhere, with what it is.
    pub fn left_out(&self) -> &[(PathBuf, &'static str)] {
        &self.left_out
    }

    pub(crate) fn files(&self) -> &Arc<[CurveFile]> {
        &self.files
    }

    /// Rows of all files; a trial that is there twice counts twice.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(CurveFile::rows).sum()
    }

    /// The same reader, if all files hold whole curves. Whatever scores curves, or draws figures of them, needs that.
    ///
    /// # Errors
    /// [`Error::Slice`] for the first file that holds slices.
    pub fn whole(self) -> Result<Self, Error> {
        let slice = |file: &CurveFile| Some((file.path.clone(), file.metadata.slice.clone()?));
        match self.files.iter().find_map(slice) {
            Some((path, slice)) => Err(Error::Slice { path, slice }),
            None => Ok(self),
        }
    }

    /// The identities of all trials. Reads only their column.
    ///
    /// # Errors
    /// [`Error`] naming the file that cannot be read.
    pub fn ids(&self) -> Result<HashSet<TrialId>, Error> {
        let places = self.places();
        let ids = |&(number, group): &(usize, usize)| {
            let file = &self.files[number];
            Decoder::ids(&file.path, &file.read_group(group, &Columns::ids())?)
        };
        let ids: Vec<Vec<TrialId>> = in_order(places.par_iter().map(ids).collect())?;
        Ok(ids.into_iter().flatten().collect())
    }

    /// Compares every byte of the files with its digest.
    ///
    /// # Errors
    /// [`Error::Damaged`] naming a file and the column of it whose bytes have changed.
    pub fn verify(&self) -> Result<(), Error> {
        let verify = |&(number, group): &(usize, usize)| self.files[number].verify_group(group);
        in_order::<()>(self.places().par_iter().map(verify).collect()).map(drop)
    }

    /// All row groups: file and number.
    fn places(&self) -> Vec<(usize, usize)> {
        let groups = |(number, file): (usize, &CurveFile)| {
            (0..file.groups().len()).map(move |group| (number, group)).collect::<Vec<_>>()
        };
        self.files.iter().enumerate().flat_map(groups).collect()
    }

    /// Names of the tasks. Reads only their column.
    ///
    /// # Errors
    /// [`Error`] naming the file that cannot be read.
    pub fn tasks(&self) -> Result<BTreeSet<String>, Error> {
        let tasks = |&(number, group): &(usize, usize)| {
            let file = &self.files[number];
            Decoder::tasks(&file.path, &file.read_group(group, &Columns::tasks())?)
        };
        let tasks: Vec<Vec<String>> = in_order(self.places().par_iter().map(tasks).collect())?;
        Ok(tasks.into_iter().flatten().collect())
    }

    /// All curves, sorted by task, optimizer and replica, each trial once.
    ///
    /// # Errors
    /// [`Error`] naming the file that cannot be read; [`Error::Conflict`] if a trial is there twice with different results.
    pub fn read_all(&self) -> Result<Vec<Curve>, Error> {
        self.query(&Query::default())
    }

    /// The chosen curves, sorted like those of [`Reader::read_all`]. [`Reader::query_by_task`] needs less memory.
    ///
    /// # Errors
    /// [`Error::Pattern`], or as [`Reader::read_all`].
    pub fn query(&self, query: &Query) -> Result<Vec<Curve>, Error> {
        let mut curves = Vec::new();
        for task in self.query_by_task(query) {
            curves.extend(task?);
        }
        Ok(curves)
    }

    /// All curves, one task after the other in the order of their names; those of a task are sorted by optimizer and
    /// replica. Together the same as [`Reader::read_all`], in the memory of a few tasks.
    ///
    /// # Errors
    /// An item is an [`Error`] like those of [`Reader::read_all`]; nothing follows it.
    pub fn by_task(&self) -> ByTask {
        self.query_by_task(&Query::default())
    }

    /// The chosen curves, task by task like [`Reader::by_task`]. Tasks of which none is chosen are left out.
    ///
    /// # Errors
    /// An item is an [`Error`] like those of [`Reader::query`]; nothing follows it.
    pub fn query_by_task(&self, query: &Query) -> ByTask {
        ByTask::new(Arc::clone(&self.files), Choice::new(query))
    }

    /// The same without losses: which trials there are, and how they went.
    ///
    /// # Errors
    /// An item is an [`Error`] like those of [`Reader::query`]; nothing follows it.
    pub fn trials_by_task(&self, query: &Query) -> ByTask {
        ByTask::new(Arc::clone(&self.files), Choice::new(query).map(Choice::without_losses))
    }
}
