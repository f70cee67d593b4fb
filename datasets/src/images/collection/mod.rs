//! Data sets that are published as collections of pictures: all pictures are decoded, resized, and put into the order of
//! examples.

mod decode;
mod lists;
mod names;
#[cfg(test)]
#[cfg(feature = "encoded")]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use decode::Batch;
use names::{Item, Label, item};

pub(crate) use names::is_picture;

use super::{ImageInfo, hub_copy, picture::MAX_ENCODED};
use crate::files::far_too_small;
use crate::formats::container::{self, Container};
use crate::manifest::{Decoder, FileSpec, HubCopy, Manifest};
use crate::splits::SourceSplit;
use crate::{Error, files};

/// A collection that was read: examples in the order of source splits and keys.
pub(crate) struct Collection {
    pub(crate) info: ImageInfo,
    /// What makes it a partial one.
    pub(crate) problems: Vec<String>,
    pub(crate) pixels: Vec<u8>,
    pub(crate) labels: Vec<u16>,
}

/// Whether a decoder reads pictures.
pub(crate) fn is_collection(decoder: Decoder) -> bool {
    matches!(
        decoder,
        Decoder::Food101
            | Decoder::Coil100
            | Decoder::DeepWeeds
            | Decoder::Sun397
            | Decoder::ColorectalHistology
    )
}

/// Whether a file of the manifest is the archive of the pictures (and not a list).
pub(crate) fn is_archive(spec: &FileSpec) -> bool {
    spec.name.ends_with(".zip") || spec.name.ends_with(".tar.gz")
}

/// Where the pictures are: the published archive if it is there, else the data set's folder.
pub(crate) fn find(root: &Path, manifest: &Manifest) -> Result<(Container, Option<files::Located>), Error> {
    for spec in manifest.files.iter().filter(|spec| is_archive(spec)) {
        if let Some(file) = files::locate(root, manifest, spec)? {
            return Ok((Container::archive(&file.path), Some(file)));
        }
    }
    Ok((Container::Folder(manifest.folder(root)), None))
}

/// The unpacked pictures in a data set's folder, by their names alone.
#[derive(Default)]
pub(crate) struct Unpacked {
    pub(crate) pictures: usize,
    /// Those whose names break the rule.
    pub(crate) misnamed: usize,
    /// Bytes of all.
    pub(crate) bytes: u64,
}

/// Counts the unpacked pictures in the data set's folder.
pub(crate) fn count(root: &Path, manifest: &Manifest) -> Result<Unpacked, Error> {
    let mut found = Unpacked::default();
    container::walk(&manifest.folder(root), &mut |name, path| {
        match item(manifest.decoder, name) {
            Ok(Some(_)) => found.pictures += 1,
            Ok(None) => return Ok(()),
            Err(_) => found.misnamed += 1,
        }
        found.bytes += std::fs::metadata(path).map_or(0, |m| m.len());
        Ok(())
    })?;
    Ok(found)
}

/// Reads and resizes all pictures, decoding on `threads` threads; their number changes nothing but the time.
/// `progress` is told how many of how many are done.
///
/// # Errors
/// No picture at all; a picture that cannot be decoded; a name that breaks the rule; pictures missing, unless `partial`
/// allows it; pictures in excess.
pub(crate) fn read(
    root: &Path,
    manifest: &Manifest,
    partial: bool,
    threads: usize,
    progress: &dyn Fn(usize, usize),
) -> Result<Collection, Error> {
    let (container, _) = find(root, manifest)?;
    let lists = if manifest.decoder == Decoder::Sun397 { Some(lists::read(root, manifest)?) } else { None };
    let mut examples = Vec::new();
    let mut encoded_bytes = 0;
    let mut batch = Batch::new(&container, manifest, threads);
    let total = manifest.source.total();
    let wanted = |name: &str| match (item(manifest.decoder, name), &lists) {
        (Ok(None), _) => false,
        (Ok(Some(item)), Some(lists)) => lists.contains_key(&item.key),
        _ => true,
    };
    let mut take = |name: &str, contents: Vec<u8>| {
        let broken = |problem| Error::Undecodable { path: container.member(name), problem };
        if let Some(item) = item(manifest.decoder, name).map_err(broken)? {
            if examples.len() == total {
                let problem = format!("more pictures than the {total} of the data set");
                return Err(Error::TooLarge { path: container.member(name), problem });
            }
            let split =
                lists.as_ref().map_or(Some(SourceSplit::Train), |lists| lists.get(&item.key).copied());
            examples.push((split.unwrap_or(SourceSplit::Train), item));
            encoded_bytes += contents.len() as u64;
            if batch.add(name.to_owned(), contents)? {
                progress(examples.len(), total);
            }
        }
        Ok(())
    };
    container.visit(&wanted, MAX_ENCODED, &mut take)?;
    batch.decode()?;
    let Batch { pixels, of_other_sides, .. } = batch;
    progress(examples.len(), total);
    let archive = manifest.files.iter().find(|spec| is_archive(spec)).unwrap_or(&manifest.files[0]);
    if examples.is_empty() {
        return Err(files::missing(root, manifest, archive));
    }
    let mut problems = other_sides(manifest, of_other_sides);
    problems.extend(far_too_small(encoded_bytes, archive.about_bytes()));
    assemble(root, manifest, lists.as_ref(), partial, problems, &examples, &pixels)
}

/// What is wrong with pictures of other sides than the originals.
fn other_sides(manifest: &Manifest, count: usize) -> Vec<String> {
    let problem = |sides: crate::manifest::Sides| {
        format!("{count} pictures are not of {}×{} pixels, as the originals are", sides.width, sides.height)
    };
    manifest.original.filter(|_| count > 0).map(problem).into_iter().collect()
}

