//! Tokenised texts on disk: one file a data set, found by a key of its input, mapped into memory.
//!
//! Fields of the header, and the payload of the file (`sealed.rs` has the rest):
//!
//! | bytes | what (integers little-endian) |
//! |---|---|
//! | 12..16 | 0 for a whole, 1 for a part of the original (u32) |
//! | 16..64 | vocabulary, training examples, examples, tokens, labels, bytes of notes (u64) |
//! | 72..104 | SHA-256 of the data set's name |
//! | 200.. | the tokens (u16), zeros up to a multiple of eight bytes; where each example ends (u64); the labels (u8); the notes (UTF-8, a line for each thing that makes the copy partial) |

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};
use taskset_names::Origin;

use crate::buffer::Buffer;
use crate::sealed::{self, Digest256, Draft, HEADER, Kind, Writer, broken};
use crate::{Error, files};

use super::source::Found;
use super::{TextData, TextInfo};

/// The version is raised when the format, a tokeniser or the order of examples changes.
const KIND: Kind = Kind { magic: *b"TSKSTXT\0", version: 2, name: "a text data set" };

/// A hash of what a tokenised data set is made from: its name, and the path, size and time of change of each file. Their
/// contents are not read: that would cost as much as loading them.
pub(crate) fn key(root: &Path, info: &TextInfo, found: &Found) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash.update(format!("{}\n{}\n", KIND.version, info.name));
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

/// What a tokenised data set says about itself.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header {
    origin: Origin,
    /// Vocabulary, training examples, examples, tokens, labels, bytes of notes.
    counts: [usize; 6],
    name: Digest256,
}

/// Where the parts of the payload are in the file.
struct Sections {
    tokens: Range<usize>,
    ends: Range<usize>,
    labels: Range<usize>,
    notes: Range<usize>,
}

impl Header {
    fn to_bytes(self, payload: &Digest256) -> [u8; HEADER] {
        let part = u32::from(self.origin != Origin::Real).to_le_bytes();
        let counts = self.counts.map(|count| (count as u64).to_le_bytes());
        KIND.header(&[&part, counts.as_flattened(), &[0; 8], &self.name].concat(), payload)
    }

    /// # Errors
    /// Why this is no header, in words.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let fields = KIND.parse(bytes)?;
        let mut counts = [0; 6];
        for (i, count) in counts.iter_mut().enumerate() {
            *count = fields.size(16 + 8 * i)?;
        }
        let origin = if fields.word(12) == 0 { Origin::Real } else { Origin::Partial };
        Ok(Self { origin, counts, name: fields.digest(72) })
    }

    /// None if there cannot be so much.
    fn sections(&self) -> Option<Sections> {
        let [_, _, examples, tokens, labels, notes] = self.counts;
        let end = |start: usize, count: usize, width: usize| start.checked_add(count.checked_mul(width)?);
        let tokens = HEADER..end(HEADER, tokens, 2)?;
        let start = tokens.end.checked_next_multiple_of(8)?;
        let ends = start..end(start, examples, 8)?;
        let labels = ends.end..end(ends.end, labels, 1)?;
        let notes = labels.end..end(labels.end, notes, 1)?;
        Some(Sections { tokens, ends, labels, notes })
    }
}

/// Writes a file under another name first, so that under its own it is never seen half written.
pub(crate) fn write_whole(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let mut draft = Draft::create(path)?;
    draft.put(contents)?;
    draft.finish().map(|_| ())
}

/// Finishes the file of a data set, given a writer that has its tokens.
pub(crate) fn finish(
    mut writer: Writer,
    info: &TextInfo,
    vocabulary: usize,
    train: usize,
    ends: &[u64],
    labels: &[u8],
    notes: &[String],
) -> Result<(), Error> {
    let (origin, notes) = (origin(notes), notes.join("\n"));
    let tokens = ends.last().copied().unwrap_or(0) as usize;
    let counts = [vocabulary, train, ends.len(), tokens, labels.len(), notes.len()];
    let header = Header { origin, counts, name: Sha256::digest(&info.name).into() };
    let padding = header.sections().map_or(0, |sections| sections.ends.start - sections.tokens.end);
    writer.put(&[0; 8][..padding])?;
    for ends in ends.chunks(1 << 12) {
        writer.put(&ends.iter().flat_map(|end| end.to_le_bytes()).collect::<Vec<u8>>())?;
    }
    writer.put(labels)?;
    writer.put(notes.as_bytes())?;
    writer.finish(|payload| header.to_bytes(payload)).map(|_| ())
}

/// Reads only the header of a data set's file. None if there is no such file.
///
/// # Errors
/// A failure of the system; [`Error::Cache`] if this version did not write it, or not for this data set, or if it is not as
/// long as it was.
fn header(path: &Path, info: &TextInfo) -> Result<Option<Header>, Error> {
    let Some((bytes, length)) = sealed::begin(path)? else { return Ok(None) };
    let header = Header::parse(&bytes).map_err(|problem| broken(path, problem))?;
    if header.name != *Sha256::digest(&info.name) {
        return Err(broken(path, "made for another data set"));
    }
    sealed::check_length(path, length, header.sections().map(|sections| sections.notes.end))?;
    Ok(Some(header))
}

