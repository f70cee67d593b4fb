//! A reader of tar streams for hostile input: regular files of the ustar, GNU and pax formats; nothing is written.

use std::io::{self, Read};

/// Bytes of a header; contents are padded to multiples of it.
const BLOCK: usize = 512;
/// Longest name of a file, and longest pax header that is read for one.
const MAX_NAME: u64 = 1 << 16;

/// Most bytes behind the last file that are read.
const MAX_BEHIND: u64 = 64 << 20;

/// What is wrong with a tar stream, and at which byte of it.
#[derive(Debug)]
pub(crate) struct TarError {
    pub(crate) offset: u64,
    pub(crate) problem: String,
}

/// A tar stream, read entry by entry.
pub(crate) struct Tar<R> {
    source: R,
    offset: u64,
}

/// The header of a regular file.
pub(crate) struct TarEntry {
    /// Path as it stands in the archive: it may be absolute or contain `..`.
    pub(crate) name: String,
    /// Bytes of the contents.
    pub(crate) size: u64,
}

impl<R: Read> Tar<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, offset: 0 }
    }

    /// The next regular file; its contents must be taken by [`read`](Self::read) or [`skip`](Self::skip) before the next
    /// call. None at the end of the archive.
    pub(crate) fn next_file(&mut self) -> Result<Option<TarEntry>, TarError> {
        let mut long_name = None;
        loop {
            let start = self.offset;
            let block = self.take(BLOCK as u64)?;
            if block.is_empty() || block.iter().all(|&b| b == 0) {
                return Ok(None);
            }
            if block.len() < BLOCK {
                return self.fail(start, "the archive ends within a header");
            }
            let sum: u64 = block
                .iter()
                .enumerate()
                .map(|(i, &b)| if (148..156).contains(&i) { 32 } else { b.into() })
                .sum();
            if octal(&block[148..156]) != Some(sum) {
                return self.fail(start, "not a tar header (wrong checksum)");
            }
            let Some(size) = octal(&block[124..136]) else {
                return self.fail(start, "the size of an entry is not an octal number");
            };
            match block[156] {
                b'0' | 0 => {
                    let name = long_name.take().unwrap_or_else(|| ustar_name(&block));
                    // Before ustar, a slash at the end meant a folder.
                    if name.ends_with('/') {
                        self.skip(size)?;
                        continue;
                    }
                    return Ok(Some(TarEntry { name, size }));
                }
                b'L' | b'x' if size <= MAX_NAME => {
                    let contents = self.read(size)?;
                    let name = if block[156] == b'L' { Some(text(&contents)) } else { pax_path(&contents) };
                    long_name = name.or(long_name);
                }
                b'L' | b'x' => return self.fail(start, "a name of more than 65,536 bytes"),
                // Folders, links, devices and what else there is.
                _ => {
                    self.skip(size)?;
                    if block[156] != b'g' {
                        long_name = None;
                    }
                }
            }
        }
    }

    /// The contents of the current entry of `size` bytes.
    pub(crate) fn read(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        let start = self.offset;
        let contents = self.take(size)?;
        if (contents.len() as u64) < size {
            return self.fail(start, "the archive ends within a file");
        }
        self.skip_bytes(padding(size))?;
        Ok(contents)
    }

    /// Leaves out the contents of the current entry.
    pub(crate) fn skip(&mut self, size: u64) -> Result<(), TarError> {
        self.skip_bytes(size.saturating_add(padding(size)))
    }

    /// Reads what follows the last file, so that the decompressor comes to its checksum. It is little: zeros up to a full
    /// record of tape.
    pub(crate) fn finish(&mut self) -> Result<(), TarError> {
        let start = self.offset;
        io::copy(&mut (&mut self.source).take(MAX_BEHIND), &mut io::sink())
            .map(|_| ())
            .map_err(|source| TarError { offset: start, problem: source.to_string() })
    }

    fn skip_bytes(&mut self, len: u64) -> Result<(), TarError> {
        let start = self.offset;
        let skipped = io::copy(&mut (&mut self.source).take(len), &mut io::sink())
            .map_err(|source| TarError { offset: start, problem: source.to_string() })?;
        self.offset += skipped;
        if skipped < len { self.fail(start, "the archive ends within a file") } else { Ok(()) }
    }

    /// Up to `len` bytes. The declared length is not reserved.
    fn take(&mut self, len: u64) -> Result<Vec<u8>, TarError> {
        let start = self.offset;
        let mut bytes = Vec::new();
        (&mut self.source)
            .take(len)
            .read_to_end(&mut bytes)
            .map_err(|source| TarError { offset: start, problem: source.to_string() })?;
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }

    fn fail<T>(&self, offset: u64, problem: &str) -> Result<T, TarError> {
        Err(TarError { offset, problem: problem.to_owned() })
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// Text up to the first zero byte.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn ustar_name(block: &[u8]) -> String {
    let (name, prefix) = (text(&block[..100]), text(&block[345..500]));
    if prefix.is_empty() || block[257..262] != *b"ustar" || block[262] == b' ' {
        name
    } else {
        format!("{prefix}/{name}")
    }
}

