//! Stand-ins: generated images of the same shape and number of classes as a real data set.
//!
//! A class has one to three *prototypes* (see [`class_prototypes`]). An example is a prototype of its class, shifted, scaled in
//! contrast, overlaid with a fainter prototype of any class, partly hidden by a rectangle, with noise on every pixel; a
//! few labels are wrong. A linear classifier therefore learns much but far from all, and a network with a hidden layer
//! learns more. Everything comes from fixed streams, with integer arithmetic or plain IEEE operations only: the bytes are
//! the same on every platform, and a test pins them.

mod class_prototypes;
mod example_of_class;

use taskset_names::Origin;
use taskset_rng::StreamId;

use crate::images::ImageInfo;
use crate::manifest::Manifest;
use crate::splits::{SourceSizes, SourceSplit};
use crate::{Error, ImageData};
use class_prototypes::Prototypes;

/// Most training examples of a stand-in.
const MAX_TRAIN: usize = 6_000;
/// Most examples of each other source split.
const MAX_OTHER: usize = 1_000;
/// Held-out splits are not scaled below this size, so that their mean loss keeps its meaning.
const MIN_HELD_OUT: usize = 250;
/// Share of the labels that are replaced by a uniformly drawn class.
const LABEL_NOISE: f64 = 0.03;

/// Generates the stand-in of a data set.
pub(crate) fn images(manifest: &Manifest) -> Result<ImageData, Error> {
    let info = manifest.info().stand_in();
    let classes = manifest.occurring_classes.unwrap_or(info.classes);
    let id = StreamId::root("taskset-rs/datasets").child(&manifest.name).child("stand-in");
    let prototypes =
        Prototypes::new(manifest.stand_in, info.shape, classes, &mut id.child("prototypes").stream());
    let mut pixels = Vec::with_capacity(info.source.total() * info.shape.len());
    let mut labels = Vec::with_capacity(info.source.total());
    for split in SourceSplit::ALL {
        let mut stream = id.child(split.name()).stream();
        let first = labels.len();
        labels.extend((0..info.source.get(split)).map(|i| (i % classes) as u16));
        stream.shuffle(&mut labels[first..]);
        for label in &mut labels[first..] {
            prototypes.example(*label, &mut stream, &mut pixels);
            if stream.bernoulli(LABEL_NOISE) {
                *label = stream.below(classes as u64) as u16;
            }
        }
    }
    ImageData::new(manifest.name.clone(), info, Origin::Synthetic, pixels, labels)
}

impl ImageInfo {
    /// What the stand-in of such a data set is like: the same shape and classes; at most 6,000 training examples and
    /// 1,000 of each other source split; held-out sizes scaled as the training examples are, but not below 250.
    #[must_use]
    pub fn stand_in(&self) -> Self {
        let other = |size: Option<usize>| size.map(|n| n.min(MAX_OTHER));
        let (full, train) = (self.source.train, self.source.train.min(MAX_TRAIN));
        let held_out = |v: usize| ((v * train + full / 2) / full.max(1)).max(v.min(MIN_HELD_OUT));
        Self {
            source: SourceSizes {
                train,
                validation: other(self.source.validation),
                test: other(self.source.test),
            },
            held_out: crate::splits::HeldOut {
                sampled: held_out(self.held_out.sampled),
                fixed: held_out(self.held_out.fixed),
            },
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::manifest::{manifest, manifests};

    #[test]
    fn every_data_set_has_a_stand_in_of_its_shape_and_classes() {
        for m in manifests() {
            let data = images(m).unwrap();
            assert_eq!((data.shape(), data.classes()), (m.shape, m.classes), "{}", m.name);
            assert_eq!(data.origin(), Origin::Synthetic);
            let mut seen = vec![false; m.classes];
            data.labels().iter().for_each(|&label| seen[usize::from(label)] = true);
            let occurring = seen.iter().filter(|&&s| s).count();
            assert_eq!(occurring, m.occurring_classes.unwrap_or(m.classes), "{}", m.name);
            let mean =
                data.all_pixels().iter().map(|&p| f64::from(p)).sum::<f64>() / data.all_pixels().len() as f64;
            let dark =
                data.all_pixels().iter().filter(|&&p| p == 0).count() as f64 / data.all_pixels().len() as f64;
            if m.shape.channels == 1 {
                assert!(mean > 10.0 && mean < 100.0 && dark > 0.4 && dark < 0.9, "{} {mean} {dark}", m.name);
            } else {
                assert!(mean > 100.0 && mean < 150.0 && dark < 0.1, "{} {mean} {dark}", m.name);
            }
        }
    }

    #[test]
    fn sizes_are_scaled() {
        let check = |name: &str, train, other: [Option<usize>; 2], held_out: [usize; 2]| {
            let info = manifest(name).unwrap().info().stand_in();
            assert_eq!(info.source, SourceSizes { train, validation: other[0], test: other[1] }, "{name}");
            assert_eq!([info.held_out.sampled, info.held_out.fixed], held_out, "{name}");
        };
        check("mnist", 6000, [None, Some(1000)], [500, 300]);
        check("sun397_32x32", 6000, [Some(1000), Some(1000)], [394, 250]);
        check("imagenet_resized/16x16", 6000, [Some(1000), None], [250, 250]);
        check("colorectal_histology_32x32", 5000, [None, None], [700, 700]);
    }

    #[test]
    fn bytes_are_pinned() {
        // SHA-256 of pixels then labels (u16 little-endian), first 8 bytes. Made by this crate, version 0.1.0, on
        // x86-64; a change moves every curve that was trained on stand-ins.
        let digest = |name: &str| -> String {
            let data = images(manifest(name).unwrap()).unwrap();
            let mut hash = Sha256::new();
            hash.update(data.all_pixels());
            data.labels().iter().for_each(|label| hash.update(label.to_le_bytes()));
            hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let digests = ["mnist", "fashion_mnist", "imagenet_resized/16x16"].map(digest);
        assert_eq!(digests, ["94ef9861a7bdbc4d", "5607913bce891b9b", "8662d4e8769d4e71"]);
    }
}
