//! Images: data sets in memory, what is known of them without their files, and the decoders of their original files.
//!
//! [`Datasets::images`](crate::Datasets::images) loads a data set as [`ImageData`]; [`image_info`] tells its shape, classes
//! and sizes without any file. [`resize_cubic`] resizes as OpenCV does.

pub(crate) mod cifar;
pub(crate) mod collection;
mod data;
pub(crate) mod hub_copy;
pub(crate) mod imagenet;
mod info;
#[cfg(feature = "encoded")]
mod jpeg;
pub(crate) mod load;
pub(crate) mod mnist;
pub(crate) mod picture;
pub(crate) mod read_originals;
mod resize;
pub(crate) mod stand_in;

pub use data::ImageData;
pub use info::{ImageInfo, ImageShape, image_info};
pub use resize::resize_cubic;