/// Reads the hub's copy, in the order of its rows; otherwise as [`read`].
///
/// # Errors
/// As [`read`], and what can be wrong with Parquet files.
pub(crate) fn read_hub_copy(
    root: &Path,
    manifest: &Manifest,
    hub: &HubCopy,
    partial: bool,
    threads: usize,
    progress: &dyn Fn(usize, usize),
) -> Result<Collection, Error> {
    let found = hub_copy::locate(root, manifest)?;
    let total = manifest.source.total();
    let (mut counts, mut pixels, mut labels) = ([0; 3], Vec::new(), Vec::new());
    let mut of_other_sides = 0;
    for split in SourceSplit::ALL {
        for (i, file) in found.iter().filter(|(i, _)| hub.files[*i].split == Some(split)) {
            file.check(&hub.files[*i])?;
            let container = Container::Folder(file.path.clone());
            let mut batch = Batch::new(&container, manifest, threads);
            batch.pixels = pixels;
            hub_copy::read(&file.path, hub, MAX_ENCODED, &mut |row, label, picture| {
                let broken = |problem| Error::Parquet { path: file.path.clone(), row, problem };
                let label = u16::try_from(label).ok().filter(|&label| usize::from(label) < manifest.classes);
                labels.push(
                    label
                        .ok_or_else(|| broken(format!("a label outside of {} classes", manifest.classes)))?,
                );
                counts[split as usize] += 1;
                if counts[split as usize] > manifest.source.get(split) {
                    return Err(broken(format!(
                        "more than the {} pictures of {}",
                        manifest.source.get(split),
                        split.name()
                    )));
                }
                if batch.add(format!("row {row}"), picture.to_vec())? {
                    progress(labels.len(), total);
                }
                Ok(())
            })?;
            batch.decode()?;
            of_other_sides += batch.of_other_sides;
            pixels = batch.pixels;
        }
    }
    progress(labels.len(), total);
    let problems = missing(manifest, counts, other_sides(manifest, of_other_sides));
    files::origin(root, manifest, &problems, partial)?;
    Ok(Collection { info: manifest.info().partial(counts), problems, pixels, labels })
}

/// What is missing of each source split, in words; if nothing is, what else makes a copy a partial one.
pub(crate) fn missing(manifest: &Manifest, counts: [usize; 3], else_problems: Vec<String>) -> Vec<String> {
    let lacking = |split: &SourceSplit| counts[*split as usize] < manifest.source.get(*split);
    let words = |split: SourceSplit| {
        format!("{} of {} {} pictures", counts[split as usize], manifest.source.get(split), split.name())
    };
    let missing: Vec<String> = SourceSplit::ALL.into_iter().filter(lacking).map(words).collect();
    if missing.is_empty() { else_problems } else { missing }
}

/// Puts decoded pictures, which came in any order, into the order of examples.
fn assemble<'a>(
    root: &Path,
    manifest: &Manifest,
    lists: Option<&'a BTreeMap<String, SourceSplit>>,
    partial: bool,
    problems: Vec<String>,
    examples: &'a [(SourceSplit, Item)],
    pixels: &[u8],
) -> Result<Collection, Error> {
    let inconsistent = |problem: String| Error::Inconsistent { name: manifest.name.clone(), problem };
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_by(|&a, &b| (examples[a].0, &examples[a].1.key).cmp(&(examples[b].0, &examples[b].1.key)));
    if let Some(twice) = order.windows(2).find(|w| examples[w[0]].1.key == examples[w[1]].1.key) {
        return Err(inconsistent(format!("the picture {} is there twice", examples[twice[0]].1.key)));
    }
    let mut counts = [0; 3];
    examples.iter().for_each(|(split, _)| counts[*split as usize] += 1);
    let problems = missing(manifest, counts, problems);
    files::origin(root, manifest, &problems, partial)?;
    // Numbers of classes come from all of their names: with fewer, the same picture would get another label.
    let names: BTreeSet<&str> = match lists {
        Some(lists) => lists.keys().filter_map(|key| key.rsplit_once('/')).map(|(class, _)| class).collect(),
        None => {
            let name = |label: &'a Label| match label {
                Label::Class(name) => Some(name.as_str()),
                Label::Number(_) => None,
            };
            examples.iter().filter_map(|(_, item)| name(&item.label)).collect()
        }
    };
    if !names.is_empty() && names.len() != manifest.classes {
        return Err(inconsistent(format!("{} classes of {} are there", names.len(), manifest.classes)));
    }
    let numbers: BTreeMap<&str, u16> = names.iter().zip(0..).map(|(&name, number)| (name, number)).collect();
    let size = manifest.shape.len();
    let mut labels = Vec::with_capacity(order.len());
    let mut sorted = Vec::with_capacity(order.len() * size);
    for &i in &order {
        let item = &examples[i].1;
        let label = match &item.label {
            Label::Number(number) => *number,
            Label::Class(name) => numbers.get(name.as_str()).copied().unwrap_or(u16::MAX),
        };
        if usize::from(label) >= manifest.classes {
            return Err(inconsistent(format!(
                "{} has label {label} of {} classes",
                item.key, manifest.classes
            )));
        }
        labels.push(label);
        sorted.extend_from_slice(&pixels[i * size..][..size]);
    }
    let info = manifest.info().partial(counts);
    Ok(Collection { info, problems, pixels: sorted, labels })
}
