//! Tokenised texts on disk: one file a data set, found by a key of its input, mapped into memory.
//!
//! Fields of the header, and the payload of the file (`sealed/mod.rs` has the rest):
//!
//! | bytes | what (integers little-endian) |
//! |---|---|
//! | 12..16 | 0 for a whole, 1 for a part of the original (u32) |
//! | 16..64 | vocabulary, training examples, examples, tokens, labels, bytes of notes (u64) |
//! | 64..72 | the first bytes of the SHA-256 of the path of the folder with the original files |
//! | 72..104 | SHA-256 of the data set's name |
//! | 104..136 | SHA-256 of the notes |
//! | 136..168 | SHA-256 of names, sizes and times of change of the original files (`originals.rs`) |
//! | 168..200 | SHA-256 of the names and contents of the original files |
//! | 264.. | the tokens (u16), zeros up to a multiple of eight bytes; where each example ends (u64); the labels (u8): the body of their digest (`digest.rs`), and what the checksum of the payload is of |
//! | behind | the notes (UTF-8, a line for each thing that makes the copy partial) |

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use taskset_names::Origin;

use super::originals::{Listing, Originals};
use super::sealed::{Digest256, HEADER, Kind, Mapped, Place, Writer};
use crate::buffer::{Buffer, little_endian};
use crate::digest::Fields;
use crate::text::data::padding;
use crate::text::source::Found;
use crate::text::{TextData, TextInfo, lines};
use crate::{Error, files};

/// The version is raised when the format, a tokeniser or the order of examples changes, or the judgement whether files are all
/// of a source.
const KIND: Kind = Kind { magic: *b"TSKSTXT\0", version: 5, name: "a text data set" };

/// The original files of a data set.
pub(crate) fn listing(root: &Path, info: &TextInfo, found: &Found) -> Result<Listing, Error> {
    let fields = Fields::of("texts").number(KIND.version as usize).bytes(info.name.as_bytes());
    Listing::new(fields, &info.manifest.folder(root), found.files().cloned().collect())
}

/// A hash of what a tokenised data set is made from: its name, and the name, size and modification time of each file.
pub(crate) fn key(listing: &Listing) -> String {
    files::hex(&listing.named[..KEY / 2])
}

/// What a copy records of its originals; none if it is not there, or cannot be used.
pub(crate) fn originals(path: &Path, info: &TextInfo) -> Option<Originals> {
    header(path, info).ok().flatten().map(|header| header.originals)
}

/// Writes a sound copy anew, with other records of its originals.
pub(crate) fn renew(path: &Path, info: &TextInfo, originals: Originals) -> Result<(), Error> {
    let place = Place::new(path, &info.name);
    let gone = || place.broken("it is gone");
    let header = header(path, info)?.ok_or_else(gone)?;
    let map = place.map()?;
    let notes = header.sections().ok_or_else(gone)?.notes;
    let [payload, notes] = [HEADER..notes.start, notes].map(|range| map.bytes.get(range).unwrap_or_default());
    let mut writer = Writer::create(path)?;
    writer.put(payload)?;
    // With the old checksum: what was damaged meanwhile stays so.
    writer.finish_with(notes, |_| Header { originals, ..header }.to_bytes()).map(|_| ())
}

/// Tells the folder of a source from others, wherever a path to it begins: the first bytes of the SHA-256 of its full path.
pub(crate) fn folder_of_origin(root: &Path, info: &TextInfo) -> u64 {
    let folder = info.manifest.folder(root);
    let full = fs::canonicalize(&folder).or_else(|_| std::path::absolute(&folder)).unwrap_or(folder);
    let hash: Digest256 = Sha256::digest(full.as_os_str().as_encoded_bytes()).into();
    hash.iter().take(8).rev().fold(0, |n, &byte| n << 8 | u64::from(byte))
}

/// Removes copies of a data set that will not be used again: those that were made from the same folder, when it held other
/// files than now, and those that an older version of the program made. `current` is the key of the copy that stays. What
/// cannot be removed stays, too.
pub(crate) fn remove_outdated(cache: &Path, info: &TextInfo, current: &str, folder: u64) {
    let others = path(Path::new(""), info, "*", "tokens");
    for copy in lines::matching(cache, &others.to_string_lossy()).unwrap_or_default() {
        let stem = copy.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let key = stem.rsplit('-').next().unwrap_or_default();
        let is_key = key.len() == KEY && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_key || key == current || path(cache, info, key, "tokens") != copy {
            continue;
        }
        let Ok(Some((bytes, _))) = Place::new(&copy, &info.name).begin() else { continue };
        let is_of = |header: &Header| header.folder == folder && header.name == *Sha256::digest(&info.name);
        if KIND.is_older(&bytes) || Header::parse(&bytes).is_ok_and(|header| is_of(&header)) {
            for extension in ["tokens", "subwords"] {
                let _ = fs::remove_file(path(cache, info, key, extension));
            }
        }
    }
}

