//! Image data sets in memory: what they are like, and their pixels and labels.

use std::ops::Range;
use std::sync::OnceLock;

use taskset_names::Origin;

use super::{ImageInfo, ImageShape};
use crate::Error;
use crate::buffer::Buffer;
use crate::digest::{Body, Fields};
use crate::prepared::sealed::Digest256;
use crate::splits::SourceSplit;

/// The images and labels of a data set, all source splits, in the source's order.
///
/// Examples are numbered from 0 through all source splits (train, validation, test). Pixels are u8, row-major, height
/// × width × channels; tasks see `pixel / 255`.
#[derive(Clone, Debug)]
pub struct ImageData {
    name: String,
    info: ImageInfo,
    origin: Origin,
    pixels: Buffer<u8>,
    labels: Vec<u16>,
    /// SHA-256 of pixels and labels, once it is known.
    body: OnceLock<Digest256>,
}

impl ImageData {
    /// Puts a data set together.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if the number of pixels or labels is not what `info` says, if a label is not a class,
    /// if a held-out size is 0 or leaves no training example, or if there are 2³² examples or more.
    pub fn new(
        name: impl Into<String>,
        info: ImageInfo,
        origin: Origin,
        pixels: Vec<u8>,
        labels: Vec<u16>,
    ) -> Result<Self, Error> {
        Self::assemble(name.into(), info, origin, pixels.into(), labels)
    }

    /// As [`new`](Self::new), wherever the pixels are.
    pub(crate) fn assemble(
        name: String,
        info: ImageInfo,
        origin: Origin,
        pixels: Buffer<u8>,
        labels: Vec<u16>,
    ) -> Result<Self, Error> {
        if let Some(problem) = problem(&info, &pixels, &labels) {
            return Err(Error::Inconsistent { name, problem });
        }
        Ok(Self { name, info, origin, pixels, labels, body: OnceLock::new() })
    }

    /// Remembers the SHA-256 of pixels and labels, which is known.
    pub(crate) fn with_body(self, body: Digest256) -> Self {
        Self { body: OnceLock::from(body), ..self }
    }

    /// Name of the data set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shape, classes and sizes of what is held here. A stand-in has fewer examples than
    /// [`image_info`](crate::images::image_info) says of the original.
    pub fn info(&self) -> &ImageInfo {
        &self.info
    }

    /// Shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.info.shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.info.classes
    }

    /// Whether these are the original images or a stand-in.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Number of examples, all source splits together.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example; never so for data made by [`ImageData::new`].
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The image of an example, height × width × channels.
    ///
    /// # Panics
    /// If there is no such example.
    #[inline]
    pub fn pixels(&self, example: u32) -> &[u8] {
        let size = self.info.shape.len();
        &self.pixels[example as usize * size..][..size]
    }

    /// The label of an example, below [`classes`](Self::classes).
    ///
    /// # Panics
    /// If there is no such example.
    #[inline]
    pub fn label(&self, example: u32) -> u16 {
        self.labels[example as usize]
    }

    /// Gathers a minibatch: the images of these examples, one after the other, and their labels. Both slices are filled, and
    /// nothing is allocated.
    ///
    /// ```
    /// use taskset_datasets::{Carving, Datasets, IndexStream, Source, Split, StreamId, carve};
    ///
    /// let fashion = Datasets::new(Source::Synthetic).images("fashion_mnist")?;
    /// let train = carve(&fashion, Carving::Fixed, None).get(Split::Train).clone();
    /// let mut order = IndexStream::new(train, 10_000, StreamId::root("example").stream());
    /// let mut batch = [0; 32];
    /// let (mut images, mut labels) = (vec![0; 32 * fashion.shape().len()], [0; 32]);
    /// for _ in 0..3 {
    ///     order.next_batch(&mut batch);
    ///     fashion.gather(&batch, &mut images, &mut labels);
    ///     assert_eq!(images[..784], *fashion.pixels(batch[0]));
    ///     assert!(labels.iter().all(|&label| usize::from(label) < fashion.classes()));
    /// }
    /// # Ok::<(), taskset_datasets::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there is no such example, if `images` has not as many values as the images together, or `labels` not as many as
    /// there are examples.
    pub fn gather(&self, examples: &[u32], images: &mut [u8], labels: &mut [u16]) {
        let size = self.info.shape.len();
        assert_eq!(images.len(), examples.len() * size, "values for {} images", examples.len());
        assert_eq!(labels.len(), examples.len(), "labels for {} images", examples.len());
        let places = images.chunks_exact_mut(size).zip(labels);
        for (&example, (image, label)) in examples.iter().zip(places) {
            image.copy_from_slice(self.pixels(example));
            *label = self.label(example);
        }
    }

    /// All images, one after the other.
    pub fn all_pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All labels.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// SHA-256 over shape, classes, sizes of the source splits, held-out sizes, pixels and labels. Data with the same digest
    /// are the same to a task, whether they were read from original files in any packing or from a prepared copy, or were
    /// generated; name and origin are no part of it. The layout of what is hashed stands at the head of
    /// `datasets/src/digest.rs`.
    ///
    /// The first call reads all pixels, unless they came from a prepared copy, which was verified when it was opened.
    pub fn digest(&self) -> [u8; 32] {
        let ImageInfo { shape, classes, source, held_out } = self.info;
        let body = self.body.get_or_init(|| Body::new().numbers(&self.pixels).numbers(&self.labels).finish());
        Fields::of("taskset-rs images 1")
            .number(shape.height)
            .number(shape.width)
            .number(shape.channels)
            .number(classes)
            .number(source.train)
            .number(source.validation)
            .number(source.test)
            .number(held_out.sampled)
            .number(held_out.fixed)
            .bytes(body)
            .finish()
    }

    /// The source splits that this data set has, and the examples of each.
    pub fn source_splits(&self) -> impl Iterator<Item = (SourceSplit, Range<u32>)> {
        let source = self.info.source;
        SourceSplit::ALL.into_iter().filter(move |&split| source.get(split) > 0).map(move |split| {
            let range = source.range(split);
            (split, range.start as u32..range.end as u32)
        })
    }
}

