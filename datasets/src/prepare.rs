//! Preparing a data set: decode and resize once, write the prepared copy, open it in milliseconds ever after.

use std::path::{Path, PathBuf};

use taskset_names::Origin;

use crate::collection;
use crate::container::{self, Container};
use crate::digest::Fields;
use crate::files::Published;
use crate::imagenet::Batches;
use crate::manifest::{Decoder, Manifest, manifest};
use crate::originals::Listing;
use crate::prepared::{self, Header, Writer};
use crate::{Error, ImageData, ImageInfo, SourceSplit, contents, files, hub_copy, load};

/// How a data set is prepared.
pub struct Preparation<'a> {
    /// Whether a part of the original is accepted; the copy is then labelled partial.
    pub allow_partial: bool,
    /// Threads that decode pictures, at least 1. Their number does not change the result.
    pub threads: usize,
    /// Told now and then how many of how many examples are done.
    pub progress: &'a dyn Fn(usize, usize),
}

/// A prepared copy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreparedImages {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Examples in it.
    pub examples: usize,
    /// Whether it holds all or a part of the original.
    pub origin: Origin,
    /// Whether it was there already, made from the same files.
    pub up_to_date: bool,
}

/// Writes the prepared copy of an image data set to the folder `cache`, unless there is one from the same original files
/// (by names, sizes and times of change, or else by contents) whose contents are as they were written. Original files are below `root`, as for
/// [`Source::Directory`](crate::Source::Directory).
///
/// Memory: the result, for collections of pictures; one batch of the original, for downsampled ImageNet.
///
/// # Errors
/// Everything that can be wrong with the original files, [`Error::Partial`], [`Error::Write`].
pub fn prepare_images(
    root: &Path,
    name: &str,
    cache: &Path,
    how: &Preparation<'_>,
) -> Result<PreparedImages, Error> {
    prepare_manifest(root, manifest(name)?, cache, how)
}

pub(crate) fn prepare_manifest(
    root: &Path,
    manifest: &Manifest,
    cache: &Path,
    how: &Preparation<'_>,
) -> Result<PreparedImages, Error> {
    let path = prepared::path(cache, manifest);
    let inputs = inputs(root, manifest)?;
    if let Ok(Some(header)) = prepared::header(&path, manifest)
        && inputs.as_ref().map_or(Ok(true), |now| header.is_of(now))?
        && prepared::verify(&path, manifest, &header).is_ok()
    {
        if header.origin == Origin::Real || how.allow_partial {
            if let Some(now) = inputs.filter(|now| !now.has_times(&header.originals)) {
                // Where that cannot be noted, the originals are read again next time.
                let _ = prepared::renew(&path, manifest, &header, now.record()?);
            }
            return Ok(report(path, &header.info, header.origin, true));
        }
        if inputs.is_none() {
            return Err(is_part(root, manifest, &header));
        }
    }
    let Some(inputs) = inputs else {
        // Reading says which files are missing.
        let none = read(root, manifest, how, &mut |_| Ok(()));
        return Err(none.err().unwrap_or_else(|| files::missing(root, manifest, &manifest.files[0])));
    };
    files::check_writable(cache)?;
    // What is recorded of the originals is so before they are read for the copy.
    let originals = inputs.record()?;
    let mut writer = Writer::create(&path)?;
    let read = read(root, manifest, how, &mut |pixels| writer.pixels(pixels))?;
    let Read { info, origin, labels, .. } = read;
    let (recipe, inputs) = (prepared::recipe(manifest), inputs.named);
    writer.finish(Header { info, origin, recipe, inputs, originals, payload: [0; 32] }, &labels)?;
    Ok(report(path, &info, origin, false))
}

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
            problems = contents::problems(manifest, &found.pixels, &found.labels);
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

fn report(path: PathBuf, info: &ImageInfo, origin: Origin, up_to_date: bool) -> PreparedImages {
    let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
    PreparedImages { path, bytes, examples: info.source.total(), origin, up_to_date }
}

