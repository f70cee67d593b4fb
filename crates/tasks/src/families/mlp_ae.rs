//! `mlp_ae_family`: fully connected autoencoders of images (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Activation, Initializer};

use super::size::dense;
use super::{Builder, Cost, ImageDatasetConfig, Infeasible, TaskConfig, json};
use crate::sampling::Sampler;

/// A configuration of `mlp_ae_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct MlpAeConfig {
    /// Widths of the hidden layers, 1 to 6 of them, each 32 to 128 (DISAGREES-7).
    pub hidden_units: Vec<usize>,
    /// Activation behind every hidden layer.
    pub activation: Activation,
    /// Initialiser of every weight matrix.
    pub w_init: Initializer,
    /// The images.
    pub dataset: ImageDatasetConfig,
    /// What is done to the last layer's output.
    pub output_type: OutputType,
    /// Distance of output and input.
    pub loss_type: LossType,
    /// How the distances of the pixels become one number.
    pub reduction_type: LossReduction,
}

/// What is done to the last layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputType {
    /// Hyperbolic tangent, with images in `[-1, 1]`.
    Tanh,
    /// Sigmoid, with images in `[0, 1]`.
    Sigmoid,
    /// Nothing, with images in `[-1, 1]`.
    LinearCenter,
    /// Nothing, with images in `[0, 1]`.
    Linear,
}

/// Distance of a pixel and its reconstruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossType {
    /// The square of the difference, without ½.
    L2,
    /// The absolute difference.
    L1,
}

/// Reduction over the pixels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReduction {
    /// Mean.
    Mean,
    /// Sum.
    Sum,
}

impl OutputType {
    const fn name(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::LinearCenter => "linear_center",
            Self::Linear => "linear",
        }
    }
}

impl LossType {
    const fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::L1 => "l1",
        }
    }
}

impl LossReduction {
    const fn name(self) -> &'static str {
        match self {
            Self::Mean => "reduce_mean",
            Self::Sum => "reduce_sum",
        }
    }
}

impl MlpAeConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        use OutputType::{Linear, LinearCenter, Sigmoid, Tanh};
        let n = r.choice(&[1, 2, 3, 4, 5, 6]);
        Self {
            hidden_units: r.log_ints(n, 32, 128),
            activation: r.activation(),
            w_init: r.initializer(),
            dataset: ImageDatasetConfig::sample(r),
            output_type: r.choice(&[Tanh, Tanh, Sigmoid, Sigmoid, LinearCenter, Linear]),
            loss_type: r.choice(&[LossType::L2, LossType::L2, LossType::L1]),
            reduction_type: r.choice(&[LossReduction::Mean, LossReduction::Sum]),
        }
    }
}

impl TaskConfig for MlpAeConfig {
    fn to_json(&self) -> Value {
        json!({
            "hidden_units": self.hidden_units,
            "activation": self.activation.name(),
            "w_init": json::initializer(self.w_init),
            "dataset": self.dataset.to_json(),
            "output_type": self.output_type.name(),
            "loss_type": self.loss_type.name(),
            "reduction_type": self.reduction_type.name(),
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    fn cost(&self) -> Result<Cost, Infeasible> {
        let pixels = self.dataset.input_shape()?.len();
        let widths = [pixels].into_iter().chain(self.hidden_units.iter().copied()).chain([pixels]);
        Ok(dense(widths).with_batch(self.dataset.batch_size))
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::mlp_ae::build(name, self, data)))
    }
}
