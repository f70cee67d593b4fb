//! Reading all original files of an image data set, and judging whether they are all of it.

use std::path::Path;

use taskset_names::Origin;

use super::imagenet::Batches;
use super::{ImageInfo, collection, hub_copy, load};
use crate::files::Published;
use crate::manifest::{Decoder, Manifest};
use crate::prepared::Preparation;
use crate::splits::SourceSplit;
use crate::{Error, ImageData, files, plausibility};

/// What reading all original files found out.
pub(crate) struct Read {
    pub(crate) info: ImageInfo,
    /// Whether they are all of the data set.
    pub(crate) origin: Origin,
    /// What makes them a part.
    pub(crate) problems: Vec<String>,
    pub(crate) labels: Vec<u16>,
    /// Whether the archive they are in is the original, byte for byte.
    pub(crate) original: bool,
}

/// Takes pixels, example by example.
type TakePixels<'a> = dyn FnMut(&[u8]) -> Result<(), Error> + 'a;

/// Reads and decodes all original files of a data set, and judges whether they are all of it: the one judgement of
/// preparing, verifying and, for data sets that are read directly, loading.
///
/// # Errors
/// Everything that can be wrong with the files; [`Error::Partial`].
pub(crate) fn read(
    root: &Path,
    manifest: &Manifest,
    how: &Preparation<'_>,
    take: &mut TakePixels<'_>,
) -> Result<Read, Error> {
    if manifest.decoder == Decoder::ImagenetNpz {
        return read_imagenet(root, manifest, how, take);
    }
    let (mut original, mut problems) = (false, Vec::new());
    let mut whole = |found: collection::Collection, original: bool| {
        problems = found.problems;
        if problems.is_empty() && !original {
            problems = plausibility::problems(manifest, &found.pixels, &found.labels);
        }
        let origin = files::origin(root, manifest, &problems, how.allow_partial)?;
        ImageData::new(manifest.name.clone(), found.info, origin, found.pixels, found.labels)
    };
    let data = if let Some(hub) = &manifest.hub
        && uses_hub_copy(root, manifest)?
    {
        whole(
            collection::read_hub_copy(root, manifest, hub, how.allow_partial, how.threads, how.progress)?,
            false,
        )?
    } else if collection::is_collection(manifest.decoder) {
        let archive = collection::find(root, manifest)?.1;
        let spec = manifest.files.iter().find(|spec| collection::is_archive(spec));
        let published = archive.zip(spec).map(|(file, spec)| Published::of(&file, spec)).transpose()?;
        original = published.as_ref().is_some_and(|published| published.original);
        let found = collection::read(root, manifest, how.allow_partial, how.threads, how.progress);
        let found = match published {
            Some(published) => published.explain(found)?,
            None => found?,
        };
        whole(found, original)?
    } else {
        let (data, told) = load::originals(root, manifest, how.allow_partial)?;
        problems = told;
        (how.progress)(data.len(), data.len());
        data
    };
    take(data.all_pixels())?;
    let (info, origin) = (*data.info(), data.origin());
    Ok(Read { info, origin, problems, labels: data.labels().to_vec(), original })
}

/// Reads downsampled ImageNet batch by batch: the whole data set is never in memory.
fn read_imagenet(
    root: &Path,
    manifest: &Manifest,
    how: &Preparation<'_>,
    take: &mut TakePixels<'_>,
) -> Result<Read, Error> {
    let mut batches = Vec::new();
    for spec in &manifest.files {
        let Some(found) = Batches::find(root, manifest, spec)? else {
            return Err(files::missing(root, manifest, spec));
        };
        let file = files::locate(root, manifest, spec)?.filter(|_| matches!(found, Batches::Zip(_)));
        let published = file.map(|file| Published::of(&file, spec)).transpose()?;
        batches.push((spec.split.unwrap_or(SourceSplit::Train), found, published));
    }
    batches.sort_by_key(|(split, ..)| *split);
    let original = batches.iter().all(|(.., published)| published.as_ref().is_some_and(|p| p.original));
    let (mut labels, mut contents) = (Vec::new(), plausibility::Contents::new(manifest));
    let mut counts = [0; 3];
    let total = manifest.source.total();
    let mut too_small = Vec::new();
    for (split, batches, published) in batches {
        too_small.extend(published.as_ref().and_then(Published::far_too_small));
        let read = batches.read(manifest, &mut |pixels, some| {
            counts[split as usize] += some.len();
            if counts[split as usize] > manifest.source.get(split) {
                let problem = format!("more {} images than the {}", split.name(), manifest.source.get(split));
                return Err(Error::TooLarge { path: batches.paths()[0].clone(), problem });
            }
            take(pixels)?;
            if !original {
                contents.add(split, pixels, some);
            }
            labels.extend_from_slice(some);
            (how.progress)(labels.len(), total);
            Ok(())
        });
        match published {
            Some(published) => published.explain(read)?,
            None => read?,
        }
    }
    let problems = collection::missing(manifest, counts, [too_small, contents.problems()].concat());
    let origin = files::origin(root, manifest, &problems, how.allow_partial)?;
    let info = manifest.info().partial(counts);
    if let Some(problem) = info.carving_problem() {
        return Err(Error::Inconsistent { name: manifest.name.clone(), problem });
    }
    Ok(Read { info, origin, problems, labels, original })
}

/// Whether original files are read fast enough to be loaded without a prepared copy.
pub(crate) fn read_directly(manifest: &Manifest) -> bool {
    matches!(manifest.decoder, Decoder::Idx | Decoder::Cifar10 | Decoder::Cifar100)
}

/// Whether the hub's copy is there and none of the original files is.
pub(crate) fn uses_hub_copy(root: &Path, manifest: &Manifest) -> Result<bool, Error> {
    if hub_copy::locate(root, manifest)?.is_empty() {
        return Ok(false);
    }
    for spec in manifest.files.iter().chain(&manifest.archive) {
        if files::locate(root, manifest, spec)?.is_some() {
            return Ok(false);
        }
    }
    Ok(!collection::is_collection(manifest.decoder) || collection::count(root, manifest)?.pictures == 0)
}
