//! Files that are whole or absent: written beside, synced, renamed.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::NamedTempFile;

/// Files that are being written have names that begin so. They are hidden, so no listing finds them.
pub const TEMPORARY_PREFIX: &str = ".writing-";

/// A temporary file of this age is locked by its writer, or left by one that was killed.
const LEFT_AFTER: Duration = Duration::from_secs(60);

/// The temporary files that this process is writing.
static IN_WORK: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// How often a small file is written anew whose temporary file another process has removed.
const WRITE_TRIES: u32 = 4;

/// A file that gets its name when it is complete. Dropped before, it leaves nothing behind.
///
/// While it is written it has a hidden name that cannot be guessed, in the folder of its final place, and is locked: that
/// tells a file in work from one that a killed process left ([`remove_left_overs`]). File systems without locks go without.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
    _in_work: InWork,
}

/// The entry of a temporary file among those in work, for as long as it is written.
#[derive(Debug)]
struct InWork(PathBuf);

impl InWork {
    fn new(path: &Path) -> Self {
        in_work().insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        in_work().remove(&self.0);
    }
}

fn in_work() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    IN_WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files that this process is still writing: for a program that ends while other threads write. Nothing
/// can be finished afterwards.
pub fn give_up_unfinished() {
    let mut in_work = in_work();
    for path in std::mem::take(&mut *in_work) {
        // One that was just renamed is no longer there.
        let _ = std::fs::remove_file(path);
    }
    // Nobody starts another file before the process ends.
    std::mem::forget(in_work);
}

impl AtomicFile {
    /// Starts the file that will be `target`. The folder must exist. A link is followed: the file that it leads to is replaced.
    ///
    /// # Errors
    /// What the system answers if nothing can be written there; [`io::ErrorKind::InvalidInput`] if there is something that is
    /// not a regular file (a folder, a pipe, a device), which renaming would destroy, or a link that leads nowhere.
    pub fn create(target: &Path) -> io::Result<Self> {
        let target = resolved(target)?;
        Self::start(&target)
    }

    fn start(target: &Path) -> io::Result<Self> {
        let folder = folder_of(target);
        // Whoever was killed here before left its file. That it cannot be removed is no reason not to write.
        let _ = remove(folder, LEFT_AFTER);
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY_PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Readable like any other file under the process's umask, not by its owner alone.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        loop {
            let file = builder.tempfile_in(folder)?;
            // Before it is locked, another process may take it for a left-over, and then removes it. Where files cannot be
            // locked, nobody removes any.
            let taken = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
            if !taken && file.path().exists() {
                let in_work = InWork::new(file.path());
                let file = BufWriter::with_capacity(1 << 16, file);
                return Ok(Self { file, target: target.to_owned(), _in_work: in_work });
            }
        }
    }

    /// Reads bytes that were written before; what follows is again appended.
    ///
    /// # Errors
    /// What the system answers; [`io::ErrorKind::UnexpectedEof`] if there are not so many.
    pub fn read_back(&mut self, position: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(position))?;
        let read = self.file.get_mut().read_exact(bytes);
        self.file.seek(SeekFrom::End(0))?;
        read
    }

    /// Replaces bytes that were written before; what follows is again appended.
    ///
    /// # Errors
    /// What the system answers.
    pub fn overwrite(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(position))?;
        self.file.write_all(bytes)?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Gives the file its name, when all of it is on the disk, in place of an older file of that name.
    ///
    /// # Errors
    /// What the system answers; an older file is then as it was. [`io::ErrorKind::NotFound`] if the temporary file was
    /// removed meanwhile.
    pub fn commit(self) -> io::Result<()> {
        let target = self.target.clone();
        self.synced()?.persist(&target).map_err(|e| e.error)?;
        sync_folder(folder_of(&target))
    }

    /// The same, unless something of that name is there already: then that stays as it is, and the answer is false. Of several
    /// writers of one name, one succeeds.
    ///
    /// # Errors
    /// As [`AtomicFile::commit`].
    pub fn commit_new(self) -> io::Result<bool> {
        let target = self.target.clone();
        let file = self.synced()?;
        match file.persist_noclobber(&target) {
            Ok(_) => sync_folder(folder_of(&target)).map(|()| true),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(e.error),
        }
    }

    /// The temporary file, when all of it is on the disk.
    fn synced(self) -> io::Result<NamedTempFile> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok(file)
    }
}

