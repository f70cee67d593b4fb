//! A reader of ZIP archives for hostile input: stored and deflated entries, ZIP64, nothing is written anywhere.
//!
//! Links are left out: their contents are a path. Only the central directory is believed; sizes are limits that the contents must meet exactly, and checksums are
//! compared. Encrypted and multi-volume archives and other methods are refused.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// Bytes of the record that ends an archive, without its comment.
const END: usize = 22;
/// Most bytes that are searched for that record: the comment has at most 65,535.
const SEARCHED: u64 = END as u64 + 0xffff;
/// Largest central directory that is read: that of a million entries with names of ordinary length.
const MAX_DIRECTORY: u64 = 256 << 20;

/// What is wrong with an archive, and at which byte of it.
#[derive(Debug)]
pub(crate) struct ZipError {
    pub(crate) offset: u64,
    pub(crate) problem: String,
}

impl fmt::Display for ZipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.problem)
    }
}

fn error<T>(offset: u64, problem: impl Into<String>) -> Result<T, ZipError> {
    Err(ZipError { offset, problem: problem.into() })
}

/// A failure to read at `offset`.
fn at(offset: u64) -> impl Fn(io::Error) -> ZipError {
    move |source| ZipError { offset, problem: source.to_string() }
}

/// A file in an archive.
#[derive(Clone, Debug)]
pub(crate) struct ZipEntry {
    /// Path in the archive, as it stands there: it may be absolute or contain `..`.
    pub(crate) name: String,
    /// Bytes of the contents.
    pub(crate) size: u64,
    compressed: u64,
    deflated: bool,
    crc: u32,
    header: u64,
}

/// An archive whose directory has been read.
pub(crate) struct Zip<R> {
    source: R,
    pub(crate) entries: Vec<ZipEntry>,
}

impl<R: Read + Seek> Zip<R> {
    /// Reads the directory. Entries of folders and of symbolic links are left out.
    pub(crate) fn open(mut source: R) -> Result<Self, ZipError> {
        let len = source.seek(SeekFrom::End(0)).map_err(at(0))?;
        let (count, start, size) = find_directory(&mut source, len)?;
        if start.checked_add(size).is_none_or(|end| end > len) || size > MAX_DIRECTORY {
            return error(start, format!("a directory of {size} bytes does not fit an archive of {len}"));
        }
        let directory = read_at(&mut source, start, size as usize)?;
        let mut entries = Vec::new();
        let mut rest = &directory[..];
        for _ in 0..count {
            let offset = start + (directory.len() - rest.len()) as u64;
            let (entry, after) = parse_entry(rest, offset)?;
            let is_link = is_link(rest);
            rest = after;
            if !entry.name.ends_with('/') && !is_link {
                entries.push(entry);
            }
        }
        Ok(Self { source, entries })
    }

    /// The contents of an entry, which may have at most `limit` bytes.
    pub(crate) fn read(&mut self, entry: &ZipEntry, limit: u64) -> Result<Vec<u8>, ZipError> {
        if entry.size > limit {
            return error(
                entry.header,
                format!("`{}` has {} bytes, more than {limit}", entry.name, entry.size),
            );
        }
        let header = read_at(&mut self.source, entry.header, 30)?;
        if header[..4] != *b"PK\x03\x04" {
            return error(entry.header, format!("no entry `{}` begins here", entry.name));
        }
        let skipped = 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let start = entry.header + skipped;
        self.source.seek(SeekFrom::Start(start)).map_err(at(start))?;
        let raw = (&mut self.source).take(entry.compressed);
        // The declared size is not reserved: a small archive may declare anything.
        let mut contents = Vec::with_capacity(entry.size.min(1 << 20) as usize);
        let one_more = entry.size + 1;
        let result = if entry.deflated {
            DeflateDecoder::new(raw).take(one_more).read_to_end(&mut contents)
        } else {
            raw.take(one_more).read_to_end(&mut contents)
        };
        result.map_err(at(start))?;
        let mut crc = Crc::new();
        crc.update(&contents);
        if contents.len() as u64 != entry.size || crc.sum() != entry.crc {
            return error(
                start,
                format!("the contents of `{}` have another size or checksum than declared", entry.name),
            );
        }
        Ok(contents)
    }
}

