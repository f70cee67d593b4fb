//! The image data set of a sampled task: which one, batch size, restrictions, augmentation.

use serde_json::{Value, json};

use taskset_datasets::Carving;

use crate::config_sampling::Sampler;
use crate::models::SHUFFLE_BUFFER;
use crate::models::augment::Augmentation;
use crate::models::image_batches::ImageExamples;

/// The image sets of the sampled families, in sampling (alphabetical) order.
const NAMES: [&str; 10] = [
    "cifar10",
    "cifar100",
    "coil100_32x32",
    "deep_weeds_32x32",
    "fashion_mnist",
    "food101_32x32",
    "imagenet_resized/16x16",
    "imagenet_resized/32x32",
    "mnist",
    "sun397_32x32",
];

/// Image data of a sampled task (JSON `[name, config, augmentation or null]`).
#[derive(Clone, Debug, PartialEq)]
pub struct ImageDatasetConfig {
    /// Name of the data set, e.g. `mnist` or `imagenet_resized/16x16`.
    pub name: String,
    /// Examples in a minibatch.
    pub batch_size: usize,
    /// Upper bound of the number of training examples; it may be larger than their number (QUIRK-8).
    pub num_train: Option<usize>,
    /// Stored for MNIST and Fashion-MNIST only, and ignored: the number of classes is the data set's (QUIRK-9).
    pub num_classes: Option<usize>,
    /// Stored and ignored: all four splits are always real (QUIRK-9).
    pub just_train: bool,
    /// Augmentation of all four splits (QUIRK-10).
    pub augmentation: Option<Augmentation>,
}

impl ImageDatasetConfig {
    /// Draws a set, its augmentation and its restrictions.
    pub fn sample(r: &mut Sampler) -> Self {
        let name = r.choice(&NAMES);
        let augmentation = r.bool(0.3).then(|| Augmentation::sample(r));
        // Batch size, then the largest number of training examples (linear, DISAGREES-2), then the unused flag.
        let (largest_batch, largest_train, num_classes, p_just_train) = match name {
            "mnist" | "fashion_mnist" => (512, Some(55_000), Some(10), 0.1),
            "cifar10" | "cifar100" => (256, Some(50_000), None, 0.2),
            _ => (256, None, None, 0.2),
        };
        let batch_size = r.log_int(8, largest_batch);
        let num_train = largest_train.map(|n| r.lin_int(1000, n));
        let just_train = r.bool(p_just_train);
        Self { name: name.to_owned(), batch_size, num_train, num_classes, just_train, augmentation }
    }

    /// The images as minibatches: the whole of all splits, in a shuffle buffer of upstream's size.
    pub(crate) fn examples(&self, centre: bool) -> ImageExamples {
        ImageExamples {
            dataset: self.name.clone(),
            carving: Carving::Sampled,
            num_train: self.num_train,
            batch_size: self.batch_size,
            buffer: Some(SHUFFLE_BUFFER),
            augmentation: self.augmentation,
            centre,
        }
    }

    /// `[name, config, augmentation or null]`; the keys of the middle part depend on the set.
    pub(crate) fn to_json(&self) -> Value {
        let config = match (self.num_train, self.num_classes) {
            (num_train, Some(classes)) => json!({
                "bs": self.batch_size,
                "num_train": num_train,
                "num_classes": classes,
                "just_train": self.just_train,
            }),
            (Some(num_train), None) => {
                json!({"bs": self.batch_size, "num_train": num_train, "just_train": self.just_train})
            }
            (None, None) => json!({"bs": self.batch_size, "just_train": self.just_train, "num_train": null}),
        };
        json!([self.name, config, self.augmentation.map(|a| a.to_json())])
    }
}

impl Augmentation {
    /// Draws all eight values, whether or not they have an effect.
    pub fn sample(r: &mut Sampler) -> Self {
        Self {
            crop_amount: r.choice(&[0, 0, 0, 1, 2]),
            flip_left_right: r.false_or_true(),
            flip_up_down: r.false_or_true(),
            do_color_aug: r.false_or_true(),
            brightness: r.log_float(0.001, 64.0 / 255.0),
            saturation: r.log_float(0.01, 1.0),
            hue: r.log_float(0.01, 0.5),
            contrast: r.log_float(0.01, 1.0),
        }
    }

    fn to_json(self) -> Value {
        json!({
            "crop_amount": self.crop_amount,
            "flip_left_right": self.flip_left_right,
            "flip_up_down": self.flip_up_down,
            "do_color_aug": self.do_color_aug,
            "brightness": self.brightness,
            "saturation": self.saturation,
            "hue": self.hue,
            "contrast": self.contrast,
        })
    }
}
