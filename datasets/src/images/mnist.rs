//! MNIST and Fashion-MNIST: IDX files of images and of labels.

use std::path::Path;

use super::collection;
use crate::files::{self, Located};
use crate::formats::idx;
use crate::manifest::{FileSpec, Manifest, Part};
use crate::splits::SourceSplit;
use crate::{Error, ImageData, plausibility};

/// Reads the files of a data set. Returns what makes them a part, too.
pub(crate) fn images(
    root: &Path,
    manifest: &Manifest,
    partial: bool,
) -> Result<(ImageData, Vec<String>), Error> {
    // All files are looked for before the first is read, so that a missing one is reported at once.
    let mut located = Vec::with_capacity(manifest.files.len());
    for spec in &manifest.files {
        let file =
            files::locate(root, manifest, spec)?.ok_or_else(|| files::missing(root, manifest, spec))?;
        located.push((spec, file));
    }
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let (mut original, mut counts) = (true, [0; 3]);
    for split in SourceSplit::ALL {
        for (spec, file) in located.iter().filter(|(spec, _)| spec.split == Some(split)) {
            let Some(part) = spec.part else { continue };
            let (values, is_original) = read_checked(manifest, spec, file)?;
            original &= is_original;
            let (count, _) = examples(manifest, spec, &values);
            let others = std::mem::replace(&mut counts[split as usize], count);
            if others > 0 && others != count {
                let (expected, got) = (vec![others as u32], vec![count as u32]);
                return Err(Error::WrongCounts { path: file.path.clone(), expected, got });
            }
            match part {
                Part::Images => append(&mut pixels, values),
                Part::Labels => labels.extend(values.into_iter().map(u16::from)),
            }
        }
    }
    let mut problems = collection::missing(manifest, counts, Vec::new());
    if problems.is_empty() && !original {
        problems = plausibility::problems(manifest, &pixels, &labels);
    }
    let origin = files::origin(root, manifest, &problems, partial)?;
    let info = manifest.info().partial(counts);
    let data = ImageData::new(manifest.name.clone(), info, origin, pixels, labels)?;
    Ok((data, problems))
}

/// Reads one IDX file after comparing it with the manifest's checksums: that of the file as published, or that of the
/// contents. Returns its values, and whether it is known to be the original.
pub(crate) fn read_checked(
    manifest: &Manifest,
    spec: &FileSpec,
    file: &Located,
) -> Result<(Vec<u8>, bool), Error> {
    let stored = file.check(spec);
    let perhaps_a_part = match &stored {
        Ok(original) => !original,
        Err(error) => file.is_gzip() && error.is_about_publication(),
    };
    if perhaps_a_part
        && let Ok(values) = read_part(manifest, spec, file)
        && let (got, all) = examples(manifest, spec, &values)
        && got < all
    {
        return Ok((values, false));
    }
    let Some(expected) = spec.unpacked_sha256.as_ref().filter(|_| !matches!(stored, Ok(true))) else {
        let original = stored?;
        return Ok((read_part(manifest, spec, file)?, original));
    };
    let values = match (stored, read_part(manifest, spec, file)) {
        // Perhaps compressed anew, if there is something sound in it.
        (Err(Error::WrongSize { .. } | Error::WrongChecksum { .. }), Ok(values)) if file.is_gzip() => values,
        (stored, values) => {
            stored?;
            values?
        }
    };
    let got = idx::sha256(&dims(manifest, spec), &values);
    if got != *expected {
        return Err(Error::WrongChecksum { path: file.path.clone(), expected: expected.clone(), got });
    }
    Ok((values, true))
}

/// How many examples an IDX file holds by its values, and how many the original has.
pub(crate) fn examples(manifest: &Manifest, spec: &FileSpec, values: &[u8]) -> (usize, usize) {
    let dims = dims(manifest, spec);
    let size: usize = dims[1..].iter().map(|&dim| dim as usize).product();
    (values.len() / size, dims[0] as usize)
}

