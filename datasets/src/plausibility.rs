//! What the examples themselves tell against a copy of which no checksum is known: too many are the same, or their labels are
//! not those of the original. Files of the right names and sizes may hold anything.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher as _};

use crate::manifest::Manifest;
use crate::splits::SourceSplit;

/// Examples of a split that are compared with each other: the first so many.
const COMPARED: usize = 100_000;

/// How many examples of a split are different from all before them.
#[derive(Default)]
pub(crate) struct Variety {
    compared: usize,
    seen: HashSet<u64>,
}

impl Variety {
    /// Takes the next example.
    pub(crate) fn add(&mut self, example: &[u8]) {
        if self.compared < COMPARED {
            self.compared += 1;
            let mut hash = DefaultHasher::new();
            hash.write(example);
            self.seen.insert(hash.finish());
        }
    }

    /// Says so if fewer than half of the examples are different from each other. No original is like that.
    pub(crate) fn problem(&self, what: &str) -> Option<String> {
        let (different, compared) = (self.seen.len(), self.compared);
        let same = different < compared.div_ceil(2);
        same.then(|| format!("only {different} of {compared} {what} examples are different"))
    }
}

/// What the images of a data set and their labels tell, taken split by split.
pub(crate) struct Contents<'a> {
    manifest: &'a Manifest,
    variety: [Variety; 3],
    /// Examples of each label of each split.
    labels: [Vec<usize>; 3],
}

impl<'a> Contents<'a> {
    pub(crate) fn new(manifest: &'a Manifest) -> Self {
        let labels = || vec![0; manifest.classes];
        Self { manifest, variety: Default::default(), labels: [labels(), labels(), labels()] }
    }

    /// Takes the next examples of a split: all of their pixels, and their labels.
    pub(crate) fn add(&mut self, split: SourceSplit, pixels: &[u8], labels: &[u16]) {
        let split = split as usize;
        pixels.chunks_exact(self.manifest.shape.len()).for_each(|image| self.variety[split].add(image));
        for &label in labels {
            if let Some(count) = self.labels[split].get_mut(usize::from(label)) {
                *count += 1;
            }
        }
    }

    /// What tells against the whole of the original, in words.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for split in SourceSplit::ALL {
            problems.extend(self.variety[split as usize].problem(split.name()));
            problems.extend(self.unbalanced(split));
        }
        problems
    }

    /// Where the original has as many examples of each class, any other numbers are not its.
    fn unbalanced(&self, split: SourceSplit) -> Option<String> {
        let size = self.manifest.source.get(split);
        let each = size / self.manifest.classes;
        if !self.manifest.balanced || each * self.manifest.classes != size {
            return None;
        }
        let labels = &self.labels[split as usize];
        let (label, count) = labels.iter().enumerate().find(|&(_, &count)| count != each)?;
        let split = split.name();
        Some(format!(
            "labels are not those of the original: {count} {split} examples have label {label}, those of the original {each}"
        ))
    }
}

/// What the images of a whole data set tell, which are in the order of splits.
pub(crate) fn problems(manifest: &Manifest, pixels: &[u8], labels: &[u16]) -> Vec<String> {
    let mut contents = Contents::new(manifest);
    let mut at = 0;
    for split in SourceSplit::ALL {
        let end = (at + manifest.source.get(split)).min(labels.len());
        let size = manifest.shape.len();
        contents.add(split, &pixels[at * size..end * size], &labels[at..end]);
        at = end;
    }
    contents.problems()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::ImageShape;
    use crate::manifest::manifests;
    use crate::splits::SourceSizes;

    /// Four training images and two of test, of two classes.
    fn tiny() -> Manifest {
        let mut manifest = crate::manifest::manifest("cifar10").unwrap().clone();
        manifest.shape = ImageShape { height: 1, width: 2, channels: 1 };
        manifest.source = SourceSizes { train: 4, validation: None, test: Some(2) };
        (manifest.classes, manifest.balanced) = (2, true);
        manifest
    }

    #[test]
    fn copies_of_a_few_images_and_other_labels_are_told() {
        let check = |pixels: [u8; 12], labels: [u16; 6], words: &[&str]| {
            let told = problems(&tiny(), &pixels, &labels);
            assert_eq!(told.len(), words.len(), "{told:?}");
            told.iter().zip(words).for_each(|(told, word)| assert!(told.contains(word), "{told}"));
        };
        let good = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6];
        check(good, [0, 1, 1, 0, 1, 0], &[]);
        // Half may be the same.
        check([0, 1, 0, 1, 0, 3, 0, 3, 0, 5, 0, 5], [0, 1, 1, 0, 1, 0], &[]);
        let same = ["only 1 of 4 train examples are different"];
        check([0, 1, 0, 1, 0, 1, 0, 1, 0, 5, 0, 6], [0, 1, 1, 0, 1, 0], &same);
        check(good, [0, 1, 1, 0, 1, 1], &["0 test examples have label 0, those of the original 1"]);
        check(good, [0, 0, 1, 0, 0, 1], &["labels are not those of the original: 3 train examples"]);
    }

    #[test]
    fn balanced_splits_have_as_many_examples_of_each_class() {
        let of = |name: &str| {
            let manifest = crate::manifest::manifest(name).unwrap();
            let sizes = SourceSplit::ALL.map(|split| manifest.source.get(split));
            assert!(manifest.balanced && sizes.iter().all(|size| size % manifest.classes == 0), "{name}");
            sizes.map(|size| size / manifest.classes)
        };
        assert_eq!((of("cifar10"), of("cifar100")), ([5000, 0, 1000], [500, 0, 100]));
        assert_eq!((of("fashion_mnist"), of("coil100_32x32")), ([6000, 0, 1000], [100, 0, 0]));
        assert_eq!((of("food101_32x32")[0], of("food101_64x64")[0]), (1000, 1000));
        assert_eq!(of("colorectal_histology_32x32")[0], 625);
        assert_eq!(manifests().iter().filter(|manifest| manifest.balanced).count(), 7);
    }
}
