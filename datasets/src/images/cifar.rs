//! The binary version of CIFAR-10 and CIFAR-100: fixed-size records of label bytes and three planes of 32×32 bytes.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::files::{self, Located, Published};
use crate::formats::container::Container;
use crate::manifest::{Decoder, FileSpec, Manifest};
use crate::splits::SourceSplit;
use crate::{Error, ImageData, plausibility};

/// Pixels of a plane.
const PLANE: usize = 32 * 32;
/// Values of an image.
const IMAGE: usize = 3 * PLANE;

/// Bytes of a record: the labels, then the image.
fn record_bytes(manifest: &Manifest) -> usize {
    IMAGE + label_bytes(manifest)
}

/// Label bytes of a record. Of CIFAR-100's two (coarse, fine) the last counts.
fn label_bytes(manifest: &Manifest) -> usize {
    if manifest.decoder == Decoder::Cifar100 { 2 } else { 1 }
}

/// Reads the data set. Files that end early, or are not there, make it a part of the original, which `partial` allows
/// as long as every split of the source has an example.
/// Returns what makes it a part, too.
pub(crate) fn images(
    root: &Path,
    manifest: &Manifest,
    partial: bool,
) -> Result<(ImageData, Vec<String>), Error> {
    // All files are looked for before the first is read, so that a missing one is reported at once.
    let mut located = Vec::with_capacity(manifest.files.len());
    for spec in &manifest.files {
        located.push((spec, files::locate(root, manifest, spec)?));
    }
    if located.iter().all(|(_, file)| file.is_none())
        && let Some(archive) = manifest.archive.as_ref()
        && let Some(file) = files::locate(root, manifest, archive)?
    {
        return Published::of(&file, archive)?.explain(from_archive(root, manifest, &file, partial));
    }
    let (mut counts, mut missing, mut original) = ([0; 3], Vec::new(), true);
    for (spec, file) in &located {
        match file {
            Some(file) => {
                let records = Records::of(manifest, spec, file)?;
                missing.extend(records.missing(spec));
                counts[spec.split.map_or(0, |split| split as usize)] += records.here;
            }
            None => missing.push(format!("{} is missing", spec.name)),
        }
    }
    for split in SourceSplit::ALL.into_iter().filter(|&split| manifest.source.get(split) > 0) {
        let absent = located.iter().find(|(spec, file)| file.is_none() && spec.split == Some(split));
        if let (0, Some((spec, _))) = (counts[split as usize], absent) {
            return Err(files::missing(root, manifest, spec));
        }
    }
    files::origin(root, manifest, &missing, partial)?;
    let info = manifest.info().partial(counts);
    let mut pixels = Vec::with_capacity(info.source.total() * IMAGE);
    let mut labels = Vec::with_capacity(info.source.total());
    for split in SourceSplit::ALL {
        for (spec, file) in located.iter().filter(|(spec, _)| spec.split == Some(split)) {
            if let Some(file) = file {
                original &= read(manifest, spec, file, &mut pixels, &mut labels)?;
            }
        }
    }
    if missing.is_empty() && !original {
        missing = plausibility::problems(manifest, &pixels, &labels);
    }
    let origin = files::origin(root, manifest, &missing, partial)?;
    Ok((ImageData::new(manifest.name.clone(), info, origin, pixels, labels)?, missing))
}

/// Reads the data set from the published archive, as from the files that it unpacks to.
pub(crate) fn from_archive(
    root: &Path,
    manifest: &Manifest,
    archive: &Located,
    partial: bool,
) -> Result<(ImageData, Vec<String>), Error> {
    let container = Container::archive(&archive.path);
    let spec =
        |name: &str| manifest.files.iter().find(|spec| name.rsplit('/').next() == Some(&spec.name[..]));
    let limit = manifest.files.iter().filter_map(|spec| spec.bytes).max().unwrap_or(0);
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    container.visit(&|name| spec(name).is_some(), limit, &mut |name, contents| {
        if let Some(spec) = spec(name) {
            found.insert(spec.name.clone(), contents);
        }
        Ok(())
    })?;
    let (mut counts, mut problems, mut members) = ([0; 3], Vec::new(), Vec::new());
    for split in SourceSplit::ALL {
        for spec in manifest.files.iter().filter(|spec| spec.split == Some(split)) {
            let path = container.member(&spec.name);
            let Some(bytes) = found.remove(&spec.name) else {
                problems.push(format!("{} is missing", spec.name));
                continue;
            };
            let records = Records::of_size(manifest, spec, &path, bytes.len() as u64)?;
            problems.extend(records.missing(spec));
            counts[split as usize] += records.here;
            members.push((spec, path, bytes));
        }
        let absent = manifest.files.iter().find(|spec| spec.split == Some(split));
        if let (0, Some(spec)) = (counts[split as usize], absent) {
            return Err(Error::MissingFile {
                name: manifest.name.clone(),
                directory: archive.path.clone(),
                accepted: vec![spec.name.clone()],
                site: manifest.site.clone(),
            });
        }
    }
    files::origin(root, manifest, &problems, partial)?;
    let info = manifest.info().partial(counts);
    let mut original = true;
    let mut pixels = Vec::with_capacity(info.source.total() * IMAGE);
    let mut labels = Vec::with_capacity(info.source.total());
    for (spec, path, bytes) in members {
        original &= append(manifest, spec, &path, &bytes, &mut pixels, &mut labels)?;
    }
    if problems.is_empty() && !original {
        problems = plausibility::problems(manifest, &pixels, &labels);
    }
    let origin = files::origin(root, manifest, &problems, partial)?;
    Ok((ImageData::new(manifest.name.clone(), info, origin, pixels, labels)?, problems))
}

