//! Trainable models on image data: minibatches of images, augmentation, and the classifiers built on them.

mod augment;
pub mod fixed_mlp;
mod image_batches;
pub mod mlp;
pub mod mlp_ae;
pub mod mlp_vae;
mod network_task;
#[cfg(test)]
mod testing;
