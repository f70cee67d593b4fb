//! `rnn_text_classification_family`: sentiment of film reviews with a recurrent network (paper G.1).

use serde_json::{Value, json};
use taskset_nn::Initializer;

use super::size::{Size, dense};
use super::{Builder, Cost, Infeasible, RnnCore, TaskConfig, TextClassificationDataset, json};
use crate::sampling::Sampler;

/// A configuration of `rnn_text_classification_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct RnnTextClassificationConfig {
    /// Width of the embedding, 8 to 128.
    pub embed_dim: usize,
    /// Initialiser of the output layer's matrix.
    pub w_init: Initializer,
    /// The text.
    pub dataset: TextClassificationDataset,
    /// Tokens, at most those of the source; every higher token counts as the last one.
    pub vocab_size: usize,
    /// The recurrent core.
    pub core: RnnCore,
    /// Whether the initial state is trained.
    pub trainable_init: bool,
    /// Which of the core's outputs are classified.
    pub loss_compute: LossCompute,
}

/// Reduction of the core's outputs over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCompute {
    /// The last output, behind the padding.
    Last,
    /// The mean.
    Avg,
    /// The maximum, feature by feature.
    Max,
}

impl LossCompute {
    const fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Avg => "avg",
            Self::Max => "max",
        }
    }
}

impl RnnTextClassificationConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        Self {
            embed_dim: r.log_int(8, 128),
            w_init: r.initializer(),
            dataset: TextClassificationDataset::sample(r),
            vocab_size: r.log_int(100, 10_000),
            core: RnnCore::sample(r),
            trainable_init: r.true_or_false(),
            loss_compute: r.choice(&[LossCompute::Last, LossCompute::Avg, LossCompute::Max]),
        }
    }
}

impl TaskConfig for RnnTextClassificationConfig {
    fn to_json(&self) -> Value {
        json!({
            "embed_dim": self.embed_dim,
            "w_init": json::initializer(self.w_init),
            "dataset": self.dataset.to_json(),
            "vocab_size": self.vocab_size,
            "core": self.core.to_json(),
            "trainable_init": self.trainable_init,
            "loss_compute": self.loss_compute.name(),
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(TextClassificationDataset::SOURCE)
    }

    fn cost(&self) -> Result<Cost, Infeasible> {
        let vocabulary = self.vocab_size.min(TextClassificationDataset::VOCABULARY);
        let embedding = Size::free(vocabulary as u64 * self.embed_dim as u64);
        let core = self.core.size(self.embed_dim, self.dataset.patch_length, self.trainable_init);
        let output = dense([self.core.core_dim(), 2]);
        Ok((embedding + core + output).with_batch(self.dataset.batch_size))
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::text_classification::build(name, self, data)))
    }
}
