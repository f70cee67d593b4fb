//! Trainable models on image data: minibatches of images, augmentation, and the classifiers built on them.

mod augment;
pub mod fixed_mlp;
pub mod flow;
mod image_batches;
pub mod mlp;
mod network_task;
#[cfg(test)]
mod testing;
