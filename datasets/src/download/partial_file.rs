//! The growing file of a download, which a later download resumes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::item::Item;
use crate::{Error, files};

/// What is here of a file.
pub(super) struct Part {
    pub(super) file: File,
    pub(super) path: PathBuf,
    hash: Sha256,
    pub(super) len: u64,
    /// Whether a part of an earlier call was found.
    pub(super) resumed: bool,
}

impl Part {
    /// Opens the growing file and hashes what is in it. Its name can be guessed, because the next download has to find it: so
    /// only a regular file with no other name is taken, and none that somebody else writes.
    pub(super) fn open(item: &Item) -> Result<Self, Error> {
        let path = item.part();
        let write = |source| Error::Write { path: path.clone(), source };
        let mut file = open_part(&path).map_err(write)?;
        let mut hash = Sha256::new();
        let len = copy(&mut file, |chunk| hash.update(chunk)).map_err(write)?;
        let mut part = Self { file, path, hash, len, resumed: len > 0 };
        if item.bytes.is_some_and(|bytes| len > bytes) {
            part.restart()?;
        }
        Ok(part)
    }

    /// SHA-256 of what is here, in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        files::hex(&self.hash.clone().finalize())
    }

    pub(super) fn append(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.hash.update(chunk);
        self.len += chunk.len() as u64;
        self.file.write_all(chunk).map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// Empties the file.
    pub(super) fn restart(&mut self) -> Result<(), Error> {
        self.file.set_len(0).map_err(|source| Error::Write { path: self.path.clone(), source })?;
        (self.hash, self.len, self.resumed) = (Sha256::new(), 0, false);
        Ok(())
    }

    pub(super) fn discard(&self) {
        // If it cannot be removed, the next call finds a part with a wrong checksum and starts anew.
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens the file of a part for appending, or makes it. Nothing is followed, truncated or waited for.
fn open_part(path: &Path) -> io::Result<File> {
    let refuse = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{what}; remove it")));
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    let file = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => options.create_new(true).open(path)?,
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() => return refuse("it is a link or no regular file"),
        Ok(found) => {
            let file = options.open(path)?;
            if !is_same(&found, &file.metadata()?) {
                return refuse("it was exchanged, or has another name, too");
            }
            file
        }
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process is downloading it")),
        // File systems without locks go without.
        _ => Ok(file),
    }
}

/// Whether a file that was opened is the one that was looked at, and has no other name.
#[cfg(unix)]
fn is_same(seen: &fs::Metadata, opened: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (seen.dev(), seen.ino()) == (opened.dev(), opened.ino()) && opened.nlink() == 1
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, opened: &fs::Metadata) -> bool {
    opened.is_file()
}

pub(super) fn hash_file(path: &Path) -> Result<String, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let mut hash = Sha256::new();
    copy(&mut taskset_files::open_regular(path).map_err(io)?, |chunk| hash.update(chunk)).map_err(io)?;
    Ok(files::hex(&hash.finalize()))
}

/// Hands over a file chunk by chunk; returns its length.
fn copy(file: &mut File, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut chunk = vec![0; 1 << 16];
    let mut len = 0;
    loop {
        let n = file.read(&mut chunk)?;
        if n == 0 {
            return Ok(len);
        }
        take(&chunk[..n]);
        len += n as u64;
    }
}
