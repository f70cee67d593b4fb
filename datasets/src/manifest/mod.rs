//! Manifests: what each data set is, where it comes from, and which files hold it.
//!
//! A manifest is the file `manifests/<name>.toml` of this crate. [`manifests`] lists those of image data sets,
//! [`text_manifests`] those of text sources.

mod image;
mod text;

use std::path::{Path, PathBuf};

use crate::Error;

pub use image::{Decoder, FileSpec, HubCopy, Manifest, Part, Sides, StandIn, manifest, manifests};
pub use text::{
    BytesOfFiles, Download, Language, TextDecoder, TextFiles, TextHubCopy, TextManifest, text_manifests,
};

/// The folder of a data set's files below the data directory `root`, of images or of texts.
///
/// # Errors
/// [`Error::UnknownDataset`] with what may have been meant.
pub fn folder(name: &str, root: &Path) -> Result<PathBuf, Error> {
    let text =
        text_manifests().iter().find(|m| [&m.name, &m.bytes, &m.subwords8k].iter().any(|n| *n == name));
    match text {
        Some(text) => Ok(text.folder(root)),
        None => manifest(name).map(|images| images.folder(root)),
    }
}

/// The error for a name that no data set has, of images or of texts. What may have been meant: a name that begins with
/// the given one, else the nearest.
pub(crate) fn unknown(name: &str) -> Error {
    let texts = text_manifests().iter().flat_map(|m| [&m.name, &m.bytes, &m.subwords8k]);
    let names: Vec<&str> =
        manifests().iter().map(|m| &m.name).chain(texts).map(String::as_str).filter(|&n| n != name).collect();
    let longer = names.iter().copied().find(|known| name.len() > 2 && known.starts_with(name));
    let suggestion = longer.or_else(|| taskset_names::closest(name, names.iter().copied()));
    Error::UnknownDataset { name: name.to_owned(), suggestion: suggestion.map(str::to_owned) }
}
