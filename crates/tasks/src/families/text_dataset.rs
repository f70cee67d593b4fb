//! The text data of a sampled task: which source, patch length, batch size, restrictions.

use serde_json::{Value, json};

use super::language_model::Tokens;
use crate::config_sampling::Sampler;

/// The sources of the language models, without the suffix of the tokeniser, in sampling (alphabetical) order.
const LANGUAGE_MODEL_SOURCES: [&str; 11] = [
    "imdb_reviews/",
    "lm1b/",
    "tokenized_amazon_reviews/Books_v1_02_",
    "tokenized_amazon_reviews/Camera_v1_00_",
    "tokenized_amazon_reviews/Home_v1_00_",
    "tokenized_amazon_reviews/Video_v1_00_",
    "tokenized_wikipedia/20190301.en_",
    "tokenized_wikipedia/20190301.hsb_",
    "tokenized_wikipedia/20190301.ja_",
    "tokenized_wikipedia/20190301.ru_",
    "tokenized_wikipedia/20190301.zh_",
];

/// The names of the text classification sets, in sampling order. The first is two names fused by a missing comma
/// upstream; whatever the name, the data are always [`TextClassificationDataset::SOURCE`] (QUIRK-16).
const TEXT_CLASSIFICATION_NAMES: [&str; 9] = [
    "imdb_reviews/subwords8kimdb_reviews/bytes",
    "tokenized_amazon_reviews/Books_v1_02_bytes",
    "tokenized_amazon_reviews/Books_v1_02_subwords8k",
    "tokenized_amazon_reviews/Camera_v1_00_bytes",
    "tokenized_amazon_reviews/Camera_v1_00_subwords8k",
    "tokenized_amazon_reviews/Home_v1_00_bytes",
    "tokenized_amazon_reviews/Home_v1_00_subwords8k",
    "tokenized_amazon_reviews/Video_v1_00_bytes",
    "tokenized_amazon_reviews/Video_v1_00_subwords8k",
];

/// Text of a sampled language model (JSON `[name, config]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageModelDataset {
    /// Name of the source with its tokeniser, e.g. `lm1b/bytes`.
    pub name: String,
    /// Tokens of an example.
    pub patch_length: usize,
    /// Examples in a minibatch.
    pub batch_size: usize,
    /// Whether all four splits read the training text.
    pub just_train: bool,
    /// Upper bound of the number of training examples.
    pub num_train: Option<usize>,
}

/// Text of a sampled classifier (JSON `[name, config]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextClassificationDataset {
    /// The sampled name, which has no effect (QUIRK-16).
    pub name: String,
    /// Examples in a minibatch.
    pub batch_size: usize,
    /// Upper bound of the number of training examples.
    pub num_train: Option<usize>,
    /// Stored and ignored (QUIRK-17).
    pub just_train: bool,
    /// Tokens of an example.
    pub patch_length: usize,
}

/// Draws the bound of the training examples: linear, in one configuration of five.
fn num_train(r: &mut Sampler) -> Option<usize> {
    r.bool(0.2).then(|| r.lin_int(1000, 50_000))
}

impl LanguageModelDataset {
    /// Draws a source.
    pub fn sample(r: &mut Sampler, tokens: Tokens) -> Self {
        let (suffix, longest_patch) = match tokens {
            Tokens::Bytes => ("bytes", 160),
            Tokens::Subwords => ("subwords8k", 256),
        };
        let name = format!("{}{suffix}", r.choice(&LANGUAGE_MODEL_SOURCES));
        let num_train = num_train(r);
        Self {
            name,
            patch_length: r.log_int(10, longest_patch),
            batch_size: r.log_int(8, 512),
            just_train: r.bool(0.2),
            num_train,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!([self.name, {
            "patch_length": self.patch_length,
            "batch_size": self.batch_size,
            "just_train": self.just_train,
            "num_train": self.num_train,
        }])
    }
}

impl TextClassificationDataset {
    /// The data that are really used.
    pub const SOURCE: &str = "imdb_reviews/subwords8k";

    /// Tokens of that source, padding included.
    pub const VOCABULARY: usize = 8185;

    /// Draws a source.
    pub fn sample(r: &mut Sampler) -> Self {
        let name = r.choice(&TEXT_CLASSIFICATION_NAMES).to_owned();
        let num_train = num_train(r);
        Self {
            name,
            num_train,
            batch_size: r.log_int(8, 512),
            just_train: r.bool(0.2),
            patch_length: r.log_int(8, 128),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!([self.name, {
            "bs": self.batch_size,
            "num_train": self.num_train,
            "max_token": Self::VOCABULARY,
            "just_train": self.just_train,
            "patch_length": self.patch_length,
        }])
    }
}
