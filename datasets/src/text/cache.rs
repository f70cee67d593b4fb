//! Tokenised texts on disk: one file a data set, found by a key of its input, written whole or not at all.
//!
//! Layout, all numbers little-endian: 16 bytes of magic; eight u64: version, vocabulary, training examples, examples,
//! tokens, labels, bytes of notes, 0; the notes (UTF-8, a line for each thing that makes the copy partial); where each
//! example ends (u64); the tokens (u16); the labels (u8); SHA-256 of all before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};
use taskset_names::Origin;

use crate::{Error, files};

use super::data::{MAX_VOCABULARY, Texts};
use super::source::Found;
use super::{TextData, TextInfo};

const MAGIC: &[u8; 16] = b"taskset-rs text\n";
/// Raised when the format, a tokeniser or the order of examples changes.
const VERSION: u64 = 1;
const HEADER: u64 = 16 + 8 * 8;

/// A hash of what a tokenised data set is made from: its name, and the path, size and time of change of each file. Their
/// contents are not read: that would cost as much as loading them.
pub(crate) fn key(root: &Path, info: &TextInfo, found: &Found) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash.update(format!("{VERSION}\n{}\n", info.name));
    for path in found.files() {
        let io = |source| Error::Io { path: path.clone(), source };
        let metadata = fs::metadata(path).map_err(io)?;
        let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let name = path.strip_prefix(info.manifest.folder(root)).unwrap_or(path);
        hash.update(format!("{} {changed:?} {}\n", metadata.len(), name.display()));
    }
    Ok(files::hex(&hash.finalize()[..16]))
}

/// The file of a data set in a cache directory; `extension` is `tokens` or `subwords`.
pub(crate) fn path(cache: &Path, info: &TextInfo, key: &str, extension: &str) -> PathBuf {
    cache.join(format!("{}-{key}.{extension}", info.name.replace('/', "-")))
}

