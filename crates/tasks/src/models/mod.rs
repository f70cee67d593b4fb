//! What tasks of networks share: minibatches of images, text and drawn examples, augmentation, and the task itself. What is
//! built on them stands with the families and the fixed tasks.

use taskset_datasets::Splits;
use taskset_names::Split;
use taskset_nn::GaussianLikelihood;
use taskset_trial::Digest;

pub(crate) mod associative_copy_batches;
pub(crate) mod augment;
#[cfg(feature = "candle")]
pub(crate) mod candle_task;
pub(crate) mod drawn_batches;
pub(crate) mod flow;
pub(crate) mod image_batches;
pub(crate) mod network_task;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text_batches;

/// Entries of the shuffle buffer of the sampled families.
pub(crate) const SHUFFLE_BUFFER: usize = 10_000;

/// The likelihood of all variational autoencoders: pixels are dequantised bytes, as if they lay in `[0, 1]`; the decoder's
/// outputs are clipped.
pub(crate) const PIXEL_LIKELIHOOD: GaussianLikelihood =
    GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) };

/// The examples of each split in their order, as a text that changes whenever they change.
fn describe_splits(splits: &Splits) -> String {
    let describe = |split: Split| {
        let examples = splits.get(split);
        let bytes: Vec<u8> = examples.iter().flat_map(|example| example.to_le_bytes()).collect();
        format!("{split} {} {}", examples.len(), Digest::of(&bytes))
    };
    Split::ALL.map(describe).join(", ")
}