/// The dimensions of an IDX file by its manifest. Grey images have no dimension for channels.
fn dims(manifest: &Manifest, spec: &FileSpec) -> Vec<u32> {
    let count = spec.split.map_or(0, |split| manifest.source.get(split)) as u32;
    match spec.part {
        Some(Part::Images) => vec![count, manifest.shape.height as u32, manifest.shape.width as u32],
        _ => vec![count],
    }
}

/// Reads one IDX file as its manifest describes it.
fn read_part(manifest: &Manifest, spec: &FileSpec, file: &Located) -> Result<Vec<u8>, Error> {
    let labels = idx::read(file, &dims(manifest, spec))?;
    if spec.part == Some(Part::Images) {
        return Ok(labels);
    }
    match labels.iter().position(|&label| usize::from(label) >= manifest.classes) {
        Some(example) => Err(Error::LabelOutOfRange {
            path: file.path.clone(),
            example,
            label: labels[example].into(),
            classes: manifest.classes,
        }),
        None => Ok(labels),
    }
}

/// Appends without a copy if there is nothing yet, and without room to spare: nothing follows that would fill it.
fn append(all: &mut Vec<u8>, mut more: Vec<u8>) {
    if all.is_empty() {
        *all = more;
    } else {
        all.reserve_exact(more.len());
        all.append(&mut more);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};
    use taskset_names::Origin;
    use tempfile::TempDir;

    use super::*;
    use crate::images::ImageShape;
    use crate::images::load::{self, originals};
    use crate::prepared::{make_images, open_images};
    use crate::splits::{HeldOut, SourceSizes};

    /// A data set of 5 + 2 images of 2×3, written below a temporary folder.
    struct Tiny {
        root: TempDir,
        manifest: Manifest,
    }

    /// Header and contents of an IDX file.
    fn idx_file(dims: &[u32], body: &[u8]) -> Vec<u8> {
        let mut bytes = (0x0800 | dims.len() as u32).to_be_bytes().to_vec();
        dims.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
        bytes.extend(body);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    impl Tiny {
        /// Plain files; the manifest knows neither sizes nor checksums.
        fn new() -> Self {
            let mut manifest = crate::manifest::manifest("mnist").unwrap().clone();
            manifest.shape = ImageShape { height: 2, width: 3, channels: 1 };
            manifest.source = SourceSizes { train: 5, validation: None, test: Some(2) };
            manifest.held_out = HeldOut { sampled: 1, fixed: 1 };
            for file in &mut manifest.files {
                (file.bytes, file.sha256, file.unpacked_sha256) = (None, None, None);
            }
            let root = TempDir::new().unwrap();
            fs::create_dir(root.path().join("mnist")).unwrap();
            let tiny = Self { root, manifest };
            let pixels: Vec<u8> = (0..30).collect();
            tiny.put("train-images-idx3-ubyte", &idx_file(&[5, 2, 3], &pixels));
            tiny.put("train-labels-idx1-ubyte", &idx_file(&[5], &[3, 1, 4, 1, 5]));
            tiny.put("t10k-images-idx3-ubyte", &idx_file(&[2, 2, 3], &pixels[..12]));
            tiny.put("t10k-labels-idx1-ubyte", &idx_file(&[2], &[9, 0]));
            tiny
        }

        fn put(&self, name: &str, bytes: &[u8]) {
            fs::write(self.root.path().join("mnist").join(name), bytes).unwrap();
        }

        fn get(&self, name: &str) -> Vec<u8> {
            fs::read(self.root.path().join("mnist").join(name)).unwrap()
        }

        fn remove(&self, name: &str) {
            fs::remove_file(self.root.path().join("mnist").join(name)).unwrap();
        }

        /// Replaces a plain file by a compressed one and records that in the manifest, as a published file is.
        fn publish(&mut self, plain: &str) -> Vec<u8> {
            let packed = gzip(&self.get(plain));
            self.remove(plain);
            let name = format!("{plain}.gz");
            self.put(&name, &packed);
            let spec = self.manifest.files.iter_mut().find(|f| f.name == name).unwrap();
            spec.bytes = Some(packed.len() as u64);
            spec.sha256 = Some(files::hex(&Sha256::digest(&packed)));
            packed
        }

        /// Records the checksum of a plain file's contents in the manifest.
        fn record_contents(&mut self, plain: &str) {
            let sha256 = files::hex(&Sha256::digest(self.get(plain)));
            let spec = self.manifest.files.iter_mut().find(|f| f.unpacked.as_deref() == Some(plain)).unwrap();
            spec.unpacked_sha256 = Some(sha256);
        }

        fn load(&self) -> Result<ImageData, Error> {
            originals(self.root.path(), &self.manifest, false).map(|(data, _)| data)
        }

        /// Loading fails with a message that holds all of the words.
        fn fails(&self, words: &[&str]) {
            let message = self.load().unwrap_err().to_string();
            words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is not in: {message}"));
        }
    }

    #[test]
    fn plain_and_compressed_files_give_the_same_data() {
        let mut tiny = Tiny::new();
        let check = |tiny: &Tiny| {
            let data = tiny.load().unwrap();
            assert_eq!(data.labels(), [3, 1, 4, 1, 5, 9, 0]);
            assert_eq!(data.pixels(4), [24, 25, 26, 27, 28, 29]);
            assert_eq!(data.pixels(6), [6, 7, 8, 9, 10, 11]);
            assert_eq!(data.origin(), Origin::Real);
            data.digest()
        };
        let plain = check(&tiny);
        tiny.publish("train-images-idx3-ubyte");
        tiny.publish("t10k-labels-idx1-ubyte");
        assert_eq!(check(&tiny), plain);
    }

    #[test]
    fn a_prepared_copy_gives_the_same_data_and_a_damaged_one_is_not_used() {
        let tiny = Tiny::new();
        let (root, cache) = (tiny.root.path(), tiny.root.path().join("cache"));
        let how = crate::prepared::Preparation { allow_partial: false, threads: 1, progress: &|_, _| {} };
        let read = tiny.load().unwrap();
        let made = make_images::prepare_manifest(root, &tiny.manifest, &cache, &how).unwrap();
        let load = || load::images(root, &cache, &tiny.manifest, false);
        let copy = open_images::open(root, &tiny.manifest, &cache, false).unwrap().unwrap();
        assert_eq!((copy.digest(), load().unwrap().digest()), (read.digest(), read.digest()));
        drop(copy);

        // All pixels inverted, behind a header that is sound.
        let mut bytes = fs::read(&made.path).unwrap();
        bytes[crate::prepared::sealed::HEADER..][..42].iter_mut().for_each(|value| *value = !*value);
        let time = fs::metadata(&made.path).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
        fs::write(&made.path, bytes).unwrap();
        fs::File::options().write(true).open(&made.path).unwrap().set_modified(time).unwrap();
        assert_eq!(load().unwrap().digest(), read.digest(), "the originals are read");
        let looked = crate::prepared::look::images(root, &cache, &tiny.manifest, false).unwrap();
        assert!(matches!(looked.state, crate::prepared::PreparedState::Damaged(_)), "{looked:?}");
        fs::remove_dir_all(root.join("mnist")).unwrap();
        let message = load().unwrap_err().to_string();
        assert!(message.contains("mnist.images") && message.contains("wrong checksum"), "{message}");
    }

    #[test]
    fn broken_plain_files_are_named_with_what_is_wrong() {
        let check = |name: &str, bytes: &[u8], words: &[&str]| {
            let tiny = Tiny::new();
            tiny.put(name, bytes);
            tiny.fails(&[&[name], words].concat());
        };
        let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
        let body = [0; 30];
        check(images, &idx_file(&[5, 2, 3], &body[..29]), &["truncated", "46 bytes", "got 45"]);
        check(images, &[], &["truncated", "got 0"]);
        check(images, &idx_file(&[5, 2, 3], &[0; 31]), &["data follows the 46 bytes"]);
        check(images, &idx_file(&[6, 2, 3], &[0; 36]), &["wrong counts", "6 × 2 × 3", "5 × 2 × 3"]);
        check(images, &idx_file(&[u32::MAX; 3], &body), &["wrong counts", "4294967295"]);
        check(images, &idx_file(&[5], &[0; 5]), &["wrong magic number 0x00000801", "expected 0x00000803"]);
        check(labels, &idx_file(&[4], &[0; 4]), &["wrong counts", "promises 4", "has 5"]);
        check(labels, &idx_file(&[5], &[0, 0, 10, 0, 0]), &["example 2", "label 10", "10 classes"]);
    }

    #[test]
    fn well_formed_files_of_fewer_examples_are_a_part() {
        let mut tiny = Tiny::new();
        let pixels: Vec<u8> = (0..18).collect();
        tiny.put("train-labels-idx1-ubyte", &idx_file(&[3], &[3, 1, 4]));
        tiny.fails(&["train-labels-idx1-ubyte", "promises 3", "has 5"]);
        tiny.put("train-images-idx3-ubyte", &idx_file(&[3, 2, 3], &pixels));
        tiny.publish("train-images-idx3-ubyte");
        let spec = &mut tiny.manifest.files[0];
        (spec.bytes, spec.sha256, spec.unpacked_sha256) =
            (Some(1 << 20), Some("0".repeat(64)), Some("0".repeat(64)));
        tiny.fails(&["3 of 5 train pictures"]);
        let (data, _) = originals(tiny.root.path(), &tiny.manifest, true).unwrap();
        assert_eq!((data.len(), data.origin(), data.labels()), (5, Origin::Partial, &[3, 1, 4, 9, 0][..]));
        let packed = tiny.get("train-images-idx3-ubyte.gz");
        tiny.put("train-images-idx3-ubyte.gz", &packed[..packed.len() - 9]);
        tiny.fails(&["train-images-idx3-ubyte.gz", "truncated"]);
    }

    #[test]
    fn missing_files_name_both_forms_and_both_ways_out() {
        let tiny = Tiny::new();
        tiny.remove("t10k-labels-idx1-ubyte");
        let words = ["t10k-labels-idx1-ubyte.gz or t10k-labels-idx1-ubyte not found", "come from http"];
        tiny.fails(&words);
    }

    #[test]
    fn changed_originals_are_refused() {
        let name = "train-images-idx3-ubyte.gz";
        let check = |change: &dyn Fn(&mut Vec<u8>), words: &[&str]| {
            let mut tiny = Tiny::new();
            let mut bytes = tiny.publish("train-images-idx3-ubyte");
            change(&mut bytes);
            tiny.put(name, &bytes);
            tiny.fails(&[&[name], words].concat());
        };
        check(&|b| b.truncate(b.len() - 1), &["truncated"]);
        check(&|b| b.push(0), &["too long"]);
        check(&|b| *b.last_mut().unwrap() ^= 1, &["wrong checksum", "sha256"]);
        check(&|b| b[0] = 0, &["not a gzip file", "remove `.gz`"]);
        check(&|b| b.clear(), &["truncated"]);
    }

    #[test]
    fn contents_are_compared_with_their_own_checksum() {
        let plain = "train-images-idx3-ubyte";
        let other = idx_file(&[5, 2, 3], &[7; 30]);
        let tiny = || {
            let mut tiny = Tiny::new();
            tiny.record_contents(plain);
            tiny
        };
        assert!(tiny().load().is_ok());
        let changed = tiny();
        changed.put(plain, &other);
        changed.fails(&[plain, "wrong checksum"]);
        changed.put(plain, &other[..45]);
        changed.fails(&[plain, "truncated"]);

        // Compressed anew: other bytes and another size, the same contents.
        let mut published = tiny();
        let contents = published.get(plain);
        published.publish(plain);
        let anew = |bytes: &[u8]| [gzip(&bytes[..9]), gzip(&bytes[9..])].concat();
        published.put(&format!("{plain}.gz"), &anew(&contents));
        assert!(published.load().is_ok());
        published.put(&format!("{plain}.gz"), &anew(&other));
        published.fails(&[plain, "wrong checksum"]);
        published.put(&format!("{plain}.gz"), &gzip(&[]));
        published.fails(&[plain, "truncated"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_the_system_refuses_is_not_missing() {
        let tiny = Tiny::new();
        fs::remove_dir_all(tiny.root.path().join("mnist")).unwrap();
        fs::write(tiny.root.path().join("mnist"), []).unwrap();
        assert!(matches!(tiny.load(), Err(Error::Io { .. })));
        let look = files::inspect(tiny.root.path(), None, "mnist").unwrap();
        assert_eq!(look.state, files::FilesState::Damaged);
        assert!(
            look.problems.iter().all(|problem| problem.contains("a folder is expected")),
            "{:?}",
            look.problems
        );
    }

    #[test]
    fn damaged_gzip_streams_are_errors_without_a_checksum_too() {
        let plain = idx_file(&[5, 2, 3], &(0..30).collect::<Vec<u8>>());
        let check = |bytes: &[u8], word: &str| {
            let tiny = Tiny::new();
            tiny.put("train-images-idx3-ubyte.gz", bytes);
            tiny.fails(&["train-images-idx3-ubyte.gz", word]);
        };
        let packed = gzip(&plain);
        let mut wrong_crc = packed.clone();
        let at = packed.len() - 8;
        wrong_crc[at] ^= 1;
        check(&wrong_crc, "damaged gzip");
        check(&[&packed[..], b"tail"].concat(), "damaged gzip");
        check(&gzip(&[&plain[..], &vec![0; 1 << 20]].concat()), "data follows");
        for len in 2..packed.len() {
            let tiny = Tiny::new();
            tiny.put("train-images-idx3-ubyte.gz", &packed[..len]);
            assert!(tiny.load().is_err(), "{len} of {} bytes were accepted", packed.len());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn idx_round_trip(n in 0u32..6, h in 1u32..5, w in 1u32..5, seed in any::<u8>(), pack: bool) {
            let body: Vec<u8> = (0..n * h * w).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
            let bytes = idx_file(&[n, h, w], &body);
            let root = TempDir::new().unwrap();
            let (name, packing) =
                if pack { ("f.gz", files::Packing::Published) } else { ("f", files::Packing::Unpacked) };
            let file = Located { path: root.path().join(name), packing };
            fs::write(&file.path, if pack { gzip(&bytes) } else { bytes }).unwrap();
            prop_assert_eq!(idx::read(&file, &[n, h, w]).unwrap(), body);
        }

        #[test]
        fn no_truncation_or_flipped_header_bit_is_accepted(bit in 0usize..128, len in 0usize..46) {
            let tiny = Tiny::new();
            let name = "train-images-idx3-ubyte";
            let good = tiny.get(name);
            tiny.put(name, &good[..len]);
            let truncated = matches!(tiny.load(), Err(Error::Truncated { .. }));
            prop_assert!(truncated, "{} bytes", len);
            let mut flipped = good;
            flipped[bit / 8] ^= 1 << (bit % 8);
            tiny.put(name, &flipped);
            let refused = matches!(tiny.load(), Err(Error::WrongMagic { .. } | Error::WrongCounts { .. }));
            prop_assert!(refused, "bit {}", bit);
        }
    }
}