/// Number of entries, first byte and size of the central directory.
fn find_directory<R: Read + Seek>(source: &mut R, len: u64) -> Result<(u64, u64, u64), ZipError> {
    let first = len - len.min(SEARCHED);
    let tail = read_at(source, first, (len - first) as usize)?;
    let Some(position) = tail.windows(END).rposition(|w| w[..4] == *b"PK\x05\x06") else {
        return error(len, "not a ZIP archive, or its end is missing");
    };
    let (end, offset) = (&tail[position..], first + position as u64);
    let (count, size, start) = (u16_at(end, 10), u32_at(end, 12), u32_at(end, 16));
    if u16_at(end, 4) != 0 || u16_at(end, 8) != count {
        return error(offset, "an archive of several volumes");
    }
    if count != u16::MAX && size != u32::MAX && start != u32::MAX {
        return Ok((count.into(), start.into(), size.into()));
    }
    // ZIP64: a locator stands before the end record and points to the larger one.
    let Some(locator_offset) = offset.checked_sub(20) else {
        return error(offset, "the ZIP64 locator is missing");
    };
    let locator = read_at(source, locator_offset, 20)?;
    if locator[..4] != *b"PK\x06\x07" {
        // Exactly 65,535 entries need no ZIP64.
        return Ok((count.into(), start.into(), size.into()));
    }
    let offset = u64_at(&locator, 8);
    let end = read_at(source, offset, 56)?;
    if end[..4] != *b"PK\x06\x06" {
        return error(offset, "the ZIP64 end record is missing");
    }
    Ok((u64_at(&end, 32), u64_at(&end, 48), u64_at(&end, 40)))
}

