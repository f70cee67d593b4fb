//! Preparing an image data set: pictures are decoded and resized once, and a prepared copy is written.

use std::path::{Path, PathBuf};

use taskset_names::Origin;

use super::image_file::{self, Header, Writer};
use super::open_images::{inputs, is_part};
use crate::images::ImageInfo;
use crate::images::read_originals::{Read, read};
use crate::manifest::{Manifest, manifest};
use crate::{Error, files};

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
    let path = image_file::path(cache, manifest);
    let inputs = inputs(root, manifest)?;
    if let Ok(Some(header)) = image_file::header(&path, manifest)
        && inputs.as_ref().map_or(Ok(true), |now| header.is_of(now))?
        && image_file::verify(&path, manifest, &header).is_ok()
    {
        if header.origin == Origin::Real || how.allow_partial {
            if let Some(now) = inputs.filter(|now| !now.has_times(&header.originals)) {
                // Where that cannot be noted, the originals are read again next time.
                let _ = image_file::renew(&path, manifest, &header, now.record()?);
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
    let (recipe, inputs) = (image_file::recipe(manifest), inputs.named);
    writer.finish(Header { info, origin, recipe, inputs, originals, payload: [0; 32] }, &labels)?;
    Ok(report(path, &info, origin, false))
}

fn report(path: PathBuf, info: &ImageInfo, origin: Origin, up_to_date: bool) -> PreparedImages {
    let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
    PreparedImages { path, bytes, examples: info.source.total(), origin, up_to_date }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::images::imagenet;
    use crate::images::load;
    use crate::prepared::{PreparedState, look, sealed};

    pub(crate) fn how(allow_partial: bool) -> Preparation<'static> {
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
            crate::formats::zip::tests::archive(
                &[("val_data.npz", &imagenet::tests::npz(&[9; 6], &[3]))],
                true,
            ),
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
        let copy = look::images(root.path(), &cache, &manifest, true).unwrap();
        assert!(copy.alone && matches!(copy.state, PreparedState::Usable(_)));
        // Where the copy is damaged, only they can help.
        change(&copy.path, sealed::HEADER);
        assert!(matches!(prepare(true), Err(Error::MissingFile { .. })));
        assert!(matches!(load::images(root.path(), &cache, &manifest, true), Err(Error::LostCopy { .. })));
        let copy = look::images(root.path(), &cache, &manifest, true).unwrap();
        assert!(matches!(copy.state, PreparedState::Damaged(Error::LostCopy { .. })));
    }

    /// Changes a byte of a file, and the time as if it had been written a second later.
    pub(crate) fn change(path: &Path, at: usize) {
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
        use crate::prepared::originals::tests::{READ, replace};
        let (root, manifest) = (TempDir::new().unwrap(), imagenet::tests::tiny());
        let cache = root.path().join("cache");
        imagenet::tests::place(root.path(), &manifest, false);
        let prepare = || prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
        let load = || load::images(root.path(), &cache, &manifest, false);
        let state = || look::images(root.path(), &cache, &manifest, true).unwrap().state;
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
        let header = image_file::header(&image_file::path(&cache, &manifest), &manifest).unwrap().unwrap();
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
        use crate::images::hub_copy::tests::parquet;
        use crate::images::picture::tests::png;
        let root = TempDir::new().unwrap();
        let mut manifest = manifest("cifar10").unwrap().clone();
        manifest.source = crate::splits::SourceSizes { train: 4, validation: None, test: Some(1) };
        manifest.held_out = crate::splits::HeldOut { sampled: 1, fixed: 1 };
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
}
