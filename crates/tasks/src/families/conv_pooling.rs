//! `conv_pooling_family`: image classification with convolutions and global pooling (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Dense, SpatialPool};

use super::{ConvStack, ImageDatasetConfig, TaskConfig, json};
use crate::config_sampling::Sampler;
use crate::spec::{Body, Infeasible};

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

    /// Convolutions, pooling over height and width, a linear layer.
    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.dataset.examples(self.center_data);
        self.stack.classifier(self.use_bias, examples, |classes| {
            vec![self.pool_type.into(), Dense { outputs: classes }.into()]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::conv_stack::testing::{check, check_seeds, check_start, dataset, stack};
    use crate::families::testing::build;
    use taskset_datasets::Datasets;
    use taskset_nn::{Activation, Initializer, SpatialPool};

    fn config(pool_type: SpatialPool, w_init: Initializer) -> ConvPoolingConfig {
        ConvPoolingConfig {
            stack: stack(Activation::Tanh, w_init),
            pool_type,
            use_bias: pool_type != SpatialPool::Max,
            dataset: dataset("mnist", 1),
            center_data: true,
        }
    }

    #[test]
    fn every_pooling_learns() {
        for pool_type in [SpatialPool::Mean, SpatialPool::Max, SpatialPool::SquaredMean] {
            check(&config(pool_type, Initializer::HeNormal));
            let small = config(pool_type, Initializer::RandomNormal { std: 1e-3 });
            check_start(&small, 10);
        }
    }

    #[test]
    fn parameters_of_the_first_seeds() {
        check_seeds("conv_pooling_family", 0..6);
        check_seeds("conv_pooling_family", 33..34);
    }

    #[test]
    fn what_is_left_of_the_image_must_fit_the_kernel() {
        let mut config = config(SpatialPool::Mean, Initializer::HeNormal);
        config.dataset = dataset("mnist", 26);
        let data = Datasets::new(taskset_datasets::Source::Synthetic);
        let error = build(&config, &data).err().unwrap();
        let expected = "the task `t` cannot be built: layer 2: VALID convolution on 1x1 input";
        assert_eq!(error.to_string(), expected);
    }
}
