//! Checksums that the first download recorded, for files of which the manifest knows none.
//!
//! They stand in `checksums.sha256` in the data set's folder, in the format of `sha256sum`: later downloads and loads must
//! meet them, and `sha256sum -c checksums.sha256` checks them without us.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use taskset_files::{open_regular, write_atomically};

use crate::Error;

/// Name of the file with the checksums.
const FILE: &str = "checksums.sha256";
/// Largest such file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The recorded checksums of a folder, by file name.
///
/// # Errors
/// A failure of the system; a file that is not of this form.
pub(crate) fn read(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let path = folder.join(FILE);
    let io = |source| Error::Io { path: path.clone(), source };
    let file = match open_regular(&path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(BTreeMap::new());
        }
        Err(source) => return Err(io(source)),
    };
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Error::TooLarge { path, problem: format!("more than {MAX_BYTES} bytes of checksums") });
    }
    let mut offset = 0;
    let mut sums = BTreeMap::new();
    for line in text.lines() {
        match line.split_once("  ") {
            Some((sum, name)) if sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()) => {
                sums.insert(name.to_owned(), sum.to_ascii_lowercase());
            }
            _ => {
                let problem = "not a line of `sha256sum`".to_owned();
                return Err(Error::Corrupt { path, offset, problem });
            }
        }
        offset += line.len() as u64 + 1;
    }
    Ok(sums)
}

/// The recorded checksum of a file, if there is one.
pub(crate) fn of(path: &Path) -> Result<Option<String>, Error> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    Ok(read(folder)?.remove(&*name.to_string_lossy()))
}

/// Records a checksum, in the folder of the file.
#[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "only downloads record checksums"))]
pub(crate) fn record(path: &Path, sha256: &str) -> Result<(), Error> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let mut sums = read(folder)?;
    sums.insert(name.to_string_lossy().into_owned(), sha256.to_owned());
    let text: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    let path = folder.join(FILE);
    if path.is_symlink() {
        // What it leads to is not ours to replace.
        let source =
            std::io::Error::new(ErrorKind::InvalidInput, "it is a link, and is left as it is; remove it");
        return Err(Error::Write { path, source });
    }
    write_atomically(&path, text.as_bytes()).map_err(|source| Error::Write { path, source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_is_recorded_is_found() {
        let folder = TempDir::new().unwrap();
        let (a, b) = (folder.path().join("a.zip"), folder.path().join("b c.zip"));
        assert_eq!(of(&a).unwrap(), None);
        record(&b, &"b".repeat(64)).unwrap();
        record(&a, &"a".repeat(64)).unwrap();
        assert_eq!([of(&a).unwrap(), of(&b).unwrap()], [Some("a".repeat(64)), Some("b".repeat(64))]);
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.starts_with(&format!("{}  a.zip\n", "a".repeat(64))));
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_left_alone() {
        let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let victim = other.path().join("victim");
        fs::write(&victim, "").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join(FILE)).unwrap();
        let error = record(&folder.path().join("a.zip"), &"a".repeat(64)).unwrap_err();
        assert!(
            taskset_names::in_full(&error).contains("checksums.sha256: cannot be written: it is a link"),
            "{error}"
        );
        assert_eq!(fs::read(&victim).unwrap(), b"");
    }

    #[test]
    fn other_files_are_refused() {
        let folder = TempDir::new().unwrap();
        for text in ["hello\n", "abc  name\n"] {
            fs::write(folder.path().join(FILE), text).unwrap();
            assert!(matches!(read(folder.path()), Err(Error::Corrupt { offset: 0, .. })), "{text}");
        }
    }
}
