//! The real files, where `TASKSET_DATA` says they are.

use std::io::Write as _;
use std::path::PathBuf;

use taskset_datasets::files::{FileVerdict, FilesState, inspect, verify};
use taskset_datasets::{Datasets, Error, Source};
use taskset_names::Origin;

/// The data directory, if it holds this data set. One without MNIST is a mistake, not a reason to skip.
fn directory(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("TASKSET_DATA").filter(|value| value != "synthetic").map(PathBuf::from);
    if let Some(directory) = &named {
        assert!(directory.join("mnist").is_dir(), "TASKSET_DATA: no folder mnist in {}", directory.display());
    }
    let directory = named.filter(|directory| directory.join(name).is_dir());
    if directory.is_none() {
        // Not by a macro, whose output the test harness keeps to itself.
        let _ = writeln!(std::io::stderr(), "skipped: TASKSET_DATA names no directory with {name}");
    }
    directory
}

/// Class counts of train and test, mean pixel of train (0 to 1) and the first labels, all published.
fn check(name: &str, train_counts: [usize; 10], mean: f64, first_labels: [u16; 8]) {
    let Some(directory) = directory(name) else { return };
    assert_eq!(inspect(&directory, None, name).unwrap().state, FilesState::Complete);
    let verification = verify(&directory, name).unwrap();
    assert!(verification.is_good());
    assert!(verification.files.iter().all(|f| matches!(f.verdict, FileVerdict::Original)));

    let data = Datasets::new(Source::Directory(directory)).images(name).unwrap();
    assert_eq!((data.len(), data.origin()), (70_000, Origin::Real));
    assert_eq!(data.labels()[..8], first_labels);
    let mut counts = [0; 10];
    data.labels()[..60_000].iter().for_each(|&label| counts[usize::from(label)] += 1);
    assert_eq!(counts, train_counts);
    let train = &data.all_pixels()[..60_000 * 784];
    let sum: u64 = train.iter().map(|&p| u64::from(p)).sum();
    assert!((sum as f64 / train.len() as f64 / 255.0 - mean).abs() < 5e-5);
}

#[test]
fn mnist() {
    let counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    check("mnist", counts, 0.1307, [5, 0, 4, 1, 9, 2, 1, 3]);
}

#[test]
fn fashion_mnist() {
    check("fashion_mnist", [6000; 10], 0.2860, [9, 0, 0, 3, 0, 2, 7, 2]);
}

/// What is known of CIFAR-10 in the literature: 5,000 training images a class, means 0.4914, 0.4822, 0.4465.
#[test]
fn cifar10() {
    let Some(directory) = directory("cifar10") else { return };
    let complete = inspect(&directory, None, "cifar10").unwrap().state == FilesState::Complete;
    let verification = verify(&directory, "cifar10").unwrap();
    assert!(verification.files[..5].iter().all(|f| matches!(f.verdict, FileVerdict::Original)));
    assert_eq!(verification.is_good(), complete);

    let datasets = Datasets::new(Source::Directory(directory));
    if !complete {
        assert!(matches!(datasets.images("cifar10"), Err(Error::Partial { .. })));
    }
    let data = datasets.allow_partial(true).images("cifar10").unwrap();
    assert_eq!(data.origin(), if complete { Origin::Real } else { Origin::Partial });
    assert_eq!(data.info().source.train, 50_000);
    assert_eq!(data.labels()[..8], [6, 9, 9, 4, 1, 1, 2, 7]);
    let mut counts = [0; 10];
    data.labels()[..50_000].iter().for_each(|&label| counts[usize::from(label)] += 1);
    assert_eq!(counts, [5000; 10]);
    for (channel, mean) in [0.4914, 0.4822, 0.4465].into_iter().enumerate() {
        let train = data.all_pixels()[..50_000 * 3072].iter().skip(channel).step_by(3);
        let sum: u64 = train.map(|&p| u64::from(p)).sum();
        assert!((sum as f64 / (50_000.0 * 1024.0 * 255.0) - mean).abs() < 5e-5, "channel {channel}");
    }
}
