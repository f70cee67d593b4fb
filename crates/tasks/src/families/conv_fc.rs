//! `conv_fc_family`: image classification with convolutions and fully connected layers (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Flatten, mlp_layers};

use super::{ConvStack, ImageDatasetConfig, TaskConfig, json};
use crate::config_sampling::Sampler;
use crate::spec::{Body, Infeasible};

/// A configuration of `conv_fc_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvFcConfig {
    /// The convolutions.
    pub stack: ConvStack,
    /// Widths of the hidden fully connected layers, 0 to 3 of them (DISAGREES-9), each 32 to 128.
    pub fc_hidden_units: Vec<usize>,
    /// Whether the convolutions have biases; the fully connected layers always have.
    pub use_bias: bool,
    /// The images.
    pub dataset: ImageDatasetConfig,
    /// Whether pixels go from `[0, 1]` to `[-1, 1]`, after augmentation.
    pub center_data: bool,
}

impl ConvFcConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        let stack = ConvStack::sample(r);
        let m = r.choice(&[0, 1, 2, 3]);
        Self {
            stack,
            fc_hidden_units: r.log_ints(m, 32, 128),
            use_bias: r.true_or_false(),
            dataset: ImageDatasetConfig::sample(r),
            center_data: r.true_or_false(),
        }
    }
}

impl TaskConfig for ConvFcConfig {
    fn to_json(&self) -> Value {
        json!({
            "strides": self.stack.strides_json(),
            "hidden_units": self.stack.hidden_units,
            "activation": self.stack.activation.name(),
            "w_init": json::initializer(self.stack.w_init),
            "padding": self.stack.padding_json(),
            "fc_hidden_units": self.fc_hidden_units,
            "use_bias": self.use_bias,
            "dataset": self.dataset.to_json(),
            "center_data": self.center_data,
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    /// Convolutions, then fully connected layers on all that is left. The first of these may be very wide (52 million
    /// parameters among the seeds below 1000).
    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.dataset.examples(self.center_data);
        self.stack.classifier(self.use_bias, examples, |classes| {
            let sizes = [&self.fc_hidden_units[..], &[classes]].concat();
            [vec![Flatten.into()], mlp_layers(&sizes, self.stack.activation)].concat()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::conv_stack::testing::{check, check_seeds, check_start, dataset, stack};
    use taskset_nn::{Activation, Initializer};

    fn config(fc_hidden_units: Vec<usize>, w_init: Initializer) -> ConvFcConfig {
        ConvFcConfig {
            stack: stack(Activation::Swish, w_init),
            use_bias: fc_hidden_units.is_empty(),
            fc_hidden_units,
            dataset: dataset("cifar10", 2),
            center_data: false,
        }
    }

    #[test]
    fn with_and_without_hidden_layers() {
        for hidden in [vec![], vec![33, 20]] {
            check(&config(hidden.clone(), Initializer::GlorotNormal));
            let small = config(hidden, Initializer::RandomNormal { std: 1e-3 });
            check_start(&small, 10);
        }
    }

    #[test]
    fn parameters_of_the_first_seeds() {
        check_seeds("conv_fc_family", 0..6);
        check_seeds("conv_fc_family", 25..26);
    }
}
