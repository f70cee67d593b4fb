//! Writing prepared copies: whole or not at all, and without following what others planted.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use taskset_files::{AtomicFile, open_regular, remove_left_overs, write_atomically};

use super::{Digest256, HEADER};
use crate::Error;

/// Endings of what is written here.
const ENDINGS: [&str; 3] = ["images", "subwords", "tokens"];

/// Random letters and digits in the names of drafts of earlier versions.
const RANDOM: usize = 12;

/// Makes a folder in which something will be written, and removes from it what dead writers left.
fn open_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    // What cannot be looked at or removed stays.
    let _ = remove_left_overs(folder);
    remove_old_drafts(folder);
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A link in the place of a prepared copy is replaced, not followed: others may write in a shared folder, too.
fn remove_link(target: &Path) {
    if target.is_symlink() {
        let _ = fs::remove_file(target);
    }
}

/// Writes a file that is seen whole or not at all.
pub(crate) fn write_whole(target: &Path, contents: &[u8]) -> Result<(), Error> {
    open_folder(folder_of(target))?;
    remove_link(target);
    write_atomically(target, contents).map_err(|source| Error::Write { path: target.to_owned(), source })
}

/// Removes what earlier versions of the program left when they were killed: drafts that nobody locks.
fn remove_old_drafts(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.file_name().is_some_and(|name| is_old_draft(&name.to_string_lossy()))
            && !path.is_symlink()
            && let Ok(file) = open_regular(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a file has a name that earlier versions gave to drafts: `<target>.<random>.part`, or
/// `<target>.<process>-<number>.part`.
fn is_old_draft(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_random =
        |text: &str| text.len() == RANDOM && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let parts = name.strip_suffix(".part").and_then(|name| name.rsplit_once('.'));
    parts.is_some_and(|(target, own)| {
        let ending = target.rsplit('.').next().unwrap_or_default();
        let numbers = own.split_once('-').is_some_and(|(a, b)| is_number(a) && is_number(b));
        ENDINGS.contains(&ending) && (is_random(own) || numbers)
    })
}

/// A prepared copy in the making: its payload is appended, its header comes last. Dropped before it is finished, it leaves
/// nothing behind.
pub(crate) struct Writer {
    file: AtomicFile,
    target: PathBuf,
    /// Bytes that were written.
    length: u64,
    hash: Sha256,
}

impl Writer {
    /// Starts the file that will be `target`; makes its folder, and removes from it what dead writers left.
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        open_folder(folder_of(target))?;
        let write = |source| Error::Write { path: target.to_owned(), source };
        remove_link(target);
        let mut file = AtomicFile::create(target).map_err(write)?;
        file.write_all(&[0; HEADER]).map_err(write)?;
        Ok(Self { file, target: target.to_owned(), length: HEADER as u64, hash: Sha256::new() })
    }

    /// Appends to the payload.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.append(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| self.error(source))
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Write { path: self.target.clone(), source }
    }

    /// The same copy with only these pieces of the payload (where each begins, and its bytes), in this order.
    pub(crate) fn rearranged(mut self, pieces: impl IntoIterator<Item = (u64, u64)>) -> Result<Self, Error> {
        let mut to = Self::create(&self.target)?;
        let mut chunk = vec![0; 1 << 18];
        for (start, mut left) in pieces {
            let mut at = HEADER as u64 + start;
            while left > 0 {
                let n = left.min(chunk.len() as u64);
                let piece = &mut chunk[..n as usize];
                self.file.read_back(at, piece).map_err(|source| self.error(source))?;
                to.put(piece)?;
                (at, left) = (at + n, left - n);
            }
        }
        Ok(to)
    }

    /// Writes the header, given the SHA-256 of the payload, and gives the file its name. Returns the number of its bytes.
    pub(crate) fn finish(self, header: impl FnOnce(&Digest256) -> [u8; HEADER]) -> Result<u64, Error> {
        self.finish_with(&[], header)
    }

    /// As [`finish`](Self::finish), with these bytes behind the payload, which its SHA-256 does not cover.
    pub(crate) fn finish_with(
        mut self,
        behind: &[u8],
        header: impl FnOnce(&Digest256) -> [u8; HEADER],
    ) -> Result<u64, Error> {
        self.append(behind)?;
        let Self { mut file, target, length, hash } = self;
        let done = file.overwrite(0, &header(&hash.finalize().into())).and_then(|()| file.commit());
        done.map(|()| length).map_err(|source| Error::Write { path: target, source })
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::{Kind, Place};
    use super::*;

    const KIND: Kind = Kind { magic: *b"TESTING\0", version: 3, name: "nothing" };

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_written_is_read_and_pieces_can_be_rearranged() {
        let folder = TempDir::new().unwrap();
        let target = folder.path().join("x.tokens");
        let mut writer = Writer::create(&target).unwrap();
        writer.put(&[1; 70_000]).unwrap();
        writer.put(&[2, 3, 4, 5]).unwrap();
        let writer = writer.rearranged([(70_002, 2), (0, 70_000), (70_000, 2)]).unwrap();
        assert_eq!(names(&folder).len(), 1, "the first draft is gone");
        assert_eq!(
            writer.finish(|payload| KIND.header(&[7, 0, 0, 0], payload)).unwrap(),
            HEADER as u64 + 70_004
        );
        let place = Place::new(&target, "x");
        let map = place.map().unwrap();
        assert_eq!(
            (&map.bytes[HEADER..][..3], &map.bytes[HEADER..][70_000..]),
            (&[4, 5, 1][..], &[1, 1, 2, 3][..])
        );
        let header = KIND.parse(&map.bytes).unwrap();
        assert_eq!(header.word(12), 7);
        map.verify(place, HEADER..map.bytes.len(), &header.payload()).unwrap();
        assert_eq!(names(&folder), ["x.tokens"]);
    }

    #[test]
    fn drafts_of_dead_writers_are_removed_and_no_others() {
        let folder = TempDir::new().unwrap();
        let put = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        let others = [
            "movie.part",
            "notes.1-2.part",
            "x.csv.aB3dE6gH9jK2.part",
            "x.tokens",
            "x.tokens.1-2",
            "x.tokens.12.part",
            "x.tokens.a-b.part",
            "x.tokens.aB3dE6gH9jK.part",
        ];
        others.iter().for_each(|name| put(name));
        for name in [
            "imdb-0.tokens.999999-0.part",
            "mnist.images.1-17.part",
            "imdb-0.subwords.aB3dE6gH9jK2.part",
            ".writing-dead",
        ] {
            put(name);
        }
        let living = Writer::create(&folder.path().join("y.subwords")).unwrap();
        write_whole(&folder.path().join("z.subwords"), b"z").unwrap();
        let left = names(&folder);
        assert!(left[0].starts_with(".writing-"), "the draft of a living writer stays: {left:?}");
        assert_eq!(left[1..left.len() - 1], others);
        living.finish(|_| [0; HEADER]).unwrap();
        assert!(folder.path().join("y.subwords").is_file());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_that_was_planted_is_followed_or_waited_for() {
        use std::os::unix::fs::symlink;

        let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let victim = other.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let target = folder.path().join("x.images");
        for name in ["x.images.1-2.part", ".writing-x", "x.images", "x.subwords"] {
            symlink(&victim, folder.path().join(name)).unwrap();
        }
        let _ = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.tokens.1-2.part")).status();
        Writer::create(&target).unwrap().finish(|_| [0; HEADER]).unwrap();
        write_whole(&folder.path().join("x.subwords"), b"vocabulary").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(!target.is_symlink() && target.is_file());
    }
}
