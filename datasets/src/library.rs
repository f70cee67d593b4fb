//! The data sets of a process: where they come from, each loaded once and shared.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskset_names::Origin;

use crate::images::{load, stand_in};
use crate::manifest::manifest;
use crate::prepared::{FOLDER, NoProgress};
use crate::text::{self, text_info};
use crate::{Error, ImageData, TextData};

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

type Slot<T> = Arc<Mutex<Option<Arc<T>>>>;
type Slots<T> = Arc<Mutex<BTreeMap<&'static str, Slot<T>>>>;

/// The data sets of one source. Each is loaded (or generated) when first asked for, then shared; clones share too, so
/// one `Datasets` serves a whole process and all its threads.
#[derive(Clone, Debug)]
pub struct Datasets {
    source: Source,
    allow_partial: bool,
    cache: Option<PathBuf>,
    images: Slots<ImageData>,
    texts: Slots<TextData>,
}

impl Datasets {
    /// The data sets of a source; nothing is read yet.
    pub fn new(source: Source) -> Self {
        Self { source, allow_partial: false, cache: None, images: Arc::default(), texts: Arc::default() }
    }

    /// Whether a copy that holds only a part of a data set may be loaded. If not (the default), it is
    /// [`Error::Partial`]; if so, what is loaded has [`Origin::Partial`].
    #[must_use]
    pub fn allow_partial(self, allow: bool) -> Self {
        // What other clones loaded under their rule stays theirs.
        Self { allow_partial: allow, images: Arc::default(), texts: Arc::default(), ..self }
    }

    /// Where prepared copies are kept; without a cache the folder `prepared` of the data directory is looked into. Sets
    /// that were prepared are read from there. A text set that was not is tokenised when it is loaded, and left in a cache
    /// that was named here, so that the next process finds it.
    #[must_use]
    pub fn cache(self, directory: Option<PathBuf>) -> Self {
        Self { cache: directory, ..self }
    }

    /// Loads these data sets. Synthetic if any of them is, else partial if any is partial, else real: that a part would be
    /// accepted does not make a whole data set partial.
    ///
    /// # Errors
    /// As [`images`](Self::images) and [`text`](Self::text).
    pub fn origin_of<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<Origin, Error> {
        let mut origin = self.source.origin();
        for name in names {
            let this = match text_info(name) {
                Ok(_) => self.text(name)?.origin(),
                Err(_) => self.images(name)?.origin(),
            };
            origin = Origin::of_all([origin, this]);
        }
        Ok(origin)
    }

    /// The least real that anything loaded from here may be.
    pub fn origin(&self) -> Origin {
        match self.source.origin() {
            Origin::Real if self.allow_partial => Origin::Partial,
            origin => origin,
        }
    }

    /// Whether a partial copy may be loaded.
    pub fn allows_partial(&self) -> bool {
        self.allow_partial
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
    /// a file: missing, truncated, wrong checksum, magic number or counts, labels out of range.
    pub fn images(&self, name: &str) -> Result<Arc<ImageData>, Error> {
        let manifest = manifest(name)?;
        once(&self.images, &manifest.name, || match &self.source {
            Source::Directory(directory) => {
                let cache = self.cache.clone().unwrap_or_else(|| directory.join(FOLDER));
                load::images(directory, &cache, manifest, self.allow_partial)
            }
            Source::Synthetic => stand_in::images(manifest),
        })
    }

    /// A text data set, by its name in configurations (`imdb_reviews/subwords8k`, `lm1b/bytes`,
    /// `tokenized_wikipedia/20190301.en_bytes`). As [`images`](Self::images): loaded once, shared.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`]; from a directory also [`Error::Partial`] and everything that can be wrong with files.
    pub fn text(&self, name: &str) -> Result<Arc<TextData>, Error> {
        let info = text_info(name)?;
        once(&self.texts, &info.name, || match &self.source {
            Source::Directory(directory) => {
                text::load(directory, info, self.allow_partial, self.cache.as_deref(), &mut NoProgress)
            }
            Source::Synthetic => text::stand_in(info),
        })
    }
}

/// What lies in a slot, or is made for it now.
fn once<T>(
    slots: &Slots<T>,
    name: &'static str,
    make: impl FnOnce() -> Result<T, Error>,
) -> Result<Arc<T>, Error> {
    let slot = Arc::clone(lock(slots).entry(name).or_default());
    let mut slot = lock(&slot);
    if let Some(data) = &*slot {
        return Ok(Arc::clone(data));
    }
    let data = Arc::new(make()?);
    *slot = Some(Arc::clone(&data));
    Ok(data)
}

/// A panic of another thread while loading leaves the slot empty, which is a valid state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
