//! Vocabulary files of TFDS (`*.subwords`): two header lines, then a subword a line in single quotes.

use std::io::Read as _;
use std::path::Path;

use crate::Error;

use super::encoder::SubwordEncoder;

const HEADER: &str = "### SubwordTextEncoder";
const METADATA: &str = "### Metadata: ";
/// More bytes than any vocabulary with ids below 30,000 needs.
const MAX_BYTES: u64 = 16 << 20;

impl SubwordEncoder {
    /// The contents of the vocabulary file, byte for byte as TFDS 1.3.0 writes it.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if a subword holds a line feed, which the format cannot express. No source of TaskSet has
    /// one: their examples are lines or files of one line.
    pub fn to_file_contents(&self) -> Result<String, Error> {
        let mut contents = format!("{HEADER}\n{METADATA}{{}}\n");
        for subword in self.subwords() {
            if subword.contains('\n') {
                let problem = format!("{subword:?} holds a line feed, which a vocabulary file cannot");
                return Err(Error::Vocabulary { problem });
            }
            contents.push('\'');
            contents.push_str(subword);
            contents.push_str("'\n");
        }
        Ok(contents)
    }

    /// Reads a vocabulary file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::MalformedText`] with the line if the file is not a subword vocabulary; [`Error::InvalidUtf8`];
    /// [`Error::Vocabulary`] if the subwords cannot be numbered.
    pub fn read_file(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let malformed = |line: usize, problem: String| Error::MalformedText {
            path: path.to_owned(),
            line: line as u64,
            problem,
        };
        let mut file = taskset_files::open_regular(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        if size > MAX_BYTES {
            return Err(malformed(0, format!("{size} bytes, more than any vocabulary needs")));
        }
        let mut contents = Vec::new();
        file.read_to_end(&mut contents).map_err(io)?;
        let contents = String::from_utf8(contents).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
            Error::InvalidUtf8 { path: path.to_owned(), line, offset: before.len() as u64 }
        })?;
        let mut lines = contents.split('\n').enumerate();
        if lines.next().is_none_or(|(_, line)| line != HEADER) {
            return Err(malformed(1, format!("expected `{HEADER}`")));
        }
        if lines.next().is_none_or(|(_, line)| !line.starts_with(METADATA)) {
            return Err(malformed(2, format!("expected `{METADATA}`")));
        }
        let mut subwords = Vec::new();
        let last = contents.split('\n').count() - 1;
        for (i, line) in lines {
            match line.strip_prefix('\'').and_then(|line| line.strip_suffix('\'')) {
                Some(subword) => subwords.push(subword.to_owned()),
                None if i == last && line.is_empty() => {}
                None => return Err(malformed(i + 1, "expected a subword in single quotes".to_owned())),
            }
        }
        Self::new(subwords)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    fn read(contents: &[u8]) -> Result<SubwordEncoder, Error> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("v.subwords");
        std::fs::write(&path, contents).unwrap();
        SubwordEncoder::read_file(&path)
    }

    #[test]
    fn files_are_those_of_tfds() {
        let encoder = SubwordEncoder::new(["the_", "'s", "é"].map(str::to_owned)).unwrap();
        let contents = "### SubwordTextEncoder\n### Metadata: {}\n'the_'\n''s'\n'é'\n";
        assert_eq!(encoder.to_file_contents().unwrap(), contents);
        assert_eq!(read(contents.as_bytes()).unwrap().subwords(), encoder.subwords());
        let broken = SubwordEncoder::new(["a\nb".to_owned()]).unwrap();
        assert!(broken.to_file_contents().unwrap_err().to_string().contains("line feed"));
    }

    #[test]
    fn other_files_are_refused_with_the_line() {
        let check = |contents: &[u8], word: &str| {
            let message = read(contents).unwrap_err().to_string();
            assert!(message.contains(word), "`{word}` is not in: {message}");
        };
        check(b"", "line 1");
        check(b"### TokenTextEncoder\n", "line 1");
        check(b"### SubwordTextEncoder\n'a'\n", "line 2");
        check(b"### SubwordTextEncoder\n### Metadata: {}\n'a'\nb\n", "line 4");
        check(b"### SubwordTextEncoder\n### Metadata: {}\n'\n", "line 3");
        check(b"### SubwordTextEncoder\n### Metadata: {}\n\n'a'\n", "line 3");
        check(b"### SubwordTextEncoder\n### Metadata: {}\n'\xff'\n", "line 3");
        check(b"### SubwordTextEncoder\n### Metadata: {}\n'a'\n'a'\n", "occurs twice");
    }

    proptest! {
        #[test]
        fn writing_and_reading_again_changes_nothing(subwords in proptest::collection::btree_set("[^\n]{1,8}", 0..20)) {
            let encoder = SubwordEncoder::new(subwords).unwrap();
            let again = read(encoder.to_file_contents().unwrap().as_bytes()).unwrap();
            prop_assert_eq!(again.subwords(), encoder.subwords());
        }

        #[test]
        fn no_file_makes_it_panic(contents in proptest::collection::vec(any::<u8>(), 0..60), header: bool) {
            let head: &[u8] = if header { b"### SubwordTextEncoder\n### Metadata: {}\n" } else { b"" };
            let _ = read(&[head, &contents].concat());
        }
    }
}
