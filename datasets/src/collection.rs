//! Data sets that are published as collections of pictures: which file is which example, and all of them resized.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::container::{self, Container};
use crate::inspect::far_too_small;
use crate::manifest::{Decoder, FileSpec, HubCopy, Manifest};
use crate::picture::{self, MAX_ENCODED};
use crate::{Error, ImageInfo, SourceSplit, files, hub_copy, resize_cubic};

/// Encoded pictures that are decoded at a time: at most so many, and no more when they have so many bytes together.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 << 20;
/// Bytes that decoding may take at a time on all threads together. A picture that takes more is decoded alone.
const DECODING: u64 = 256 << 20;

/// What the name of a file says of an example.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    /// The same for a picture wherever it lies; the order of keys is the order of examples.
    key: String,
    label: Label,
}

#[derive(Debug, PartialEq, Eq)]
enum Label {
    Number(u16),
    /// A class by its name; classes are numbered in the order of names.
    Class(String),
}

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

/// What a file is by its path, or none if it is no picture of the data set.
///
/// # Errors
/// A file that looks like a picture of the data set, but whose name breaks the rule; why, in words.
fn item(decoder: Decoder, path: &str) -> Result<Option<Item>, String> {
    let parts: Vec<&str> = path.split('/').collect();
    let file = parts[parts.len() - 1];
    let Some((stem, extension)) = file.rsplit_once('.') else { return Ok(None) };
    let of_kind = |wanted: &str| extension.eq_ignore_ascii_case(wanted) && !container::is_hidden(path);
    let number = |label: u16, key: &str| Ok(Some(Item { key: key.to_owned(), label: Label::Number(label) }));
    match decoder {
        Decoder::Food101 => match parts[..] {
            [.., "images", class, _] if of_kind("jpg") => {
                Ok(Some(Item { key: format!("{class}/{file}"), label: Label::Class(class.to_owned()) }))
            }
            _ => Ok(None),
        },
        Decoder::Coil100 if of_kind("png") && stem.starts_with("obj") => {
            // QUIRK-6: the pose is the label, not the object.
            let pose = stem.split_once("__").and_then(|(_, pose)| pose.parse::<u16>().ok());
            match pose.filter(|pose| pose % 5 == 0 && *pose < 360) {
                Some(pose) => number(pose / 5, file),
                None => {
                    Err("the name must be obj<number>__<pose>.png with a pose of 0, 5, …, 355".to_owned())
                }
            }
        }
        Decoder::DeepWeeds if of_kind("jpg") => {
            // QUIRK-7: the last number is the camera, not the species.
            match stem.rsplit_once('-').and_then(|(_, camera)| camera.parse::<u16>().ok()) {
                Some(camera) => number(camera, file),
                None => Err("the name must end in a hyphen and a number".to_owned()),
            }
        }
        Decoder::ColorectalHistology if of_kind("tif") => match parts[..] {
            [.., folder, _] => match folder.split_once('_').and_then(|(n, _)| n.parse::<u16>().ok()) {
                Some(class @ 1..) => number(class - 1, &format!("{folder}/{file}")),
                // Larger pictures of the same publication lie in folders of other names.
                _ => Ok(None),
            },
            _ => Ok(None),
        },
        Decoder::Sun397 => match parts.iter().position(|&part| part == "SUN397") {
            Some(root) if of_kind("jpg") && parts.len() > root + 2 => {
                let class = format!("/{}", parts[root + 1..parts.len() - 1].join("/"));
                Ok(Some(Item { key: format!("{class}/{file}"), label: Label::Class(class) }))
            }
            _ => Ok(None),
        },
        _ => Ok(None),
    }
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

/// Whether a file is a picture of the data set, by its path in the data set's folder.
pub(crate) fn is_picture(manifest: &Manifest, path: &str) -> bool {
    matches!(item(manifest.decoder, path), Ok(Some(_)) | Err(_))
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
    let lists = if manifest.decoder == Decoder::Sun397 { Some(read_lists(root, manifest)?) } else { None };
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
            let mut batch = Batch { pixels, ..Batch::new(&container, manifest, threads) };
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

/// Encoded pictures that wait to be decoded together, and the pixels of those that were.
struct Batch<'a> {
    container: &'a Container,
    manifest: &'a Manifest,
    /// The threads that decode; none if this one does.
    pool: Option<ThreadPool>,
    waiting: Vec<(String, Vec<u8>)>,
    waiting_bytes: usize,
    /// Resized, one picture after the other.
    pixels: Vec<u8>,
    /// Pictures that were decoded and have other sides than the originals.
    of_other_sides: usize,
}

impl<'a> Batch<'a> {
    fn new(container: &'a Container, manifest: &'a Manifest, threads: usize) -> Self {
        let (pool, waiting, pixels) = (pool(threads), Vec::new(), Vec::new());
        Self { container, manifest, pool, waiting, waiting_bytes: 0, pixels, of_other_sides: 0 }
    }

    /// Adds a picture; if there are enough then, decodes all that wait. Returns whether it did.
    fn add(&mut self, name: String, encoded: Vec<u8>) -> Result<bool, Error> {
        self.waiting_bytes += encoded.len();
        self.waiting.push((name, encoded));
        let enough = self.waiting.len() >= BATCH || self.waiting_bytes >= BATCH_BYTES;
        if enough {
            self.decode()?;
        }
        Ok(enough)
    }

    /// Decodes and resizes the pictures that wait, in order.
    fn decode(&mut self) -> Result<(), Error> {
        let (container, manifest, budget) = (self.container, self.manifest, Budget::new(DECODING));
        let other_sides = |shape: crate::ImageShape| {
            manifest.original.is_some_and(|sides| (sides.height, sides.width) != (shape.height, shape.width))
        };
        let one = |(name, bytes): &(String, Vec<u8>)| {
            let broken = |problem| Error::Undecodable { path: container.member(name), problem };
            let header = picture::header(bytes).map_err(broken)?;
            let _taken = budget.take(header.cost);
            let picture = picture::decode(bytes, &header).map_err(broken)?;
            let mut resized = Vec::with_capacity(manifest.shape.len());
            let (height, width) = (manifest.shape.height, manifest.shape.width);
            resize_cubic(&picture.pixels, picture.shape, height, width, &mut resized);
            Ok((resized, other_sides(picture.shape)))
        };
        // All are collected, so that the first broken picture is named, not any one.
        let decoded: Vec<Result<(Vec<u8>, bool), Error>> = match &self.pool {
            Some(pool) => pool.install(|| self.waiting.par_iter().map(one).collect()),
            None => self.waiting.iter().map(one).collect(),
        };
        for picture in decoded {
            let (pixels, of_other_sides) = picture?;
            self.pixels.extend(pixels);
            self.of_other_sides += usize::from(of_other_sides);
        }
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }
}

/// So many threads, or fewer where the system refuses more; none if one is enough.
fn pool(threads: usize) -> Option<ThreadPool> {
    let fewer = std::iter::successors(Some(threads), |n| Some(n / 2)).take_while(|&n| n > 1);
    fewer.map(|n| ThreadPoolBuilder::new().num_threads(n).build()).find_map(Result::ok)
}

/// Bytes that threads may take together; who wants more than is left waits.
struct Budget {
    all: u64,
    left: Mutex<u64>,
    given_back: Condvar,
}

/// Bytes that are given back at its end.
struct Taken<'a>(&'a Budget, u64);

