//! What data are, as a number: SHA-256 over decoded contents, whatever files they were read from.
//!
//! A digest is the SHA-256 of *fields*. Each is its number of bytes (u64) and then its bytes. A number is a field of eight
//! bytes (u64), and an empty field where there is no such number. All integers are little-endian.
//!
//! | images | texts |
//! |---|---|
//! | `taskset-rs images 1` | `taskset-rs texts 1` |
//! | height, width, channels, classes | encoding (`bytes` or `subwords8k`), vocabulary, classes |
//! | examples of train, validation, test | examples of train, validation, test |
//! | held-out sizes of the sampled and the fixed tasks | number of tokens, number of labels |
//! | SHA-256 of the body | SHA-256 of the body |
//!
//! The *body* of images is their pixels (example × height × width × channel) and then their labels (u16). That of texts is
//! their tokens (u16), zeros up to a multiple of eight bytes, where each example ends among the tokens (u64), and the
//! labels (u8). The fields before it say how long each part is. It is what a prepared copy has as its payload, so that
//! verifying a copy and identifying what is in it are one pass over it.
//!
//! Neither the name of a data set nor where it came from is part of its digest.

use sha2::{Digest, Sha256};

use crate::buffer::{self, Number};
use crate::prepared::sealed::Digest256;

/// The fields of a digest.
pub(crate) struct Fields(Sha256);

impl Fields {
    /// Begins with the kind of the data.
    pub(crate) fn of(kind: &str) -> Self {
        Self(Sha256::new()).bytes(kind.as_bytes())
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// A number, if there is one.
    pub(crate) fn number(self, number: impl Into<Option<usize>>) -> Self {
        match number.into() {
            Some(number) => self.bytes(&(number as u64).to_le_bytes()),
            None => self.bytes(&[]),
        }
    }

    pub(crate) fn finish(self) -> Digest256 {
        self.0.finalize().into()
    }
}

/// The SHA-256 of a body, part by part.
pub(crate) struct Body(Sha256);

impl Body {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    /// Little-endian numbers, one after the other.
    pub(crate) fn numbers<T: Number>(mut self, numbers: &[T]) -> Self {
        buffer::little_endian(numbers, &mut |bytes| self.0.update(bytes));
        self
    }

