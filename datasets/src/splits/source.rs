//! The splits that a source publishes, and the sizes of the validation splits that are carved from them.

use std::ops::Range;

use serde::Deserialize;

/// A split as the source publishes it; the four splits of a task are carved from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceSplit {
    /// The training examples.
    Train,
    /// The validation examples; most sources have none.
    Validation,
    /// The test examples; some sources have none.
    Test,
}

impl SourceSplit {
    /// All source splits, in the order in which [`ImageData`](crate::ImageData) holds them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The name in manifests and streams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Number of examples of each source split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSizes {
    /// Training examples.
    pub train: usize,
    /// Validation examples, if the source has such a split.
    #[serde(default)]
    pub validation: Option<usize>,
    /// Test examples, if the source has such a split.
    #[serde(default)]
    pub test: Option<usize>,
}

impl SourceSizes {
    /// Examples of a source split; 0 if the source has no such split.
    pub fn get(&self, split: SourceSplit) -> usize {
        match split {
            SourceSplit::Train => self.train,
            SourceSplit::Validation => self.validation.unwrap_or(0),
            SourceSplit::Test => self.test.unwrap_or(0),
        }
    }

    /// Examples of all splits together.
    pub fn total(&self) -> usize {
        SourceSplit::ALL.iter().map(|&split| self.get(split)).sum()
    }

    /// Where [`ImageData`](crate::ImageData) holds the examples of a source split: train first, then validation, then
    /// test.
    pub fn range(&self, split: SourceSplit) -> Range<usize> {
        let before: usize = SourceSplit::ALL.iter().filter(|&&s| s < split).map(|&s| self.get(s)).sum();
        before..before + self.get(split)
    }
}

/// Examples in each validation split that is carved from a source's training examples, for sampled and fixed tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// For the sampled task families.
    pub sampled: usize,
    /// For the fixed tasks.
    pub fixed: usize,
}