impl Budget {
    fn new(all: u64) -> Self {
        Self { all, left: Mutex::new(all), given_back: Condvar::new() }
    }

    /// Takes so many bytes; who wants more than there are waits for all of them.
    fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = bytes.min(self.all);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        while *left < bytes {
            left = self.given_back.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
        *left -= bytes;
        Taken(self, bytes)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += self.1;
        self.0.given_back.notify_all();
    }
}

/// The lists of SUN397: the split of every picture, by its key. Each file of the manifest that is no archive is the list
/// of its split, a key a line.
fn read_lists(root: &Path, manifest: &Manifest) -> Result<BTreeMap<String, SourceSplit>, Error> {
    let mut splits = BTreeMap::new();
    for spec in manifest.files.iter().filter(|spec| !is_archive(spec)) {
        let Some(file) = files::locate(root, manifest, spec)? else {
            return Err(files::missing(root, manifest, spec));
        };
        let split = spec.split.unwrap_or(SourceSplit::Train);
        let expected = manifest.source.get(split);
        // Keys are below 200 bytes; nothing longer is read into memory.
        let (limit, got) = (200 * expected as u64, file.bytes()?);
        if got > limit {
            let problem = format!("{got} bytes, a list of {expected} pictures has less than {limit}");
            return Err(Error::TooLarge { path: file.path, problem });
        }
        file.check(spec)?;
        let mut text = Vec::new();
        file.open()?.take(limit).read_to_end(&mut text).map_err(|source| file.io(source))?;
        let malformed = |offset: usize, problem: String| Error::Corrupt {
            path: file.path.clone(),
            offset: offset as u64,
            problem,
        };
        let text =
            std::str::from_utf8(&text).map_err(|e| malformed(e.valid_up_to(), "not UTF-8".to_owned()))?;
        let before = splits.len();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            splits.insert(line.to_owned(), split);
        }
        let listed = splits.len() - before;
        if listed != expected {
            return Err(malformed(
                text.len(),
                format!("{listed} new pictures are listed, {expected} expected"),
            ));
        }
    }
    Ok(splits)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn threads_together_take_no_more_than_the_budget() {
        let (budget, now, most) = (Budget::new(100), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for bytes in [30, 60, 100, 5000, 1, 45] {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _taken = budget.take(bytes);
                        let counted = bytes.min(100);
                        most.fetch_max(now.fetch_add(counted, Ordering::SeqCst) + counted, Ordering::SeqCst);
                        now.fetch_sub(counted, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 100);
        assert_eq!(*budget.left.lock().unwrap(), 100);
    }

    #[test]
    fn names_say_which_example_a_file_is() {
        let check = |decoder, path: &str, expected: Option<(&str, Label)>| {
            let expected = expected.map(|(key, label)| Item { key: key.to_owned(), label });
            assert_eq!(item(decoder, path), Ok(expected), "{path}");
        };
        let class = |name: &str| Label::Class(name.to_owned());
        check(Decoder::Food101, "food-101/images/waffles/12.jpg", Some(("waffles/12.jpg", class("waffles"))));
        check(Decoder::Food101, "food-101/images/waffles/._12.jpg", None);
        check(Decoder::Food101, "food-101/meta/classes.txt", None);
        check(Decoder::Coil100, "coil-100/obj7__355.png", Some(("obj7__355.png", Label::Number(71))));
        check(Decoder::Coil100, "coil-100/convertGroupppm2png.pl", None);
        check(
            Decoder::DeepWeeds,
            "images/20160928-140314-3.jpg",
            Some(("20160928-140314-3.jpg", Label::Number(3))),
        );
        let tile = "Kather_texture_2016_image_tiles_5000/08_EMPTY/a_Row_1.tif";
        check(Decoder::ColorectalHistology, tile, Some(("08_EMPTY/a_Row_1.tif", Label::Number(7))));
        let abbey = "x/SUN397/c/church/outdoor/sun_a.jpg";
        check(Decoder::Sun397, abbey, Some(("/c/church/outdoor/sun_a.jpg", class("/c/church/outdoor"))));
        check(Decoder::Sun397, "SUN397/README.txt", None);
        for (decoder, path) in [
            (Decoder::Coil100, "obj7__7.png"),
            (Decoder::Coil100, "obj7__360.png"),
            (Decoder::Coil100, "obj7.png"),
            (Decoder::DeepWeeds, "images/nameless.jpg"),
        ] {
            assert!(item(decoder, path).is_err(), "{path}");
        }
    }
}
