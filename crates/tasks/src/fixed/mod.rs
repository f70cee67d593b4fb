//! The 109 fixed tasks: one table, and what follows from it.

use std::sync::Arc;

use taskset_datasets::Datasets;

use crate::families::size::Cost;
use crate::{Error, Task};

mod mlp;
mod size;
mod summary;
mod table;

pub use table::TASKS;

/// A fixed task: a name that stands for a model, its data and its loss. There is no configuration to sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedTask {
    /// Upstream's name. Some names are wrong; the other fields say what is really done.
    pub name: &'static str,
    /// The group that shares a kind of model and loss.
    pub group: Group,
    /// The data that are really used, if any; generated sequences and test functions have none.
    pub dataset: Option<&'static str>,
    /// Examples in a minibatch; 1 where there are none.
    pub batch_size: usize,
    /// What the size and the one-line summary need of the model.
    pub model: Model,
}

/// Groups of fixed tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Retrieval of a value by its key from a sequence of pairs.
    Associative,
    /// Repetition of a sequence.
    Copy,
    /// Image classification with convolutions and global pooling.
    ConvPooling,
    /// Image classification with convolutions and fully connected layers.
    ConvFc,
    /// Convolutional autoencoders.
    ConvAe,
    /// Convolutional variational autoencoders.
    ConvVae,
    /// Language models on bytes.
    LanguageModel,
    /// Masked autoregressive flows.
    Maf,
    /// Fully connected autoencoders.
    MlpAe,
    /// Fully connected variational autoencoders.
    MlpVae,
    /// Image classification with fully connected networks.
    Mlp,
    /// Real NVP flows.
    Nvp,
    /// Text classification with recurrent networks.
    TextClassification,
    /// Two-dimensional test functions.
    TwoD,
}

impl Group {
    /// The name in listings and patterns.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Associative => "fixed_associative",
            Self::Copy => "fixed_copy",
            Self::ConvPooling => "fixed_conv_pooling",
            Self::ConvFc => "fixed_conv_fc",
            Self::ConvAe => "fixed_conv_ae",
            Self::ConvVae => "fixed_conv_vae",
            Self::LanguageModel => "fixed_language_model",
            Self::Maf => "fixed_maf",
            Self::MlpAe => "fixed_mlp_ae",
            Self::MlpVae => "fixed_mlp_vae",
            Self::Mlp => "fixed_mlp",
            Self::Nvp => "fixed_nvp",
            Self::TextClassification => "fixed_text_classification",
            Self::TwoD => "fixed_two_d",
        }
    }

    /// Revision of its tasks, from 1, as [`TaskFamily::revision`](crate::families::TaskFamily::revision).
    pub const fn revision(self) -> u32 {
        match self {
            Self::Associative
            | Self::Copy
            | Self::ConvPooling
            | Self::ConvFc
            | Self::ConvAe
            | Self::ConvVae
            | Self::LanguageModel
            | Self::Maf
            | Self::MlpAe
            | Self::MlpVae
            | Self::Mlp
            | Self::Nvp
            | Self::TextClassification
            | Self::TwoD => 1,
        }
    }
}

/// A recurrent core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedCore {
    /// Vanilla, with tanh.
    Vrnn,
    /// Vanilla, with relu.
    VrnnRelu,
    /// Vanilla, with relu and an identity as the initial recurrent matrix.
    Irnn,
    /// Gated recurrent unit.
    Gru,
    /// Long short-term memory.
    Lstm,
}

/// Normalisation or noise between the layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// Batch normalisation with the statistics of the current minibatch and an offset, no scale.
    BatchNorm,
    /// Upstream's "batch norm" without any statistics: a fixed factor of `1 / sqrt(1.001)` and an offset.
    Offset,
    /// Layer normalisation with scale and offset.
    LayerNorm,
    /// Dropout, on in every split, with this probability to *keep* an element.
    Dropout(f64),
}

/// The shape of a fixed task's model. Widths run from the input's side to the output's, without input and output.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named as in the tables of the paper's appendix")]
pub enum Model {
    /// A core over one-hot tokens, and a linear layer at every step. `vocabulary` counts the two special tokens.
    Sequence { core: FixedCore, hidden: usize, vocabulary: usize, steps: usize },
    /// Convolutions 3×3, the first of stride 2, a mean or maximum over all positions, a linear layer.
    ConvPooling {
        widths: &'static [usize],
        init: &'static str,
        activation: &'static str,
        pool: &'static str,
        between: Between,
    },
    /// The same convolutions, then fully connected layers.
    ConvFc { widths: &'static [usize], fc: &'static [usize], init: &'static str, activation: &'static str },
    /// Convolutions of stride 2 to a code, and transposed convolutions back.
    ConvAe { encoder: &'static [usize], latent: usize, decoder: &'static [usize] },
    /// The same with a random code, and a mean and a deviation for every output.
    ConvVae { encoder: &'static [usize], latent: usize, decoder: &'static [usize] },
    /// Embedding of width 64, core, linear layer; 256 byte tokens, 128 steps.
    LanguageModel { core: FixedCore, hidden: usize },
    /// Masked autoregressive flow.
    Maf { bijectors: usize, hidden: &'static [usize] },
    /// Real NVP flow.
    Nvp { bijectors: usize, hidden: &'static [usize] },
    /// Fully connected autoencoder.
    MlpAe { hidden: &'static [usize] },
    /// Fully connected variational autoencoder.
    MlpVae { encoder: &'static [usize], latent: usize, decoder: &'static [usize] },
    /// Fully connected classifier; the loss is `ce`, softmax cross entropy, or `mse`, the mean squared difference of
    /// sigmoids and one-hot labels.
    Mlp { hidden: &'static [usize], activation: &'static str, between: Between, loss: &'static str },
    /// Embedding of 10,000 tokens, core, `last` output or average of all (`avg`), linear layer to two classes.
    TextClassification {
        core: FixedCore,
        hidden: usize,
        embedding: usize,
        steps: usize,
        aggregate: &'static str,
    },
    /// A function of two parameters.
    TwoD { formula: &'static str },
}

impl FixedTask {
    /// Parameters and cost, from the shape of the model.
    pub fn cost(&self) -> Cost {
        size::size(self).with_batch(self.batch_size)
    }

    /// Whether this version can train it.
    pub(crate) fn trainable(&self) -> bool {
        matches!(self.group, Group::Mlp | Group::TwoD)
    }

    /// The task, if this version has a builder.
    pub(crate) fn build(&self, data: &Datasets) -> Option<Result<Arc<dyn Task>, Error>> {
        match self.group {
            Group::Mlp => mlp::build(self.name, data),
            Group::TwoD => crate::objectives::two_d::build(self.name).map(Ok),
            _ => None,
        }
    }
}