/// Where a file of this name really lies.
fn resolved(target: &Path) -> io::Result<PathBuf> {
    let refuse = |what: &str| {
        let message = format!("what is there is {what}, and is left as it is");
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    };
    match std::fs::metadata(target) {
        Ok(metadata) if metadata.is_dir() => refuse("a folder"),
        Ok(metadata) if !metadata.is_file() => refuse("not a regular file"),
        Ok(_) if target.is_symlink() => std::fs::canonicalize(target),
        Err(_) if target.is_symlink() => refuse("a link that leads nowhere"),
        _ => Ok(target.to_owned()),
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Puts bytes at `path` so that a reader sees all of them or no file, even after a power cut.
///
/// # Errors
/// What the system answers; an older file at `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_and(path, bytes, |_| (), AtomicFile::commit)
}

/// The same, unless something of that name is there already: then that stays as it is, and the answer is false. Of several
/// writers of one name, one succeeds.
///
/// # Errors
/// What the system answers.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    write_and(path, bytes, |_| (), AtomicFile::commit_new)
}

/// Writes beside, calls `written` with the temporary file's path, and gives the file its name; all of it again if the temporary
/// file is gone by then: another process took it for a left-over before it was locked.
fn write_and<T>(
    path: &Path,
    bytes: &[u8],
    mut written: impl FnMut(&Path),
    commit: impl Fn(AtomicFile) -> io::Result<T>,
) -> io::Result<T> {
    let mut tries = 1;
    loop {
        let mut file = AtomicFile::create(path)?;
        file.write_all(bytes)?;
        file.flush()?;
        written(file.file.get_ref().path());
        match commit(file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && tries < WRITE_TRIES => tries += 1,
            result => return result,
        }
    }
}

/// Removes from a folder the temporary files whose writers are gone: a living writer holds a lock on its file. Starting a file
/// removes those of a minute and more by itself.
///
/// # Errors
/// What the system answers if the folder cannot be listed or a file cannot be removed.
pub fn remove_left_overs(folder: &Path) -> io::Result<()> {
    remove(folder, Duration::ZERO)
}

