//! Trainable models on data: minibatches of images and text, augmentation, and what is built on them.

mod augment;
#[cfg(feature = "candle")]
pub(crate) mod candle_task;
pub(crate) mod drawn;
pub mod fixed_mlp;
pub mod flow;
mod image_batches;
pub mod language_model;
pub mod mlp;
pub(crate) mod network_task;
#[cfg(test)]
mod testing;
mod text_batches;
pub mod text_classification;
