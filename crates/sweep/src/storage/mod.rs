//! Where a sweep lies: a directory, or a place in an object store.

mod claims_by_lock;
mod claims_without_locks;
#[cfg(test)]
mod laws;
mod local;
#[cfg(feature = "remote")]
mod remote;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;

pub(crate) use claims_without_locks::{hold, shard_of};
pub(crate) use local::LocalStorage;

/// Folder of the committed shards.
pub(crate) const SHARDS: &str = "shards";
/// Folder of the claims on shards.
pub(crate) const CLAIMS: &str = "claims";
/// Folder of what unfinished shards and long trials have saved.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// Name of the claim on planning.
pub(crate) const PLANNING: &str = "plan";

/// The files of a sweep. Names are relative, with `/` between folder and file. A file exists whole or not at all.
///
/// Correctness rests on [`write_new`](Self::write_new) alone: of several writers of one shard, one succeeds. Claims only keep
/// workers from doing the same work at the same time.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Makes the folders, where there are such.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn prepare(&self) -> Result<(), Error>;

    /// Names of the files of a folder, without the folder's, in order. Empty where there is no such folder.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn list(&self, folder: &str) -> Result<Vec<String>, Error>;

    /// Whether a file is there.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn exists(&self, name: &str) -> Result<bool, Error>;

    /// The content of a file, if it is there.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Writes a file, in place of an older one.
    ///
    /// # Errors
    /// [`Error::Storage`]; an older file is then as it was.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error>;

    /// Writes a file, unless there is one of this name: then that stays as it is, and the answer is false.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn write_new(&self, name: &str, bytes: &[u8]) -> Result<bool, Error>;

    /// Removes a file. That it is not there is no error.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn remove(&self, name: &str) -> Result<(), Error>;

    /// Takes a shard for this process, unless a living worker has it. The claim is given up when it is dropped, and when the
    /// process dies. `hold` matters only where nothing tells whether a process lives: there, others may take the shard after
    /// this time.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn claim(&self, shard: &str, claimant: &Claimant, hold: Duration) -> Result<Option<Claim>, Error>;

    /// The claims of living workers: shard and claimant, in the order of the shards.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn claims(&self) -> Result<Vec<(String, Claimant)>, Error>;

    /// The place of a file, or of all of it for an empty name, for messages.
    fn place(&self, name: &str) -> String;

    /// The directory, if it is one of the file system.
    fn directory(&self) -> Option<&Path>;

    /// A directory of the file system with all the shards that are stored now: this one, or one with copies of them, which
    /// goes when this storage is dropped.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn files(&self) -> Result<&Path, Error>;

    /// How often a worker that waits for others may look what they have done.
    fn look_every(&self) -> Duration {
        Duration::from_millis(500)
    }
}

/// Who works on a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimant {
    /// Name of the machine.
    pub host: String,
    /// Number of the process there.
    pub process: u32,
    /// When it took the shard, in UTC, e.g. `2026-11-30T12:00:00Z`.
    pub since: String,
    /// The job of a scheduler that it belongs to, e.g. `slurm 17_3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.process, self.host)?;
        self.job.iter().try_for_each(|job| write!(f, ", {job}"))?;
        write!(f, ", since {}", self.since)
    }
}

/// The right to work on a shard. Given up when dropped.
pub struct Claim {
    /// Called with whether the work is done.
    release: Option<Box<dyn FnOnce(bool) + Send>>,
}

impl Claim {
    pub(crate) fn new(release: impl FnOnce(bool) + Send + 'static) -> Self {
        Self { release: Some(Box::new(release)) }
    }

    /// Gives the claim up and removes what it left: the shard is committed, nobody needs to claim it again.
    pub fn done(mut self) {
        if let Some(release) = self.release.take() {
            release(true);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release(false);
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}

/// Opens the place of a sweep: a directory, or `s3://bucket/prefix` or `gs://bucket/prefix`.
///
/// # Errors
/// [`Error::Place`] for an address of an object store if the program was built without the feature `remote`, or an address
/// that cannot be understood.
pub(crate) fn open(place: &str) -> Result<Arc<dyn Storage>, Error> {
    if place.is_empty() {
        let reason = "the name is empty; name a directory".to_owned();
        return Err(Error::Place { place: "the directory of the sweep".to_owned(), reason });
    }
    let Some((scheme, _)) = place.split_once("://") else {
        return Ok(Arc::new(LocalStorage::new(place.into())));
    };
    match scheme {
        #[cfg(feature = "remote")]
        "s3" | "gs" => Ok(Arc::new(remote::RemoteStorage::open(scheme, place)?)),
        #[cfg(not(feature = "remote"))]
        "s3" | "gs" => Err(Error::Place {
            place: place.to_owned(),
            reason: "object stores need the feature `remote`, and this program was built without it; `cargo install --path \
                     crates/taskset --features cli,remote` builds it with it"
                .to_owned(),
        }),
        _ => Err(Error::Place {
            place: place.to_owned(),
            reason: format!(
                "`{scheme}` is no kind of place that this program knows; name a directory, s3://BUCKET/PREFIX or \
                 gs://BUCKET/PREFIX"
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_keeps_the_laws() {
        let folder = tempfile::tempdir().unwrap();
        let next = std::sync::atomic::AtomicUsize::new(0);
        laws::check_all(|| {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let place = folder.path().join(number.to_string());
            move || LocalStorage::new(place.clone())
        });
    }

    #[test]
    fn addresses_are_not_directories() {
        let why = |place: &str| open(place).map(drop).unwrap_err().to_string();
        assert!(why("ftp://bucket/a").contains("`ftp` is no kind of place"));
        #[cfg(not(feature = "remote"))]
        assert!(why("s3://bucket/a").contains("--features cli,remote"));
        #[cfg(feature = "remote")]
        assert!(open("s3://bucket/a").unwrap().directory().is_none());
    }
}