/// What does not fit together, if anything.
fn problem(info: &ImageInfo, pixels: &[u8], labels: &[u16]) -> Option<String> {
    let total = info.source.total();
    if u32::try_from(total).is_err() {
        return Some(format!("{total} examples, more than can be numbered"));
    }
    if info.shape.is_empty() || info.classes == 0 {
        return Some(format!("images of {} in {} classes", info.shape, info.classes));
    }
    if labels.len() != total {
        return Some(format!("{} labels for {total} examples", labels.len()));
    }
    if Some(pixels.len()) != total.checked_mul(info.shape.len()) {
        return Some(format!("{} pixel values for {total} images of {}", pixels.len(), info.shape));
    }
    if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= info.classes) {
        return Some(format!("label {label}, but only {} classes", info.classes));
    }
    info.carving_problem()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splits::{HeldOut, SourceSizes};

    fn tiny(total: usize) -> ImageInfo {
        ImageInfo {
            shape: ImageShape { height: 2, width: 2, channels: 1 },
            classes: 3,
            source: SourceSizes { train: total, validation: None, test: Some(2) },
            held_out: HeldOut { sampled: 2, fixed: 1 },
        }
    }

    fn check(info: ImageInfo, pixels: usize, labels: &[u16], expected: &str) {
        let error = ImageData::new("x", info, Origin::Real, vec![0; pixels], labels.to_vec()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn inconsistent_parts_are_refused() {
        check(tiny(6), 32, &[0; 7], "7 labels for 8 examples");
        check(tiny(6), 31, &[0; 8], "31 pixel values");
        check(tiny(6), 32, &[0, 1, 2, 3, 0, 0, 0, 0], "label 3");
        check(tiny(4), 24, &[0; 6], "held-out");
        let empty = ImageInfo { shape: ImageShape { height: 0, width: 2, channels: 1 }, ..tiny(6) };
        check(empty, 0, &[0; 8], "0×2×1");
    }

    #[test]
    fn a_minibatch_holds_its_examples_in_order() {
        let pixels: Vec<u8> = (0..32).collect();
        let data = ImageData::new("x", tiny(6), Origin::Real, pixels, vec![0, 1, 2, 0, 1, 2, 0, 1]).unwrap();
        let (mut images, mut labels) = ([0; 12], [9; 3]);
        data.gather(&[7, 2, 2], &mut images, &mut labels);
        assert_eq!((images, labels), ([28, 29, 30, 31, 8, 9, 10, 11, 8, 9, 10, 11], [1, 2, 2]));
        data.gather(&[], &mut [], &mut []);
        for (examples, values, count) in [(&[1][..], 3, 1), (&[1, 2], 8, 1), (&[8], 4, 1)] {
            let (mut images, mut labels) = (vec![0; values], vec![0; count]);
            let gathered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                data.gather(examples, &mut images, &mut labels);
            }));
            assert!(gathered.is_err(), "{examples:?}");
        }
    }

    #[test]
    fn examples_are_numbered_through_the_source_splits() {
        let pixels: Vec<u8> = (0..32).collect();
        let labels = vec![0, 1, 2, 0, 1, 2, 0, 1];
        let data = ImageData::new("x", tiny(6), Origin::Real, pixels, labels).unwrap();
        assert_eq!(data.pixels(7), [28, 29, 30, 31]);
        assert_eq!(data.label(7), 1);
        let splits: Vec<_> = data.source_splits().collect();
        assert_eq!(splits, [(SourceSplit::Train, 0..6), (SourceSplit::Test, 6..8)]);
    }
}
