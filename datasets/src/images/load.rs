//! Loading an image data set: from its prepared copy, or from its original files.

use std::path::Path;

use super::{cifar, mnist, read_originals};
use crate::manifest::{Decoder, FileSpec, Manifest};
use crate::prepared::open_images;
use crate::{Error, ImageData, files};

/// An image data set from `<root>/<directory of the manifest>`, or its prepared copy in `cache`.
///
/// A prepared copy is preferred. If it cannot be used, a data set that can be read directly is; any other must be prepared
/// again. A part of the data set is an error unless `partial` allows it.
pub(crate) fn images(
    root: &Path,
    cache: &Path,
    manifest: &Manifest,
    partial: bool,
) -> Result<ImageData, Error> {
    let prepared = open_images::open(root, manifest, cache, partial);
    if let Ok(Some(data)) = prepared {
        return Ok(data);
    }
    match manifest.decoder {
        _ if read_originals::read_directly(manifest) && !read_originals::uses_hub_copy(root, manifest)? => {
            match (originals(root, manifest, partial), prepared) {
                // Where there are no originals, the way out is to allow the part that was prepared, or to know that the
                // copy is damaged.
                (
                    Err(Error::MissingFile { .. }),
                    Err(copy @ (Error::Partial { .. } | Error::Cache { .. })),
                ) => Err(open_images::lost(root, manifest, copy)),
                (read, _) => read.map(|(data, _)| data),
            }
        }
        Decoder::NoneYet => Err(Error::NotYetReadable { name: manifest.name.clone() }),
        _ => {
            prepared.map_err(|error| open_images::lost(root, manifest, error))?;
            if let Some(spec) = absent(root, manifest)? {
                return Err(files::missing(root, manifest, spec));
            }
            let why =
                format!("it must be decoded once before use, and {} holds no prepared copy", cache.display());
            Err(Error::NotPrepared { name: manifest.name.clone(), why })
        }
    }
}

/// The first file of a data set that must be prepared, if there is nothing of it.
fn absent<'a>(root: &Path, manifest: &'a Manifest) -> Result<Option<&'a FileSpec>, Error> {
    Ok(if open_images::inputs(root, manifest)?.is_none() { manifest.files.first() } else { None })
}

/// Reads the original files of a data set that needs no preparation.
///
/// Every file in its published form is compared with the manifest's size and checksum first: hashing costs less than
/// unpacking, and a wrong file is named before anything is made of it. Files that were unpacked or compressed anew are
/// judged by the checksum of their contents.
/// Returns what makes them a part, too.
pub(crate) fn originals(
    root: &Path,
    manifest: &Manifest,
    partial: bool,
) -> Result<(ImageData, Vec<String>), Error> {
    match manifest.decoder {
        Decoder::Idx => mnist::images(root, manifest, partial),
        Decoder::Cifar10 | Decoder::Cifar100 => cifar::images(root, manifest, partial),
        _ => Err(Error::NotYetReadable { name: manifest.name.clone() }),
    }
}
