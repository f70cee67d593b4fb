//! Minibatches of images: which examples, and how their bytes become the model's input.

use std::sync::Arc;

use taskset_datasets::{Carving, Datasets, ImageData, IndexStream, Splits, carve};
use taskset_names::{Origin, Split};
use taskset_nn::kernels::prefetch;
use taskset_nn::{Backend, BatchMut, Scalar, Shape};
use taskset_rng::{Stream, StreamId};
use taskset_trial::Digest;

use super::augment::{Augmentation, Augmenter};
use super::network_task::{Batches, Data};
use super::{SHUFFLE_BUFFER, describe_splits};
use crate::spec::Infeasible;
use crate::{Error, Feed};

/// Trials at a time where a minibatch is expensive, and most parameters of a model for which that pays.
const LOCKSTEP: usize = 4;
const LOCKSTEP_PARAMETERS: usize = 1 << 17;

/// How many images ahead are prefetched: they lie anywhere in a data set that is larger than the caches.
const AHEAD: usize = 4;

/// What a model sees of an image set, after cropping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl InputShape {
    /// Values of an image.
    pub const fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether cropping left nothing.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same as networks take it.
    pub const fn shape(&self) -> Shape {
        Shape::Image { height: self.height, width: self.width, channels: self.channels }
    }
}

/// The input of models of an image set, uncropped.
pub(crate) fn input_shape(name: &str) -> Result<InputShape, Infeasible> {
    let info = taskset_datasets::images::image_info(name).map_err(|error| Infeasible(error.to_string()))?;
    let shape = info.shape;
    Ok(InputShape {
        height: shape.height,
        width: shape.width,
        channels: shape.channels,
        classes: info.classes,
    })
}

/// Which images, and how they become minibatches.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageExamples {
    /// Name of the image set, e.g. `mnist` or `imagenet_resized/16x16`.
    pub dataset: String,
    /// How the four splits are carved out of it.
    pub carving: Carving,
    /// Upper bound of the number of training examples.
    pub num_train: Option<usize>,
    /// Examples in a minibatch.
    pub batch_size: usize,
    /// Entries of the shuffle buffer; `None`: as many as the split has examples.
    pub buffer: Option<usize>,
    /// Applied to all four splits (QUIRK-10).
    pub augmentation: Option<Augmentation>,
    /// Whether pixels go from `[0, 1]` to `[-1, 1]`, after augmentation.
    pub centre: bool,
}

impl ImageExamples {
    /// The shape of the model's input and the number of classes.
    ///
    /// # Errors
    /// [`Infeasible`] if no such data set exists or the crop leaves nothing of it.
    pub fn input(&self) -> Result<InputShape, Infeasible> {
        let mut shape = input_shape(&self.dataset)?;
        let crop = self.augmentation.map_or(0, |a| a.crop_amount);
        shape.height = shape.height.saturating_sub(crop);
        shape.width = shape.width.saturating_sub(crop);
        if shape.is_empty() {
            return Err(Infeasible(format!(
                "a crop of {crop} leaves nothing of an image of {}",
                self.dataset
            )));
        }
        Ok(shape)
    }

    /// Operations that augmenting a minibatch takes, in units of scalar ones: those of the colours, 2 ns per pixel with vectors
    /// of 256 or 512 bits. Crops and flips are copies.
    pub(crate) fn augmenting_operations(&self) -> f64 {
        const A_PIXEL: f64 = 6.0;
        let colours = self.augmentation.is_some_and(|augmentation| augmentation.do_color_aug);
        match self.input() {
            Ok(shape) if colours && shape.channels == 3 => {
                A_PIXEL * (shape.len() / 3 * self.batch_size) as f64
            }
            _ => 0.0,
        }
    }

