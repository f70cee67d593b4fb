//! `char_rnn_language_model_family` and `word_rnn_language_model_family` (paper G.1).

use serde_json::{Value, json};
use taskset_nn::Initializer;

use super::size::{Size, dense};
use super::{Builder, Cost, Infeasible, LanguageModelDataset, RnnCore, TaskConfig, json};
use crate::sampling::Sampler;

/// A configuration of either language model family.
#[derive(Clone, Debug, PartialEq)]
pub struct LanguageModelConfig {
    /// Width of the embedding, 8 to 128.
    pub embed_dim: usize,
    /// Initialiser of the output layer's matrix.
    pub w_init: Initializer,
    /// Number of tokens; every higher token counts as the last one.
    pub vocab_size: usize,
    /// The recurrent core.
    pub core: RnnCore,
    /// Whether the initial state is trained.
    pub trainable_init: bool,
    /// The text.
    pub dataset: LanguageModelDataset,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// A byte: `char_rnn_language_model_family`.
    Bytes,
    /// One of about 8,000 subwords: `word_rnn_language_model_family`.
    Subwords,
}

impl LanguageModelConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler, tokens: Tokens) -> Self {
        Self {
            embed_dim: r.log_int(8, 128),
            w_init: r.initializer(),
            vocab_size: match tokens {
                Tokens::Bytes if r.bool(0.8) => 256,
                Tokens::Bytes => r.log_int(100, 256),
                Tokens::Subwords => r.log_int(1000, 30_000),
            },
            core: RnnCore::sample(r),
            trainable_init: r.true_or_false(),
            dataset: LanguageModelDataset::sample(r, tokens),
        }
    }
}

impl TaskConfig for LanguageModelConfig {
    fn to_json(&self) -> Value {
        json!({
            "embed_dim": self.embed_dim,
            "w_init": json::initializer(self.w_init),
            "vocab_size": self.vocab_size,
            "core": self.core.to_json(),
            "trainable_init": self.trainable_init,
            "dataset": self.dataset.to_json(),
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    fn cost(&self) -> Result<Cost, Infeasible> {
        let steps = self.dataset.patch_length;
        let embedding = Size::free(self.vocab_size as u64 * self.embed_dim as u64);
        let core = self.core.size(self.embed_dim, steps, self.trainable_init);
        let output = dense([self.core.core_dim(), self.vocab_size]).unrolled(steps.saturating_sub(1));
        Ok((embedding + core + output).with_batch(self.dataset.batch_size))
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::language_model::build(name, self, data)))
    }
}
