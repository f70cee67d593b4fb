//! A reader of tar streams for hostile input: regular files of the ustar, GNU and pax formats; nothing is written.
//!
//! The crate `tar` reads a header. What follows headers is read here, because the crate keeps names of any length in memory
//! and does not read pax records with line feeds, which macOS writes (`docs/decisions/0006-kept-libraries.md`). Links are left
//! out: what they lead to is in the archive itself, or is none of its files. Sparse files, whose contents are not stored as
//! they are, are refused.

use std::io::{self, Read};

use tar::{EntryType, Header};

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
            let mut header = Header::new_old();
            header.as_mut_bytes().copy_from_slice(&block);
            if !has_its_checksum(&header) {
                return self.fail(start, "not a tar header (wrong checksum)");
            }
            let Ok(own_size) = header.entry_size() else {
                return self.fail(start, "the size of an entry is not a number");
            };
            let kind = header.entry_type();
            // A pax header tells the size of the entry behind it, not that of another header.
            let is_header = matches!(
                kind,
                EntryType::GNULongName
                    | EntryType::GNULongLink
                    | EntryType::XHeader
                    | EntryType::XGlobalHeader
            );
            let size = pax.size.filter(|_| !is_header).unwrap_or(own_size);
            match kind {
                EntryType::GNUSparse => {
                    let name = long_name.take().unwrap_or_else(|| text(&header.path_bytes()));
                    return self.fail(start, &sparse(&name));
                }
                EntryType::Regular | EntryType::Continuous => {
                    let name = pax.path.take().or(long_name.take());
                    let name = name.unwrap_or_else(|| text(&header.path_bytes()));
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
                EntryType::GNULongName | EntryType::XHeader if size > MAX_NAME => {
                    return self.fail(start, "a name of more than 65,536 bytes");
                }
                EntryType::GNULongName => long_name = Some(text(&self.read(size)?)),
                EntryType::XHeader => match Pax::parse(&self.read(size)?) {
                    Some(found) => pax = found,
                    None => return self.fail(start, "a damaged pax header"),
                },
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

fn has_its_checksum(header: &Header) -> bool {
    let mut right = header.clone();
    right.set_cksum();
    header.cksum().is_ok_and(|sum| right.cksum().is_ok_and(|right| sum == right))
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
        let mut header = Header::new_ustar();
        // Names are not looked at, as they would be by the library's own method.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(contents.len() as u64);
        header.set_entry_type(EntryType::new(kind));
        header.set_cksum();
        let mut block = [header.as_bytes(), contents].concat();
        block.resize(block.len().next_multiple_of(BLOCK), 0);
        block
    }

    /// Changes the header of an entry, and gives it the right checksum.
    fn changed(mut entry: Vec<u8>, change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&entry[..BLOCK]);
        change(header.as_mut_bytes());
        header.set_cksum();
        entry[..BLOCK].copy_from_slice(header.as_bytes());
        entry
    }

    /// Gives a header another size field.
    fn with_size(entry: Vec<u8>, size: &[u8; 12]) -> Vec<u8> {
        changed(entry, |header| header[124..136].copy_from_slice(size))
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
        for size in [b"no number   ", b"\0\0\0\0\0\0\0\0\0\0\0\0"] {
            let problem = read(&[with_size(file.clone(), size)]).unwrap_err();
            assert!(problem.problem.contains("not a number"), "{problem:?}");
        }
        for most in [b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", &[0xff; 12]] {
            let problem = read(&[with_size(file.clone(), most)]).unwrap_err();
            assert!(problem.problem.contains("within a file"), "{problem:?}");
        }
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
            changed(file("name"), |header| {
                header[257..265].copy_from_slice(magic);
                header[345..351].copy_from_slice(b"prefix");
            })
        };
        assert_eq!(read(&[prefix(b"ustar\x0000"), prefix(b"ustar  \0")]), ["prefix/name", "name"]);
    }

    #[test]
    fn links_are_left_out_and_sparse_files_are_refused() {
        let end = vec![0; 2 * BLOCK];
        let links = [
            changed(entry("link", b"", b'2'), |header| header[157..168].copy_from_slice(b"/etc/passwd")),
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
        check(&with_size(entry("a", b"", b'0'), &[b'7'; 12]), 512, "within a file");
        check(&with_size(entry("name", b"", b'L'), b"\x80\0\0\0\0\0\0\x01\0\0\0\0"), 0, "more than 65,536");
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
