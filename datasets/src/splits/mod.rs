//! Splits: how the four splits of a task are carved from the splits that a source publishes.
//!
//! [`carve`] is for images, [`carve_text`] for texts. Both put each source split in a fixed pseudo-random order first, so
//! that every optimizer and every run sees the same four splits.

mod images;
mod source;
mod text;

use std::sync::Arc;

use taskset_names::Split;
use taskset_rng::StreamId;

pub use images::{Carving, carve};
pub use source::{HeldOut, SourceSizes, SourceSplit};
pub use text::{carve_text, held_out_size};

/// The examples of each of the four splits, each in a fixed pseudo-random order; disjoint, except after
/// [`just_train`](Self::just_train).
#[derive(Clone, Debug)]
pub struct Splits {
    indices: [Arc<[u32]>; 4],
}

impl Splits {
    /// The examples of a split, as numbers for [`ImageData::pixels`](crate::ImageData::pixels) or
    /// [`TextData::tokens`](crate::TextData::tokens). Never empty.
    pub fn get(&self, split: Split) -> &Arc<[u32]> {
        &self.indices[split.index()]
    }

    /// All four splits are the examples of train: the `just_train` of language models' configurations.
    #[must_use]
    pub fn just_train(&self) -> Self {
        let train = self.get(Split::Train);
        Self { indices: std::array::from_fn(|_| Arc::clone(train)) }
    }

    /// The examples of each split, in the order of [`Split::ALL`].
    pub(crate) fn new(indices: [Arc<[u32]>; 4]) -> Self {
        Self { indices }
    }
}

/// The numbers of the examples of a source split in a fixed pseudo-random order, that of the stream
/// `"taskset-rs/datasets" / name / "order" / source split`.
fn fixed_order(name: &str, sizes: &SourceSizes, split: SourceSplit) -> Vec<u32> {
    let range = sizes.range(split);
    let mut order: Vec<u32> = (range.start as u32..range.end as u32).collect();
    let id = StreamId::root("taskset-rs/datasets").child(name).child("order");
    id.child(split.name()).stream().shuffle(&mut order);
    order
}
