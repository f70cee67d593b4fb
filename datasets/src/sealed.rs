//! Files of prepared copies, of images and of texts: a header that is checked when a file is opened, and a payload that is
//! mapped into memory.
//!
//! | bytes | what (integers little-endian) |
//! |---|---|
//! | 0..12 | magic (8 bytes) and format version (u32) of the kind |
//! | 12..136 | fields of the kind |
//! | 136..168 | SHA-256 of the payload |
//! | 168..200 | SHA-256 of the bytes before |
//! | 200.. | the payload, and behind it what else the kind has |
//!
//! A file is written under another name and renamed when complete, so that there is never half a copy, and processes
//! that prepare the same data set at once do not disturb each other: they write the same bytes, and the last one stays.
//! While it is written it is locked; the system unlocks it if the writer dies, and the next writer in the folder removes it.
//!
//! No payload is used before it was compared with its checksum: once a process, for a file that stays as it is.

use std::collections::BTreeSet;
use std::fs::{self, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use memmap2::Mmap;
use sha2::{Digest, Sha256};
use taskset_files::open_regular;
use tempfile::NamedTempFile;

use crate::Error;

/// Bytes of the header.
pub(crate) const HEADER: usize = 200;
/// Where the fields of a kind are.
const FIELDS: Range<usize> = 12..136;
/// Endings of what is written here.
const ENDINGS: [&str; 3] = ["images", "subwords", "tokens"];

/// Random letters and digits in the name of a file that is being written, so that nobody can guess it.
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
    /// The header with these fields, at most 124 bytes.
    pub(crate) fn header(&self, fields: &[u8], payload: &Digest256) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&self.magic);
        header[8..12].copy_from_slice(&self.version.to_le_bytes());
        header[FIELDS][..fields.len()].copy_from_slice(fields);
        header[136..168].copy_from_slice(payload);
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
        header[136..168].copy_from_slice(&Sha256::digest(payload));
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
        self.digest(136)
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

/// A file that gets its name when it is complete. Dropped before, it leaves nothing behind.
pub(crate) struct Draft {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl Draft {
    /// Starts the file that will be `target`; makes its folder, and removes from it what dead writers left.
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        remove_abandoned(folder);
        let prefix = format!("{}.", target.file_name().unwrap_or_default().to_string_lossy());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).rand_bytes(RANDOM).suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Readable like any other file under the process's umask, not by its owner alone.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        loop {
            let file = builder.tempfile_in(folder);
            let file = file.map_err(|source| Error::Write { path: folder.to_owned(), source })?;
            // Another writer may take it for abandoned before it is locked, and then removes it. Where files cannot be
            // locked, nobody removes any.
            let taken = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
            if !taken && file.path().exists() {
                let file = BufWriter::with_capacity(1 << 18, file);
                return Ok(Self { file, target: target.to_owned() });
            }
        }
    }

    /// Appends.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|source| self.error(source))
    }

    /// Gives the file its name. Returns the number of its bytes.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        let written = self.file.flush().and_then(|()| {
            let file = self.file.get_ref().as_file();
            file.sync_all()?;
            file.metadata()
        });
        let bytes = written.map_err(|source| self.error(source))?.len();
        let named = self.file.into_inner().map_err(io::IntoInnerError::into_error);
        let named = named.and_then(|file| file.persist(&self.target).map_err(|error| error.error));
        named.map_err(|source| Error::Write { path: self.target.clone(), source })?;
        Ok(bytes)
    }

    fn path(&self) -> PathBuf {
        self.file.get_ref().path().to_owned()
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Write { path: self.path(), source }
    }
}

