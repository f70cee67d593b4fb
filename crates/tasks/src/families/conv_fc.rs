//! `conv_fc_family`: image classification with convolutions and fully connected layers (paper G.1).

use serde_json::{Value, json};

use super::size::dense;
use super::{Builder, ConvStack, Cost, ImageDatasetConfig, Infeasible, TaskConfig, json};
use crate::sampling::Sampler;

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

    fn cost(&self) -> Result<Cost, Infeasible> {
        let shape = self.dataset.input_shape()?;
        let stack = self.stack.output(shape, self.use_bias)?;
        let flat = stack.height * stack.width * stack.channels;
        let widths = [flat].into_iter().chain(self.fc_hidden_units.iter().copied()).chain([shape.classes]);
        Ok((stack.size + dense(widths)).with_batch(self.dataset.batch_size))
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::conv_fc::build(name, self, data)))
    }
}