    /// Loads the images.
    ///
    /// # Errors
    /// [`Error::Data`] if they cannot be loaded.
    pub(crate) fn load(&self, data: &Datasets) -> Result<ImageTask, Error> {
        let data = data.images(&self.dataset)?;
        Ok(ImageTask {
            splits: carve(&data, self.carving, self.num_train),
            data,
            batch_size: self.batch_size,
            buffer: self.buffer,
            augmentation: self.augmentation,
            centre: self.centre,
        })
    }
}

/// The images of a task: shared by its replicas.
#[derive(Clone, Debug)]
pub(crate) struct ImageTask {
    pub(super) data: Arc<ImageData>,
    pub(super) splits: Splits,
    pub(super) batch_size: usize,
    /// Entries of the shuffle buffer; `None`: as many as the split has examples.
    pub(super) buffer: Option<usize>,
    /// Applied to all four splits (QUIRK-10).
    pub(super) augmentation: Option<Augmentation>,
    /// `2x − 1` after augmentation.
    pub(super) centre: bool,
}

impl Data for ImageTask {
    fn origin(&self) -> Origin {
        self.data.origin()
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn description(&self) -> Option<String> {
        let Self { data: _, splits, batch_size, buffer, augmentation, centre } = self;
        let splits = describe_splits(splits);
        Some(format!(
            "images of {splits}, batch {batch_size}, buffer {buffer:?}, augmentation {augmentation:?}, centre {centre}"
        ))
    }

    fn digest(&self) -> Option<Digest> {
        Some(Digest(self.data.digest()))
    }

    /// Changing colours costs up to a third of a step of a small model, which sharing saves. Without it a minibatch is little
    /// more than a copy. With larger models, or more of them, it is more important that a trial's parameters and moments
    /// stay in the cache (`cargo bench -p taskset-train --bench lockstep`).
    fn lockstep(&self, parameters: usize) -> usize {
        let colours = self.augmentation.is_some_and(|augmentation| augmentation.do_color_aug);
        let pays = colours && self.data.shape().channels == 3 && parameters <= LOCKSTEP_PARAMETERS;
        if pays { LOCKSTEP } else { 1 }
    }

    fn open<T: Scalar>(self: &Arc<Self>, replica: &StreamId) -> Box<dyn Batches<T>> {
        Box::new(ImageBatches::new(Arc::clone(self), replica))
    }
}

/// The random streams of one feed: examples, augmentation and the model's own noise are siblings, so that none shifts
/// another.
#[derive(Clone, Debug)]
struct FeedStreams {
    batches: IndexStream,
    augment: Stream,
    noise: Stream,
}

/// The minibatch streams of one replica. Names: `train/…` and `eval/<split>/…`, each with `batches`, `augment` and
/// `noise` below the replica's.
#[derive(Clone, Debug)]
pub(super) struct ImageBatches {
    images: Arc<ImageTask>,
    training: FeedStreams,
    evaluation: [FeedStreams; 4],
    examples: Vec<u32>,
    augmenter: Option<Augmenter>,
}

/// The name of a feed's streams.
fn feed_id(replica: &StreamId, feed: Feed) -> StreamId {
    match feed {
        Feed::Training => replica.child("train"),
        Feed::Evaluation(split) => replica.child("eval").child(split.name()),
    }
}

/// The example numbers of a feed; `buffer` as in [`ImageTask`].
fn examples(splits: &Splits, buffer: Option<usize>, replica: &StreamId, feed: Feed) -> IndexStream {
    let indices = splits.get(feed.split());
    let stream = feed_id(replica, feed).child("batches").stream();
    IndexStream::new(Arc::clone(indices), buffer.unwrap_or(indices.len()), stream)
}

/// The examples that a sampled task on images takes: with them another implementation can be trained on the same
/// minibatches. `num_train` is that of the task's configuration, `replica` the name of its streams; the numbers are those
/// of [`ImageData::pixels`].
///
/// # Errors
/// [`Error::Data`] if the images cannot be loaded.
pub fn sampled_examples(
    dataset: &str,
    num_train: Option<usize>,
    data: &Datasets,
    replica: &StreamId,
    feed: Feed,
) -> Result<IndexStream, Error> {
    let splits = carve(&*data.images(dataset)?, Carving::Sampled, num_train);
    Ok(examples(&splits, Some(SHUFFLE_BUFFER), replica, feed))
}

impl ImageBatches {
    pub(super) fn new(images: Arc<ImageTask>, replica: &StreamId) -> Self {
        let open = |feed: Feed| {
            let id = feed_id(replica, feed);
            FeedStreams {
                batches: examples(&images.splits, images.buffer, replica, feed),
                augment: id.child("augment").stream(),
                noise: id.child("noise").stream(),
            }
        };
        Self {
            training: open(Feed::Training),
            evaluation: Split::ALL.map(|split| open(Feed::Evaluation(split))),
            examples: vec![0; images.batch_size],
            augmenter: images
                .augmentation
                .map(|augmentation| Augmenter::new(augmentation, images.data.shape(), images.centre)),
            images,
        }
    }
}

impl<T: Scalar> Batches<T> for ImageBatches {
    /// Inputs are `[batch, height, width, channels]`.
    fn next(&mut self, feed: Feed, batch: BatchMut<'_, T>) -> &mut Stream {
        let BatchMut { features: input, labels, .. } = batch;
        let streams = match feed {
            Feed::Training => &mut self.training,
            Feed::Evaluation(split) => &mut self.evaluation[split.index()],
        };
        let ImageTask { data, centre, .. } = &*self.images;
        let backend = Backend::detect();
        streams.batches.next_batch(&mut self.examples);
        let width = input.len() / self.examples.len();
        let mut soon = self.examples.iter().skip(AHEAD);
        for ((&example, row), label) in self.examples.iter().zip(input.chunks_exact_mut(width)).zip(labels) {
            if let Some(&example) = soon.next() {
                prefetch(data.pixels(example));
            }
            *label = data.label(example);
            let pixels = data.pixels(example);
            match &mut self.augmenter {
                Some(augmenter) => augmenter.augment(backend, pixels, &mut streams.augment, row),
                None => T::from_bytes(backend, pixels, *centre, row),
            }
        }
        &mut streams.noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_datasets::Source;

    #[test]
    fn sampled_examples_are_those_of_the_minibatches() {
        let (batch_size, num_train) = (6, Some(600));
        let examples = ImageExamples {
            dataset: "mnist".to_owned(),
            carving: Carving::Sampled,
            num_train,
            batch_size,
            buffer: Some(SHUFFLE_BUFFER),
            augmentation: None,
            centre: false,
        };
        let (data, replica) = (Datasets::new(Source::Synthetic), StreamId::root("image-batches-tests"));
        let images = Arc::new(examples.load(&data).unwrap());
        let mut batches = ImageBatches::new(Arc::clone(&images), &replica);
        for feed in Split::ALL.map(Feed::Evaluation).into_iter().chain([Feed::Training]) {
            let mut stream = sampled_examples("mnist", num_train, &data, &replica, feed).unwrap();
            for _ in 0..2 {
                let (mut features, mut labels) = (vec![0f32; batch_size * 784], vec![0; batch_size]);
                let batch = BatchMut {
                    row_count: batch_size,
                    features: &mut features,
                    tokens: &mut [],
                    labels: &mut labels,
                };
                Batches::next(&mut batches, feed, batch);
                let mut examples = vec![0; batch_size];
                stream.next_batch(&mut examples);
                for (row, &example) in features.chunks_exact(784).zip(&examples) {
                    let pixels = images.data.pixels(example);
                    let unit = |byte: &u8| (f32::from(*byte) / 255.0).to_bits();
                    assert!(row.iter().map(|x| x.to_bits()).eq(pixels.iter().map(unit)));
                }
            }
        }
    }
}