/// The first entry of a part of the directory, and the rest. `offset` is the place in the archive.
fn parse_entry(directory: &[u8], offset: u64) -> Result<(ZipEntry, &[u8]), ZipError> {
    let Some((head, rest)) = directory.split_at_checked(46) else {
        return error(offset, "the directory ends early");
    };
    if head[..4] != *b"PK\x01\x02" {
        return error(offset, "no directory entry begins here");
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
    let (Some(name), Some(extra), Some(after)) =
        (rest.get(..name), rest.get(name..name + extra), rest.get(name + extra + comment..))
    else {
        return error(offset, "the directory ends early");
    };
    let name = String::from_utf8_lossy(name).into_owned();
    let (flags, method) = (u16_at(head, 8), u16_at(head, 10));
    if flags & 1 != 0 {
        return error(offset, format!("`{name}` is encrypted"));
    }
    if method != 0 && method != 8 {
        return error(
            offset,
            format!("`{name}` is packed by method {method}; only 0 and 8 (deflate) are read"),
        );
    }
    let mut sizes = [24, 20, 42].map(|at| u64::from(u32_at(head, at)));
    // Fields too large for 32 bits follow in the ZIP64 field, in this order.
    let mut large = zip64_field(extra).chunks_exact(8);
    for size in sizes.iter_mut().filter(|size| **size == u64::from(u32::MAX)) {
        *size = match large.next() {
            Some(bytes) => u64_at(bytes, 0),
            None => return error(offset, format!("`{name}` has no ZIP64 sizes")),
        };
    }
    let [size, compressed, header] = sizes;
    if size == u64::MAX || (method == 0 && size != compressed) {
        return error(offset, format!("`{name}` has impossible sizes"));
    }
    Ok((ZipEntry { name, size, compressed, deflated: method == 8, crc: u32_at(head, 16), header }, after))
}

/// Whether a directory entry, which is sound, is of a symbolic link: programs on Unix say so in the upper half of its
/// attributes.
fn is_link(entry: &[u8]) -> bool {
    entry[5] == 3 && u16_at(entry, 40) & 0o170_000 == 0o120_000
}

/// The ZIP64 field among the extra fields of an entry; empty if there is none.
fn zip64_field(mut extra: &[u8]) -> &[u8] {
    while extra.len() >= 4 {
        let (kind, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(field) = extra.get(4..4 + len) else { break };
        if kind == 1 {
            return field;
        }
        extra = &extra[4 + len..];
    }
    &[]
}

fn read_at<R: Read + Seek>(source: &mut R, offset: u64, len: usize) -> Result<Vec<u8>, ZipError> {
    source.seek(SeekFrom::Start(offset)).map_err(at(offset))?;
    let mut bytes = Vec::new();
    source.take(len as u64).read_to_end(&mut bytes).map_err(at(offset))?;
    if bytes.len() < len { error(offset, "the archive ends early") } else { Ok(bytes) }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    /// An archive of these files, deflated or stored.
    pub(crate) fn archive(files: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, contents) in files {
            let mut crc = Crc::new();
            crc.update(contents);
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(contents).unwrap();
            let packed = if deflate { encoder.finish().unwrap() } else { contents.to_vec() };
            let mut common = vec![20, 0, 0, 0, if deflate { 8 } else { 0 }, 0, 0, 0, 0, 0];
            common.extend(crc.sum().to_le_bytes());
            common.extend((packed.len() as u32).to_le_bytes());
            common.extend((contents.len() as u32).to_le_bytes());
            common.extend((name.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            let header = bytes.len() as u32;
            directory.extend(
                [&b"PK\x01\x02\x14\0"[..], &common, &[0; 10], &header.to_le_bytes(), name.as_bytes()]
                    .concat(),
            );
            bytes.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
        }
        let count = (files.len() as u16).to_le_bytes();
        let numbers = [(directory.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
        let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &numbers, &[0, 0]].concat();
        [bytes, directory, end].concat()
    }

    /// Everything in an archive, or the first problem.
    fn all(bytes: &[u8], limit: u64) -> Result<Vec<(String, Vec<u8>)>, ZipError> {
        let mut zip = Zip::open(Cursor::new(bytes))?;
        let entries = zip.entries.clone();
        entries.iter().map(|entry| Ok((entry.name.clone(), zip.read(entry, limit)?))).collect()
    }

    #[test]
    fn stored_and_deflated_files_are_read() {
        let long = vec![7; 100_000];
        for deflate in [false, true] {
            let files = [("a/b.txt", &b"hello"[..]), ("a/", b""), ("long", &long)];
            let got = all(&archive(&files, deflate), 1 << 20).unwrap();
            assert_eq!(got, [("a/b.txt".to_owned(), b"hello".to_vec()), ("long".to_owned(), long.clone())]);
        }
    }

    /// The archive with its sizes, places and counts in the ZIP64 fields alone.
    fn in_zip64(name: &str, contents: &[u8]) -> Vec<u8> {
        let plain = archive(&[(name, contents)], false);
        let directory = plain.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        let (mut bytes, end) = (plain[..directory].to_vec(), plain.len() - END);
        let mut entry = plain[directory..end].to_vec();
        let size = u64::from(u32_at(&entry, 24));
        let extra =
            [&[1, 0, 24, 0][..], &size.to_le_bytes(), &size.to_le_bytes(), &0u64.to_le_bytes()].concat();
        entry[20..28].fill(0xff);
        entry[42..46].fill(0xff);
        // Another extra field stands before it.
        entry[30] = (extra.len() + 6) as u8;
        entry.extend([&b"UT\x02\0ab"[..], &extra].concat());
        bytes.extend(&entry);
        let at = bytes.len() as u64;
        let sizes = [&44u64.to_le_bytes()[..], &[0; 12], &1u64.to_le_bytes(), &1u64.to_le_bytes()].concat();
        let places = [(entry.len() as u64).to_le_bytes(), (directory as u64).to_le_bytes()].concat();
        bytes.extend([b"PK\x06\x06", &sizes[..], &places].concat());
        bytes.extend([&b"PK\x06\x07\0\0\0\0"[..], &at.to_le_bytes(), &1u32.to_le_bytes()].concat());
        bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0, 0]].concat());
        bytes
    }

    #[test]
    fn large_archives_have_their_numbers_elsewhere() {
        let bytes = in_zip64("d/a.txt", b"contents");
        assert_eq!(all(&bytes, 100).unwrap(), [("d/a.txt".to_owned(), b"contents".to_vec())]);
        let locator = bytes.windows(4).position(|w| w == b"PK\x06\x07").unwrap();
        let mut lost = bytes.clone();
        lost[locator + 8] ^= 1;
        assert!(all(&lost, 100).unwrap_err().problem.contains("ZIP64 end record"));
        let field = bytes.windows(4).position(|w| w == [1, 0, 24, 0]).unwrap();
        let mut lost = bytes;
        lost[field] = 2;
        assert!(all(&lost, 100).unwrap_err().problem.contains("no ZIP64 sizes"));
    }

    #[test]
    fn links_are_left_out() {
        let mut bytes = archive(&[("link", b"/etc/passwd"), ("file", b"x")], false);
        let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        // Made on Unix, with the mode of a symbolic link.
        bytes[directory + 5] = 3;
        bytes[directory + 40..directory + 42].copy_from_slice(&0o120_777u16.to_le_bytes());
        assert_eq!(all(&bytes, 100).unwrap(), [("file".to_owned(), b"x".to_vec())]);
    }

    #[test]
    fn problems_are_named() {
        let check = |change: &dyn Fn(&mut Vec<u8>), word: &str| {
            let mut bytes = archive(&[("name", &[5; 1000])], true);
            change(&mut bytes);
            let problem = all(&bytes, 1000).unwrap_err().to_string();
            assert!(problem.contains(word), "`{word}` is not in: {problem}");
        };
        check(&|b| b.clear(), "not a ZIP");
        check(&|b| b.truncate(b.len() - 1), "not a ZIP");
        let directory = |b: &[u8]| b.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        check(
            &|b| {
                let d = directory(b);
                b[d + 8] |= 1;
            },
            "encrypted",
        );
        check(
            &|b| {
                let d = directory(b);
                b[d + 10] = 14;
            },
            "method 14",
        );
        check(
            &|b| {
                let d = directory(b);
                b[d + 16] ^= 1;
            },
            "checksum",
        );
        check(
            &|b| {
                let d = directory(b);
                b[d + 26] = 9;
            },
            "more than 1000",
        );
        check(
            &|b| {
                let d = directory(b);
                b[d + 24] -= 1;
            },
            "another size",
        );
        check(
            &|b| {
                let d = directory(b);
                b[d + 42] = 1;
            },
            "no entry `name` begins here",
        );
        check(
            &|b| {
                let n = b.len();
                b[n - 6..n - 2].fill(0x7f);
            },
            "does not fit",
        );
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        // Zip bomb: declares 1,000 bytes, inflates to 50 MiB.
        let mut bytes = archive(&[("bomb", &vec![0; 50 << 20])], true);
        let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&1000u32.to_le_bytes());
        assert!(all(&bytes, 2000).unwrap_err().problem.contains("another size"));
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..400, value: u8, cut in 0usize..400, deflate: bool) {
            let mut bytes = archive(&[("one", b"first"), ("two", &[3; 80])], deflate);
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = all(&bytes, 1 << 16);
            bytes.truncate(cut);
            let _ = all(&bytes, 1 << 16);
        }
    }
}
