//! `mlp_family`: image classification with a fully connected network (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Activation, Initializer};

use super::size::dense;
use super::{Builder, Cost, ImageDatasetConfig, Infeasible, Overhead, TaskConfig, json};
use crate::sampling::Sampler;

/// A configuration of `mlp_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct MlpConfig {
    /// Widths of the hidden layers, 1 to 6 of them, each 16 to 128.
    pub layer_sizes: Vec<usize>,
    /// Activation behind every hidden layer.
    pub activation: Activation,
    /// Initialiser of every weight matrix; biases start at 0.
    pub w_init: Initializer,
    /// The images.
    pub dataset: ImageDatasetConfig,
    /// Whether pixels go from `[0, 1]` to `[-1, 1]`, after augmentation.
    pub center_data: bool,
}

impl MlpConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        let n = r.choice(&[1, 2, 3, 4, 5, 6]);
        Self {
            layer_sizes: r.log_ints(n, 16, 128),
            activation: r.activation(),
            w_init: r.initializer(),
            dataset: ImageDatasetConfig::sample(r),
            center_data: r.true_or_false(),
        }
    }
}

impl TaskConfig for MlpConfig {
    fn to_json(&self) -> Value {
        json!({
            "layer_sizes": self.layer_sizes,
            "activation": self.activation.name(),
            "w_init": json::initializer(self.w_init),
            "dataset": self.dataset.to_json(),
            "center_data": self.center_data,
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    fn cost(&self) -> Result<Cost, Infeasible> {
        let shape = self.dataset.input_shape()?;
        let widths = [shape.len()].into_iter().chain(self.layer_sizes.iter().copied()).chain([shape.classes]);
        Ok(dense(widths).with_batch(self.dataset.batch_size))
    }

    fn overhead(&self) -> Overhead {
        Overhead { scalar_operations: self.dataset.augmenting_operations(), ..Overhead::default() }
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::mlp::build(name, self, data)))
    }
}
