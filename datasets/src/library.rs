//! The data sets of a process: where they come from, each loaded once and shared.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskset_names::Origin;

use crate::{Error, ImageData, load, manifest, synthetic};

/// Where data sets are taken from. There is no fall-back from one to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A directory with `<data set>/<original files>`.
    Directory(PathBuf),
    /// The built-in stand-ins.
    Synthetic,
}

impl Source {
    /// What curves made from this source are labelled with.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Directory(_) => Origin::Real,
            Self::Synthetic => Origin::Synthetic,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "directory {}", path.display()),
            Self::Synthetic => f.write_str("synthetic stand-ins"),
        }
    }
}

type Slot = Arc<Mutex<Option<Arc<ImageData>>>>;

/// The data sets of one source. Each is loaded (or generated) when first asked for, then shared; clones share too, so
/// one `Datasets` serves a whole process and all its threads.
#[derive(Clone, Debug)]
pub struct Datasets {
    source: Source,
    partial: bool,
    cache: Option<PathBuf>,
    images: Arc<Mutex<BTreeMap<&'static str, Slot>>>,
}

impl Datasets {
    /// The data sets of a source; nothing is read yet.
    pub fn new(source: Source) -> Self {
        Self { source, partial: false, cache: None, images: Arc::default() }
    }

    /// Whether a part of an original data set is accepted in place of the whole; by default it is an error. The data
    /// are then labelled [`Origin::Partial`]. To be chosen before the first data set is asked for.
    #[must_use]
    pub fn allow_partial(self, allowed: bool) -> Self {
        Self { partial: allowed, ..self }
    }

    /// The folder of prepared copies; by default `prepared` in the data directory.
    #[must_use]
    pub fn cache(self, folder: impl Into<PathBuf>) -> Self {
        Self { cache: Some(folder.into()), ..self }
    }

    /// Where the data sets come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// An image data set, by its name in TaskSet (`mnist`, `imagenet_resized/16x16`). Other threads that ask for the
    /// same set meanwhile wait for it; a failure is not kept, so that a repaired file is found.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`]; from a directory also [`Error::NotPrepared`] and everything that can be wrong with
    /// a file: missing, truncated, wrong checksum, magic number or counts, labels out of range; [`Error::Partial`]
    /// unless [`allow_partial`](Self::allow_partial) was given.
    pub fn images(&self, name: &str) -> Result<Arc<ImageData>, Error> {
        let manifest = manifest(name)?;
        let slot = Arc::clone(lock(&self.images).entry(&manifest.name).or_default());
        let mut slot = lock(&slot);
        if let Some(data) = &*slot {
            return Ok(Arc::clone(data));
        }
        let data = Arc::new(match &self.source {
            Source::Directory(directory) => {
                let cache = self.cache.clone().unwrap_or_else(|| directory.join("prepared"));
                load::images(directory, &cache, manifest, self.partial)?
            }
            Source::Synthetic => synthetic::images(manifest)?,
        });
        *slot = Some(Arc::clone(&data));
        Ok(data)
    }
}

/// A panic of another thread while loading leaves the slot empty, which is a valid state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
