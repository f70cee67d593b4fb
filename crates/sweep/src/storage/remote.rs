//! A place in an object store: S3, a store that speaks its protocol, or Google Cloud Storage.
//!
//! The file `shards/<id>.parquet` of the sweep `s3://bucket/prefix` is the object `prefix/shards/<id>.parquet`. There are no
//! folders and no locks, so claims end by time.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig,
};
use tokio::runtime::Runtime;

use super::{Claim, Claimant, SHARDS, Storage, claims_without_locks};
use crate::Error;

/// Time for one request with its answer, so for one shard, too.
const REQUEST: Duration = Duration::from_secs(120);
/// A connection that was not used for longer is not used again. Stores close theirs after a while, too.
const IDLE: Duration = Duration::from_secs(10);
/// The client repeats a request so often, where the store refuses it for the moment or the connection breaks.
const REPEATS: usize = 10;
/// So often we ask in all where the client gives up although the store answers.
const ATTEMPTS: u32 = 4;
/// After this time, nothing is repeated. Until then we ask again and again where no answer comes.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pauses in between become longer, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Shards that are downloaded at once.
const DOWNLOADS: usize = 16;
/// How often waiting workers look: each look costs some requests for each shard that is missing.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A place in an object store.
#[derive(Clone)]
pub(crate) struct RemoteStorage {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    /// Without `/` at the end.
    address: String,
    /// The clients are asynchronous. Any thread may wait for its own request on it.
    runtime: Runtime,
    /// Copies of the shards, once something needed them as files.
    copies: std::sync::OnceLock<tempfile::TempDir>,
    /// Held while copies are made.
    copying: Mutex<()>,
}

impl fmt::Debug for RemoteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteStorage").field(&self.inner.address).finish()
    }
}

impl RemoteStorage {
    /// The place `s3://bucket/prefix` or `gs://bucket/prefix`. Keys, endpoint and region come from the environment, as the
    /// tools of the stores have them. Nothing is asked of the store yet.
    pub(crate) fn open(scheme: &str, place: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Place { place: place.to_owned(), reason };
        let (_, rest) = place.split_once("://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(refuse(format!("the bucket is missing; write {scheme}://BUCKET/PREFIX")));
        }
        let prefix = Key::parse(prefix.trim_end_matches('/'))
            .map_err(|e| refuse(format!("this cannot be a place in a bucket: {e}")))?;
        // The process may have chosen its TLS library before; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        };
        let retry = RetryConfig { backoff, max_retries: REPEATS, retry_timeout: PATIENCE };
        let limits = [(ClientConfigKey::Timeout, REQUEST), (ClientConfigKey::PoolIdleTimeout, IDLE)]
            .map(|(key, limit)| (key, format!("{} seconds", limit.as_secs())));
        let store: object_store::Result<Arc<dyn ObjectStore>> = if scheme == "s3" {
            // Several stores that speak the protocol of S3 cannot remove many objects with one request.
            let builder = AmazonS3Builder::from_env().with_disable_bulk_delete(true);
            let builder = limits.into_iter().fold(builder, |builder, (key, value)| {
                builder.with_config(AmazonS3ConfigKey::Client(key), value)
            });
            builder.with_bucket_name(bucket).with_retry(retry).build().map(|store| Arc::new(store) as _)
        } else {
            let builder = GoogleCloudStorageBuilder::from_env();
            let builder = limits.into_iter().fold(builder, |builder, (key, value)| {
                builder.with_config(GoogleConfigKey::Client(key), value)
            });
            builder.with_bucket_name(bucket).with_retry(retry).build().map(|store| Arc::new(store) as _)
        };
        let store = store
            .map_err(|e| refuse(format!("the settings of the environment cannot be used: {}", reason(&e))))?;
        Self::of(store, prefix, format!("{scheme}://{rest}").trim_end_matches('/').to_owned())
    }

