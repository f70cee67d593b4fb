//! Opening prepared copies: the header, the map into memory, and the check of the payload.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use memmap2::Mmap;
use sha2::{Digest, Sha256};
use taskset_files::open_regular;

use super::{Digest256, HEADER};
use crate::Error;

/// A prepared copy: its file, and the name of its data set for messages.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    path: &'a Path,
    name: &'a str,
}

impl<'a> Place<'a> {
    pub(crate) fn new(path: &'a Path, name: &'a str) -> Self {
        Self { path, name }
    }

    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    /// The error for a copy that cannot be used.
    pub(crate) fn broken(&self, problem: impl Into<String>) -> Error {
        Error::Cache { name: self.name.to_owned(), path: self.path.to_owned(), problem: problem.into() }
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.to_owned(), source }
    }

    /// The first bytes of the file, up to the length of a header, and its length. None if there is no such file.
    pub(crate) fn begin(&self) -> Result<Option<(Vec<u8>, u64)>, Error> {
        let file = match open_regular(self.path) {
            Ok(file) => file,
            Err(source) if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(self.io(source)),
        };
        let length = file.metadata().map_err(|source| self.io(source))?.len();
        let mut bytes = Vec::with_capacity(HEADER);
        file.take(HEADER as u64).read_to_end(&mut bytes).map_err(|source| self.io(source))?;
        Ok(Some((bytes, length)))
    }

    /// Compares the length of the file with the one that its header promises.
    pub(crate) fn check_length(&self, length: u64, promised: Option<usize>) -> Result<(), Error> {
        match promised.map(|promised| (promised as u64, (promised as u64).cmp(&length))) {
            Some((_, std::cmp::Ordering::Equal)) => Ok(()),
            Some((promised, order)) => {
                let what = if order.is_gt() { "truncated" } else { "too long" };
                Err(self.broken(format!("{what}: {length} bytes, its header promises {promised}")))
            }
            None => Err(self.broken("impossible sizes")),
        }
    }

    /// Maps the file into memory.
    pub(crate) fn map(&self) -> Result<Mapped, Error> {
        let file = open_regular(self.path).map_err(|source| self.io(source))?;
        let changed = file.metadata().and_then(|metadata| metadata.modified()).ok();
        // SAFETY: the map is only read, and only as numbers of which every pattern of bytes is a value. Prepared copies are
        // written under another name, renamed when complete and never changed afterwards; replacing one leaves the mapped
        // file as it is. That another program truncates the file in place cannot be excluded; the system then ends this
        // process (SIGBUS).
        let bytes = Arc::new(unsafe { Mmap::map(&file) }.map_err(|source| self.io(source))?);
        Ok(Mapped { bytes, changed })
    }
}

/// A file in memory.
pub(crate) struct Mapped {
    pub(crate) bytes: Arc<Mmap>,
    /// When it was changed last; none where the system does not tell.
    changed: Option<SystemTime>,
}

/// What tells a payload that was verified: path, length and time of change of its file, and its checksum.
type Verified = (PathBuf, usize, SystemTime, Digest256);

/// The payloads that this process has verified.
static VERIFIED: Mutex<BTreeSet<Verified>> = Mutex::new(BTreeSet::new());

impl Mapped {
    /// Compares the payload in these bytes of the file with its checksum, unless this process has done so for the file as it
    /// is.
    ///
    /// # Errors
    /// [`Error::Cache`] for another checksum.
    pub(crate) fn verify_once(
        &self,
        place: Place<'_>,
        payload: Range<usize>,
        expected: &Digest256,
    ) -> Result<(), Error> {
        let this = self.identity(place, expected);
        let known = this.is_some_and(|this| verified(|all| all.contains(&this)));
        if known { Ok(()) } else { self.verify(place, payload, expected) }
    }

    /// Compares the payload in these bytes of the file with its checksum.
    ///
    /// # Errors
    /// [`Error::Cache`] for another checksum.
    pub(crate) fn verify(
        &self,
        place: Place<'_>,
        payload: Range<usize>,
        expected: &Digest256,
    ) -> Result<(), Error> {
        let got: Digest256 = Sha256::digest(self.bytes.get(payload).unwrap_or_default()).into();
        if got != *expected {
            return Err(place.broken("wrong checksum of its contents"));
        }
        if let Some(this) = self.identity(place, expected) {
            verified(|all| all.insert(this));
        }
        Ok(())
    }

    fn identity(&self, place: Place<'_>, expected: &Digest256) -> Option<Verified> {
        Some((std::path::absolute(place.path).ok()?, self.bytes.len(), self.changed?, *expected))
    }
}

fn verified<T>(with: impl FnOnce(&mut BTreeSet<Verified>) -> T) -> T {
    // A panic elsewhere leaves a set that holds what it should.
    with(&mut VERIFIED.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::{Kind, Writer};
    use super::*;

    const KIND: Kind = Kind { magic: *b"TESTING\0", version: 3, name: "nothing" };

    #[test]
    fn a_payload_is_verified_once_while_its_file_stays_as_it_is() {
        let folder = TempDir::new().unwrap();
        let target = folder.path().join("x.images");
        let mut writer = Writer::create(&target).unwrap();
        writer.put(&[7; 1000]).unwrap();
        writer.finish(|payload| KIND.header(&[], payload)).unwrap();
        let verify = |anew: bool| {
            let place = Place::new(&target, "x");
            let map = place.map().unwrap();
            let (range, payload) = (HEADER..map.bytes.len(), KIND.parse(&map.bytes).unwrap().payload());
            if anew { map.verify(place, range, &payload) } else { map.verify_once(place, range, &payload) }
        };
        verify(false).unwrap();
        let changed = fs::metadata(&target).unwrap().modified().unwrap();
        let mut bytes = fs::read(&target).unwrap();
        bytes[500] ^= 1;
        fs::write(&target, &bytes).unwrap();
        let set_time = |time| {
            let file = fs::File::options().write(true).open(&target).unwrap();
            file.set_modified(time).unwrap();
        };
        // Nothing but the contents tells of this change: that it is not noticed shows that they were not read again.
        set_time(changed);
        verify(false).unwrap();
        assert!(verify(true).is_err());
        set_time(changed + std::time::Duration::from_secs(1));
        for anew in [false, false, true] {
            let message = verify(anew).unwrap_err().to_string();
            for word in ["x.images", "wrong checksum of its contents", "prepare x again"] {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
        }
    }
}
