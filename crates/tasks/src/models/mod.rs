//! Trainable models on image data: minibatches of images, augmentation, and the classifiers built on them.

mod augment;
pub mod conv_fc;
pub mod conv_pooling;
mod conv_stack;
pub mod fixed_mlp;
mod image_batches;
pub mod mlp;
mod network_task;
