//! `nvp_family` and `maf_family`: normalising flows of images (paper G.1). Both draw the same configuration.

use serde_json::{Value, json};
use taskset_nn::{Activation, Initializer};

use super::{ImageDatasetConfig, TaskConfig, json};
use crate::config_sampling::Sampler;
use crate::models::flow::Flow;
pub use crate::models::flow::FlowKind;
use crate::spec::{Body, Examples, Infeasible};

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

    /// Minus the log density (nats) of an image, flattened, with noise, under a flow of `k` bijectors from a standard
    /// normal.
    ///
    /// From data to latent: bijector `k − 1`, the inverse of permutation `k − 2`, bijector `k − 2`, …, the inverse of
    /// permutation 0, bijector 0. The permutations of `nvp_family` are NumPy's of the seeds 0, 1, …. Those of `maf_family`
    /// were drawn unseeded when upstream built a task (QUIRK-20); here every replica draws its own, so that they are fixed
    /// within a run and differ between runs.
    ///
    /// Memory of a trial besides parameters, gradients and optimizer, for minibatches of `B` images of `D` pixels: about
    /// `(2 + 5.5 k) B D` numbers for `nvp_family` and `(3 + 6 k) B D` for `maf_family`; for evaluation `(3 + 3 k) R D` and
    /// `(4 + 4 k) R D` with `R = max(B, min(512, 2¹⁶ / ((1 + 2 k) D)))` rows. The largest (`B = 256`, `D = 3072`, `k = 4`)
    /// need 85 MB and 63 MB.
    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.dataset.examples(false);
        let flow = Flow {
            kind: self.kind,
            bijectors: self.num_bijectors,
            hidden: &self.hidden_units,
            activation: self.activation,
            w_init: self.w_init,
        };
        Ok(flow.body(examples.input()?.shape(), Examples::Images(examples)))
    }
}
