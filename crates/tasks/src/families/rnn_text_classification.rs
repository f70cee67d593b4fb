//! `rnn_text_classification_family`: sentiment of film reviews with a recurrent network (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Dense, Embed, Initializer, Loss, Network, TimePool};

use super::{RnnCore, TaskConfig, TextClassificationDataset, json};
use crate::config_sampling::Sampler;
use crate::models::text_batches::{TextExamples, TextLabels};
use crate::spec::{Body, Examples, Infeasible};

/// Examples of each held-out split.
const HELD_OUT: usize = 3000;
/// Negative and positive.
const CLASSES: usize = 2;

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

    /// Embedding, recurrent core, its last, mean or largest outputs, a dense layer to two logits. Whatever the
    /// configuration's data set is called, the text is `imdb_reviews/subwords8k` (QUIRK-16), and `just_train` has no effect
    /// (QUIRK-17). The shuffle buffers hold whole splits, of training that before `num_train`.
    ///
    /// Memory: as of language models, without logits.
    fn body(&self) -> Result<Body, Infeasible> {
        let examples = TextExamples {
            dataset: TextClassificationDataset::SOURCE.to_owned(),
            held_out: HELD_OUT,
            num_train: self.dataset.num_train,
            just_train: false,
            batch_size: self.dataset.batch_size,
            patch_length: self.dataset.patch_length,
            vocabulary: self.vocab_size.min(TextClassificationDataset::VOCABULARY),
            buffer: None,
            labels: TextLabels::Class,
        };
        let pool = match self.loss_compute {
            LossCompute::Last => TimePool::Last,
            LossCompute::Avg => TimePool::Mean,
            LossCompute::Max => TimePool::Max,
        };
        let layers = vec![
            Embed { width: self.embed_dim }.into(),
            self.core.layer(self.trainable_init).into(),
            pool.into(),
            Dense { outputs: CLASSES }.into(),
        ];
        let network =
            Network::new(examples.shape(), layers, Loss::SoftmaxCrossEntropy).with_weights(self.w_init);
        Ok(Body::network(network, Examples::Text(examples)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::Task;
    use crate::families::RnnCore;
    use crate::families::testing::{build, core, dense};
    use crate::models::testing;
    use taskset_datasets::Datasets;
    use taskset_datasets::Source;
    use taskset_names::Split;
    use taskset_nn::{Activation, Initializer};
    use taskset_rng::StreamId;

    const W: Initializer = Initializer::GlorotUniform;
    const POOLS: [LossCompute; 3] = [LossCompute::Last, LossCompute::Avg, LossCompute::Max];

    fn config(core: RnnCore, loss_compute: LossCompute, vocab_size: usize) -> RnnTextClassificationConfig {
        RnnTextClassificationConfig {
            embed_dim: 9,
            w_init: W,
            dataset: TextClassificationDataset {
                name: "tokenized_amazon_reviews/Books_v1_02_bytes".to_owned(),
                batch_size: 16,
                num_train: Some(600),
                just_train: true,
                patch_length: 12,
            },
            vocab_size,
            core,
            trainable_init: true,
            loss_compute,
        }
    }

    fn lstm() -> RnnCore {
        RnnCore::Lstm { w_gates: W, core_dim: 13 }
    }

    fn task(config: &RnnTextClassificationConfig) -> Arc<dyn Task> {
        let task = build(config, &Datasets::new(Source::Synthetic)).unwrap();
        let table = (config.vocab_size.min(8185) * config.embed_dim) as u64;
        let core = core(&config.core, config.embed_dim, config.trainable_init);
        let units = config.core.layer(false).core.units();
        assert_eq!(task.layout().len() as u64, table + core + dense(&[units, 2]));
        task
    }

    #[test]
    fn every_pool_is_a_sound_problem() {
        let rectified =
            RnnCore::Vrnn { hidden_to_hidden: W, in_to_hidden: W, act_fn: Activation::Elu, core_dim: 12 };
        for (core, pool) in [lstm(), rectified, lstm()].into_iter().zip(POOLS) {
            testing::check(&*task(&config(core, pool, 700)));
        }
    }

    #[test]
    fn more_tokens_than_the_source_has_are_not_embedded() {
        for (vocab_size, used) in [(130, 130), (8185, 8185), (10_000, 8185)] {
            let config = config(lstm(), LossCompute::Last, vocab_size);
            assert_eq!(task(&config).layout().tensors()[0].shape, [used, 9]);
        }
    }

    #[test]
    fn small_weights_start_at_the_logarithm_of_two() {
        for pool in POOLS {
            let mut config = config(lstm(), pool, 500);
            config.w_init = Initializer::RandomNormal { std: 1e-3 };
            let task = task(&config);
            let mut problem = task.start(&StreamId::root("initial"));
            let mut params = vec![0.0; task.layout().len()];
            problem.init(&mut params);
            for split in Split::ALL {
                let loss = problem.mean_loss(split, &params, 4);
                assert!((loss - 2f64.ln()).abs() < 2e-3, "{split} {loss}");
            }
        }
    }

    #[test]
    fn training_learns_the_sentiment() {
        let mut config = config(lstm(), LossCompute::Avg, 4000);
        (config.dataset.patch_length, config.dataset.batch_size) = (40, 32);
        config.dataset.num_train = None;
        let (before, after) = testing::train(&*task(&config), 300, 0.01);
        assert!(after < 0.9 * before, "{before} {after}");
    }
}
