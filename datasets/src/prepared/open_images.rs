//! Opening the prepared copy of an image data set, if it was made from the original files that are there now.

use std::path::Path;

use taskset_names::Origin;

use super::image_file::{self, Header};
use super::originals::Listing;
use crate::digest::Fields;
use crate::formats::container::{self, Container};
use crate::images::imagenet::Batches;
use crate::images::{collection, hub_copy};
use crate::manifest::{Decoder, Manifest};
use crate::{Error, ImageData, files};

/// The original files by names, sizes and times of change; none if there are none. A folder of pictures is
/// listed as a whole.
///
/// # Errors
/// The system does not let us look.
pub(crate) fn inputs(root: &Path, manifest: &Manifest) -> Result<Option<Listing>, Error> {
    let folder = manifest.folder(root);
    let mut paths = Vec::new();
    for spec in &manifest.files {
        if manifest.decoder == Decoder::ImagenetNpz {
            let found = Batches::find(root, manifest, spec)?;
            paths.extend(found.iter().flat_map(|batches| batches.paths().to_vec()));
        } else if let Some(file) = files::locate(root, manifest, spec)? {
            paths.push(file.path);
        }
    }
    if collection::is_collection(manifest.decoder)
        && matches!(collection::find(root, manifest)?.0, Container::Folder(_))
    {
        let lists = paths.len();
        container::walk(&folder, &mut |name, path| {
            if collection::is_picture(manifest, name) {
                paths.push(path.to_owned());
            }
            Ok(())
        })?;
        // Lists of pictures alone are no originals: who removes the archive after preparing keeps the copy.
        if paths.len() == lists {
            paths.clear();
        }
    }
    if let Some(file) = manifest.archive.as_ref().filter(|_| paths.is_empty()) {
        paths.extend(files::locate(root, manifest, file)?.map(|file| file.path));
    }
    if paths.is_empty() {
        paths.extend(hub_copy::locate(root, manifest)?.into_iter().map(|(_, file)| file.path));
    }
    if paths.is_empty() {
        return Ok(None);
    }
    paths.sort();
    paths.dedup();
    Listing::new(Fields::of("original files"), &folder, paths).map(Some)
}

/// The prepared copy of a data set, if there is one and it fits the original files (those that are there; a copy
/// may be used without them).
///
/// # Errors
/// [`Error::Cache`], [`Error::NotPrepared`] for a copy of other files, [`Error::Partial`], a failure of the system.
pub(crate) fn open(
    root: &Path,
    manifest: &Manifest,
    cache: &Path,
    partial: bool,
) -> Result<Option<ImageData>, Error> {
    let path = image_file::path(cache, manifest);
    let Some(header) = image_file::header(&path, manifest)? else { return Ok(None) };
    if let Some(now) = inputs(root, manifest)?
        && !header.is_of(&now)?
    {
        let why = format!(
            "{} was prepared from other files than are there now (by names, sizes, times of change or contents)",
            path.display()
        );
        return Err(Error::NotPrepared { name: manifest.name.clone(), why });
    }
    if header.origin != Origin::Real && !partial {
        return Err(is_part(root, manifest, &header));
    }
    image_file::open(&path, manifest, &header).map(Some)
}

/// The error for a damaged copy, if there are no originals to make another one from; any other as it is.
pub(crate) fn lost(root: &Path, manifest: &Manifest, error: Error) -> Error {
    match (error, inputs(root, manifest)) {
        (Error::Cache { name, path, problem }, Ok(None)) => {
            let wanted = format!("in {}; they come from {}", manifest.folder(root).display(), manifest.site);
            Error::LostCopy { name, path, problem, wanted }
        }
        (error, _) => error,
    }
}

/// The error for a prepared copy of a part.
pub(super) fn is_part(root: &Path, manifest: &Manifest, header: &Header) -> Error {
    let (got, all) = (header.info.source.total(), manifest.source.total());
    files::partial(root, manifest, vec![format!("the prepared copy holds {got} of {all} images")])
}
