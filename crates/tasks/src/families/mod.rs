//! The sampled task families: one file per family, with its configuration, its sampler, and what both stand for.

use std::fmt::Debug;

use serde_json::Value;

use crate::Error;
use crate::config_sampling::Sampler;
use crate::spec::{Body, Group, Infeasible, Specification};
use crate::suite::Suite;

mod conv_stack;
mod image_dataset;
mod json;
mod rnn_core;
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
pub use image_dataset::ImageDatasetConfig;
pub use rnn_core::RnnCore;
pub use text_dataset::{LanguageModelDataset, TextClassificationDataset};

pub use crate::models::augment::Augmentation;
pub use crate::models::image_batches::InputShape;

/// What the configuration of every sampled task offers: its JSON, and what it stands for.
pub trait TaskConfig: Debug {
    /// The configuration in upstream's form: its keys in its order, its values.
    fn to_json(&self) -> Value;

    /// The data that the task really uses, if any.
    fn dataset(&self) -> Option<&str>;

    /// What is computed. No file is read.
    ///
    /// # Errors
    /// [`Infeasible`] if no such model exists.
    fn body(&self) -> Result<Body, Infeasible>;
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

    /// What the task of a seed stands for; `None` above [`max_seed`](Self::max_seed).
    pub fn specification(&self, seed: u32) -> Option<Specification> {
        let config = self.config(seed)?;
        Some(Specification {
            name: self.task_name(seed),
            group: Group { name: self.name, revision: self.revision },
            summary: self.summary.to_owned(),
            note: None,
            config: Some(config.to_json()),
            dataset: config.dataset().map(str::to_owned),
            body: config.body(),
        })
    }
}

/// The suite of all sampled tasks: the seeds 0 to 999 of each family.
#[derive(Clone, Copy, Debug)]
pub struct Sampled;

impl Suite for Sampled {
    fn name(&self) -> &'static str {
        "sampled"
    }

    fn groups(&self) -> Vec<&'static str> {
        FAMILIES.iter().map(|family| family.name).collect()
    }

    fn names(&self) -> Vec<String> {
        FAMILIES.iter().flat_map(|family| self.members(family.name)).collect()
    }

    fn members(&self, group: &str) -> Vec<String> {
        let family = FAMILIES.iter().filter(|family| family.name == group);
        family.flat_map(|family| (0..SEEDS).map(|seed| family.task_name(seed))).collect()
    }

    fn contains(&self, name: &str) -> Result<bool, Error> {
        Ok(located(name)?.is_some())
    }

    fn find(&self, name: &str) -> Result<Option<Specification>, Error> {
        Ok(located(name)?.and_then(|(family, seed)| family.specification(seed)))
    }

    /// Names are compared by family and keep their seed where it exists.
    fn suggestion(&self, name: &str) -> Option<String> {
        let (stem, seed) = name.rsplit_once("_seed").unwrap_or((name, "0"));
        let nearest = taskset_names::closest(stem, FAMILIES.iter().map(|family| family.name))?;
        let family = FAMILIES.iter().find(|family| family.name == nearest)?;
        // `parse` also reads padded numbers; anything else, or beyond the last seed, falls back to a name that exists.
        let seed = seed.parse().ok().filter(|&seed: &u32| seed < SEEDS);
        Some(family.task_name(seed.unwrap_or(0)))
    }
}

/// The family and the seed of a name.
fn located(name: &str) -> Result<Option<(&'static TaskFamily, u32)>, Error> {
    for family in &FAMILIES {
        if let Some(seed) = taskset_names::seed_of(family.name, name)? {
            return Ok(Some((family, seed)));
        }
    }
    Ok(None)
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

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Arc;

    use taskset_datasets::Datasets;

    use super::{RnnCore, TaskConfig};
    use crate::spec::Infeasible;
    use crate::{Error, Task};

    /// The task of a configuration, which need not be one of the registry's.
    pub(crate) fn build(config: &dyn TaskConfig, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
        let infeasible = |Infeasible(reason)| Error::Infeasible { name: "t".to_owned(), reason };
        config.body().map_err(infeasible)?.build("t", data)
    }

    /// Parameters of fully connected layers with biases between these widths.
    pub(crate) fn dense(widths: &[usize]) -> u64 {
        widths.windows(2).map(|pair| (pair[0] as u64 + 1) * pair[1] as u64).sum()
    }

    /// Parameters of a recurrent core of this width on inputs of another.
    pub(crate) fn core(core: &RnnCore, inputs: usize, trainable_init: bool) -> u64 {
        let (kinds, units, biases, states) = match *core {
            RnnCore::Vrnn { core_dim, .. } => (1, core_dim, 2, 1),
            RnnCore::Gru { core_dim, .. } => (3, core_dim, 1, 1),
            RnnCore::Lstm { core_dim, .. } => (4, core_dim, 1, 2),
        };
        let state = if trainable_init { states * units } else { 0 };
        (kinds * units * (inputs + units + biases) + state) as u64
    }
}
