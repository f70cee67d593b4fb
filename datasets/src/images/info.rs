//! What is known of an image data set without its files: shape, classes and sizes.

use std::fmt;

use serde::Deserialize;

use crate::Error;
use crate::manifest::{Manifest, manifest};
use crate::splits::{HeldOut, SourceSizes};

/// Height, width and channels of every image of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageShape {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels a row.
    pub width: usize,
    /// Values a pixel: 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
}

impl ImageShape {
    /// Values of one image: height × width × channels.
    pub const fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether an image has no value.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.height, self.width, self.channels)
    }
}

/// Everything about an image data set that is known without its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Shape of every image.
    pub shape: ImageShape,
    /// Number of classes K; labels are `0..K`.
    pub classes: usize,
    /// Examples of each source split.
    pub source: SourceSizes,
    /// Sizes of the carved validation splits.
    pub held_out: HeldOut,
}

impl ImageInfo {
    /// What a part of such a data set is like that holds `counts` examples of train, validation and test: held-out
    /// sizes are scaled as the training examples are, and stay as they are if those are complete.
    pub(crate) fn partial(&self, counts: [usize; 3]) -> Self {
        let (full, train) = (self.source.train.max(1), counts[0]);
        let held_out = |v: usize| ((v * train + full / 2) / full).max(1);
        Self {
            source: SourceSizes {
                train,
                validation: self.source.validation.map(|_| counts[1]),
                test: self.source.test.map(|_| counts[2]),
            },
            held_out: HeldOut {
                sampled: held_out(self.held_out.sampled),
                fixed: held_out(self.held_out.fixed),
            },
            ..*self
        }
    }
}

/// Shape, classes and sizes of an image data set, from its manifest alone: no file is needed.
///
/// # Errors
/// [`Error::UnknownDataset`].
pub fn image_info(name: &str) -> Result<ImageInfo, Error> {
    manifest(name).map(Manifest::info)
}
