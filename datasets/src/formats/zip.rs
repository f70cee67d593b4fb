//! ZIP archives as hostile input, read by the crate `zip` within our limits: stored and deflated entries, ZIP64; nothing is
//! written anywhere.
//!
//! Links are left out: their contents are a path. The directory of an archive has a largest size, contents have the size that
//! it declares and the right checksum, and no two files have the same name. Encrypted and multi-volume archives and other
//! methods are refused.

use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use zip::read::{ArchiveOffset, Config, ZipArchiveMetadata};
use zip::{CompressionMethod, ZipArchive, ZipReadOptions};

/// Bytes that are read at most to find and read the directory: that of half a million entries with names of ordinary
/// length. In memory it is about ten times as large.
const MAX_DIRECTORY: u64 = 64 << 20;

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

/// What the library says, without its first words where we have said them.
fn reason(error: &zip::result::ZipError) -> String {
    let text = error.to_string();
    text.strip_prefix("invalid Zip archive: ").map_or_else(|| text.clone(), str::to_owned)
}

/// A file in an archive.
#[derive(Clone, Debug)]
pub(crate) struct ZipEntry {
    /// Path in the archive, as it stands there: it may be absolute or contain `..`.
    pub(crate) name: String,
    /// Bytes of the contents.
    pub(crate) size: u64,
    /// Its place in the directory.
    index: usize,
    /// Where its own header begins.
    header: u64,
}

/// An archive whose directory has been read.
pub(crate) struct Zip<R> {
    source: R,
    directory: Arc<ZipArchiveMetadata>,
    pub(crate) entries: Vec<ZipEntry>,
}

impl<R: Read + Seek> Zip<R> {
    /// Reads the directory. Entries of folders and of symbolic links are left out.
    pub(crate) fn open(source: R) -> Result<Self, ZipError> {
        Self::open_within(source, MAX_DIRECTORY)
    }

    /// The same, and at most so many bytes are read.
    fn open_within(mut source: R, most: u64) -> Result<Self, ZipError> {
        let len = source.seek(SeekFrom::End(0)).or_else(|e| error(0, e.to_string()))?;
        // Nothing stands before an archive: otherwise all of it would be searched for its beginning.
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let limited = BufReader::new(Limited { source, left: most });
        let archive = ZipArchive::with_config(config, limited).or_else(|e| {
            error(len, format!("not a ZIP archive, or its end or directory is damaged: {}", reason(&e)))
        })?;
        let directory = archive.metadata();
        if directory.has_duplicate_names() {
            return error(archive.central_directory_start(), "two entries have the same name");
        }
        let mut entries = Vec::new();
        for index in 0..directory.len() {
            let entry = directory.entry(index).or_else(|e| error(len, reason(&e)))?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let offset = entry.central_header_start();
            if entry.encrypted() {
                return error(offset, format!("`{name}` is encrypted"));
            }
            match entry.compression() {
                CompressionMethod::Stored if entry.size() != entry.compressed_size() => {
                    return error(offset, format!("`{name}` has impossible sizes"));
                }
                CompressionMethod::Stored | CompressionMethod::Deflated => {}
                other => {
                    return error(
                        offset,
                        format!(
                            "`{name}` is packed by the method {other}; only stored and deflated files are read"
                        ),
                    );
                }
            }
            if !name.ends_with('/') && !entry.is_symlink() {
                entries.push(ZipEntry { name, size: entry.size(), index, header: entry.header_start() });
            }
        }
        Ok(Self { source: archive.into_inner().into_inner().source, directory, entries })
    }

    /// The contents of an entry, which may have at most `limit` bytes.
    pub(crate) fn read(&mut self, entry: &ZipEntry, limit: u64) -> Result<Vec<u8>, ZipError> {
        let ZipEntry { name, size, index, header } = entry;
        if *size > limit {
            return error(*header, format!("`{name}` has {size} bytes, more than {limit}"));
        }
        let found = self.directory.entry(*index).or_else(|e| error(*header, reason(&e)))?;
        let file = found
            .with_reader(&mut self.source, ZipReadOptions::new())
            .or_else(|e| error(*header, format!("no entry `{name}` begins here: {}", reason(&e))))?;
        // The declared size is not reserved: a small archive may declare anything.
        let mut contents = Vec::with_capacity((*size).min(1 << 20) as usize);
        let other = |what: &str| {
            error(
                *header,
                format!("the contents of `{name}` have another size or checksum than declared{what}"),
            )
        };
        match file.take(size.saturating_add(1)).read_to_end(&mut contents) {
            Ok(_) if contents.len() as u64 == *size => Ok(contents),
            Ok(_) => other(""),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => other(&format!(": {e}")),
            Err(e) => error(*header, format!("`{name}` cannot be read: {e}")),
        }
    }
}

/// A source of which no more than a number of bytes is read.
struct Limited<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !into.is_empty() {
            return Err(io::Error::other("the directory is larger than any that is read"));
        }
        let most = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.source.read(&mut into[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Limited<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::write::DeflateEncoder;
    use flate2::{Compression, Crc};
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
        let (mut bytes, end) = (plain[..directory].to_vec(), plain.len() - 22);
        let mut entry = plain[directory..end].to_vec();
        let size = contents.len() as u64;
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
        assert!(all(&lost, 100).unwrap_err().problem.contains("EOCD64"));
        let field = bytes.windows(4).position(|w| w == [1, 0, 24, 0]).unwrap();
        let mut lost = bytes;
        lost[field] = 2;
        assert!(all(&lost, 100).unwrap_err().problem.contains("has 4294967295 bytes, more than 100"));
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
            "packed by the method Lzma",
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
            "Invalid CDFH offset",
        );
    }

    #[test]
    fn large_directories_and_names_that_come_twice_are_refused() {
        let names: Vec<String> = (0..1000).map(|i| format!("{i:0100}")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&name[..], &b"x"[..])).collect();
        let bytes = archive(&files, false);
        let open = |most| Zip::open_within(Cursor::new(&bytes), most).map(|zip| zip.entries.len());
        assert_eq!(open(300_000).unwrap(), 1000);
        let problem = open(100_000).unwrap_err().problem;
        assert!(problem.contains("larger than any"), "{problem}");
        let twice = archive(&[("a", b"first"), ("b", b""), ("a", b"second")], true);
        assert!(all(&twice, 100).unwrap_err().problem.contains("the same name"));
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