/// Batch by batch: the whole never is in memory.
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
    let (mut labels, mut contents) = (Vec::new(), contents::Contents::new(manifest));
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
    let path = prepared::path(cache, manifest);
    let Some(header) = prepared::header(&path, manifest)? else { return Ok(None) };
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
    prepared::open(&path, manifest, &header).map(Some)
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
fn is_part(root: &Path, manifest: &Manifest, header: &Header) -> Error {
    let (got, all) = (header.info.source.total(), manifest.source.total());
    files::partial(root, manifest, vec![format!("the prepared copy holds {got} of {all} images")])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::{PreparedState, imagenet, prepared_copies, sealed};

    fn how(allow_partial: bool) -> Preparation<'static> {
        Preparation { allow_partial, threads: 2, progress: &|_, _| {} }
    }

    #[test]
    fn imagenet_is_prepared_and_opened() {
        let (root, manifest) = (TempDir::new().unwrap(), imagenet::tests::tiny());
        let cache = root.path().join("cache");
        assert!(matches!(
            prepare_manifest(root.path(), &manifest, &cache, &how(true)),
            Err(Error::MissingFile { .. })
        ));
        imagenet::tests::place(root.path(), &manifest, true);
        let not_prepared = load::images(root.path(), &cache, &manifest, false);
        assert!(matches!(not_prepared, Err(Error::NotPrepared { .. })), "{not_prepared:?}");

        let first = prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
        assert_eq!((first.examples, first.origin, first.up_to_date), (13, Origin::Real, false));
        assert!(prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap().up_to_date);
        let data = load::images(root.path(), &cache, &manifest, false).unwrap();
        assert_eq!((data.len(), data.pixels(2)[0], data.label(12)), (13, 3, 1));

        // Other files: the copy is not used, and made anew.
        let zip = manifest.folder(root.path()).join(&manifest.files[1].name);
        fs::remove_file(&zip).unwrap();
        fs::write(
            &zip,
            crate::zip::tests::archive(&[("val_data.npz", &imagenet::tests::npz(&[9; 6], &[3]))], true),
        )
        .unwrap();
        let message = load::images(root.path(), &cache, &manifest, true).unwrap_err().to_string();
        assert!(message.contains("other files"), "{message}");
        assert!(matches!(
            prepare_manifest(root.path(), &manifest, &cache, &how(false)),
            Err(Error::Partial { .. })
        ));
        assert_eq!(
            prepare_manifest(root.path(), &manifest, &cache, &how(true)).unwrap().origin,
            Origin::Partial
        );
        assert!(matches!(load::images(root.path(), &cache, &manifest, false), Err(Error::Partial { .. })));
        assert_eq!(load::images(root.path(), &cache, &manifest, true).unwrap().origin(), Origin::Partial);

        // The originals are not needed any more.
        let prepare = |partial| prepare_manifest(root.path(), &manifest, &cache, &how(partial));
        fs::remove_dir_all(manifest.folder(root.path())).unwrap();
        assert_eq!(load::images(root.path(), &cache, &manifest, true).unwrap().len(), 12);
        assert!(prepare(true).unwrap().up_to_date);
        assert!(matches!(prepare(false), Err(Error::Partial { .. })));
        let copy = prepared_copies::images(root.path(), &cache, &manifest, true).unwrap();
        assert!(copy.alone && matches!(copy.state, PreparedState::Usable(_)));
        // Where the copy is damaged, only they can help.
        change(&copy.path, sealed::HEADER);
        assert!(matches!(prepare(true), Err(Error::MissingFile { .. })));
        assert!(matches!(load::images(root.path(), &cache, &manifest, true), Err(Error::LostCopy { .. })));
        let copy = prepared_copies::images(root.path(), &cache, &manifest, true).unwrap();
        assert!(matches!(copy.state, PreparedState::Damaged(Error::LostCopy { .. })));
    }

    /// Changes a byte of a file, and the time as if it had been written a second later.
    fn change(path: &Path, at: usize) {
        let mut bytes = fs::read(path).unwrap();
        let time = fs::metadata(path).unwrap().modified().unwrap() + Duration::from_secs(1);
        bytes[at] ^= 0xff;
        fs::write(path, bytes).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_damaged_copy_is_never_used_and_made_anew() {
        let (root, manifest) = (TempDir::new().unwrap(), imagenet::tests::tiny());
        let cache = root.path().join("cache");
        imagenet::tests::place(root.path(), &manifest, false);
        let prepare = || prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
        let load = || load::images(root.path(), &cache, &manifest, false);
        let path = prepare().path;
        let digest = load().unwrap().digest();
        // A pixel, and a label.
        for at in [sealed::HEADER, fs::metadata(&path).unwrap().len() as usize - 2] {
            change(&path, at);
            let message = load().unwrap_err().to_string();
            for word in ["imagenet_resized-16x16.images", "wrong checksum of its contents"] {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
            assert!(message.contains("prepare imagenet_resized/16x16 again"), "{message}");
            assert!(!prepare().up_to_date, "what is damaged is not up to date");
            assert_eq!(load().unwrap().digest(), digest);
        }
        assert!(prepare().up_to_date);
    }

    #[test]
    fn originals_that_were_replaced_by_others_of_the_same_size_are_noticed() {
        let (root, manifest) = (TempDir::new().unwrap(), imagenet::tests::tiny());
        let cache = root.path().join("cache");
        imagenet::tests::place(root.path(), &manifest, false);
        prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
        let batch = manifest.folder(root.path()).join("Imagenet16_train_npz/train_data_batch_3.npz");
        let folder = || batch.parent().unwrap();
        let other = imagenet::tests::npz(&[99, 1, 2, 3, 4, 5], &[1]);
        assert_eq!(fs::metadata(&batch).unwrap().len(), other.len() as u64, "{}", folder().display());
        let time = fs::metadata(&batch).unwrap().modified().unwrap() + Duration::from_secs(1);
        fs::write(&batch, other).unwrap();
        fs::File::options().write(true).open(&batch).unwrap().set_modified(time).unwrap();
        let message = load::images(root.path(), &cache, &manifest, false).unwrap_err().to_string();
        assert!(message.contains("names, sizes, times of change"), "{message}");
        assert!(!prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap().up_to_date);
        assert_eq!(load::images(root.path(), &cache, &manifest, false).unwrap().pixels(2)[0], 99);
    }

    #[cfg(unix)]
    #[test]
    fn originals_of_other_contents_are_noticed_whatever_their_modification_time() {
        use crate::originals::tests::{READ, replace};
        let (root, manifest) = (TempDir::new().unwrap(), imagenet::tests::tiny());
        let cache = root.path().join("cache");
        imagenet::tests::place(root.path(), &manifest, false);
        let prepare = || prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
        let load = || load::images(root.path(), &cache, &manifest, false);
        let state = || prepared_copies::images(root.path(), &cache, &manifest, true).unwrap().state;
        prepare();
        let digest = load().unwrap().digest();
        let read = READ.get();
        assert!(prepare().up_to_date && load().is_ok());
        assert_eq!(READ.get(), read, "originals that have not changed are not read");
        let batch = manifest.folder(root.path()).join("Imagenet16_train_npz/train_data_batch_3.npz");
        // As in a copied data directory: the copy stays good, and preparing notes the new times.
        replace(&batch, &fs::read(&batch).unwrap());
        assert_eq!(load().unwrap().digest(), digest);
        assert!(prepare().up_to_date && load().unwrap().digest() == digest);
        let inputs = inputs(root.path(), &manifest).unwrap().unwrap();
        let header = prepared::header(&prepared::path(&cache, &manifest), &manifest).unwrap().unwrap();
        assert!(inputs.has_times(&header.originals));
        replace(&batch, &imagenet::tests::npz(&[99, 1, 2, 3, 4, 5], &[1]));
        assert!(matches!(load(), Err(Error::NotPrepared { .. })));
        assert!(matches!(state(), PreparedState::Stale));
        assert!(!prepare().up_to_date);
        assert_eq!(load().unwrap().pixels(2)[0], 99);
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn the_hub_copy_is_prepared_if_there_is_nothing_else() {
        use crate::hub_copy::tests::parquet;
        use crate::picture::tests::png;
        let root = TempDir::new().unwrap();
        let mut manifest = manifest("cifar10").unwrap().clone();
        manifest.source = crate::SourceSizes { train: 4, validation: None, test: Some(1) };
        manifest.held_out = crate::HeldOut { sampled: 1, fixed: 1 };
        let hub = manifest.hub.as_mut().unwrap();
        hub.files.iter_mut().for_each(|file| file.sha256 = None);
        let names = [0, 1].map(|i| hub.files[i].name.clone());
        let picture = |value: u8| png(&[value; 3072], 32, 32);
        let place = |name: &str, bytes: &[u8]| {
            let path = manifest.folder(root.path()).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let cache = root.path().join("cache");
        place(&names[0], &parquet(&[(1, picture(10)), (0, picture(11)), (9, picture(12)), (3, picture(13))]));
        place(&names[1], &parquet(&[(10, picture(14))]));
        let error = prepare_manifest(root.path(), &manifest, &cache, &how(true)).unwrap_err().to_string();
        assert!(error.contains("row 0") && error.contains("10 classes"), "{error}");
        place(&names[1], &parquet(&[(2, picture(14))]));
        assert!(matches!(
            load::images(root.path(), &cache, &manifest, false),
            Err(Error::NotPrepared { .. })
        ));
        prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
        let data = load::images(root.path(), &cache, &manifest, false).unwrap();
        assert_eq!(data.labels(), [1, 0, 9, 3, 2]);
        assert_eq!([0, 3, 4].map(|i| data.pixels(i)[7]), [10, 13, 14]);
    }

    #[cfg(feature = "encoded")]
    mod collections {
        use super::*;
        use crate::picture::tests::png;
        use crate::{HeldOut, ImageShape, SourceSizes, resize_cubic};

        /// COIL-100 of six pictures of 5×4, resized to 3×3.
        fn coil(root: &Path) -> Manifest {
            let mut manifest = manifest("coil100_32x32").unwrap().clone();
            manifest.shape = ImageShape { height: 3, width: 3, channels: 3 };
            manifest.source = SourceSizes { train: 6, validation: None, test: None };
            manifest.held_out = HeldOut { sampled: 1, fixed: 1 };
            (manifest.original, manifest.balanced) = (None, false);
            manifest.files.iter_mut().for_each(|file| (file.bytes, file.sha256) = (None, None));
            let folder = manifest.folder(root).join("coil-100");
            fs::create_dir_all(&folder).unwrap();
            for (i, name) in NAMES.iter().enumerate() {
                fs::write(folder.join(name), png(&pixels(i), 4, 5)).unwrap();
            }
            fs::write(folder.join("readme.txt"), "no picture").unwrap();
            manifest
        }

        /// In the order of keys.
        const NAMES: [&str; 6] =
            ["obj1__0.png", "obj1__10.png", "obj1__355.png", "obj2__0.png", "obj2__5.png", "obj3__180.png"];

        fn pixels(i: usize) -> Vec<u8> {
            (0..60).map(|k| (k * 7 + i * 40) as u8).collect()
        }

        fn resized(i: usize) -> Vec<u8> {
            let mut out = Vec::new();
            resize_cubic(&pixels(i), ImageShape { height: 5, width: 4, channels: 3 }, 3, 3, &mut out);
            out
        }

        #[test]
        fn pictures_in_a_folder_or_an_archive_give_the_same_copy() {
            let (root, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
            let manifest = coil(root.path());
            // The same pictures in an archive, in another order.
            let encoded: Vec<(String, Vec<u8>)> = [3, 0, 5, 1, 4, 2]
                .map(|i: usize| (format!("coil-100/{}", NAMES[i]), png(&pixels(i), 4, 5)))
                .into();
            let files: Vec<(&str, &[u8])> =
                encoded.iter().map(|(name, bytes)| (&name[..], &bytes[..])).collect();
            fs::create_dir_all(manifest.folder(other.path())).unwrap();
            fs::write(
                manifest.folder(other.path()).join("coil-100.zip"),
                crate::zip::tests::archive(&files, true),
            )
            .unwrap();
            let mut digests = Vec::new();
            for root in [&root, &other] {
                let cache = root.path().join("cache");
                let done = prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
                assert_eq!((done.examples, done.origin), (6, Origin::Real));
                let data = load::images(root.path(), &cache, &manifest, false).unwrap();
                assert_eq!(data.labels(), [0, 2, 71, 0, 1, 36]);
                (0..6).for_each(|i| assert_eq!(data.pixels(i), resized(i as usize)));
                digests.push(data.digest());
            }
            assert_eq!(digests[0], digests[1]);
            // A picture that was replaced by another of the same size, in a folder.
            change(&manifest.folder(root.path()).join("coil-100").join(NAMES[4]), 0);
            let stale = load::images(root.path(), &root.path().join("cache"), &manifest, false);
            assert!(matches!(stale, Err(Error::NotPrepared { .. })), "{stale:?}");
        }

        #[test]
        fn missing_broken_and_surplus_pictures_are_told() {
            let root = TempDir::new().unwrap();
            let manifest = coil(root.path());
            let (folder, cache) = (manifest.folder(root.path()).join("coil-100"), root.path().join("cache"));
            let fails = |partial, words: &[&str]| {
                let error =
                    prepare_manifest(root.path(), &manifest, &cache, &how(partial)).unwrap_err().to_string();
                words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in: {error}"));
                assert_eq!(fs::read_dir(&cache).map_or(0, Iterator::count), 0, "nothing is written");
            };
            fs::write(folder.join("obj9__5.png"), png(&pixels(0), 4, 5)).unwrap();
            fails(true, &["more pictures than the 6"]);
            fs::remove_file(folder.join("obj9__5.png")).unwrap();
            fs::write(folder.join("obj1__10.png"), "not a picture").unwrap();
            fails(false, &["obj1__10.png", "not a usable picture"]);
            fs::remove_file(folder.join("obj1__10.png")).unwrap();
            fails(false, &["5 of 6 train pictures"]);
            fs::write(folder.join("obj1__11.png"), png(&pixels(1), 4, 5)).unwrap();
            fails(true, &["obj1__11.png", "pose"]);
            fs::remove_file(folder.join("obj1__11.png")).unwrap();
            let done = prepare_manifest(root.path(), &manifest, &cache, &how(true)).unwrap();
            assert_eq!((done.examples, done.origin), (5, Origin::Partial));
        }

        #[test]
        fn pictures_that_cannot_be_the_originals_are_a_part() {
            let root = TempDir::new().unwrap();
            let (mut manifest, cache) = (coil(root.path()), root.path().join("cache"));
            let prepare = |manifest: &Manifest, partial| {
                let made = prepare_manifest(root.path(), manifest, &cache, &how(partial));
                made.map(|made| made.origin).map_err(|error| error.to_string())
            };
            manifest.original = Some(crate::Sides { height: 6, width: 4 });
            let refused = prepare(&manifest, false).unwrap_err();
            assert!(refused.contains("6 pictures are not of 4×6 pixels"), "{refused}");
            assert_eq!(prepare(&manifest, true), Ok(Origin::Partial));
            manifest.original = Some(crate::Sides { height: 5, width: 4 });
            // An archive that is much larger than all pictures together held others.
            manifest.files[0].bytes = Some(1 << 20);
            let refused = prepare(&manifest, false).unwrap_err();
            assert!(refused.contains("far too few for the original"), "{refused}");
            manifest.files[0].bytes = Some(100);
            assert_eq!(prepare(&manifest, false), Ok(Origin::Real));
        }

        #[test]
        fn archives_that_were_packed_anew_are_read_and_damaged_ones_are_named() {
            let root = TempDir::new().unwrap();
            let (mut manifest, cache) = (coil(root.path()), root.path().join("cache"));
            let pictures: Vec<(String, Vec<u8>)> =
                (0..6).map(|i| (format!("coil-100/{}", NAMES[i]), png(&pixels(i), 4, 5))).collect();
            let files: Vec<(&str, &[u8])> = pictures.iter().map(|(n, b)| (&n[..], &b[..])).collect();
            let archive = crate::zip::tests::archive(&files, true);
            fs::remove_dir_all(manifest.folder(root.path())).unwrap();
            fs::create_dir_all(manifest.folder(root.path())).unwrap();
            let put = |bytes: &[u8]| fs::write(manifest_zip(root.path()), bytes).unwrap();
            let prepare = |manifest: &Manifest, partial| {
                let made = prepare_manifest(root.path(), manifest, &cache, &how(partial));
                made.map(|made| made.origin).map_err(|error| error.to_string())
            };
            // Of another size and checksum than the original, and all pictures are in it.
            manifest.files[0].bytes = Some(archive.len() as u64 + 9);
            manifest.files[0].sha256 = Some("0".repeat(64));
            put(&archive);
            assert_eq!(prepare(&manifest, false), Ok(Origin::Real));
            put(&archive[..archive.len() - 7]);
            let refused = prepare(&manifest, true).unwrap_err();
            assert!(refused.contains("coil-100.zip: truncated"), "{refused}");
            put(&crate::zip::tests::archive(&files[..5], true));
            let refused = prepare(&manifest, false).unwrap_err();
            assert!(refused.contains("the original") && refused.contains("5 of 6"), "{refused}");
            assert_eq!(prepare(&manifest, true), Ok(Origin::Partial));
        }

        #[test]
        fn copies_of_one_picture_are_a_part_and_so_are_other_labels() {
            let root = TempDir::new().unwrap();
            let (mut manifest, cache) = (coil(root.path()), root.path().join("cache"));
            let prepare = |manifest: &Manifest, partial| {
                let made = prepare_manifest(root.path(), manifest, &cache, &how(partial));
                made.map(|made| made.origin).map_err(|error| error.to_string())
            };
            manifest.balanced = true;
            manifest.classes = 2;
            let folder = manifest.folder(root.path()).join("coil-100");
            NAMES.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
            let put = |labels: [usize; 6], same: bool| {
                let _ = fs::remove_dir_all(&folder);
                fs::create_dir_all(&folder).unwrap();
                for (i, label) in labels.into_iter().enumerate() {
                    let picture = png(&pixels(if same { 0 } else { i }), 4, 5);
                    fs::write(folder.join(format!("obj{i}__{}.png", 5 * label)), picture).unwrap();
                }
            };
            put([0, 1, 1, 1, 0, 0], false);
            assert_eq!(prepare(&manifest, false), Ok(Origin::Real));
            for (labels, same, words) in [
                ([0, 1, 1, 1, 0, 0], true, "only 1 of 6 train examples are different"),
                (
                    [0, 1, 1, 1, 1, 0],
                    false,
                    "labels are not those of the original: 2 train examples have label 0",
                ),
            ] {
                put(labels, same);
                let refused = prepare(&manifest, false).unwrap_err();
                assert!(refused.contains(words), "{refused}");
                assert_eq!(prepare(&manifest, true), Ok(Origin::Partial));
            }
        }

        fn manifest_zip(root: &Path) -> PathBuf {
            root.join("coil100/coil-100.zip")
        }

        #[test]
        fn a_truncated_picture_is_named_with_its_archive() {
            let root = TempDir::new().unwrap();
            let (manifest, cache) = (coil(root.path()), root.path().join("cache"));
            let whole = png(&pixels(3), 4, 5);
            let cut = &whole[..whole.len() - 20];
            fs::remove_dir_all(manifest.folder(root.path())).unwrap();
            fs::create_dir_all(manifest.folder(root.path())).unwrap();
            let files: [(&str, &[u8]); 2] = [("coil-100/obj1__0.png", &whole), ("coil-100/obj2__0.png", cut)];
            fs::write(manifest_zip(root.path()), crate::zip::tests::archive(&files, false)).unwrap();
            let refused =
                prepare_manifest(root.path(), &manifest, &cache, &how(true)).unwrap_err().to_string();
            assert!(refused.contains("coil-100.zip/coil-100/obj2__0.png: not a usable picture"), "{refused}");
        }

        #[test]
        fn sun397_takes_splits_from_its_lists() {
            let root = TempDir::new().unwrap();
            let mut manifest = manifest("sun397_32x32").unwrap().clone();
            manifest.shape = ImageShape { height: 2, width: 2, channels: 3 };
            manifest.classes = 2;
            manifest.source = SourceSizes { train: 3, validation: Some(1), test: Some(1) };
            manifest.held_out = HeldOut { sampled: 1, fixed: 1 };
            manifest.files.iter_mut().for_each(|file| (file.bytes, file.sha256) = (None, None));
            let folder = manifest.folder(root.path());
            let put = |name: &str, bytes: &[u8]| {
                let path = folder.join("SUN397").join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            };
            for (name, value) in [
                ("a/abbey/x", 10),
                ("a/abbey/y", 20),
                ("b/bar/in/x", 30),
                ("b/bar/in/y", 40),
                ("b/bar/in/z", 50),
            ] {
                put(&format!("{name}.jpg"), &png(&[value; 12], 2, 2));
            }
            put("c/unlisted/x.jpg", b"never read");
            let lists = [
                "/b/bar/in/z.jpg\n/a/abbey/x.jpg\n/a/abbey/y.jpg\n",
                "/b/bar/in/x.jpg\n",
                "/b/bar/in/y.jpg\n",
            ];
            let cache = root.path().join("cache");
            let missing = prepare_manifest(root.path(), &manifest, &cache, &how(false));
            assert!(matches!(missing, Err(Error::MissingFile { .. })), "{missing:?}");
            for (spec, list) in manifest.files.iter().filter(|spec| !collection::is_archive(spec)).zip(lists)
            {
                fs::write(folder.join(&spec.name), list).unwrap();
            }
            prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
            let data = load::images(root.path(), &cache, &manifest, false).unwrap();
            assert_eq!(data.labels(), [0, 0, 1, 1, 1]);
            assert_eq!([0, 1, 2, 3, 4].map(|i| data.pixels(i)[0]), [10, 20, 50, 30, 40]);
            // The pictures are not needed any more, even where the lists stay.
            fs::remove_dir_all(folder.join("SUN397")).unwrap();
            assert_eq!(load::images(root.path(), &cache, &manifest, false).unwrap().digest(), data.digest());
        }
    }
}
