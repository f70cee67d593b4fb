//! The sampled task families: one file per family, with its configuration, its sampler and what follows from both.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;
use taskset_datasets::Datasets;

use crate::sampling::Sampler;
use crate::{Error, Task};

mod conv_stack;
mod image_dataset;
mod json;
mod rnn_core;
pub(crate) mod size;
mod text_dataset;

pub mod conv_fc;
pub mod conv_pooling;
pub mod flow;
pub mod language_model;
pub mod losg;
pub mod mlp;
pub mod mlp_ae;
pub mod mlp_vae;
pub mod quadratic;
pub mod rnn_text_classification;

pub use conv_stack::{ConvStack, StridePattern};
pub(crate) use image_dataset::input_shape;
pub use image_dataset::{Augmentation, ImageDatasetConfig, InputShape};
pub use rnn_core::RnnCore;
pub use size::Size;
pub use text_dataset::{LanguageModelDataset, TextClassificationDataset};

/// Why a configuration describes a model that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Infeasible(pub String);

/// Makes the task of a configuration, under a name.
pub type Builder<'a> = Box<dyn FnOnce(&str, &Datasets) -> Result<Arc<dyn Task>, Error> + 'a>;

/// What the configuration of every sampled task offers to the registry.
pub trait TaskConfig: Debug {
    /// The configuration in upstream's form: its keys in its order, its values.
    fn to_json(&self) -> Value;

    /// The data that the task really uses, if any.
    fn dataset(&self) -> Option<&str>;

    /// Parameters, and floating-point operations of one training step (an estimate).
    ///
    /// # Errors
    /// [`Infeasible`] if no such model exists.
    fn cost(&self) -> Result<Cost, Infeasible>;

    /// What a step costs besides vectorised arithmetic. By default nothing, and an evaluation is a forward pass: a third
    /// of a step.
    fn overhead(&self) -> Overhead {
        Overhead::default()
    }

    /// The builder, if this version has one.
    fn builder(&self) -> Option<Builder<'_>> {
        None
    }
}

/// What a task costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Trainable parameters.
    pub num_params: u64,
    /// Floating-point operations of one training step without the optimizer, an estimate.
    pub flops_per_step: f64,
}

/// What a training step costs besides vectorised arithmetic: rough numbers, for estimates of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overhead {
    /// Operations that are done one at a time, or as many of these as would take the same time: random numbers, powers, changes of
    /// colour. Counted here whether or not the task's floating-point operations count them too.
    pub scalar_operations: f64,
    /// Bytes of stored constants that every step reads, a matrix for instance. Parameters and minibatch are not counted.
    pub bytes: f64,
    /// An evaluation of one minibatch as a share of a step.
    pub evaluation_share: f64,
}

impl Default for Overhead {
    fn default() -> Self {
        Self { scalar_operations: 0.0, bytes: 0.0, evaluation_share: 1.0 / 3.0 }
    }
}

impl Size {
    /// The cost with minibatches of this many examples.
    pub fn with_batch(self, batch_size: usize) -> Cost {
        Cost { num_params: self.num_params, flops_per_step: self.flops_per_step(batch_size) }
    }
}

/// A sampled family: one row of the registry.
#[derive(Clone, Copy)]
pub struct TaskFamily {
    /// Name; the tasks are `<name>_seed<n>`.
    pub name: &'static str,
    /// One line: what is optimised.
    pub summary: &'static str,
    /// Stem of upstream's configuration file.
    pub file_stem: &'static str,
    /// Added to the seed before sampling. Only three families have one, so that equal seeds of the others share their
    /// random numbers (QUIRK-1).
    pub seed_offset: u32,
    /// Revision of its tasks, from 1. It is part of every trial's identity: raise it with any change of the program that
    /// changes a bit of the curves of these tasks (a golden digest in `taskset-train` fails until then).
    pub revision: u32,
    /// Draws a configuration.
    pub sample: fn(&mut Sampler) -> Box<dyn TaskConfig>,
}