    /// A place in this store.
    fn of(store: Arc<dyn ObjectStore>, prefix: Key, address: String) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::storage("start a client for", address.clone()))?;
        let copies = std::sync::OnceLock::new();
        let inner = Inner { store, prefix, address, runtime, copies, copying: Mutex::new(()) };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn key(&self, name: &str) -> Key {
        name.split('/')
            .filter(|part| !part.is_empty())
            .fold(self.inner.prefix.clone(), |key, part| key.join(part))
    }

    /// Waits for an answer. What breaks off is tried again, with limits: every request of this file can be repeated.
    fn ask<T, F>(&self, action: &'static str, name: &str, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        self.answer(request).map_err(|error| self.error(action, name, &error))
    }

    fn answer<T, F>(&self, request: impl Fn() -> F) -> object_store::Result<T>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        self.inner.runtime.block_on(repeated(request))
    }

    fn error(&self, action: &'static str, name: &str, error: &object_store::Error) -> Error {
        Error::storage(action, self.place(name))(std::io::Error::other(reason(error)))
    }
}

impl Storage for RemoteStorage {
    fn prepare(&self) -> Result<(), Error> {
        // There are no folders. But a bucket that is missing is found before the work begins.
        self.list("").map(drop)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let key = self.key(folder);
        // All pages, and not what lies deeper.
        let request = || self.inner.store.list_with_delimiter(Some(&key));
        let listed = self.ask("list", folder, request)?;
        let mut names: Vec<String> = listed
            .objects
            .iter()
            .filter_map(|object| object.location.filename())
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, name: &str) -> Result<bool, Error> {
        let key = self.key(name);
        match self.answer(|| self.inner.store.head(&key)) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.error("look at", name, &error)),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let key = self.key(name);
        match self.answer(|| async { self.inner.store.get(&key).await?.bytes().await }) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error("read", name, &error)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let (key, payload) = (self.key(name), PutPayload::from(bytes.to_vec()));
        self.ask("write", name, || self.inner.store.put(&key, payload.clone())).map(drop)
    }

    fn write_new(&self, name: &str, bytes: &[u8]) -> Result<bool, Error> {
        let (key, payload) = (self.key(name), PutPayload::from(bytes.to_vec()));
        for attempt in 1.. {
            let request = || self.inner.store.put_opts(&key, payload.clone(), PutMode::Create.into());
            match self.answer(request) {
                Ok(_) => return Ok(true),
                // Some answer is lost, the request is repeated, by us or inside the client, and finds the object of its first
                // try. What is there says whose it is: claims and shards say who wrote them and when. Taking our own for
                // another's would do little harm: the worker would count its shard as another's, or leave a shard that it
                // claimed to others until the claim ends.
                Err(error @ object_store::Error::AlreadyExists { .. }) => match self.read(name)? {
                    Some(there) => return Ok(there == bytes),
                    // S3 says this, too, while another conditional write of the name has not ended. That one failed.
                    None if attempt < ATTEMPTS => {}
                    None => return Err(self.error("write", name, &error)),
                },
                Err(error) => return Err(self.error("write", name, &error)),
            }
        }
        unreachable!("the last attempt returns")
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let key = self.key(name);
        match self.answer(|| self.inner.store.delete(&key)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("remove", name, &error)),
        }
    }

    fn claim(&self, shard: &str, claimant: &Claimant, hold: Duration) -> Result<Option<Claim>, Error> {
        claims_without_locks::claim(self, shard, claimant, hold)
    }

    fn claims(&self) -> Result<Vec<(String, Claimant)>, Error> {
        claims_without_locks::claims(self)
    }

    fn place(&self, name: &str) -> String {
        let address = &self.inner.address;
        if name.is_empty() { address.clone() } else { format!("{address}/{name}") }
    }

    fn directory(&self) -> Option<&Path> {
        None
    }

    /// Shards never change, so a copy that is there is good. The copies are temporary: the only reader of whole sweeps is
    /// `compact`, and what it writes is the copy that people keep.
    fn files(&self) -> Result<&Path, Error> {
        let _one = self.inner.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let temporary = || Error::storage("make a temporary directory for", self.place(SHARDS));
        if self.inner.copies.get().is_none() {
            let made = tempfile::tempdir().map_err(temporary())?;
            let _ = self.inner.copies.set(made);
        }
        let Some(copies) = self.inner.copies.get() else { unreachable!("it was made above") };
        let missing = self.list(SHARDS)?.into_iter().filter(|name| !copies.path().join(name).exists());
        let download = |name: String| async move {
            let (key, shard) = (self.key(SHARDS).join(name.as_str()), format!("{SHARDS}/{name}"));
            let bytes = repeated(|| async { self.inner.store.get(&key).await?.bytes().await }).await;
            let bytes = bytes.map_err(|error| self.error("read", &shard, &error))?;
            let path = copies.path().join(&name);
            taskset_files::write_atomically(&path, &bytes)
                .map_err(Error::storage("write", path.display().to_string()))
        };
        let downloads = futures_util::stream::iter(missing.map(download)).buffer_unordered(DOWNLOADS);
        self.inner.runtime.block_on(downloads.try_collect::<Vec<()>>())?;
        Ok(copies.path())
    }

    fn look_every(&self) -> Duration {
        LOOK_EVERY
    }
}

