//! Telling whether a prepared copy was made from the original files that are there now, without reading them if possible.
//!
//! A copy records two SHA-256 of its originals: one of their names, sizes and times of change, the other of their names and
//! contents. As long as the first one is right, nothing is read. It also covers the time at which the system says that a file
//! was changed (ctime, on Unix): a program can set the modification time as it likes, but not that one. A copied data
//! directory has other such times, too: then only the second one tells, and the originals are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use taskset_files::open_regular;

use crate::Error;
use crate::digest::Fields;
use crate::prepared::sealed::Digest256;

/// What a prepared copy records of the files that it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Originals {
    /// SHA-256 of names, sizes, modification times, and times of change by the system.
    pub(crate) times: Digest256,
    /// SHA-256 of names and contents.
    pub(crate) contents: Digest256,
}

/// The original files that are there now.
pub(crate) struct Listing {
    folder: PathBuf,
    paths: Vec<PathBuf>,
    /// SHA-256 of names, sizes and modification times.
    pub(crate) named: Digest256,
    /// As [`Originals::times`].
    times: Digest256,
}

impl Listing {
    /// Looks at files below `folder`, in this order; `kind` and `more` tell what they are listed for.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn new(kind: Fields, folder: &Path, paths: Vec<PathBuf>) -> Result<Self, Error> {
        let (mut named, mut times) = (kind, Fields::of("times of original files"));
        for path in &paths {
            let io = |source| Error::Io { path: path.clone(), source };
            let metadata = std::fs::metadata(path).map_err(io)?;
            let changed = match metadata.modified().map_err(io)?.duration_since(UNIX_EPOCH) {
                Ok(after) => after.as_nanos() as i128,
                Err(before) => -(before.duration().as_nanos() as i128),
            };
            let name = name(folder, path);
            let (size, changed) = (metadata.len().to_le_bytes(), changed.to_le_bytes());
            named = named.bytes(name).bytes(&size).bytes(&changed);
            times = times.bytes(name).bytes(&size).bytes(&changed).bytes(&changed_by_system(&metadata));
        }
        let (named, times) = (named.finish(), times.finish());
        Ok(Self { folder: folder.to_owned(), paths, named, times })
    }

    /// What a copy records that is made from these files. They are read before the copy is made from them: if one changes
    /// meanwhile, the copy is made again.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn record(&self) -> Result<Originals, Error> {
        Ok(Originals { times: self.times, contents: self.contents()? })
    }

    /// Whether a copy that recorded this was made from these files. They have the names, sizes and modification times by
    /// which the copy was found.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn is(&self, recorded: &Originals) -> Result<bool, Error> {
        Ok(self.has_times(recorded) || self.contents()? == recorded.contents)
    }

    /// Whether nothing has to be read to know that the files are the same.
    pub(crate) fn has_times(&self, recorded: &Originals) -> bool {
        self.times == recorded.times
    }

    fn contents(&self) -> Result<Digest256, Error> {
        // Files that have not changed since this process read them are not read again.
        static KNOWN: Mutex<BTreeMap<(PathBuf, Digest256), Digest256>> = Mutex::new(BTreeMap::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let this = (self.folder.clone(), self.times);
        if let Some(&contents) = known().get(&this) {
            return Ok(contents);
        }
        #[cfg(test)]
        tests::READ.set(tests::READ.get() + 1);
        let hashes = self.paths.par_iter().map(|path| sha256(path)).collect::<Result<Vec<_>, Error>>()?;
        let fields = self.paths.iter().zip(hashes);
        let fields = fields.fold(Fields::of("contents of original files"), |fields, (path, hash)| {
            fields.bytes(name(&self.folder, path)).bytes(&hash)
        });
        let contents = fields.finish();
        // Where the system does not say when a file was changed, it may have changed all the same.
        if cfg!(unix) {
            known().insert(this, contents);
        }
        Ok(contents)
    }
}

fn name<'a>(folder: &Path, path: &'a Path) -> &'a [u8] {
    path.strip_prefix(folder).unwrap_or(path).as_os_str().as_encoded_bytes()
}

/// When the system says that a file was changed.
#[cfg(unix)]
fn changed_by_system(metadata: &std::fs::Metadata) -> Vec<u8> {
    use std::os::unix::fs::MetadataExt;

    [metadata.ctime().to_le_bytes(), metadata.ctime_nsec().to_le_bytes()].concat()
}

/// Other systems do not say.
#[cfg(not(unix))]
fn changed_by_system(_: &std::fs::Metadata) -> Vec<u8> {
    Vec::new()
}

fn sha256(path: &Path) -> Result<Digest256, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let mut file = open_regular(path).map_err(io)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut chunk).map_err(io)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&chunk[..n]),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    thread_local! {
        /// How often this thread has read original files to tell whether they are the same.
        pub(crate) static READ: Cell<usize> = const { Cell::new(0) };
    }

    /// Replaces a file by another of the same size and modification time.
    pub(crate) fn replace(path: &Path, contents: &[u8]) {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(metadata.len(), contents.len() as u64);
        // The clock by which the system notes changes is coarse.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(path, contents).unwrap();
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(metadata.modified().unwrap())
            .unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn contents_are_read_only_where_times_differ() {
        let folder = TempDir::new().unwrap();
        let paths = ["a", "b"].map(|name| folder.path().join(name));
        paths.iter().for_each(|path| fs::write(path, "some text").unwrap());
        let list = || Listing::new(Fields::of("test"), folder.path(), paths.to_vec()).unwrap();
        let first = list();
        let recorded = first.record().unwrap();
        let before = READ.get();
        assert!(list().is(&recorded).unwrap());
        assert_eq!(READ.get(), before, "nothing is read while the times are the same");
        // The same contents, written anew.
        replace(&paths[1], b"some text");
        assert!(list().named == first.named && list().is(&recorded).unwrap());
        assert!(list().is(&recorded).unwrap() && !list().has_times(&recorded));
        assert_eq!(READ.get(), before + 1, "once a process");
        replace(&paths[1], b"some test");
        assert!(list().named == first.named && !list().is(&recorded).unwrap());
    }
}
