//! Text classification with recurrent networks (paper G.3).

use taskset_nn::{Dense, Embed, Initializer, Loss, Network, TimePool};

use super::{FixedCore, FixedModel, group};
use crate::models::text_batches::{TextExamples, TextLabels};
use crate::spec::{Body, Examples, Group, Infeasible};

/// Embedding of 10,000 tokens, recurrent core with a trained initial state, linear layer to two classes; slices of film
/// reviews. Padding is processed like text. Rows of the embedding above 8184 are parameters that no token uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextClassification {
    /// Tokens of a slice.
    pub length: usize,
    /// Examples in a minibatch.
    pub batch_size: usize,
    /// The core.
    pub core: FixedCore,
    /// Its width.
    pub hidden: usize,
    /// Width of the embedding.
    pub embedding: usize,
    /// Which outputs of the core are classified.
    pub outputs: Outputs,
}

/// Which outputs of a core are classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// The last, behind the padding.
    Last,
    /// The mean of all.
    Mean,
}

const DATASET: &str = "imdb_reviews/subwords8k";
const VOCABULARY: usize = 10_000;
const CLASSES: usize = 2;
const HELD_OUT: usize = 3000;

impl FixedModel for TextClassification {
    const GROUP: Group = group("fixed_text_classification");

    fn dataset(&self) -> Option<&'static str> {
        Some(DATASET)
    }

    fn summary(&self) -> String {
        let Self { length, batch_size, core, hidden, embedding, outputs } = self;
        let outputs = match outputs {
            Outputs::Last => "last output",
            Outputs::Mean => "mean output",
        };
        format!(
            "text classification, {} {hidden} on embeddings of {embedding}, {outputs} of {length} steps, {DATASET}, \
             batch {batch_size}",
            core.name()
        )
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = TextExamples {
            dataset: DATASET.to_owned(),
            held_out: HELD_OUT,
            num_train: None,
            just_train: false,
            batch_size: self.batch_size,
            patch_length: self.length,
            vocabulary: VOCABULARY,
            buffer: None,
            labels: TextLabels::Class,
        };
        let pool = match self.outputs {
            Outputs::Last => TimePool::Last,
            Outputs::Mean => TimePool::Mean,
        };
        let layers = vec![
            Embed { width: self.embedding }.into(),
            self.core.layer(self.hidden, true).into(),
            pool.into(),
            Dense { outputs: CLASSES }.into(),
        ];
        let network = Network::new(examples.shape(), layers, Loss::SoftmaxCrossEntropy)
            .with_weights(Initializer::SonnetDefault);
        Ok(Body::network(network, Examples::Text(examples)))
    }
}