/// The file of a data set in a cache directory; `extension` is `tokens` or `subwords`.
pub(crate) fn path(cache: &Path, info: &TextInfo, key: &str, extension: &str) -> PathBuf {
    cache.join(format!("{}-{key}.{extension}", info.name.replace('/', "-")))
}

/// Digits of a key.
const KEY: usize = 32;

/// What a tokenised data set says about itself.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header {
    origin: Origin,
    /// Vocabulary, training examples, examples, tokens, labels, bytes of notes.
    counts: [usize; 6],
    folder: u64,
    name: Digest256,
    notes: Digest256,
    originals: Originals,
    /// Of tokens, ends and labels.
    payload: Digest256,
}

/// Where the parts of the payload are in the file.
struct Sections {
    tokens: Range<usize>,
    ends: Range<usize>,
    labels: Range<usize>,
    notes: Range<usize>,
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER] {
        let part = u32::from(self.origin != Origin::Real).to_le_bytes();
        let counts = self.counts.map(|count| (count as u64).to_le_bytes());
        let hashes = [self.name, self.notes, self.originals.times, self.originals.contents];
        let fields =
            [&part, counts.as_flattened(), &self.folder.to_le_bytes(), hashes.as_flattened()].concat();
        KIND.header(&fields, &self.payload)
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
        let [name, notes, times, contents] = [72, 104, 136, 168].map(|at| fields.digest(at));
        let originals = Originals { times, contents };
        Ok(Self {
            origin,
            counts,
            folder: fields.long(64),
            name,
            notes,
            originals,
            payload: fields.payload(),
        })
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

/// What a copy holds besides tokens.
pub(crate) struct Rest<'a> {
    pub(crate) vocabulary: usize,
    /// Training examples.
    pub(crate) train: usize,
    pub(crate) ends: &'a [u64],
    pub(crate) labels: &'a [u8],
    pub(crate) notes: &'a [String],
    /// As [`folder_of_origin`] says.
    pub(crate) folder: u64,
    pub(crate) originals: Originals,
}

/// Finishes the file of a data set, given a writer that has its tokens.
pub(crate) fn finish(mut writer: Writer, info: &TextInfo, rest: &Rest<'_>) -> Result<(), Error> {
    let &Rest { vocabulary, train, ends, labels, notes, folder, originals } = rest;
    let (origin, notes) = (origin(notes), notes.join("\n"));
    let tokens = ends.last().copied().unwrap_or(0) as usize;
    let counts = [vocabulary, train, ends.len(), tokens, labels.len(), notes.len()];
    let [name, hash_of_notes] = [&info.name, &notes].map(|text| Sha256::digest(text).into());
    writer.put(padding(tokens))?;
    let mut written = Ok(());
    little_endian(ends, &mut |bytes| {
        if written.is_ok() {
            written = writer.put(bytes);
        }
    });
    written?;
    writer.put(labels)?;
    let header = |&payload: &Digest256| {
        Header { origin, counts, folder, name, notes: hash_of_notes, originals, payload }.to_bytes()
    };
    writer.finish_with(notes.as_bytes(), header).map(|_| ())
}

/// Reads only the header of a data set's file. None if there is no such file.
///
/// # Errors
/// A failure of the system; [`Error::Cache`] if this version did not write it, or not for this data set, or if it is not as
/// long as it was.
fn header(path: &Path, info: &TextInfo) -> Result<Option<Header>, Error> {
    let place = Place::new(path, &info.name);
    let Some((bytes, length)) = place.begin()? else { return Ok(None) };
    let header = Header::parse(&bytes).map_err(|problem| place.broken(problem))?;
    if header.name != *Sha256::digest(&info.name) {
        return Err(place.broken("made for another data set"));
    }
    place.check_length(length, header.sections().map(|sections| sections.notes.end))?;
    Ok(Some(header))
}

