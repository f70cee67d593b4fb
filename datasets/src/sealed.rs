//! Files of prepared copies, of images and of texts: a header that is checked when a file is opened, and a payload that is
//! mapped into memory.
//!
//! | bytes | what (integers little-endian) |
//! |---|---|
//! | 0..12 | magic (8 bytes) and format version (u32) of the kind |
//! | 12..200 | fields of the kind |
//! | 200..232 | SHA-256 of the payload |
//! | 232..264 | SHA-256 of the bytes before |
//! | 264.. | the payload, and behind it what else the kind has |
//!
//! A file is whole or absent (`taskset_files::AtomicFile`), and processes that prepare the same data set at once do not disturb
//! each other: they write the same bytes, and the last one stays. What a killed writer left is removed by the next one.
//!
//! No payload is used before it was compared with its checksum: once a process, for a file that stays as it is.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use memmap2::Mmap;
use sha2::{Digest, Sha256};
use taskset_files::{AtomicFile, open_regular, remove_left_overs, write_atomically};

use crate::Error;

/// Bytes of the header.
pub(crate) const HEADER: usize = 264;
/// Where the fields of a kind are.
const FIELDS: Range<usize> = 12..200;
/// Where the SHA-256 of the payload is.
const PAYLOAD: Range<usize> = 200..232;
/// Endings of what is written here.
const ENDINGS: [&str; 3] = ["images", "subwords", "tokens"];

/// Random letters and digits in the names of drafts of earlier versions.
const RANDOM: usize = 12;

/// A SHA-256.
pub(crate) type Digest256 = [u8; 32];

/// A kind of prepared copy.
pub(crate) struct Kind {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u32,
    /// In words.
    pub(crate) name: &'static str,
}

impl Kind {
    /// The header with these fields, at most 188 bytes.
    pub(crate) fn header(&self, fields: &[u8], payload: &Digest256) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&self.magic);
        header[8..12].copy_from_slice(&self.version.to_le_bytes());
        header[FIELDS][..fields.len()].copy_from_slice(fields);
        header[PAYLOAD].copy_from_slice(payload);
        seal(&mut header);
        header
    }

    /// The header that a file of this kind begins with.
    ///
    /// # Errors
    /// Why it has none, in words.
    pub(crate) fn parse(&self, bytes: &[u8]) -> Result<Fields, String> {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Err("truncated: shorter than a header".to_owned());
        };
        if header[..8] != self.magic {
            return Err(format!("not a prepared copy of {}", self.name));
        }
        let (fields, version) = (Fields(*header), Fields(*header).word(8));
        if version != self.version {
            return Err(format!(
                "format version {version}, this version of the program reads {}",
                self.version
            ));
        }
        let mut sealed = *header;
        seal(&mut sealed);
        if sealed != *header { Err("wrong checksum of the header".to_owned()) } else { Ok(fields) }
    }

    /// Whether a file of this kind, in an older version, begins with these bytes.
    pub(crate) fn is_older(&self, bytes: &[u8]) -> bool {
        let header = bytes.first_chunk::<HEADER>().filter(|header| header[..8] == self.magic);
        header.is_some_and(|header| Fields(*header).word(8) < self.version)
    }
}

/// Puts the right checksum into the header at the start of any bytes.
pub(crate) fn seal(bytes: &mut [u8]) {
    if let Some(header) = bytes.first_chunk_mut::<HEADER>() {
        let own: Digest256 = Sha256::digest(&header[..HEADER - 32]).into();
        header[HEADER - 32..].copy_from_slice(&own);
    }
}

/// Puts the right checksums into the header at the start of any bytes: of all that follows it, and of itself; of texts, of
/// no notes, too.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn seal_whole(bytes: &mut [u8]) {
    if let Some((header, payload)) = bytes.split_first_chunk_mut::<HEADER>() {
        if header.starts_with(b"TSKSTXT") {
            header[104..136].copy_from_slice(&Sha256::digest([]));
        }
        header[PAYLOAD].copy_from_slice(&Sha256::digest(payload));
    }
    seal(bytes);
}

