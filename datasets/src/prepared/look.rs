//! What prepared copies of a data set are on disk, and whether they can be used.

use std::path::{Path, PathBuf};

use taskset_names::Origin;

use super::image_file::{self, Header};
use super::open_images;
use crate::files::QUICK;
use crate::manifest::{Manifest, manifest};
use crate::{Error, text};

/// A prepared copy: the resized images, or the tokens of a text data set.
#[derive(Debug)]
#[non_exhaustive]
pub struct PreparedCopy {
    /// Name of the data set, as tasks name it (a source of texts gives two).
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Whether it can be used.
    pub state: PreparedState,
    /// Whether its contents were compared with their checksum for this answer; otherwise only its header was read.
    pub verified: bool,
    /// Whether there are no original files: then a usable copy is loaded without them.
    pub alone: bool,
}

/// Whether a prepared copy can be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum PreparedState {
    /// It is loaded in the place of the original files, of which it holds all or a part.
    Usable(Origin),
    /// It was made from other files than are there now, and is not used.
    Stale,
    /// It is damaged, or another version of the program wrote it.
    Damaged(Error),
}

/// Looks which prepared copies of a data set are in the folder `cache`; the original files are below `root`. By `full`,
/// contents are compared with their checksums; otherwise those of small copies are, and of larger ones only headers are
/// read. Whether a copy was made from the files that
/// are there now is told as loading tells it: by their names, sizes and times of change, and by their contents where these
/// leave doubts.
///
/// # Errors
/// [`Error::UnknownDataset`]. Everything about files is part of the answer.
pub fn inspect_prepared(
    root: &Path,
    cache: &Path,
    name: &str,
    full: bool,
) -> Result<Vec<PreparedCopy>, Error> {
    match text::on_disk::named(name) {
        Some(source) => Ok(text::on_disk::prepared(root, cache, source, full)),
        None => Ok(images(root, cache, manifest(name)?, full).into_iter().collect()),
    }
}

/// The prepared copies of a data set by their headers; with no cache named, those in the data directory.
pub(crate) fn all(root: &Path, cache: Option<&Path>, name: &str) -> Vec<PreparedCopy> {
    let cache = cache.map_or_else(|| root.join(super::FOLDER), Path::to_owned);
    inspect_prepared(root, &cache, name, false).unwrap_or_default()
}

pub(crate) fn images(root: &Path, cache: &Path, manifest: &Manifest, full: bool) -> Option<PreparedCopy> {
    let path = image_file::path(cache, manifest);
    let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
    let full = full || bytes <= QUICK;
    let inputs = open_images::inputs(root, manifest);
    // That the originals cannot be looked at is not the copy's fault.
    let is_stale = |header: &Header| match &inputs {
        Ok(Some(now)) => !header.is_of(now).unwrap_or(true),
        _ => false,
    };
    let damaged = |error| PreparedState::Damaged(open_images::lost(root, manifest, error));
    let state = match image_file::header(&path, manifest) {
        Ok(None) => return None,
        Ok(Some(header)) if is_stale(&header) => PreparedState::Stale,
        Ok(Some(header)) => match if full { image_file::verify(&path, manifest, &header) } else { Ok(()) } {
            Ok(()) => PreparedState::Usable(header.origin),
            Err(error) => damaged(error),
        },
        Err(error) => damaged(error),
    };
    let alone = matches!(inputs, Ok(None));
    Some(PreparedCopy { name: manifest.name.clone(), path, bytes, state, verified: full, alone })
}
