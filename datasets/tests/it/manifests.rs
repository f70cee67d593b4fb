//! Manifests agree with the tables of shapes and sizes below.

use taskset_datasets::images::image_info;
use taskset_datasets::manifest::{Decoder, manifests};
use taskset_datasets::{Carving, Datasets, Error, Source};

/// The table of the sampled tasks (the paper's appendix G.1): height, width, channels,
/// classes, and the sizes of train, valid_inner, valid_outer, test.
const SAMPLED: [(&str, [usize; 4], [usize; 4]); 10] = [
    ("mnist", [28, 28, 1, 10], [50000, 5000, 5000, 10000]),
    ("fashion_mnist", [28, 28, 1, 10], [50000, 5000, 5000, 10000]),
    ("cifar10", [32, 32, 3, 10], [40000, 5000, 5000, 10000]),
    ("cifar100", [32, 32, 3, 100], [40000, 5000, 5000, 10000]),
    ("food101_32x32", [32, 32, 3, 101], [86000, 5000, 5000, 5000]),
    ("coil100_32x32", [32, 32, 3, 72], [4800, 800, 800, 800]),
    ("deep_weeds_32x32", [32, 32, 3, 9], [11509, 2000, 2000, 2000]),
    ("sun397_32x32", [32, 32, 3, 397], [71128, 5000, 10875, 21750]),
    ("imagenet_resized/32x32", [32, 32, 3, 1000], [1271167, 5000, 5000, 50000]),
    ("imagenet_resized/16x16", [16, 16, 3, 1000], [1271167, 5000, 5000, 50000]),
];

/// The table of the fixed tasks (docs/fidelity.md).
const FIXED: [(&str, [usize; 4], [usize; 4]); 8] = [
    ("mnist", [28, 28, 1, 10], [54000, 3000, 3000, 10000]),
    ("cifar10", [32, 32, 3, 10], [44000, 3000, 3000, 10000]),
    ("cifar100", [32, 32, 3, 100], [44000, 3000, 3000, 10000]),
    ("food101_32x32", [32, 32, 3, 101], [92000, 3000, 3000, 3000]),
    ("food101_64x64", [64, 64, 3, 101], [92000, 3000, 3000, 3000]),
    ("coil100_32x32", [32, 32, 3, 72], [4800, 800, 800, 800]),
    ("colorectal_histology_32x32", [32, 32, 3, 8], [2900, 700, 700, 700]),
    ("sun397_32x32", [32, 32, 3, 397], [73128, 3000, 10875, 21750]),
];

fn check(carving: Carving, (name, shape, sizes): &(&str, [usize; 4], [usize; 4])) {
    let info = image_info(name).unwrap();
    let got = [info.shape.height, info.shape.width, info.shape.channels, info.classes];
    assert_eq!(got, *shape, "{name}");
    assert_eq!(info.carved_sizes(carving), *sizes, "{name} {carving:?}");
}

#[test]
fn shapes_and_split_sizes_are_those_of_the_tables() {
    SAMPLED.iter().for_each(|row| check(Carving::Sampled, row));
    FIXED.iter().for_each(|row| check(Carving::Fixed, row));
    for m in manifests() {
        let known = SAMPLED.iter().chain(&FIXED).any(|(name, ..)| *name == m.name);
        assert!(known, "{} is in no table", m.name);
    }
}

#[test]
fn every_manifest_is_sound() {
    let mut names: Vec<&str> = manifests().iter().map(|m| m.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), manifests().len(), "names are unique");
    for m in manifests() {
        assert!(!m.files.is_empty() && m.site.starts_with("http"), "{}", m.name);
        assert!(m.occurring_classes.is_none_or(|n| n > 0 && n <= m.classes), "{}", m.name);
        for file in &m.files {
            let hex = |s: &String| s.len() == 64 && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            assert!(file.sha256.as_ref().is_none_or(hex), "{} {}", m.name, file.name);
            assert!(file.unpacked_sha256.as_ref().is_none_or(hex), "{} {}", m.name, file.name);
            // Only a decoder gets at the contents, and only compressed files have others than the file.
            let packed = file.unpacked.is_some() && m.decoder == Decoder::Idx;
            assert_eq!(file.unpacked_sha256.is_some(), packed, "{} {}", m.name, file.name);
            // A hash without a size would let a huge file be read before it is refused.
            assert!(file.sha256.is_none() || file.bytes.is_some(), "{} {}", m.name, file.name);
            if matches!(m.decoder, Decoder::Cifar10 | Decoder::Cifar100) {
                assert!(file.split.is_some() && file.bytes.is_some(), "{} {}", m.name, file.name);
            }
            if m.decoder == Decoder::Idx {
                assert!(file.split.is_some() && file.part.is_some(), "{} {}", m.name, file.name);
            }
        }
    }
}

#[test]
fn unknown_and_unreadable_data_sets_say_what_to_do() {
    let real = Datasets::new(Source::Directory("nowhere".into()));
    let check = |name: &str, words: &[&str]| {
        let message = real.images(name).unwrap_err().to_string();
        words.iter().for_each(|word| assert!(message.contains(word), "{message}"));
    };
    check("mnits", &["`mnits`", "did you mean `mnist`"]);
    check("zzzzzz", &["`zzzzzz`"]);
    check("cifar10", &["cifar10", "not found in nowhere"]);
    let paths = ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte", "nowhere", "http"];
    check("mnist", &paths);
    assert!(matches!(real.images("mnist"), Err(Error::MissingFile { .. })));
}

#[test]
fn a_set_is_loaded_once_and_shared_by_clones() {
    let datasets = Datasets::new(Source::Synthetic);
    let load = |datasets: &Datasets| datasets.images("imagenet_resized/16x16").unwrap();
    let (a, b) = std::thread::scope(|scope| {
        let threads = [datasets.clone(), datasets.clone()].map(|d| scope.spawn(move || load(&d)));
        let [a, b] = threads.map(|thread| thread.join().unwrap());
        (a, b)
    });
    assert!(std::sync::Arc::ptr_eq(&a, &b) && std::sync::Arc::ptr_eq(&a, &load(&datasets)));
}
