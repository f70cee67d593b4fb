//! Builder of `rnn_text_classification_family` (paper G.1).

use std::sync::Arc;

use taskset_datasets::splits::held_out_size;
use taskset_datasets::{Datasets, carve_text};
use taskset_names::Split;
use taskset_nn::{Dense, Embed, Loss, Network, TimePool};

use super::network_task::NetworkTask;
use super::text_batches::TextTask;
use crate::families::TextClassificationDataset;
use crate::families::rnn_text_classification::{LossCompute, RnnTextClassificationConfig};
use crate::{Error, Task};

/// Examples of each held-out split.
const HELD_OUT: usize = 3000;
/// Negative and positive.
const CLASSES: usize = 2;

/// The task of a configuration: embedding, recurrent core, its last, mean or largest outputs, a dense layer to two
/// logits. Whatever the configuration's data set is called, the text is `imdb_reviews/subwords8k` (QUIRK-16), and
/// `just_train` has no effect (QUIRK-17). The shuffle buffers hold whole splits, of training that before `num_train`.
///
/// Memory: as of language models ([`build`](super::language_model::build)), without logits.
///
/// # Errors
/// [`Error::Data`] if the text cannot be loaded.
pub fn build(
    name: &str,
    config: &RnnTextClassificationConfig,
    data: &Datasets,
) -> Result<Arc<dyn Task>, Error> {
    let dataset = &config.dataset;
    let data = data.text(TextClassificationDataset::SOURCE)?;
    let splits = carve_text(&data, HELD_OUT, dataset.num_train);
    let before_num_train = data.source_sizes().train - 2 * held_out_size(&data, HELD_OUT);
    let text = TextTask {
        buffers: Split::ALL.map(|split| match split {
            Split::Train => before_num_train,
            _ => splits.get(split).len(),
        }),
        splits,
        data,
        batch_size: dataset.batch_size,
        patch_length: dataset.patch_length,
        vocabulary: config.vocab_size.min(TextClassificationDataset::VOCABULARY),
        labelled: true,
    };
    let pool = match config.loss_compute {
        LossCompute::Last => TimePool::Last,
        LossCompute::Avg => TimePool::Mean,
        LossCompute::Max => TimePool::Max,
    };
    let layers = vec![
        Embed { width: config.embed_dim }.into(),
        config.core.layer(config.trainable_init).into(),
        pool.into(),
        Dense { outputs: CLASSES }.into(),
    ];
    let network = Network::new(text.shape(), layers, Loss::SoftmaxCrossEntropy).with_weights(config.w_init);
    Ok(Arc::new(NetworkTask::new(name, network, text)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::{RnnCore, TaskConfig};
    use crate::models::testing;
    use taskset_datasets::Source;
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
        let task = build("t", config, &Datasets::new(Source::Synthetic)).unwrap();
        assert_eq!(task.layout().len() as u64, config.cost().unwrap().num_params);
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
