//! Reads MNIST, Fashion-MNIST and CIFAR-10 with `taskset-datasets` and with `candle-datasets`, and compares every pixel and
//! every label.
//!
//! `cargo xtask candle-datasets --data DIR` runs it. It exits with 1 if anything differs or cannot be read.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use candle_core::Tensor;
use candle_datasets::vision::{self, Dataset};
use flate2::read::MultiGzDecoder;
use taskset_datasets::{Datasets, ImageData, Source};
use taskset_names::Origin;

/// The files of MNIST and Fashion-MNIST, as candle wants their names.
const IDX_FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The files of CIFAR-10: five of the training set, then that of the test set.
const CIFAR_FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// Images in each file of the whole CIFAR-10. Candle refuses a file that has fewer.
const CIFAR_IMAGES: u64 = 10_000;

/// Bytes of an image of CIFAR-10 with its label.
const CIFAR_RECORD: u64 = 3073;

/// What came of one data set.
enum Outcome {
    /// Everything is equal; what was compared.
    Equal(String),
    /// Nothing was compared; why.
    Skipped(String),
}

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!(
            "usage: taskset-check-candle-datasets DIR (with the folders mnist, fashion_mnist, cifar10)"
        );
        return ExitCode::from(2);
    };
    let (mut equal, mut failed) = (0, 0);
    for (name, compare) in
        [("mnist", mnist as fn(&Path, &str) -> Result<Outcome>), ("fashion_mnist", mnist), ("cifar10", cifar)]
    {
        match compare(&directory, name) {
            Ok(Outcome::Equal(what)) => {
                equal += 1;
                println!("{name}: equal: {what}");
            }
            Ok(Outcome::Skipped(why)) => println!("{name}: skipped: {why}"),
            Err(error) => {
                failed += 1;
                println!("{name}: FAILED: {error:#}");
            }
        }
    }
    println!(
        "{equal} of 3 data sets are equal in both libraries, {failed} failed, {} skipped",
        3 - equal - failed
    );
    println!(
        "not compared: CIFAR-100 and resized images (candle-datasets has none), texts, and the copies on the Hugging Face hub"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// MNIST and Fashion-MNIST, which have the same format. Candle reads them only unpacked.
fn mnist(root: &Path, name: &str) -> Result<Outcome> {
    let folder = root.join(name);
    let scratch = tempfile::tempdir()?;
    for file in IDX_FILES {
        let (plain, packed) = (folder.join(file), folder.join(format!("{file}.gz")));
        let target = scratch.path().join(file);
        if plain.is_file() {
            fs::copy(&plain, &target).with_context(|| plain.display().to_string())?;
        } else if packed.is_file() {
            let context = || packed.display().to_string();
            let mut source = MultiGzDecoder::new(File::open(&packed).with_context(context)?);
            io::copy(&mut source, &mut File::create(&target)?).with_context(context)?;
        } else {
            return Ok(Outcome::Skipped(format!(
                "neither {} nor {} is there",
                plain.display(),
                packed.display()
            )));
        }
    }
    let theirs = vision::mnist::load_dir(scratch.path()).context("candle-datasets")?;
    let ours = load(root, name)?;
    let train = theirs.train_labels.elem_count();
    let test = theirs.test_labels.elem_count();
    compare(&ours, &theirs, &[train, test])
}

/// CIFAR-10. A file that ends early is filled up with zeros for candle, and what was filled up is not compared.
fn cifar(root: &Path, name: &str) -> Result<Outcome> {
    let folders = [root.join(name), root.join(name).join("cifar-10-batches-bin")];
    let scratch = tempfile::tempdir()?;
    let mut images = Vec::new();
    for file in CIFAR_FILES {
        let Some(path) = folders.iter().map(|folder| folder.join(file)).find(|path| path.is_file()) else {
            return Ok(Outcome::Skipped(format!("{} is not there", folders[0].join(file).display())));
        };
        let context = || path.display().to_string();
        let target = scratch.path().join(file);
        let bytes = fs::copy(&path, &target).with_context(context)?;
        ensure!(bytes % CIFAR_RECORD == 0, "{}: {bytes} bytes are no whole number of images", path.display());
        let found = bytes / CIFAR_RECORD;
        let missing =
            CIFAR_IMAGES.checked_sub(found).with_context(|| format!("{}: too long", path.display()))?;
        let mut target = fs::OpenOptions::new().append(true).open(&target)?;
        target.write_all(&vec![0; (missing * CIFAR_RECORD) as usize])?;
        images.push(found as usize);
    }
    let theirs = vision::cifar::load_dir(scratch.path()).context("candle-datasets")?;
    let ours = load(root, name)?;
    compare(&ours, &theirs, &images)
}

/// Our data set: the original bytes, of which a part may be missing.
fn load(root: &Path, name: &str) -> Result<std::sync::Arc<ImageData>> {
    let datasets = Datasets::new(Source::Directory(root.to_owned())).allow_partial(true);
    datasets.images(name).context("taskset-datasets")
}

/// Compares everything. `images` is the number of images in each file, the last of which is the test set.
fn compare(ours: &ImageData, theirs: &Dataset, images: &[usize]) -> Result<Outcome> {
    ensure!(theirs.labels == ours.classes(), "{} classes here, {} in candle", ours.classes(), theirs.labels);
    let total: usize = images.iter().sum();
    ensure!(total == ours.len(), "{} images here, {total} in the files", ours.len());
    let shape = ours.shape();
    let layout = Layout { places: shape.height * shape.width, channels: shape.channels };
    let train_pixels = bytes(&theirs.train_images)?;
    let train_labels = theirs.train_labels.to_vec1::<u8>()?;
    let (test, train) = images.split_last().context("no files")?;
    let test_pixels = bytes(&theirs.test_images)?;
    let test_labels = theirs.test_labels.to_vec1::<u8>()?;
    // Where each file begins in candle's tensor.
    let in_each_file = train_labels.len() / train.len();
    let mut example = 0;
    for (file, &count) in train.iter().enumerate() {
        let first = file * in_each_file;
        for i in first..first + count {
            same(ours, example, &layout.image(&train_pixels, i), train_labels[i])?;
            example += 1;
        }
    }
    let trained = example;
    for (i, &label) in test_labels.iter().enumerate().take(*test) {
        same(ours, example, &layout.image(&test_pixels, i), label)?;
        example += 1;
    }
    let whole = match ours.origin() {
        Origin::Real => "the whole data set",
        Origin::Partial => "PARTIAL: the files hold only a part of the data set",
        Origin::Synthetic => "SYNTHETIC",
    };
    Ok(Outcome::Equal(format!(
        "{trained} training and {test} test images, {} pixel values and {example} labels ({whole})",
        example * layout.places * layout.channels
    )))
}

/// How candle orders the bytes of an image: channel by channel.
struct Layout {
    places: usize,
    channels: usize,
}

impl Layout {
    /// The bytes of an image in our order: place by place.
    fn image(&self, pixels: &[u8], example: usize) -> Vec<u8> {
        let size = self.places * self.channels;
        let planes = &pixels[example * size..(example + 1) * size];
        (0..size).map(|i| planes[i % self.channels * self.places + i / self.channels]).collect()
    }
}

/// An error if an image or its label differs.
fn same(ours: &ImageData, example: usize, pixels: &[u8], label: u8) -> Result<()> {
    let found = ours.labels()[example];
    ensure!(found == u16::from(label), "image {example}: label {found} here, {label} in candle");
    let here = ours.pixels(example as u32);
    ensure!(
        here.len() == pixels.len(),
        "image {example}: {} values here, {} in candle",
        here.len(),
        pixels.len()
    );
    let different = here.iter().zip(pixels).position(|(a, b)| a != b);
    if let Some(at) = different {
        anyhow::bail!("image {example}, value {at}: {} here, {} in candle", here[at], pixels[at]);
    }
    Ok(())
}

/// Candle divides by 255. Gives the bytes back, and fails if a value is not a byte divided by 255.
fn bytes(images: &Tensor) -> Result<Vec<u8>> {
    let values = images.flatten_all()?.to_vec1::<f32>()?;
    let byte = |&value: &f32| {
        let nearest = (value * 255.0).round();
        // Two roundings in f32: far less than the distance of two bytes.
        ensure!(
            (0.0..=255.0).contains(&nearest) && (value * 255.0 - nearest).abs() < 1e-3,
            "candle has {value}"
        );
        Ok(nearest as u8)
    };
    values.iter().map(byte).collect()
}