/// Maps a tokenised data set into memory; its notes, too. None if there is no such file. Tokens, ends and labels are
/// compared with the checksum in the header, unless this process has done so for the file as it is.
///
/// # Errors
/// As [`header`]; a wrong checksum; ends of examples or labels that cannot be.
pub(crate) fn open(path: &Path, info: &'static TextInfo) -> Result<Option<(TextData, Vec<String>)>, Error> {
    read(path, info, Mapped::verify_once)
}

fn read(
    path: &Path,
    info: &'static TextInfo,
    verify: impl FnOnce(&Mapped, Place<'_>, Range<usize>, &Digest256) -> Result<(), Error>,
) -> Result<Option<(TextData, Vec<String>)>, Error> {
    let Some(header) = header(path, info)? else { return Ok(None) };
    let place = Place::new(path, &info.name);
    let map = place.map()?;
    let changed = || place.broken("it changed while it was opened");
    // Between the look at the header and now, another process may have replaced the file.
    if Header::parse(&map.bytes) != Ok(header) {
        return Err(changed());
    }
    let Sections { tokens, ends, labels, notes } = header.sections().ok_or_else(changed)?;
    let notes = map.bytes.get(notes).ok_or_else(changed)?;
    if header.notes != *Sha256::digest(notes) {
        return Err(place.broken("wrong checksum of its notes"));
    }
    verify(&map, place, HEADER..labels.end, &header.payload)?;
    let notes = std::str::from_utf8(notes).map_err(|_| place.broken("damaged notes"))?;
    let notes = notes.lines().map(str::to_owned).collect();
    let tokens = Buffer::mapped(&map.bytes, tokens).ok_or_else(changed)?;
    let ends = Buffer::mapped(&map.bytes, ends).ok_or_else(changed)?;
    let labels = Buffer::mapped(&map.bytes, labels).ok_or_else(changed)?;
    let [vocabulary, train, ..] = header.counts;
    let data = TextData::assemble(info, header.origin, vocabulary, tokens, ends, labels, train);
    match data {
        Ok(data) => Ok(Some((data.with_body(header.payload), notes))),
        Err(Error::Inconsistent { problem, .. }) => Err(place.broken(problem)),
        Err(error) => Err(error),
    }
}

/// Whether a tokenised data set can be used, and whether it is all of the source. Only the header is read, unless `full`:
/// then all is compared with its checksum, whatever is known of it.
///
/// # Errors
/// As [`open`]; tokens that cannot be.
pub(crate) fn check(path: &Path, info: &'static TextInfo, full: bool) -> Result<Origin, Error> {
    let place = Place::new(path, &info.name);
    let missing = || place.broken("it is gone");
    if !full {
        return header(path, info)?.map(|header| header.origin).ok_or_else(missing);
    }
    let (data, _) = read(path, info, Mapped::verify)?.ok_or_else(missing)?;
    if data.all_tokens().iter().any(|&token| token == 0 || usize::from(token) >= data.vocabulary()) {
        return Err(place.broken("tokens that are not in the vocabulary"));
    }
    Ok(data.origin())
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
    use crate::prepared::sealed;
    use crate::text::text_info;

    /// Three training examples and one for testing.
    fn write(path: &Path, name: &str, notes: &[String]) -> &'static TextInfo {
        let info = text_info(name).unwrap();
        let mut writer = Writer::create(path).unwrap();
        writer.put(&[1, 0, 2, 0, 0, 1]).unwrap();
        let labels: &[u8] = if info.classes.is_some() { &[0, 1, 1, 0] } else { &[] };
        let originals = Originals { times: [8; 32], contents: [9; 32] };
        let rest =
            Rest { originals, vocabulary: 257, train: 3, ends: &[1, 1, 2, 3], labels, notes, folder: 7 };
        finish(writer, info, &rest).unwrap();
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
            for word in ["x.tokens", "truncated", "again"] {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_damage_is_accepted(at in 0usize..324, bit in 0u8..8, resealed: bool) {
            static GOOD: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
            let root = TempDir::new().unwrap();
            let path = root.path().join("x.tokens");
            let info = text_info("imdb_reviews/bytes").unwrap();
            let good = GOOD.get_or_init(|| {
                [vec!["a note".to_owned()], vec![]].map(|notes| {
                    write(&path, "imdb_reviews/bytes", &notes);
                    fs::read(&path).unwrap()
                })
            });
            let mut bytes = good[usize::from(resealed)].clone();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if resealed && at < HEADER - 32 {
                // Any counts behind right checksums: nothing panics.
                sealed::seal_whole(&mut bytes);
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