/// A header, read by the places of its fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields([u8; HEADER]);

impl Fields {
    pub(crate) fn word(&self, at: usize) -> u32 {
        self.0[at..at + 4].iter().rev().fold(0, |n, &byte| n << 8 | u32::from(byte))
    }

    pub(crate) fn long(&self, at: usize) -> u64 {
        u64::from(self.word(at)) | u64::from(self.word(at + 4)) << 32
    }

    /// A number of things in memory.
    ///
    /// # Errors
    /// In words, that there cannot be so many.
    pub(crate) fn size(&self, at: usize) -> Result<usize, String> {
        usize::try_from(self.long(at)).map_err(|_| "impossible sizes".to_owned())
    }

    pub(crate) fn digest(&self, at: usize) -> Digest256 {
        std::array::from_fn(|i| self.0[at + i])
    }

    /// SHA-256 of the payload.
    pub(crate) fn payload(&self) -> Digest256 {
        self.digest(PAYLOAD.start)
    }
}

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

/// Makes a folder in which something will be written, and removes from it what dead writers left.
fn open_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    // What cannot be looked at or removed stays.
    let _ = remove_left_overs(folder);
    remove_old_drafts(folder);
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A link in the place of a prepared copy is replaced, not followed: others may write in a shared folder, too.
fn remove_link(target: &Path) {
    if target.is_symlink() {
        let _ = fs::remove_file(target);
    }
}

/// Writes a file that is seen whole or not at all.
pub(crate) fn write_whole(target: &Path, contents: &[u8]) -> Result<(), Error> {
    open_folder(folder_of(target))?;
    remove_link(target);
    write_atomically(target, contents).map_err(|source| Error::Write { path: target.to_owned(), source })
}

