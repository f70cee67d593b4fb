//! Trainable models on data: minibatches of images and text, augmentation, and what is built on them.

use taskset_datasets::Splits;
use taskset_names::Split;
use taskset_trial::Digest;

mod augment;
#[cfg(feature = "candle")]
pub(crate) mod candle_task;
pub mod conv_fc;
pub mod conv_pooling;
mod conv_stack;
pub(crate) mod drawn_batches;
pub mod fixed_mlp;
pub mod flow;
pub(crate) mod image_batches;
pub mod language_model;
pub mod mlp;
pub mod mlp_ae;
pub mod mlp_vae;
pub(crate) mod network_task;
#[cfg(test)]
mod testing;
mod text_batches;
pub mod text_classification;

/// Entries of the shuffle buffer of the sampled families.
const SHUFFLE_BUFFER: usize = 10_000;

/// The examples of each split in their order, as a text that changes whenever they change.
fn describe_splits(splits: &Splits) -> String {
    let describe = |split: Split| {
        let examples = splits.get(split);
        let bytes: Vec<u8> = examples.iter().flat_map(|example| example.to_le_bytes()).collect();
        format!("{split} {} {}", examples.len(), Digest::of(&bytes))
    };
    Split::ALL.map(describe).join(", ")
}
