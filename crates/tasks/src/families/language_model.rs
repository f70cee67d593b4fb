//! `char_rnn_language_model_family` and `word_rnn_language_model_family` (paper G.1).

use serde_json::{Value, json};
use taskset_datasets::text::{Encoding, text_info};
use taskset_nn::{Dense, Embed, Initializer, Loss, Network};

use super::{LanguageModelDataset, RnnCore, TaskConfig, json};
use crate::config_sampling::Sampler;
use crate::models::SHUFFLE_BUFFER;
use crate::models::text_batches::{TextExamples, TextLabels};
use crate::spec::{Body, Examples, Infeasible};

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

    /// Embedding, recurrent core, a dense layer to the logits of the next token. The loss is the mean over all positions
    /// but the last, padding included (QUIRK-22).
    ///
    /// # Memory
    /// With `rows` of a minibatch, `L` the patch length, `R` the core's width and `V` the vocabulary, a replica in f32 holds
    /// about `4 rows L R (2 + k)` bytes for training (`k` is 1 for VRNN, 3 for GRU, 5 for LSTM) and `4 rows' L R` for
    /// evaluation (`rows'` is 512 at most, or one minibatch), besides parameters, gradients, and blocks of logits of
    /// `max(2¹⁷, 128 V)` numbers. The largest possible configuration (512 rows, 256 tokens, LSTM of 128, 30,000 subwords)
    /// trains in about 0.6 GB.
    fn body(&self) -> Result<Body, Infeasible> {
        let dataset = &self.dataset;
        let info = text_info(&dataset.name).map_err(|error| Infeasible(error.to_string()))?;
        let examples = TextExamples {
            dataset: dataset.name.clone(),
            // QUIRK-15: this leaves 5,000 reviews to word models of `imdb_reviews`.
            held_out: match info.encoding {
                Encoding::Bytes => 3000,
                Encoding::Subwords8k => 10_000,
            },
            num_train: dataset.num_train,
            just_train: dataset.just_train,
            batch_size: dataset.batch_size,
            patch_length: dataset.patch_length,
            vocabulary: self.vocab_size,
            buffer: Some(SHUFFLE_BUFFER),
            labels: TextLabels::None,
        };
        let layers = vec![
            Embed { width: self.embed_dim }.into(),
            self.core.layer(self.trainable_init).into(),
            Dense { outputs: self.vocab_size }.into(),
        ];
        let network = Network::new(examples.shape(), layers, Loss::NextToken).with_weights(self.w_init);
        Ok(Body::network(network, Examples::Text(examples)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::Task;
    use crate::families::testing::{build, core, dense};
    use crate::families::{LanguageModelDataset, RnnCore};
    use crate::models::testing;
    use taskset_datasets::Datasets;
    use taskset_datasets::Source;
    use taskset_names::Split;
    use taskset_nn::{Activation, Initializer};
    use taskset_rng::StreamId;

    const W: Initializer = Initializer::GlorotUniform;

    fn cores() -> [RnnCore; 3] {
        [
            RnnCore::Gru { core_dim: 19, wh: W, wz: W, wr: W, uh: W, uz: W, ur: W },
            RnnCore::Lstm { w_gates: W, core_dim: 17 },
            RnnCore::Vrnn {
                hidden_to_hidden: W,
                in_to_hidden: W,
                act_fn: Activation::LeakyRelu1,
                core_dim: 18,
            },
        ]
    }

    fn config(name: &str, core: RnnCore, vocab_size: usize) -> LanguageModelConfig {
        LanguageModelConfig {
            embed_dim: 11,
            w_init: Initializer::RandomNormal { std: 1e-3 },
            vocab_size,
            trainable_init: matches!(core, RnnCore::Gru { .. }),
            core,
            dataset: LanguageModelDataset {
                name: name.to_owned(),
                patch_length: 10,
                batch_size: 12,
                just_train: false,
                num_train: None,
            },
        }
    }

    fn task(config: &LanguageModelConfig) -> Arc<dyn Task> {
        let task = build(config, &Datasets::new(Source::Synthetic)).unwrap();
        let table = (config.vocab_size * config.embed_dim) as u64;
        let core = core(&config.core, config.embed_dim, config.trainable_init);
        let units = config.core.layer(false).core.units();
        assert_eq!(task.layout().len() as u64, table + core + dense(&[units, config.vocab_size]));
        task
    }

    #[test]
    fn every_core_on_bytes_is_a_sound_problem() {
        for core in cores() {
            testing::check(&*task(&config("tokenized_wikipedia/20190301.ja_bytes", core, 256)));
        }
    }

    #[test]
    fn vocabularies_of_subwords_may_exceed_those_of_the_tokeniser() {
        let [core, ..] = cores();
        testing::check(&*task(&config("lm1b/subwords8k", core, 9000)));
    }

    #[test]
    fn small_weights_start_at_the_logarithm_of_the_vocabulary() {
        for (name, vocabulary) in
            [("lm1b/bytes", 256), ("imdb_reviews/bytes", 120), ("lm1b/subwords8k", 2500)]
        {
            for core in cores() {
                let task = task(&config(name, core, vocabulary));
                let mut problem = task.start(&StreamId::root("initial"));
                let mut params = vec![0.0; task.layout().len()];
                problem.init(&mut params);
                for split in Split::ALL {
                    let loss = problem.mean_loss(split, &params, 3);
                    assert!((loss - (vocabulary as f64).ln()).abs() < 2e-3, "{name} {split} {loss}");
                }
            }
        }
    }

    #[test]
    fn training_learns_more_than_the_frequencies_of_bytes() {
        let [gru, ..] = cores();
        let mut config = config("lm1b/bytes", gru, 256);
        (config.dataset.patch_length, config.dataset.batch_size) = (24, 32);
        let (before, after) = testing::train(&*task(&config), 400, 0.01);
        // ln 256 is 5.5; English letters by their frequencies alone leave about 2.9.
        assert!(before > 5.0 && after < 2.8, "{before} {after}");
    }

    #[test]
    fn just_train_evaluates_training_text_in_an_order_of_its_own() {
        let [_, core, _] = cores();
        let mut config = config("imdb_reviews/bytes", core, 256);
        let losses = |config: &LanguageModelConfig| {
            let task = task(config);
            let mut problem = task.start(&StreamId::root("just-train"));
            let mut params = vec![0.0; task.layout().len()];
            problem.init(&mut params);
            Split::ALL.map(|split| problem.mean_loss(split, &params, 2).to_bits())
        };
        let apart = losses(&config);
        config.dataset.just_train = true;
        let same = losses(&config);
        assert_eq!(apart[Split::Train.index()], same[Split::Train.index()]);
        assert_ne!(apart[Split::Test.index()], same[Split::Test.index()]);
        assert_ne!(same[Split::Test.index()], same[Split::Train.index()]);
    }
}