/// The answer to a request, which is repeated while its answers break off.
async fn repeated<T, F>(request: impl Fn() -> F) -> object_store::Result<T>
where
    F: Future<Output = object_store::Result<T>>,
{
    let started = Instant::now();
    let mut pause = Duration::from_millis(200);
    for attempt in 1.. {
        match request().await {
            Err(error @ object_store::Error::Generic { .. })
                if started.elapsed() < PATIENCE && (attempt < ATTEMPTS || broke_off(&error)) =>
            {
                tokio::time::sleep(pause).await;
                pause = (3 * pause).min(LONGEST_PAUSE);
            }
            answer => return answer,
        }
    }
    unreachable!("the time is over before the attempts are")
}

/// Whether there was no answer, or only a part of one.
fn broke_off(error: &object_store::Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |cause| cause.source())
        .filter_map(|cause| cause.downcast_ref::<HttpError>())
        .any(|error| error.kind() != HttpErrorKind::Unknown)
}

/// The message of an error, and what the messages of its causes say beside it, in one line.
fn reason(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let text = causes.map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    });
    // Stores answer with a document. Its code and its message are for people.
    let Some((before, document)) = text.split_once("<?xml") else { return text };
    let part = |name: &str| {
        let (_, rest) = document.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(part, _)| part.trim())
    };
    let parts: Vec<&str> = ["Code", "Message"].into_iter().filter_map(part).collect();
    if parts.is_empty() { text.clone() } else { format!("{before}{}", parts.join(": ")) }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;
    use crate::storage::laws;

    fn place(store: &Arc<InMemory>) -> RemoteStorage {
        let store = Arc::clone(store) as Arc<dyn ObjectStore>;
        RemoteStorage::of(store, Key::from("a/sweep"), "memory://a/sweep".to_owned()).unwrap()
    }

    #[test]
    fn an_object_store_keeps_the_laws() {
        laws::check_all(|| {
            let store = Arc::new(InMemory::new());
            move || place(&store)
        });
    }

    #[test]
    fn shards_are_copied_once() {
        let storage = place(&Arc::new(InMemory::new()));
        for number in 0..40 {
            assert!(storage.write_new(&format!("{SHARDS}/{number}.parquet"), &[number]).unwrap());
        }
        let copies = storage.files().unwrap().to_owned();
        assert_eq!(std::fs::read(copies.join("17.parquet")).unwrap(), [17]);
        // A second look keeps what is there, and takes what is new.
        std::fs::write(copies.join("17.parquet"), "the copy").unwrap();
        assert!(storage.write_new(&format!("{SHARDS}/new.parquet"), b"new").unwrap());
        assert_eq!(storage.files().unwrap(), copies);
        assert_eq!(std::fs::read(copies.join("17.parquet")).unwrap(), b"the copy");
        assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 41);
        drop(storage);
        assert!(!copies.exists());
    }

    #[test]
    fn documents_become_lines() {
        let document = "404: <?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>There is none</Message></Error>";
        assert_eq!(reason(&std::io::Error::other(document)), "404: NoSuchBucket: There is none");
        assert_eq!(
            reason(&std::io::Error::other("404: <?xml of another kind")),
            "404: <?xml of another kind"
        );
    }

    #[test]
    fn addresses() {
        let open = |place: &str| RemoteStorage::open("s3", place);
        let storage = open("s3://bucket/a/b/").unwrap();
        assert_eq!(storage.place(""), "s3://bucket/a/b");
        assert_eq!(storage.place("plan.toml"), "s3://bucket/a/b/plan.toml");
        assert_eq!(storage.key("shards/1.parquet").as_ref(), "a/b/shards/1.parquet");
        assert_eq!(open("s3://bucket").unwrap().key("plan.toml").as_ref(), "plan.toml");
        for (wrong, why) in [("s3://", "the bucket is missing"), ("s3://bucket/a//b", "cannot be a place")] {
            let error = open(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains(why), "{error}");
        }
    }
}