/// Removes what earlier versions of the program left when they were killed: drafts that nobody locks.
fn remove_old_drafts(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.file_name().is_some_and(|name| is_old_draft(&name.to_string_lossy()))
            && !path.is_symlink()
            && let Ok(file) = open_regular(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a file has a name that earlier versions gave to drafts: `<target>.<random>.part`, or
/// `<target>.<process>-<number>.part`.
fn is_old_draft(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_random =
        |text: &str| text.len() == RANDOM && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let parts = name.strip_suffix(".part").and_then(|name| name.rsplit_once('.'));
    parts.is_some_and(|(target, own)| {
        let ending = target.rsplit('.').next().unwrap_or_default();
        let numbers = own.split_once('-').is_some_and(|(a, b)| is_number(a) && is_number(b));
        ENDINGS.contains(&ending) && (is_random(own) || numbers)
    })
}

/// A prepared copy in the making: its payload is appended, its header comes last. Dropped before it is finished, it leaves
/// nothing behind.
pub(crate) struct Writer {
    file: AtomicFile,
    target: PathBuf,
    /// Bytes that were written.
    length: u64,
    hash: Sha256,
}

impl Writer {
    /// Starts the file that will be `target`; makes its folder, and removes from it what dead writers left.
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        open_folder(folder_of(target))?;
        let write = |source| Error::Write { path: target.to_owned(), source };
        remove_link(target);
        let mut file = AtomicFile::create(target).map_err(write)?;
        file.write_all(&[0; HEADER]).map_err(write)?;
        Ok(Self { file, target: target.to_owned(), length: HEADER as u64, hash: Sha256::new() })
    }

    /// Appends to the payload.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.append(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| self.error(source))
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Write { path: self.target.clone(), source }
    }

    /// The same copy with only these pieces of the payload (where each begins, and its bytes), in this order.
    pub(crate) fn rearranged(mut self, pieces: impl IntoIterator<Item = (u64, u64)>) -> Result<Self, Error> {
        let mut to = Self::create(&self.target)?;
        let mut chunk = vec![0; 1 << 18];
        for (start, mut left) in pieces {
            let mut at = HEADER as u64 + start;
            while left > 0 {
                let n = left.min(chunk.len() as u64);
                let piece = &mut chunk[..n as usize];
                self.file.read_back(at, piece).map_err(|source| self.error(source))?;
                to.put(piece)?;
                (at, left) = (at + n, left - n);
            }
        }
        Ok(to)
    }

    /// Writes the header, given the SHA-256 of the payload, and gives the file its name. Returns the number of its bytes.
    pub(crate) fn finish(self, header: impl FnOnce(&Digest256) -> [u8; HEADER]) -> Result<u64, Error> {
        self.finish_with(&[], header)
    }

    /// As [`finish`](Self::finish), with these bytes behind the payload, which its SHA-256 does not cover.
    pub(crate) fn finish_with(
        mut self,
        behind: &[u8],
        header: impl FnOnce(&Digest256) -> [u8; HEADER],
    ) -> Result<u64, Error> {
        self.append(behind)?;
        let Self { mut file, target, length, hash } = self;
        let done = file.overwrite(0, &header(&hash.finalize().into())).and_then(|()| file.commit());
        done.map(|()| length).map_err(|source| Error::Write { path: target, source })
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const KIND: Kind = Kind { magic: *b"TESTING\0", version: 3, name: "nothing" };

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_written_is_read_and_pieces_can_be_rearranged() {
        let folder = TempDir::new().unwrap();
        let target = folder.path().join("x.tokens");
        let mut writer = Writer::create(&target).unwrap();
        writer.put(&[1; 70_000]).unwrap();
        writer.put(&[2, 3, 4, 5]).unwrap();
        let writer = writer.rearranged([(70_002, 2), (0, 70_000), (70_000, 2)]).unwrap();
        assert_eq!(names(&folder).len(), 1, "the first draft is gone");
        assert_eq!(
            writer.finish(|payload| KIND.header(&[7, 0, 0, 0], payload)).unwrap(),
            HEADER as u64 + 70_004
        );
        let place = Place::new(&target, "x");
        let map = place.map().unwrap();
        assert_eq!(
            (&map.bytes[HEADER..][..3], &map.bytes[HEADER..][70_000..]),
            (&[4, 5, 1][..], &[1, 1, 2, 3][..])
        );
        let header = KIND.parse(&map.bytes).unwrap();
        assert_eq!(header.word(12), 7);
        map.verify(place, HEADER..map.bytes.len(), &header.payload()).unwrap();
        assert_eq!(names(&folder), ["x.tokens"]);
    }

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

    #[test]
    fn drafts_of_dead_writers_are_removed_and_no_others() {
        let folder = TempDir::new().unwrap();
        let put = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        let others = [
            "movie.part",
            "notes.1-2.part",
            "x.csv.aB3dE6gH9jK2.part",
            "x.tokens",
            "x.tokens.1-2",
            "x.tokens.12.part",
            "x.tokens.a-b.part",
            "x.tokens.aB3dE6gH9jK.part",
        ];
        others.iter().for_each(|name| put(name));
        for name in [
            "imdb-0.tokens.999999-0.part",
            "mnist.images.1-17.part",
            "imdb-0.subwords.aB3dE6gH9jK2.part",
            ".writing-dead",
        ] {
            put(name);
        }
        let living = Writer::create(&folder.path().join("y.subwords")).unwrap();
        write_whole(&folder.path().join("z.subwords"), b"z").unwrap();
        let left = names(&folder);
        assert!(left[0].starts_with(".writing-"), "the draft of a living writer stays: {left:?}");
        assert_eq!(left[1..left.len() - 1], others);
        living.finish(|_| [0; HEADER]).unwrap();
        assert!(folder.path().join("y.subwords").is_file());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_that_was_planted_is_followed_or_waited_for() {
        use std::os::unix::fs::symlink;

        let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let victim = other.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let target = folder.path().join("x.images");
        for name in ["x.images.1-2.part", ".writing-x", "x.images", "x.subwords"] {
            symlink(&victim, folder.path().join(name)).unwrap();
        }
        let _ = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.tokens.1-2.part")).status();
        Writer::create(&target).unwrap().finish(|_| [0; HEADER]).unwrap();
        write_whole(&folder.path().join("x.subwords"), b"vocabulary").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(!target.is_symlink() && target.is_file());
    }
}
