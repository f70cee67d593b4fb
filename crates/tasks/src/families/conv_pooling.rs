//! `conv_pooling_family`: image classification with convolutions and global pooling (paper G.1).

use serde_json::{Value, json};
use taskset_nn::SpatialPool;

use super::size::dense;
use super::{Builder, ConvStack, Cost, ImageDatasetConfig, Infeasible, TaskConfig, json};
use crate::sampling::Sampler;

/// A configuration of `conv_pooling_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvPoolingConfig {
    /// The convolutions.
    pub stack: ConvStack,
    /// How the last maps become one number each.
    pub pool_type: SpatialPool,
    /// Whether the convolutions have biases; the last layer always has.
    pub use_bias: bool,
    /// The images.
    pub dataset: ImageDatasetConfig,
    /// Whether pixels go from `[0, 1]` to `[-1, 1]`, after augmentation.
    pub center_data: bool,
}

const fn pool_name(pool: SpatialPool) -> &'static str {
    match pool {
        SpatialPool::Mean => "mean",
        SpatialPool::Max => "max",
        SpatialPool::SquaredMean => "squared_mean",
    }
}

impl ConvPoolingConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        Self {
            stack: ConvStack::sample(r),
            pool_type: r.choice(&[SpatialPool::Mean, SpatialPool::Max, SpatialPool::SquaredMean]),
            use_bias: r.true_or_false(),
            dataset: ImageDatasetConfig::sample(r),
            center_data: r.true_or_false(),
        }
    }
}

impl TaskConfig for ConvPoolingConfig {
    fn to_json(&self) -> Value {
        json!({
            "strides": self.stack.strides_json(),
            "hidden_units": self.stack.hidden_units,
            "activation": self.stack.activation.name(),
            "w_init": json::initializer(self.stack.w_init),
            "padding": self.stack.padding_json(),
            "pool_type": pool_name(self.pool_type),
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
        Ok((stack.size + dense([stack.channels, shape.classes])).with_batch(self.dataset.batch_size))
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::conv_pooling::build(name, self, data)))
    }
}
