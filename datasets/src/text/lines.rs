//! Reading text files line by line, in bounded memory.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::files::{Located, Packing};

/// Longest line, and longest file that is one example, in bytes.
pub(crate) const MAX_LINE: usize = 16 << 20;
/// A gzip stream may grow by this factor, and by [`MAX_LINE`] beyond that; text grows by less than 20, a bomb by 1,000.
const MAX_GROWTH: u64 = 100;

/// Most bytes that may come out of a compressed file of `stored` bytes.
pub(crate) fn most_unpacked(stored: u64) -> u64 {
    stored.saturating_mul(MAX_GROWTH).saturating_add(MAX_LINE as u64)
}

/// The error for a compressed file out of which more comes.
pub(crate) fn bomb(path: &Path) -> Error {
    let reason = format!("it unpacks to more than {MAX_GROWTH} times its size");
    Error::DamagedGzip { path: path.to_owned(), reason }
}

/// The lines of a file, plain or compressed (`.gz`).
pub(crate) struct Lines {
    file: Located,
    reader: BufReader<Box<dyn Read>>,
    buffer: Vec<u8>,
    /// Number of the line that was read last, from 1.
    line: u64,
    /// Bytes before it.
    offset: u64,
    /// Bytes up to its end.
    read: u64,
    most: u64,
    /// Whether it has no line feed: the file ends there.
    cut: bool,
}

/// What some editors write at the beginning of UTF-8; it is no part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        if path.extension().is_some_and(|extension| extension == "bz2") {
            let problem =
                "compressed with bzip2, which this version cannot read; unpack it (bunzip2)".to_owned();
            return Err(Error::MalformedText { path: path.to_owned(), line: 0, problem });
        }
        let file = Located { path: path.to_owned(), packing: Packing::Published };
        let most = if file.is_gzip() { most_unpacked(file.bytes()?) } else { u64::MAX };
        let contents = file.contents()?;
        Ok(Self::new(file, contents, most))
    }

    /// The lines of what an archive holds at `path`.
    pub(crate) fn of(path: PathBuf, contents: Vec<u8>) -> Self {
        Self::new(Located { path, packing: Packing::Unpacked }, Box::new(Cursor::new(contents)), u64::MAX)
    }

    fn new(file: Located, contents: Box<dyn Read>, most: u64) -> Self {
        let reader = BufReader::with_capacity(1 << 16, contents);
        Self { file, reader, buffer: Vec::new(), line: 0, offset: 0, read: 0, most, cut: false }
    }

    /// The next line without its line feed; none at the end of the file.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`] (upstream fails on it, too), [`Error::MalformedText`] for a line beyond 16 MiB,
    /// [`Error::DamagedGzip`], [`Error::Io`].
    pub(crate) fn next(&mut self) -> Result<Option<&str>, Error> {
        self.buffer.clear();
        self.line += 1;
        self.offset = self.read;
        let mut limited = (&mut self.reader).take(MAX_LINE as u64 + 1);
        let n = limited.read_until(b'\n', &mut self.buffer).map_err(|source| self.file.io(source))?;
        if n == 0 {
            return Ok(None);
        }
        self.read += n as u64;
        if n > MAX_LINE {
            return Err(self.malformed(format!("longer than {MAX_LINE} bytes")));
        }
        if self.read > self.most {
            return Err(bomb(&self.file.path));
        }
        self.cut = self.buffer.pop_if(|last| *last == b'\n').is_none();
        if self.line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.buffer.drain(..BYTE_ORDER_MARK.len());
            self.offset = BYTE_ORDER_MARK.len() as u64;
        }
        match std::str::from_utf8(&self.buffer) {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(Error::InvalidUtf8 {
                path: self.file.path.clone(),
                line: self.line,
                offset: self.offset + error.valid_up_to() as u64,
            }),
        }
    }

    /// Whether the line that was read last has no line feed: the file ends there.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The error for what is wrong with the line that was read last.
    pub(crate) fn malformed(&self, problem: impl Into<String>) -> Error {
        Error::MalformedText { path: self.file.path.clone(), line: self.line, problem: problem.into() }
    }
}

/// A whole file as one text.
pub(crate) fn whole(path: &Path) -> Result<String, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = taskset_files::open_regular(path).map_err(io)?;
    file.take(MAX_LINE as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    text(path, bytes)
}

/// The contents of the file at `path` as one text.
pub(crate) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    if bytes.len() > MAX_LINE {
        let problem = format!("longer than {MAX_LINE} bytes, which no review is");
        return Err(Error::MalformedText { path: path.to_owned(), line: 0, problem });
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
        Error::InvalidUtf8 { path: path.to_owned(), line, offset: before.len() as u64 }
    })
}