/// Whether a file of `got` bytes may be a part of an original of `expected`: some whole records of it.
pub(crate) fn is_part(manifest: &Manifest, spec: &FileSpec, got: u64, expected: u64) -> bool {
    let has_records = matches!(manifest.decoder, Decoder::Cifar10 | Decoder::Cifar100)
        && manifest.files.iter().any(|file| file.name == spec.name);
    has_records && (1..expected).contains(&got) && got.is_multiple_of(record_bytes(manifest) as u64)
}

/// How many records a file holds, by its size.
pub(crate) struct Records {
    here: usize,
    expected: usize,
}

impl Records {
    /// # Errors
    /// The file is longer than the original, or ends within a record.
    fn of(manifest: &Manifest, spec: &FileSpec, file: &Located) -> Result<Self, Error> {
        Self::of_size(manifest, spec, &file.path, file.bytes()?)
    }

    fn of_size(manifest: &Manifest, spec: &FileSpec, path: &Path, got: u64) -> Result<Self, Error> {
        let record = record_bytes(manifest) as u64;
        // A manifest without sizes would be a mistake, which a test finds.
        let expected = spec.bytes.unwrap_or(0);
        if got > expected {
            return Err(Error::WrongSize { path: path.to_owned(), expected, got });
        }
        if !got.is_multiple_of(record) {
            let problem = format!(
                "the file ends {} bytes into record {}; records have {record} bytes",
                got % record,
                got / record
            );
            return Err(Error::Corrupt { path: path.to_owned(), offset: got, problem });
        }
        Ok(Self { here: (got / record) as usize, expected: (expected / record) as usize })
    }

    /// What is missing, in words, if anything.
    pub(crate) fn missing(&self, spec: &FileSpec) -> Option<String> {
        let Self { here, expected } = self;
        (here < expected).then(|| format!("{} holds {here} of {expected} images", spec.name))
    }
}

/// Checks one file without keeping what is in it: size, checksum if it is complete and one is known, labels. Returns
/// how much of it is there, and whether it is known to be the original.
pub(crate) fn check(manifest: &Manifest, spec: &FileSpec, file: &Located) -> Result<(Records, bool), Error> {
    let original = read(manifest, spec, file, &mut Vec::new(), &mut Vec::new())?;
    Ok((Records::of(manifest, spec, file)?, original))
}

/// Appends the images and labels of one file. Returns whether it is known to be the original.
fn read(
    manifest: &Manifest,
    spec: &FileSpec,
    file: &Located,
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u16>,
) -> Result<bool, Error> {
    let records = Records::of(manifest, spec, file)?;
    let size = records.here * record_bytes(manifest);
    let mut bytes = Vec::with_capacity(size);
    // No more than was found just now, even if the file grows meanwhile.
    file.open()?.take(size as u64).read_to_end(&mut bytes).map_err(|source| file.io(source))?;
    if bytes.len() < size {
        let source = io::Error::from(io::ErrorKind::UnexpectedEof);
        return Err(Error::Io { path: file.path.clone(), source });
    }
    append(manifest, spec, &file.path, &bytes, pixels, labels)
}

/// Appends the images and labels of whole records, after comparing them with the checksum if they are all of the file.
/// Returns whether they are known to be the original.
fn append(
    manifest: &Manifest,
    spec: &FileSpec,
    path: &Path,
    bytes: &[u8],
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u16>,
) -> Result<bool, Error> {
    let expected = spec.sha256.as_ref().filter(|_| spec.bytes == Some(bytes.len() as u64));
    if let Some(expected) = expected {
        let got = files::hex(&Sha256::digest(bytes));
        if got != *expected {
            return Err(Error::WrongChecksum { path: path.to_owned(), expected: expected.clone(), got });
        }
    }
    decode(manifest, bytes, pixels, labels).map_err(|(offset, label)| Error::Corrupt {
        path: path.to_owned(),
        offset,
        problem: format!("label {label}, but the data set has only {} classes", manifest.classes),
    })?;
    Ok(expected.is_some())
}

