//! `nvp_family` and `maf_family`: normalising flows of images (paper G.1). Both draw the same configuration.

use serde_json::{Value, json};
use taskset_nn::{Activation, Initializer};

use super::size::{Size, dense};
use super::{Builder, Cost, ImageDatasetConfig, Infeasible, TaskConfig, json};
use crate::sampling::Sampler;

/// A configuration of `nvp_family` or `maf_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowConfig {
    /// Which of the two.
    pub kind: FlowKind,
    /// Activation behind every hidden layer.
    pub activation: Activation,
    /// Initialiser of every kernel, the last layer's included.
    pub w_init: Initializer,
    /// The images, never centred.
    pub dataset: ImageDatasetConfig,
    /// Widths of the hidden layers of each bijector's network, 1 or 2 of them, each 16 to 128.
    pub hidden_units: Vec<usize>,
    /// Number of bijectors, 1 to 4.
    pub num_bijectors: usize,
}

/// The kinds of flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowKind {
    /// Real NVP: shift and scale of one half are computed from the other.
    Nvp,
    /// Masked autoregressive flow; its masks are degenerate (QUIRK-21).
    Maf,
}

impl FlowKind {
    /// All bijectors of a flow over this many pixels; masked weights are counted.
    pub(crate) fn size(self, pixels: usize, hidden: &[usize], bijectors: usize) -> Size {
        let (inputs, outputs) = match self {
            Self::Nvp => (pixels / 2, 2 * (pixels - pixels / 2)),
            Self::Maf => (pixels, 2 * pixels),
        };
        dense([inputs].into_iter().chain(hidden.iter().copied()).chain([outputs])) * bijectors
    }
}

impl FlowConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler, kind: FlowKind) -> Self {
        let activation = r.activation();
        let w_init = r.initializer();
        let dataset = ImageDatasetConfig::sample(r);
        let n = r.choice(&[1, 2]);
        Self {
            kind,
            activation,
            w_init,
            dataset,
            hidden_units: r.log_ints(n, 16, 128),
            num_bijectors: r.choice(&[1, 2, 3, 4]),
        }
    }
}

impl TaskConfig for FlowConfig {
    fn to_json(&self) -> Value {
        json!({
            "activation": self.activation.name(),
            "w_init": json::initializer(self.w_init),
            "dataset": self.dataset.to_json(),
            "hidden_units": self.hidden_units,
            "num_bijectors": self.num_bijectors,
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    fn cost(&self) -> Result<Cost, Infeasible> {
        let pixels = self.dataset.input_shape()?.len();
        Ok(self.kind.size(pixels, &self.hidden_units, self.num_bijectors).with_batch(self.dataset.batch_size))
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::flow::build(name, self, data)))
    }
}
