//! Claims by locks on files of `claims/`, for directories whose file system has locks. The system gives a lock up when its process
//! dies, so no claim is ever stale, and no process needs to say that it lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Claim, Claimant};

/// What came of an attempt.
pub(super) enum Taken {
    /// The claim is ours.
    Ours(Claim),
    /// Another worker has it.
    Others,
    /// The file system has no locks.
    NoLocks,
}

/// Tries to take the claim at a path, and writes there who has it.
pub(super) fn take(path: PathBuf, claimant: &Claimant) -> io::Result<Taken> {
    let mut file = loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            // Whoever had it may have removed it between opening and locking. Then the lock keeps nobody away.
            Ok(()) if !is_at(&file, &path) => {}
            Ok(()) => break file,
            Err(TryLockError::WouldBlock) => return Ok(Taken::Others),
            Err(TryLockError::Error(_)) => return Ok(Taken::NoLocks),
        }
    };
    let text = serde_json::to_vec(claimant).unwrap_or_default();
    file.set_len(0).and_then(|()| file.write_all(&text))?;
    Ok(Taken::Ours(Claim::new(move |done| {
        if done {
            // Before the lock is given up, so that whoever takes it next looks for the shard, which is there.
            let _ = std::fs::remove_file(&path);
        }
        drop(file);
    })))
}

/// Who has the claim at a path; none if nobody has. One that vanished was given up.
pub(super) fn holder(path: &Path) -> Option<Claimant> {
    let mut file = File::open(path).ok()?;
    let locked = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    locked.then(|| claimant_of(&mut file)).flatten()
}

/// Whether an open file still has this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, named) = (file.metadata().map(identity), std::fs::metadata(path).map(identity));
    open.ok().is_some_and(|open| named.is_ok_and(|named| open == named))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

fn claimant_of(file: &mut File) -> Option<Claimant> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