/// Without the white space around it, as Python's `str.strip` has it.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// Files below `folder` that match a pattern of components with `*` for any characters, sorted component by component.
/// A folder that does not exist matches nothing.
pub(crate) fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, Error> {
    // Folders are in order, and so are the names that are added for each. There may be 25,000 of them: none is looked at
    // but by the listing that it comes from.
    let mut found = vec![(folder.to_owned(), false)];
    for component in pattern.split('/') {
        let mut below = Vec::new();
        for (folder, _) in found {
            if !component.contains('*') {
                let path = folder.join(component);
                match std::fs::metadata(&path) {
                    Ok(metadata) => below.push((path, metadata.is_file())),
                    Err(source) if absent(&source) => {}
                    Err(source) => return Err(Error::Io { path, source }),
                }
                continue;
            }
            let io = |source| Error::Io { path: folder.clone(), source };
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(source) if absent(&source) => continue,
                Err(source) => return Err(io(source)),
            };
            let mut names = Vec::new();
            for entry in entries {
                let entry = entry.map_err(io)?;
                let name = entry.file_name();
                if name.to_str().is_some_and(|name| fits(component, name)) {
                    let kind = entry.file_type().map_err(io)?;
                    names.push((name, kind.is_file() || kind.is_symlink() && entry.path().is_file()));
                }
            }
            names.sort_unstable();
            below.extend(names.into_iter().map(|(name, is_file)| (folder.join(name), is_file)));
        }
        found = below;
    }
    Ok(found.into_iter().filter_map(|(path, is_file)| is_file.then_some(path)).collect())
}

fn absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Whether a path, its components joined by `/`, fits a pattern of components.
pub(crate) fn path_fits(pattern: &str, path: &str) -> bool {
    let (patterns, names) = (pattern.split('/'), path.split('/'));
    patterns.clone().count() == names.clone().count()
        && patterns.zip(names).all(|(pattern, name)| fits(pattern, name))
}

/// Whether a name fits a pattern with `*`. Hidden files fit none.
fn fits(pattern: &str, name: &str) -> bool {
    let (mut parts, mut rest) = (pattern.split('*'), name);
    let first = parts.next().unwrap_or_default();
    if taskset_files::is_hidden(OsStr::new(name)) || !rest.starts_with(first) {
        return false;
    }
    rest = &rest[first.len()..];
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// All lines, or the message.
    fn lines(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path).map_err(|error| error.to_string())?;
        let mut all = Vec::new();
        while let Some(line) = lines.next().map_err(|error| error.to_string())? {
            all.push(line.to_owned());
        }
        Ok(all)
    }

    #[test]
    fn lines_end_with_line_feeds() {
        let check = |bytes: &[u8], expected: &[&str]| {
            assert_eq!(lines("f", bytes).unwrap(), expected);
            assert_eq!(lines("f.gz", &gzip(bytes)).unwrap(), expected);
        };
        check(b"", &[]);
        check(b"a\n\n b \r\nc", &["a", "", " b \r", "c"]);
        check("é\n東\n".as_bytes(), &["é", "東"]);
        check("\u{feff}é\n\u{feff}\n".as_bytes(), &["é", "\u{feff}"]);
        check("\u{feff}".as_bytes(), &[""]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let check = |name: &str, bytes: &[u8], words: &[&str]| {
            let Err(message) = lines(name, bytes) else { panic!("{name} was read") };
            words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is not in: {message}"));
        };
        check("f", b"good\nb\xffd\n", &["line 2", "byte 6", "UTF-8"]);
        check("f", b"\xef\xbb\xbfb\xffd\n", &["line 1", "byte 4", "UTF-8"]);
        check("f.gz", &gzip(b"good\nb\xffd\n"), &["f.gz", "line 2", "byte 6"]);
        check("f", &vec![b'a'; MAX_LINE + 1], &["line 1", "longer than"]);
        check("f.gz", b"text", &["damaged gzip"]);
        check(
            "f.gz",
            &gzip(&format!("{}\n", " ".repeat(1 << 16)).repeat(400).into_bytes()),
            &["100 times its size"],
        );
        check("f.bz2", b"BZh", &["bunzip2"]);
    }

    #[test]
    fn patterns_fit_names() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        };
        check("*", "anything", true);
        check("*", ".hidden", false);
        check("wiki_*", "wiki_00.gz", true);
        check("wiki_*", "wiki", false);
        check("news.en-*-of-00100", "news.en-00001-of-00100", true);
        check("news.en-*-of-00100", "news.en-00001-of-0010", false);
        check("a*b*c", "aXbYbc", true);
        check("a*b*c", "ac", false);
        check("abc", "abc", true);
        check("abc", "abcd", false);
    }

    #[test]
    fn files_are_found_in_order() {
        let folder = TempDir::new().unwrap();
        for name in [
            "AB/wiki_00",
            "AA/wiki_01",
            "AA/wiki_00.gz",
            "AA/.wiki_02",
            "AA/._wiki_01",
            "._AB/wiki_00",
            "AA/other",
            "wiki_03",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, []).unwrap();
        }
        let check = |pattern: &str, expected: &[&str]| {
            let found = matching(folder.path(), pattern).unwrap();
            let expected: Vec<PathBuf> = expected.iter().map(|name| folder.path().join(name)).collect();
            assert_eq!(found, expected, "{pattern}");
        };
        // A folder of that name is no file, and a pipe is not waited for.
        fs::create_dir(folder.path().join("AB/wiki_01")).unwrap();
        #[cfg(unix)]
        let _ = std::process::Command::new("mkfifo").arg(folder.path().join("AB/wiki_02")).status();
        check("*/wiki_*", &["AA/wiki_00.gz", "AA/wiki_01", "AB/wiki_00"]);
        check("AA/other", &["AA/other"]);
        check("AA", &[]);
        check("none/*", &[]);
        check("wiki_03/*", &[]);
    }
}