impl Debug for TaskFamily {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskFamily").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Number of configurations that upstream stores of each family: seeds 0 to 999.
pub use taskset_names::SEEDS;

impl TaskFamily {
    /// The name of the task of a seed.
    pub fn task_name(&self, seed: u32) -> String {
        format!("{}_seed{seed}", self.name)
    }

    /// The largest seed that can be drawn from: NumPy's generator takes 32 bits. Names end at 999, as published.
    pub const fn max_seed(&self) -> u32 {
        u32::MAX - self.seed_offset
    }

    /// The configuration of a seed; `None` above [`max_seed`](Self::max_seed).
    pub fn config(&self, seed: u32) -> Option<Box<dyn TaskConfig>> {
        Some((self.sample)(&mut Sampler::new(seed.checked_add(self.seed_offset)?)))
    }
}

/// All families, in the order of the paper's appendix G.1.
pub static FAMILIES: [TaskFamily; 12] = [
    TaskFamily {
        name: "mlp_family",
        summary: "classify images with a fully connected network",
        file_stem: "mlp_family",
        seed_offset: 99_123_491,
        revision: 1,
        sample: |r| Box::new(mlp::MlpConfig::sample(r)),
    },
    TaskFamily {
        name: "mlp_ae_family",
        summary: "reconstruct images with a fully connected autoencoder",
        file_stem: "mlp_ae_family",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(mlp_ae::MlpAeConfig::sample(r)),
    },
    TaskFamily {
        name: "mlp_vae_family",
        summary: "model images with a fully connected variational autoencoder",
        file_stem: "mlp_vae_family",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(mlp_vae::MlpVaeConfig::sample(r)),
    },
    TaskFamily {
        name: "conv_pooling_family",
        summary: "classify images with convolutions and global pooling",
        file_stem: "conv_pooling_family",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(conv_pooling::ConvPoolingConfig::sample(r)),
    },
    TaskFamily {
        name: "conv_fc_family",
        summary: "classify images with convolutions and fully connected layers",
        file_stem: "conv_fc_family",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(conv_fc::ConvFcConfig::sample(r)),
    },
    TaskFamily {
        name: "nvp_family",
        summary: "model images with a real NVP flow",
        file_stem: "nvp_family",
        seed_offset: 123_919_936,
        revision: 1,
        sample: |r| Box::new(flow::FlowConfig::sample(r, flow::FlowKind::Nvp)),
    },
    TaskFamily {
        name: "maf_family",
        summary: "model images with a masked autoregressive flow",
        file_stem: "maf_family",
        seed_offset: 6_123_348,
        revision: 1,
        sample: |r| Box::new(flow::FlowConfig::sample(r, flow::FlowKind::Maf)),
    },
    TaskFamily {
        name: "char_rnn_language_model_family",
        summary: "predict the next byte of text with a recurrent network",
        file_stem: "char_rnn_language_model",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(language_model::LanguageModelConfig::sample(r, language_model::Tokens::Bytes)),
    },
    TaskFamily {
        name: "word_rnn_language_model_family",
        summary: "predict the next subword of text with a recurrent network",
        file_stem: "word_rnn_language_model",
        seed_offset: 0,
        revision: 1,
        sample: |r| {
            Box::new(language_model::LanguageModelConfig::sample(r, language_model::Tokens::Subwords))
        },
    },
    TaskFamily {
        name: "rnn_text_classification_family",
        summary: "classify film reviews with a recurrent network",
        file_stem: "rnn_text_classification",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(rnn_text_classification::RnnTextClassificationConfig::sample(r)),
    },
    TaskFamily {
        name: "quadratic_family",
        summary: "minimise a quadratic with a random, possibly noisy matrix",
        file_stem: "quadratic_family",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(quadratic::QuadraticConfig::sample(r)),
    },
    TaskFamily {
        name: "losg_tasks_family",
        summary: "minimise one of 14 kinds of synthetic problems",
        file_stem: "losg_tasks_family",
        seed_offset: 0,
        revision: 1,
        sample: |r| Box::new(losg::LosgConfig::sample(r)),
    },
];