/// Appends the images (height × width × channels) and labels of whole records.
///
/// # Errors
/// Offset and value of the first label that is not a class.
fn decode(
    manifest: &Manifest,
    bytes: &[u8],
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u16>,
) -> Result<(), (u64, u8)> {
    let skipped = label_bytes(manifest) - 1;
    for (i, record) in bytes.chunks_exact(record_bytes(manifest)).enumerate() {
        let label = record[skipped];
        if usize::from(label) >= manifest.classes {
            return Err(((i * record.len() + skipped) as u64, label));
        }
        labels.push(u16::from(label));
        interleave(&record[skipped + 1..], pixels);
    }
    Ok(())
}

/// Appends an image of three planes (red, green, blue) pixel by pixel.
pub(crate) fn interleave(planes: &[u8], pixels: &mut Vec<u8>) {
    let plane = planes.len() / 3;
    let of = |range: Range<usize>| planes[range].iter();
    let colours = of(0..plane).zip(of(plane..2 * plane)).zip(of(2 * plane..3 * plane));
    pixels.extend(colours.flat_map(|((&red, &green), &blue)| [red, green, blue]));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use taskset_names::Origin;
    use tempfile::TempDir;

    use super::*;
    use crate::splits::{HeldOut, SourceSizes};

    /// CIFAR-10 or CIFAR-100 with 4 + 2 training images and 3 of test, below a temporary folder.
    struct Tiny {
        root: TempDir,
        manifest: Manifest,
    }

    /// A record whose pixel values tell plane, row and column apart, and whose last one tells the label.
    fn record(labels: &[u8]) -> Vec<u8> {
        let last = labels[labels.len() - 1];
        let value = |i: usize| match i {
            3071 => last,
            _ => (i / PLANE * 80 + i % PLANE / 32 * 2 + i % 32) as u8,
        };
        labels.iter().copied().chain((0..IMAGE).map(value)).collect()
    }

    impl Tiny {
        fn new(name: &str) -> Self {
            let mut manifest = crate::manifest::manifest(name).unwrap().clone();
            manifest.source = SourceSizes { train: 6, validation: None, test: Some(3) };
            manifest.held_out = HeldOut { sampled: 1, fixed: 1 };
            let record_size = record_bytes(&manifest) as u64;
            let mut second = manifest.files[0].clone();
            second.name = "second.bin".into();
            manifest.files.retain(|f| {
                ["data_batch_1.bin", "train.bin"].contains(&f.name.as_str())
                    || f.split == Some(SourceSplit::Test)
            });
            manifest.files.insert(1, second);
            for (file, n) in manifest.files.iter_mut().zip([4, 2, 3]) {
                (file.bytes, file.sha256) = (Some(n * record_size), None);
            }
            let root = TempDir::new().unwrap();
            fs::create_dir(root.path().join(&manifest.directory)).unwrap();
            let tiny = Self { root, manifest };
            for (file, n) in tiny.manifest.files.iter().zip([4, 2, 3]) {
                tiny.put(&file.name, &tiny.records(n));
            }
            tiny
        }

        fn records(&self, n: u8) -> Vec<u8> {
            let two = label_bytes(&self.manifest) == 2;
            (0..n).flat_map(|i| if two { record(&[19, 90 + i]) } else { record(&[9 - i]) }).collect()
        }

        fn put(&self, name: &str, bytes: &[u8]) {
            fs::write(self.root.path().join(&self.manifest.directory).join(name), bytes).unwrap();
        }

        fn remove(&self, name: &str) {
            fs::remove_file(self.root.path().join(&self.manifest.directory).join(name)).unwrap();
        }

        fn load(&self, partial: bool) -> Result<ImageData, Error> {
            images(self.root.path(), &self.manifest, partial).map(|(data, _)| data)
        }

        fn fails(&self, words: &[&str]) {
            let message = self.load(false).unwrap_err().to_string();
            words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is not in: {message}"));
        }
    }

    #[test]
    fn planes_become_pixels_and_fine_labels_count() {
        let check = |name: &str, labels: &[u16]| {
            let data = Tiny::new(name).load(false).unwrap();
            assert_eq!((data.labels(), data.origin()), (labels, Origin::Real));
            // Row 2, column 5: 2·2 + 5, and 80 more a plane.
            assert_eq!(data.pixels(8)[(2 * 32 + 5) * 3..][..3], [9, 89, 169]);
        };
        check("cifar10", &[9, 8, 7, 6, 9, 8, 9, 8, 7]);
        check("cifar100", &[90, 91, 92, 93, 90, 91, 90, 91, 92]);
    }

    #[test]
    fn files_may_lie_in_the_folder_of_the_archive() {
        let tiny = Tiny::new("cifar10");
        let folder = tiny.root.path().join("cifar10");
        fs::create_dir(folder.join("cifar-10-batches-bin")).unwrap();
        fs::rename(folder.join("second.bin"), folder.join("cifar-10-batches-bin/second.bin")).unwrap();
        assert_eq!(tiny.load(false).unwrap().len(), 9);
    }

    #[test]
    fn the_published_archive_is_read_as_it_is() {
        let mut tiny = Tiny::new("cifar100");
        let expected = tiny.load(false).unwrap();
        let names: Vec<String> = tiny.manifest.files.iter().map(|f| f.name.clone()).collect();
        let mut contents: Vec<Vec<u8>> = [4, 2, 3].map(|n| tiny.records(n)).into();
        names.iter().for_each(|name| tiny.remove(name));
        let archive = tiny.manifest.archive.as_mut().unwrap();
        (archive.bytes, archive.sha256) = (None, None);
        let put = |tiny: &Tiny, contents: &[Vec<u8>], n: usize| {
            let members: Vec<String> = names.iter().map(|name| format!("cifar-100-binary/{name}")).collect();
            let files: Vec<(&str, &[u8])> =
                members.iter().zip(contents).map(|(m, c)| (&m[..], &c[..])).take(n).collect();
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut gzip, &crate::formats::tar::tests::archive(&files)).unwrap();
            tiny.put("cifar-100-binary.tar.gz", &gzip.finish().unwrap());
        };
        put(&tiny, &contents, 3);
        let got = tiny.load(false).unwrap();
        assert_eq!((got.all_pixels(), got.labels()), (expected.all_pixels(), expected.labels()));
        put(&tiny, &contents, 2);
        tiny.fails(&["test.bin not found in", "cifar-100-binary.tar.gz"]);
        // Well-formed and far smaller than the original: a part.
        tiny.manifest.archive.as_mut().unwrap().bytes = Some(1 << 30);
        tiny.manifest.archive.as_mut().unwrap().sha256 = Some("0".repeat(64));
        contents[2] = tiny.records(1);
        contents[1] = tiny.records(2);
        put(&tiny, &contents, 3);
        tiny.fails(&["the original 1073741824", "test.bin holds 1 of 3 images"]);
        let data = tiny.load(true).unwrap();
        assert_eq!((data.origin(), data.len()), (Origin::Partial, 7));
    }

    #[test]
    fn parts_must_be_allowed_and_are_labelled() {
        let tiny = Tiny::new("cifar10");
        tiny.put("test_batch.bin", &tiny.records(1));
        tiny.remove("second.bin");
        tiny.fails(&["second.bin is missing; test_batch.bin holds 1 of 3 images", "the rest comes from"]);
        let data = tiny.load(true).unwrap();
        assert_eq!((data.origin(), data.len()), (Origin::Partial, 5));
        assert_eq!(data.info().source, SourceSizes { train: 4, validation: None, test: Some(1) });

        // A part without any example of a split is of no use.
        tiny.remove("test_batch.bin");
        for partial in [false, true] {
            assert!(matches!(tiny.load(partial), Err(Error::MissingFile { .. })));
        }
    }

    #[test]
    fn broken_files_are_named_with_what_is_wrong() {
        let check = |change: &dyn Fn(&mut Vec<u8>), words: &[&str]| {
            let tiny = Tiny::new("cifar10");
            let mut bytes = tiny.records(2);
            change(&mut bytes);
            tiny.put("second.bin", &bytes);
            tiny.fails(&[&["second.bin"], words].concat());
            assert!(tiny.load(true).is_err(), "a broken file is no part");
        };
        check(&|b| b.truncate(3073 + 10), &["byte 3083", "10 bytes into record 1"]);
        check(&|b| b.push(0), &["too long"]);
        check(&|b| b[3073] = 10, &["byte 3073", "label 10", "10 classes"]);
        let mut tiny = Tiny::new("cifar10");
        tiny.manifest.files[1].sha256 = Some("0".repeat(64));
        tiny.fails(&["second.bin", "wrong checksum"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_bytes_are_data_or_an_error(len in 0usize..10_000, seed: u8, partial: bool) {
            let tiny = Tiny::new("cifar100");
            let bytes: Vec<u8> = (0..len).map(|i| (i as u8).wrapping_mul(seed)).collect();
            tiny.put("train.bin", &bytes);
            if let Ok(data) = tiny.load(partial) {
                prop_assert_eq!(len % 3074, 0);
                prop_assert!(partial || len == 4 * 3074);
                prop_assert_eq!(data.len(), 5 + len / 3074);
            }
        }
    }
}
