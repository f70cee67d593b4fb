//! A reader of tar streams for hostile input: regular files of the ustar, GNU and pax formats; nothing is written.
//!
//! Links are left out: what they lead to is in the archive itself, or is none of its files. Sparse files, whose contents are
//! not stored as they are, are refused.

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
        let mut pax = Pax::default();
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
            let Some(own_size) = number(&block[124..136]) else {
                return self.fail(start, "the size of an entry is not a number");
            };
            // A pax header tells the size of the entry behind it, not that of another header.
            let is_header = matches!(block[156], b'L' | b'K' | b'x' | b'g');
            let size = pax.size.filter(|_| !is_header).unwrap_or(own_size);
            match block[156] {
                b'S' => {
                    let name = long_name.take().unwrap_or_else(|| ustar_name(&block));
                    return self.fail(start, &sparse(&name));
                }
                b'0' | b'7' | 0 => {
                    let name = pax.path.take().or(long_name.take()).unwrap_or_else(|| ustar_name(&block));
                    if pax.sparse {
                        return self.fail(start, &sparse(&name));
                    }
                    pax = Pax::default();
                    // Before ustar, a slash at the end meant a folder.
                    if name.ends_with('/') {
                        self.skip(size)?;
                        continue;
                    }
                    return Ok(Some(TarEntry { name, size }));
                }
                b'L' | b'x' if size <= MAX_NAME => {
                    let contents = self.read(size)?;
                    if block[156] == b'L' {
                        long_name = Some(text(&contents));
                    } else if let Some(found) = Pax::parse(&contents) {
                        pax = found;
                    } else {
                        return self.fail(start, "a damaged pax header");
                    }
                }
                b'L' | b'x' => return self.fail(start, "a name of more than 65,536 bytes"),
                // Folders, links, devices and what else there is.
                _ => {
                    self.skip(size)?;
                    if !is_header {
                        (long_name, pax) = (None, Pax::default());
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

/// A number as headers have it: octal, or, if it is too large for that, binary behind a first bit of 1.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first()? {
        (&first, rest) if first & 0x80 != 0 => rest
            .iter()
            .try_fold(u64::from(first & 0x7f), |n, &byte| n.checked_mul(256).map(|n| n | u64::from(byte))),
        _ => octal(field),
    }
}

fn sparse(name: &str) -> String {
    format!("`{}` is a sparse file, which is not read; pack it without `--sparse`", name.escape_default())
}

/// What a pax header says of the entry behind it.
#[derive(Default)]
struct Pax {
    path: Option<String>,
    size: Option<u64>,
    sparse: bool,
}

impl Pax {
    /// Reads a list of records `<length> <key>=<value>`, each with a line feed at its end; none if it is not that.
    fn parse(mut contents: &[u8]) -> Option<Self> {
        let mut pax = Self::default();
        while !contents.is_empty() {
            let space = contents.iter().position(|&byte| byte == b' ')?;
            let length: usize = std::str::from_utf8(&contents[..space]).ok()?.parse().ok()?;
            let record = contents.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|&byte| byte == b'=')?;
            let (key, value) = (&record[..equals], String::from_utf8_lossy(&record[equals + 1..]));
            match key {
                b"path" => pax.path = Some(value.into_owned()),
                b"size" => pax.size = Some(value.parse().ok()?),
                key => pax.sparse |= key.starts_with(b"GNU.sparse."),
            }
            contents = &contents[length..];
        }
        Some(pax)
    }
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

    /// Gives a header another size field and the right checksum.
    fn with_size(mut entry: Vec<u8>, size: &[u8; 12]) -> Vec<u8> {
        entry[124..136].copy_from_slice(size);
        entry[148..156].fill(b' ');
        let sum: u64 = entry[..BLOCK].iter().map(|&b| u64::from(b)).sum();
        entry[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        entry
    }

    /// A record of a pax header.
    fn record(key: &str, value: &str) -> String {
        let mut length = key.len() + value.len() + 3;
        while length != key.len() + value.len() + 3 + length.to_string().len() {
            length = key.len() + value.len() + 3 + length.to_string().len();
        }
        format!("{length} {key}={value}\n")
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
        let pax = record("path", &format!("{long}x"));
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
    fn sizes_in_all_forms_are_read() {
        let read = |bytes: &[Vec<u8>]| all(&[bytes.concat(), vec![0; 2 * BLOCK]].concat());
        let expected = [("a".to_owned(), vec![5; 600])];
        let file = entry("a", &[5; 600], b'0');
        let binary = *b"\x80\0\0\0\0\0\0\0\0\0\x02\x58";
        assert_eq!(read(&[with_size(file.clone(), &binary)]).unwrap(), expected);
        assert_eq!(read(&[with_size(file.clone(), b" 1130       ")]).unwrap(), expected);
        // Of files beyond 8 GB some programs say the size in a pax header only.
        let pax = entry("pax", record("size", "600").as_bytes(), b'x');
        assert_eq!(read(&[pax, with_size(file.clone(), b"00000000000\0")]).unwrap(), expected);
        for size in [
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"no number   ",
            b"\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            let problem = read(&[with_size(file.clone(), size)]).unwrap_err();
            assert!(problem.problem.contains("not a number"), "{problem:?}");
        }
        let most = b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff";
        assert!(read(&[with_size(file, most)]).unwrap_err().problem.contains("within a file"));
    }

    #[test]
    fn names_in_all_forms_are_read() {
        let read = |bytes: &[Vec<u8>]| {
            let files = all(&[bytes.concat(), vec![0; 2 * BLOCK]].concat()).unwrap();
            files.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let file = |name: &str| entry(name, b"x", b'0');
        // Records of any order, and a value with a line feed and an equals sign.
        let records = [record("mtime", "1.5"), record("path", "d/a\nb=c"), record("uid", "0")].concat();
        assert_eq!(read(&[entry("pax", records.as_bytes(), b'x'), file("short")]), ["d/a\nb=c"]);
        // It holds for one entry; what holds for all has no name.
        let global = entry("pax", record("path", "never").as_bytes(), b'g');
        let one = entry("pax", record("path", "long").as_bytes(), b'x');
        assert_eq!(read(&[global, one, file("a"), file("b")]), ["long", "b"]);
        // A long name, and the long target of a link before it.
        let link = [entry("././@LongLink", b"target", b'K'), entry("././@LongLink", b"name", b'L')].concat();
        assert_eq!(read(&[link, entry("l", b"", b'2'), file("a")]), ["a"]);
        let contiguous = entry("c", b"x", b'7');
        assert_eq!(read(&[contiguous, file("./a"), file("/b"), file("../c")]), ["c", "./a", "/b", "../c"]);
        let prefix = |magic: &[u8; 8]| {
            let mut block = file("name");
            block[257..265].copy_from_slice(magic);
            block[345..351].copy_from_slice(b"prefix");
            let size = block[124..136].try_into().unwrap();
            with_size(block, &size)
        };
        assert_eq!(read(&[prefix(b"ustar\x0000"), prefix(b"ustar  \0")]), ["prefix/name", "name"]);
    }

    #[test]
    fn links_are_left_out_and_sparse_files_are_refused() {
        let end = vec![0; 2 * BLOCK];
        let mut link = entry("link", b"", b'2');
        link[157..168].copy_from_slice(b"/etc/passwd");
        let size = link[124..136].try_into().unwrap();
        let links = [
            with_size(link, &size),
            entry("hard", b"", b'1'),
            entry("pipe", b"", b'6'),
            entry("dev", b"", b'3'),
        ];
        let files = all(&[links.concat(), archive(&[("a", b"x")])].concat()).unwrap();
        assert_eq!(files, [("a".to_owned(), b"x".to_vec())]);
        let sparse = entry("holes", b"x", b'S');
        let pax = record("GNU.sparse.major", "1") + &record("GNU.sparse.name", "holes");
        let in_pax =
            [entry("pax", pax.as_bytes(), b'x'), entry("GNUSparseFile.0/holes", b"x", b'0')].concat();
        for bytes in [sparse, in_pax] {
            let problem = all(&[bytes, end.clone()].concat()).unwrap_err().problem;
            assert!(problem.contains("holes` is a sparse file"), "{problem}");
        }
        for broken in ["9 path=a", "x path=a\n", "99 path=a\n", "11 pathless\n", "10 size=x\n", "0 path=a\n"]
        {
            let bytes = [entry("pax", broken.as_bytes(), b'x'), entry("a", b"", b'0'), end.clone()].concat();
            assert!(all(&bytes).unwrap_err().problem.contains("damaged pax header"), "{broken}");
        }
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