/// An octal number with spaces or zero bytes around it.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = text(field);
    u64::from_str_radix(digits.trim_matches(' '), 8).ok()
}

/// The path in a pax header, a list of lines `<length> <key>=<value>`.
fn pax_path(contents: &[u8]) -> Option<String> {
    String::from_utf8_lossy(contents)
        .lines()
        .find_map(|line| line.split_once(' ')?.1.strip_prefix("path=").map(str::to_owned))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One entry of the given kind.
    fn entry(name: &str, contents: &[u8], kind: u8) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..136].copy_from_slice(format!("{:011o}\0", contents.len()).as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|&b| u64::from(b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.extend(contents);
        block.resize(block.len().next_multiple_of(BLOCK), 0);
        block
    }

    /// An archive of these files.
    pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let entries = files.iter().map(|(name, contents)| {
            if name.len() < 100 {
                entry(name, contents, b'0')
            } else {
                [entry("././@LongLink", name.as_bytes(), b'L'), entry("x", contents, b'0')].concat()
            }
        });
        entries.chain([vec![0; 2 * BLOCK]]).flatten().collect()
    }

    fn all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, TarError> {
        let mut tar = Tar::new(bytes);
        let mut files = Vec::new();
        while let Some(file) = tar.next_file()? {
            files.push((file.name, tar.read(file.size)?));
        }
        Ok(files)
    }

    #[test]
    fn files_with_short_and_long_names_are_read() {
        let long = "d/".repeat(60) + "f";
        let pax = format!("{} path={long}x\n", long.len() + 12);
        let bytes = [
            entry("folder/", b"", b'5'),
            entry("link", b"", b'2'),
            entry("pax", pax.as_bytes(), b'x'),
            entry("short", b"third", b'0'),
            archive(&[("a/b", b"first"), (&long, &[1; 600])]),
        ];
        let got = all(&bytes.concat()).unwrap();
        let expected = [
            (long.clone() + "x", b"third".to_vec()),
            ("a/b".into(), b"first".to_vec()),
            (long, vec![1; 600]),
        ];
        assert_eq!(got, expected);
    }

    #[test]
    fn problems_are_named() {
        let check = |bytes: &[u8], offset: u64, word: &str| {
            let problem = all(bytes).unwrap_err();
            assert!(problem.offset == offset && problem.problem.contains(word), "{problem:?}");
        };
        let good = archive(&[("a", &[1; 600])]);
        check(&good[..300], 0, "within a header");
        check(&good[..700], 512, "within a file");
        check(&good[..1200], 1112, "within a file");
        check(&[9; 512], 0, "checksum");
        let mut huge = entry("a", b"", b'0');
        huge[124..136].fill(b'7');
        huge[148..156].fill(b' ');
        let sum: u64 = huge.iter().map(|&b| u64::from(b)).sum();
        huge[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        check(&huge, 512, "within a file");
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..3000, value: u8, cut in 0usize..3000) {
            let mut bytes = archive(&[("one", b"first"), ("two", &[3; 600])]);
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = all(&bytes);
            bytes.truncate(cut);
            let _ = all(&bytes);
        }
    }
}
