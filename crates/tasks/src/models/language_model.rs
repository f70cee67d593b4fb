//! Builder of `char_rnn_language_model_family` and `word_rnn_language_model_family` (paper G.1).

use std::sync::Arc;

use taskset_datasets::text::Encoding;
use taskset_datasets::{Datasets, carve_text};
use taskset_nn::{Dense, Embed, Loss, Network};

use super::SHUFFLE_BUFFER;
use super::network_task::NetworkTask;
use super::text_batches::TextTask;
use crate::families::language_model::LanguageModelConfig;
use crate::{Error, Task};

/// The task of a configuration of either family: embedding, recurrent core, a dense layer to the logits of the next
/// token. The loss is the mean over all positions but the last, padding included (QUIRK-22).
///
/// # Memory
/// With `rows` of a minibatch, `L` the patch length, `R` the core's width and `V` the vocabulary, a replica in f32 holds
/// about `4 rows L R (2 + k)` bytes for training (`k` is 1 for VRNN, 3 for GRU, 5 for LSTM) and `4 rows' L R` for
/// evaluation (`rows'` is 512 at most, or one minibatch), besides parameters, gradients, and blocks of logits of
/// `max(2¹⁷, 128 V)` numbers. The largest possible configuration (512 rows, 256 tokens, LSTM of 128, 30,000 subwords)
/// trains in about 0.6 GB.
///
/// # Errors
/// [`Error::Data`] if its text cannot be loaded.
pub fn build(name: &str, config: &LanguageModelConfig, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    let dataset = &config.dataset;
    let data = data.text(&dataset.name)?;
    // QUIRK-15: this leaves 5,000 reviews to word models of `imdb_reviews`.
    let held_out = match data.info().encoding {
        Encoding::Bytes => 3000,
        Encoding::Subwords8k => 10_000,
    };
    let splits = carve_text(&data, held_out, dataset.num_train);
    let text = TextTask {
        splits: if dataset.just_train { splits.just_train() } else { splits },
        data,
        batch_size: dataset.batch_size,
        patch_length: dataset.patch_length,
        vocabulary: config.vocab_size,
        buffers: [SHUFFLE_BUFFER; 4],
        labelled: false,
    };
    let layers = vec![
        Embed { width: config.embed_dim }.into(),
        config.core.layer(config.trainable_init).into(),
        Dense { outputs: config.vocab_size }.into(),
    ];
    let network = Network::new(text.shape(), layers, Loss::NextToken).with_weights(config.w_init);
    Ok(Arc::new(NetworkTask::new(name, network, text)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::{LanguageModelDataset, RnnCore, TaskConfig};
    use crate::models::testing;
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
        let task = build("t", config, &Datasets::new(Source::Synthetic)).unwrap();
        assert_eq!(task.layout().len() as u64, config.cost().unwrap().num_params);
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
