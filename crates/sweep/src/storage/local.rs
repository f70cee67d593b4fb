//! A directory of a file system, which several machines may share.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::claims_by_lock::{self, Taken};
use super::{CHECKPOINTS, CLAIMS, Claim, Claimant, SHARDS, Storage, claims_without_locks};
use crate::Error;

/// A directory. Claims are locks on files of `claims/`; where files cannot be locked, claims end by time.
#[derive(Clone, Debug)]
pub(crate) struct LocalStorage {
    directory: PathBuf,
}

impl LocalStorage {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        name.split('/')
            .filter(|part| !part.is_empty())
            .fold(self.directory.clone(), |path, part| path.join(part))
    }

    fn error(&self, action: &'static str, name: &str) -> impl FnOnce(io::Error) -> Error {
        Error::storage(action, self.place(name))
    }
}

impl Storage for LocalStorage {
    fn prepare(&self) -> Result<(), Error> {
        for folder in ["", SHARDS, CLAIMS, CHECKPOINTS] {
            std::fs::create_dir_all(self.path(folder)).map_err(self.error("create", folder))?;
            // What killed processes were writing.
            taskset_files::remove_left_overs(&self.path(folder)).map_err(self.error("clean up", folder))?;
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let entries = match std::fs::read_dir(self.path(folder)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound && self.directory.is_dir() => return Ok(Vec::new()),
            Err(e) => return Err(self.error("list", folder)(e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(self.error("list", folder))?;
            let name = entry.file_name();
            // A folder or a link to nowhere is no file, whatever its name says.
            let file = || std::fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
            if !taskset_files::is_hidden(&name) && file() {
                names.extend(name.into_string());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, name: &str) -> Result<bool, Error> {
        match std::fs::metadata(self.path(name)) {
            Ok(metadata) => Ok(metadata.is_file()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(self.error("look at", name)(e)),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match std::fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.error("read", name)(e)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        taskset_files::write_atomically(&self.path(name), bytes).map_err(self.error("write", name))
    }

    fn write_new(&self, name: &str, bytes: &[u8]) -> Result<bool, Error> {
        taskset_files::write_new(&self.path(name), bytes).map_err(self.error("write", name))
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        match std::fs::remove_file(self.path(name)) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(self.error("remove", name)(e)),
            _ => Ok(()),
        }
    }

    fn claim(&self, shard: &str, claimant: &Claimant, hold: Duration) -> Result<Option<Claim>, Error> {
        let name = format!("{CLAIMS}/{shard}");
        match claims_by_lock::take(self.path(&name), claimant).map_err(self.error("write", &name))? {
            Taken::Ours(claim) => Ok(Some(claim)),
            Taken::Others => Ok(None),
            Taken::NoLocks => claims_without_locks::claim(self, shard, claimant, hold),
        }
    }

    fn claims(&self) -> Result<Vec<(String, Claimant)>, Error> {
        let mut living = claims_without_locks::claims(self)?;
        for shard in self.list(CLAIMS)? {
            if claims_without_locks::is_lease(&shard) {
                continue;
            }
            let holder = claims_by_lock::holder(&self.path(&format!("{CLAIMS}/{shard}")));
            living.extend(holder.map(|claimant| (shard, claimant)));
        }
        living.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(living)
    }

    fn place(&self, name: &str) -> String {
        if name.is_empty() {
            self.directory.display().to_string()
        } else {
            self.path(name).display().to_string()
        }
    }

    fn directory(&self) -> Option<&Path> {
        Some(&self.directory)
    }

    fn files(&self) -> Result<&Path, Error> {
        Ok(&self.directory)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_claim_that_is_removed_and_taken_again_has_one_holder() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::new(directory.path().to_owned());
        storage.prepare().unwrap();
        let claimant = Claimant { host: String::new(), process: 0, since: String::new(), job: None };
        let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            for _ in 0..300 {
                let Some(claim) = storage.claim("plan", &claimant, Duration::ZERO).unwrap() else { continue };
                assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::yield_now();
                holders.fetch_sub(1, Ordering::SeqCst);
                taken.fetch_add(1, Ordering::SeqCst);
                claim.done();
            }
        };
        std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(work))));
        assert!(taken.into_inner() > 0);
        assert_eq!(storage.list(CLAIMS).unwrap(), [""; 0]);
    }
}
