//! Language models on bytes (paper G.3).

use taskset_nn::{Dense, Embed, Initializer, Loss, Network};

use super::{FixedCore, FixedModel, group};
use crate::models::text_batches::{TextExamples, TextLabels};
use crate::spec::{Body, Examples, Group, Infeasible};

/// Embedding of width 64, recurrent core with a trained initial state, linear layer; slices of 128 bytes of `lm1b`. The
/// loss is the sum of the cross-entropies of the next bytes over the whole minibatch, divided by their number; padding
/// is not predicted, nor is the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanguageModel {
    /// The core.
    pub core: FixedCore,
    /// Its width.
    pub hidden: usize,
}

const DATASET: &str = "lm1b/bytes";
/// Bytes plus one, without 0xFF, which no text contains.
const VOCABULARY: usize = 256;
const EMBEDDING: usize = 64;
const LENGTH: usize = 128;
const BATCH_SIZE: usize = 128;
const HELD_OUT: usize = 3000;
const SHUFFLE_BUFFER: usize = 100_000;

impl FixedModel for LanguageModel {
    const GROUP: Group = group("fixed_language_model");

    fn dataset(&self) -> Option<&'static str> {
        Some(DATASET)
    }

    fn summary(&self) -> String {
        let Self { core, hidden } = self;
        format!(
            "byte language model, {} {hidden}, {LENGTH} steps, {DATASET}, batch {BATCH_SIZE}",
            core.name()
        )
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = TextExamples {
            dataset: DATASET.to_owned(),
            held_out: HELD_OUT,
            num_train: None,
            just_train: false,
            batch_size: BATCH_SIZE,
            patch_length: LENGTH,
            vocabulary: VOCABULARY,
            buffer: Some(SHUFFLE_BUFFER),
            labels: TextLabels::NextToken,
        };
        let layers = vec![
            Embed { width: EMBEDDING }.into(),
            self.core.layer(self.hidden, true).into(),
            Dense { outputs: VOCABULARY }.into(),
        ];
        let loss = Loss::SequenceCrossEntropy { first: 0, steps: LENGTH - 1 };
        let network = Network::new(examples.shape(), layers, loss).with_weights(Initializer::SonnetDefault);
        Ok(Body::network(network, Examples::Text(examples)))
    }
}