    pub(crate) fn finish(self) -> Digest256 {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use taskset_names::Origin;

    use crate::images::{ImageInfo, ImageShape};
    use crate::manifest::manifest;
    use crate::splits::{HeldOut, SourceSizes};
    use crate::text::Texts;
    use crate::text::text_info;
    use crate::{Datasets, ImageData, Source, TextData, files};

    /// Eight images of 2×2 in three classes.
    fn images(change: impl FnOnce(&mut ImageInfo, &mut Vec<u8>, &mut Vec<u16>)) -> String {
        let mut info = ImageInfo {
            shape: ImageShape { height: 2, width: 2, channels: 1 },
            classes: 3,
            source: SourceSizes { train: 6, validation: None, test: Some(2) },
            held_out: HeldOut { sampled: 2, fixed: 1 },
        };
        let (mut pixels, mut labels) = ((0..32).collect(), vec![0, 1, 2, 0, 1, 2, 0, 1]);
        change(&mut info, &mut pixels, &mut labels);
        let data = ImageData::new("x", info, Origin::Real, pixels, labels).unwrap();
        let digest = data.digest();
        assert_eq!(data.digest(), digest, "a digest is remembered");
        files::hex(&digest)
    }

    /// Four examples, the second of them empty.
    fn texts(name: &str, change: impl FnOnce(&mut Texts, &mut Vec<u8>, &mut usize, &mut usize)) -> String {
        let info = text_info(name).unwrap();
        let mut texts = Texts { tokens: vec![1, 2, 256, 4, 5], ends: vec![2, 2, 3, 5] };
        let mut labels = if info.classes.is_some() { vec![0, 1, 0, 1] } else { vec![] };
        let (mut vocabulary, mut train) = (257, 3);
        change(&mut texts, &mut labels, &mut vocabulary, &mut train);
        let data = TextData::new(info, Origin::Real, vocabulary, texts, labels, train).unwrap();
        files::hex(&data.digest())
    }

    #[test]
    fn digests_follow_their_description() {
        // Computed from the description at the head of this file with Python's `struct` and `hashlib`.
        assert_eq!(images(|_, _, _| ()), "44ef3f8afef9ad661e6f1e9349a6f913e2f4486c45ebba2401ba81d6b2758fc4");
        let reviews = texts("imdb_reviews/bytes", |_, _, _, _| ());
        assert_eq!(reviews, "9a53722b2455eeac90ca273c923feac8859ff4c2000209388f2e1689320d967a");
        let sentences = texts("lm1b/bytes", |_, _, _, _| ());
        assert_eq!(sentences, "5ea516e252a992da1b4d6aa9123c8556e69600ac32590c0eb6a9400286f8d8be");
    }

    #[test]
    fn digests_of_stand_ins_are_pinned() {
        // Made by this crate, version 0.1.0; a change makes curves that were trained on stand-ins curves of other data.
        let datasets = Datasets::new(Source::Synthetic);
        let mnist = datasets.images("mnist").unwrap().digest();
        assert_eq!(files::hex(&mnist), "bfb1418b3e03ce7d2417ddeac18b072ac35ed06e56aff82eaa7817bb40f37d72");
        let reviews = datasets.text("imdb_reviews/bytes").unwrap().digest();
        assert_eq!(files::hex(&reviews), "c979f68ab488d6a07ad0a02d43dea1873148affefd8a9906b8c1299d854d9015");
    }

    #[test]
    fn every_change_of_images_changes_their_digest() {
        let mut seen = vec![images(|_, _, _| ())];
        let mut differs = |digest: String| {
            assert!(!seen.contains(&digest), "change {}", seen.len());
            seen.push(digest);
        };
        differs(images(|_, pixels, _| pixels[31] ^= 1));
        differs(images(|_, _, labels| labels[7] = 2));
        differs(images(|_, _, labels| labels.swap(0, 1)));
        differs(images(|info, _, _| info.classes = 4));
        differs(images(|info, _, _| info.shape = ImageShape { height: 4, width: 1, channels: 1 }));
        differs(images(|info, _, _| info.source = SourceSizes { train: 5, validation: None, test: Some(3) }));
        differs(images(|info, _, _| info.source = SourceSizes { train: 6, validation: Some(2), test: None }));
        differs(images(|info, _, _| info.held_out.sampled = 1));
        differs(images(|info, _, _| info.held_out.fixed = 2));
    }

    #[test]
    fn every_change_of_texts_changes_their_digest() {
        let reviews = "imdb_reviews/bytes";
        let mut seen = vec![texts(reviews, |_, _, _, _| ())];
        let mut differs = |digest: String| {
            assert!(!seen.contains(&digest), "change {}", seen.len());
            seen.push(digest);
        };
        differs(texts(reviews, |texts, _, _, _| texts.tokens[2] = 255));
        differs(texts(reviews, |texts, _, _, _| texts.ends[0] = 1));
        differs(texts(reviews, |_, labels, _, _| labels[3] = 0));
        differs(texts(reviews, |_, _, vocabulary, _| *vocabulary = 258));
        differs(texts("imdb_reviews/subwords8k", |_, _, _, _| ()));
        differs(texts("lm1b/bytes", |_, _, _, _| ()));
        let five = |train: usize| {
            texts(reviews, |texts, labels, _, at| {
                texts.ends.push(5);
                labels.push(1);
                *at = train;
            })
        };
        differs(five(3));
        differs(five(4));
    }

    #[test]
    fn name_and_origin_are_no_part_of_a_digest() {
        let info = manifest("mnist").unwrap().info().stand_in();
        let (pixels, labels) =
            (vec![7; info.source.total() * info.shape.len()], vec![1; info.source.total()]);
        let [a, b] = [("mnist", Origin::Real), ("fashion_mnist", Origin::Synthetic)].map(|(name, origin)| {
            ImageData::new(name, info, origin, pixels.clone(), labels.clone()).unwrap().digest()
        });
        assert_eq!(a, b);
    }
}