/// Writes a file under another name first, so that under its own it is never seen half written: not by another process
/// that prepares the same data set, and not after a crash.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    }
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{count}.part", std::process::id()));
    let result =
        OpenOptions::new().write(true).create(true).truncate(true).open(&temporary).and_then(|file| {
            let mut writer = BufWriter::with_capacity(1 << 16, file);
            write(&mut writer)?;
            writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&temporary, path)
        });
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Writes a tokenised data set.
pub(crate) fn write(path: &Path, data: &TextData, notes: &[String]) -> Result<(), Error> {
    let (texts, labels) = data.parts();
    let notes = notes.join("\n");
    write_whole(path, |out| {
        let mut out = Hashing { inner: out, hash: Sha256::new() };
        out.write_all(MAGIC)?;
        let counts =
            [data.source_sizes().train, texts.ends.len(), texts.tokens.len(), labels.len(), notes.len()];
        let counts = counts.map(|count| count as u64);
        let header =
            [VERSION, data.vocabulary() as u64, counts[0], counts[1], counts[2], counts[3], counts[4], 0];
        header.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))?;
        out.write_all(notes.as_bytes())?;
        for ends in texts.ends.chunks(4096) {
            out.write_all(&ends.iter().flat_map(|end| end.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        for tokens in texts.tokens.chunks(16_384) {
            out.write_all(&tokens.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        out.write_all(labels)?;
        let digest = out.hash.finalize();
        out.inner.write_all(&digest)
    })
}

/// Reads a tokenised data set and its notes; none if there is no such file, or none that this version wrote and that is
/// as it was written: it is made anew then.
///
/// # Errors
/// [`Error::Io`] if the system refuses.
pub(crate) fn read(path: &Path, info: &'static TextInfo) -> Result<Option<(TextData, Vec<String>)>, Error> {
    match File::open(path) {
        Ok(file) => read_from(file, info).map_err(|source| Error::Io { path: path.to_owned(), source }),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

/// Whether a tokenised data set can be used, and whether it is all of the source. Only the header is read, unless `full`.
///
/// # Errors
/// [`Error::Io`] if the system refuses; [`Error::Cache`] for a file that is made anew when it is next needed.
pub(crate) fn check(path: &Path, info: &'static TextInfo, full: bool) -> Result<Origin, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let notes = if full {
        read(path, info)?.map(|(_, notes)| notes)
    } else {
        let file = File::open(path).map_err(io)?;
        start(file).map_err(io)?.map(|start| start.notes)
    };
    let damaged = || {
        let problem = "damaged, or written by another version of the program".to_owned();
        Error::Cache { path: path.to_owned(), problem }
    };
    notes.map(|notes| origin(&notes)).ok_or_else(damaged)
}

/// Notes are what makes a copy partial.
fn origin(notes: &[String]) -> Origin {
    if notes.is_empty() { Origin::Real } else { Origin::Partial }
}

/// What comes before the examples, and the rest of the file.
struct Start {
    input: Hashing<BufReader<File>>,
    vocabulary: u64,
    train: u64,
    examples: u64,
    tokens: u64,
    labels: u64,
    notes: Vec<String>,
}

/// Reads what comes before the examples; none if it does not fit this version or the size of the file.
fn start(file: File) -> io::Result<Option<Start>> {
    let size = file.metadata()?.len();
    if size < HEADER + 32 {
        return Ok(None);
    }
    let mut input = Hashing { inner: BufReader::with_capacity(1 << 16, file), hash: Sha256::new() };
    let mut magic = [0; 16];
    input.read_exact(&mut magic)?;
    let mut header = [0; 8];
    for value in &mut header {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        *value = u64::from_le_bytes(bytes);
    }
    let [version, vocabulary, train, examples, tokens, labels, notes, zero] = header;
    // The size fixes how much is read before the checksum can tell whether the header is right.
    let expected = [(examples, 8), (tokens, 2), (labels, 1), (notes, 1), (1, HEADER + 32)]
        .iter()
        .try_fold(0u64, |sum, (count, width)| sum.checked_add(count.checked_mul(*width)?));
    let sound = magic == *MAGIC && version == VERSION && zero == 0 && expected == Some(size);
    if !sound || vocabulary > MAX_VOCABULARY as u64 {
        return Ok(None);
    }
    let Ok(notes) = String::from_utf8(bytes(&mut input, notes)?) else { return Ok(None) };
    let notes = notes.lines().map(str::to_owned).collect();
    Ok(Some(Start { input, vocabulary, train, examples, tokens, labels, notes }))
}

fn read_from(file: File, info: &'static TextInfo) -> io::Result<Option<(TextData, Vec<String>)>> {
    let Some(Start { mut input, vocabulary, train, examples, tokens, labels, notes }) = start(file)? else {
        return Ok(None);
    };
    let mut texts =
        Texts { tokens: Vec::with_capacity(tokens as usize), ends: Vec::with_capacity(examples as usize) };
    chunks(&mut input, examples * 8, |bytes| {
        texts.ends.extend(bytes.as_chunks().0.iter().map(|&end| u64::from_le_bytes(end)));
    })?;
    chunks(&mut input, tokens * 2, |bytes| {
        texts.tokens.extend(bytes.as_chunks().0.iter().map(|&token| u16::from_le_bytes(token)));
    })?;
    let labels = bytes(&mut input, labels)?;
    let mut digest = [0; 32];
    input.inner.read_exact(&mut digest)?;
    if input.hash.finalize()[..] != digest {
        return Ok(None);
    }
    let data = TextData::new(info, origin(&notes), vocabulary as usize, texts, labels, train as usize);
    Ok(data.ok().map(|data| (data, notes)))
}

fn bytes(input: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut all = Vec::with_capacity(length as usize);
    chunks(input, length, |bytes| all.extend(bytes))?;
    Ok(all)
}

/// Reads `length` bytes in pieces whose length is a multiple of eight, but for the last.
fn chunks(input: &mut impl Read, mut length: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut chunk = vec![0; 1 << 16];
    while length > 0 {
        let n = length.min(chunk.len() as u64) as usize;
        input.read_exact(&mut chunk[..n])?;
        each(&chunk[..n]);
        length -= n as u64;
    }
    Ok(())
}

/// Hashes what passes through.
struct Hashing<T> {
    inner: T,
    hash: Sha256,
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buffer)?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