/// Maps a tokenised data set into memory; its notes, too. None if there is no such file. Tokens are not read: [`check`]
/// does that.
///
/// # Errors
/// As [`header`]; ends of examples or labels that cannot be.
pub(crate) fn open(path: &Path, info: &'static TextInfo) -> Result<Option<(TextData, Vec<String>)>, Error> {
    let Some(header) = header(path, info)? else { return Ok(None) };
    let map = sealed::map(path)?;
    let changed = || broken(path, "it changed while it was opened");
    // Between the look at the header and now, another process may have replaced the file.
    if Header::parse(&map) != Ok(header) {
        return Err(changed());
    }
    let Sections { tokens, ends, labels, notes } = header.sections().ok_or_else(changed)?;
    let tokens = Buffer::mapped(&map, tokens).ok_or_else(changed)?;
    let ends = Buffer::mapped(&map, ends).ok_or_else(changed)?;
    let labels = Buffer::mapped(&map, labels).ok_or_else(changed)?;
    let notes = std::str::from_utf8(map.get(notes).ok_or_else(changed)?);
    let notes = notes.map_err(|_| broken(path, "damaged notes"))?.lines().map(str::to_owned).collect();
    let [vocabulary, train, ..] = header.counts;
    let data = TextData::assemble(info, header.origin, vocabulary, tokens, ends, labels, train);
    match data {
        Ok(data) => Ok(Some((data, notes))),
        Err(Error::Inconsistent { problem, .. }) => Err(broken(path, problem)),
        Err(error) => Err(error),
    }
}

/// Whether a tokenised data set can be used, and whether it is all of the source. Only the header is read, unless `full`:
/// then all is compared with its checksum.
///
/// # Errors
/// As [`open`]; a wrong checksum.
pub(crate) fn check(path: &Path, info: &'static TextInfo, full: bool) -> Result<Origin, Error> {
    let missing = || broken(path, "it is gone");
    let header = header(path, info)?.ok_or_else(missing)?;
    if full {
        let (data, _) = open(path, info)?.ok_or_else(missing)?;
        let map = sealed::map(path)?;
        sealed::verify(path, &map, &KIND.parse(&map).map_err(|problem| broken(path, problem))?)?;
        if data.all_tokens().iter().any(|&token| token == 0 || usize::from(token) >= data.vocabulary()) {
            return Err(broken(path, "tokens that are not in the vocabulary"));
        }
    }
    Ok(header.origin)
}

/// Notes are what makes a copy partial.
fn origin(notes: &[String]) -> Origin {
    if notes.is_empty() { Origin::Real } else { Origin::Partial }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::text_info;

    /// Three training examples and one for testing.
    fn write(path: &Path, name: &str, notes: &[String]) -> &'static TextInfo {
        let info = text_info(name).unwrap();
        let mut writer = Writer::create(path).unwrap();
        writer.put(&[1, 0, 2, 0, 0, 1]).unwrap();
        let labels: &[u8] = if info.classes.is_some() { &[0, 1, 1, 0] } else { &[] };
        finish(writer, info, 257, 3, &[1, 1, 2, 3], labels, notes).unwrap();
        info
    }

    #[test]
    fn what_is_written_is_mapped() {
        let root = TempDir::new().unwrap();
        let path = root.path().join("x.tokens");
        let notes = ["one thing".to_owned(), "another".to_owned()];
        let info = write(&path, "imdb_reviews/bytes", &notes);
        let (data, read) = open(&path, info).unwrap().unwrap();
        assert_eq!((read.as_slice(), data.origin(), data.vocabulary()), (&notes[..], Origin::Partial, 257));
        assert_eq!([0, 1, 2, 3].map(|i| data.tokens(i).to_vec()), [vec![1], vec![], vec![2], vec![256]]);
        assert_eq!([0, 1, 2, 3].map(|i| data.label(i)), [0, 1, 1, 0]);
        assert_eq!(check(&path, info, true).unwrap(), Origin::Partial);
        // An open copy outlives its replacement.
        let other = write(&path, "lm1b/bytes", &[]);
        assert_eq!((data.tokens(3), check(&path, other, true).unwrap()), (&[256][..], Origin::Real));
        let message = open(&path, info).unwrap_err().to_string();
        assert!(message.contains("x.tokens") && message.contains("another data set"), "{message}");
        assert!(open(&root.path().join("none"), info).unwrap().is_none());
    }

    #[test]
    fn truncated_copies_are_named_with_the_way_out() {
        let root = TempDir::new().unwrap();
        let path = root.path().join("x.tokens");
        let info = write(&path, "lm1b/bytes", &[]);
        let whole = fs::read(&path).unwrap();
        for length in [0, 100, 200, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let message = open(&path, info).unwrap_err().to_string();
            for word in ["x.tokens", "truncated", "prepare the data set again"] {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_damage_is_accepted(at in 0usize..260, bit in 0u8..8, resealed: bool) {
            static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
            let root = TempDir::new().unwrap();
            let path = root.path().join("x.tokens");
            let info = text_info("imdb_reviews/bytes").unwrap();
            let good = GOOD.get_or_init(|| {
                write(&path, "imdb_reviews/bytes", &["a note".to_owned()]);
                fs::read(&path).unwrap()
            });
            let mut bytes = good.clone();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if resealed && at < HEADER - 32 {
                // Any counts behind a right checksum of the header: nothing panics.
                sealed::seal(&mut bytes);
                fs::write(&path, &bytes).unwrap();
                if let Ok(Some((data, _))) = open(&path, info) {
                    (0..data.len() as u32).for_each(|i| _ = data.tokens(i));
                }
            } else {
                fs::write(&path, &bytes).unwrap();
                prop_assert!(check(&path, info, true).is_err(), "byte {}", at);
            }
        }
    }
}