/// Removes left-overs that nobody has written to for so long.
fn remove(folder: &Path, least_age: Duration) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Only a regular file is ours: a link could lead anywhere, a pipe would be waited for.
        let ours = entry.file_name().as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes());
        if !ours || !entry.file_type()?.is_file() {
            continue;
        }
        // A file that vanished meanwhile was renamed by its writer.
        let Ok(left) = File::open(entry.path()) else { continue };
        let age = left.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age >= least_age
            && left.try_lock().is_ok()
            && let Err(e) = std::fs::remove_file(entry.path())
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(e);
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn starting_a_file_removes_what_killed_writers_left() {
        let dir = tempfile::tempdir().unwrap();
        let left = |name: &str, age: Duration| {
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
        };
        left(".writing-old", 2 * LEFT_AFTER);
        left(".writing-new", Duration::ZERO);
        let old_but_in_work = File::create(dir.path().join(".writing-work")).unwrap();
        old_but_in_work.set_modified(std::time::SystemTime::now() - 2 * LEFT_AFTER).unwrap();
        old_but_in_work.lock().unwrap();
        write_atomically(&dir.path().join("f"), b"").unwrap();
        assert_eq!(names(dir.path()), [".writing-new", ".writing-work", "f"]);
    }

    #[test]
    fn writing_replaces_leaves_nothing_else_and_is_readable_by_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for text in ["one", "two"] {
            write_atomically(&path, text.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(names(dir.path()), ["f"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let plain = dir.path().join("plain");
            std::fs::write(&plain, "").unwrap();
            let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
            assert_eq!(mode(&path), mode(&plain));
        }
        let error = write_atomically(&dir.path().join("absent/f"), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_new_file_replaces_nothing_and_one_of_many_writers_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let wrote = |text: &str| write_new(&path, text.as_bytes()).unwrap();
        let winners = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|n| scope.spawn(move || (n, wrote(&n.to_string())))).collect();
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .filter(|(_, wrote)| *wrote)
                .collect::<Vec<_>>()
        });
        let [(winner, _)] = winners[..] else { panic!("{winners:?}") };
        assert_eq!(std::fs::read_to_string(&path).unwrap(), winner.to_string());
        assert!(!wrote("later"));
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn written_bytes_can_be_replaced_before_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"0123456789").unwrap();
        file.overwrite(3, b"ab").unwrap();
        let mut back = [0; 4];
        file.read_back(2, &mut back).unwrap();
        assert_eq!(&back, b"2ab5");
        assert_eq!(file.read_back(9, &mut back).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        file.write_all(b"!").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"012ab56789!");
        drop(AtomicFile::create(&path).unwrap());
        assert_eq!(names(dir.path()), ["f"], "a file that is given up leaves nothing");
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_replaced_and_links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("folder")).unwrap();
        assert_eq!(write_atomically(&path("folder"), b"x").unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(write_atomically(Path::new("/dev/null"), b"x").is_err());
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        std::fs::write(path("whole"), "old").unwrap();
        std::os::unix::fs::symlink(path("whole"), path("link")).unwrap();
        write_atomically(&path("link"), b"new").unwrap();
        assert!(path("link").is_symlink());
        assert_eq!(std::fs::read(path("whole")).unwrap(), b"new");
        std::os::unix::fs::symlink(path("gone"), path("nowhere")).unwrap();
        assert!(write_atomically(&path("nowhere"), b"x").is_err());
    }

    #[test]
    fn a_write_whose_temporary_file_is_removed_starts_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let check = |removals: u32| {
            let mut left = removals;
            let remove = |temporary: &Path| {
                if left > 0 {
                    left -= 1;
                    std::fs::remove_file(temporary).unwrap();
                }
            };
            write_and(&path, removals.to_string().as_bytes(), remove, AtomicFile::commit)
        };
        for removals in 0..WRITE_TRIES {
            check(removals).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), removals.to_string());
        }
        assert_eq!(check(WRITE_TRIES).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), (WRITE_TRIES - 1).to_string());
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn many_writers_at_once_keep_their_files() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let path = dir.path().join(format!("{}", thread % 2));
                scope.spawn(move || {
                    for _ in 0..30 {
                        remove_left_overs(path.parent().unwrap()).unwrap();
                        AtomicFile::create(&path).unwrap().commit().unwrap();
                    }
                });
            }
        });
        assert_eq!(names(dir.path()), ["0", "1"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_neither_followed_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join(".writing-planted")).unwrap();
        remove_left_overs(dir.path()).unwrap();
        write_atomically(&dir.path().join("f"), b"x").unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        assert!(dir.path().join(".writing-planted").is_symlink());
    }

    #[test]
    fn left_overs_are_removed_and_files_in_work_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".writing-dead"), b"PAR1").unwrap();
        std::fs::write(dir.path().join("other"), b"").unwrap();
        let mut in_work = AtomicFile::create(&dir.path().join("f")).unwrap();
        in_work.write_all(b"x").unwrap();
        remove_left_overs(dir.path()).unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        in_work.commit().unwrap();
        assert_eq!(names(dir.path()), ["f", "other"]);
    }
}