/// Removes the drafts in a folder whose writers died: those that nobody locks. What cannot be looked at stays.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.file_name().is_some_and(|name| is_draft(&name.to_string_lossy()))
            && let Ok(file) = open_regular(&path)
            && file.try_lock().is_ok()
        {
            // It is locked until it is gone: its writer, if it has only just begun, sees that.
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a file has a name that [`Draft::create`] gives: `<target>.<random>.part`; or `<target>.<process>-<number>.part`, as
/// earlier versions gave.
fn is_draft(name: &str) -> bool {
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

/// A prepared copy in the making: its payload is appended, its header comes last.
pub(crate) struct Writer {
    draft: Draft,
    hash: Sha256,
}

impl Writer {
    /// As [`Draft::create`].
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        let mut draft = Draft::create(target)?;
        draft.put(&[0; HEADER])?;
        Ok(Self { draft, hash: Sha256::new() })
    }

    /// Appends to the payload.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.draft.put(bytes)
    }

    /// The same copy with only these pieces of the payload (where each begins, and its bytes), in this order.
    pub(crate) fn rearranged(mut self, pieces: impl IntoIterator<Item = (u64, u64)>) -> Result<Self, Error> {
        self.draft.file.flush().map_err(|source| self.draft.error(source))?;
        let mut to = Self::create(&self.draft.target)?;
        let path = self.draft.path();
        let from = self.draft.file.get_mut();
        let mut chunk = vec![0; 1 << 16];
        for (start, mut left) in pieces {
            let read = |source| Error::Io { path: path.clone(), source };
            from.seek(SeekFrom::Start(HEADER as u64 + start)).map_err(read)?;
            while left > 0 {
                let n = left.min(chunk.len() as u64) as usize;
                from.read_exact(&mut chunk[..n]).map_err(read)?;
                to.put(&chunk[..n])?;
                left -= n as u64;
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
        self.draft.put(behind)?;
        let payload = self.hash.finalize().into();
        let start = self.draft.file.seek(SeekFrom::Start(0));
        start.map_err(|source| self.draft.error(source))?;
        self.draft.put(&header(&payload))?;
        self.draft.finish()
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
        assert_eq!(writer.finish(|payload| KIND.header(&[7, 0, 0, 0], payload)).unwrap(), 200 + 70_004);
        let place = Place::new(&target, "x");
        let map = place.map().unwrap();
        assert_eq!((&map.bytes[200..203], &map.bytes[70_200..]), (&[4, 5, 1][..], &[1, 1, 2, 3][..]));
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
            for word in ["x.images", "wrong checksum of its contents", "`taskset-rs data prepare x`"] {
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
            "x.tokens",
            "x.tokens.1-2",
            "x.tokens.12.part",
            "x.tokens.aB3dE6gH9jK.part",
            "x.csv.aB3dE6gH9jK2.part",
            "x.tokens.a-b.part",
        ];
        others.iter().for_each(|name| put(name));
        put("imdb-0.tokens.999999-0.part");
        put("mnist.images.1-17.part");
        put("imdb-0.subwords.aB3dE6gH9jK2.part");
        #[cfg(unix)]
        {
            // Nobody waits for a pipe that has such a name.
            let pipe = folder.path().join("pipe.tokens.1-2.part");
            let _ = std::process::Command::new("mkfifo").arg(&pipe).status();
            Draft::create(&folder.path().join("z.tokens")).unwrap();
            let _ = fs::remove_file(&pipe);
        }
        let living = Draft::create(&folder.path().join("y.subwords")).unwrap();
        let (target, mut left) = (folder.path().join("x.images"), names(&folder));
        assert_eq!(left.len(), others.len() + 1, "{left:?}");
        let second = Draft::create(&target).unwrap();
        second.finish().unwrap();
        left.push("x.images".to_owned());
        left.sort_unstable();
        assert_eq!(names(&folder), left, "the draft of a living writer stays");
        living.finish().unwrap();
        assert!(folder.path().join("y.subwords").is_file());
    }

    #[test]
    fn many_writers_at_once_keep_their_drafts() {
        let folder = TempDir::new().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let target = folder.path().join(format!("{}.tokens", thread % 2));
                scope.spawn(move || {
                    for _ in 0..30 {
                        Draft::create(&target).unwrap().finish().unwrap();
                    }
                });
            }
        });
        assert_eq!(names(&folder), ["0.tokens", "1.tokens"]);
    }
}
