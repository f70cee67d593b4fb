//! Builder of `conv_pooling_family`: convolutions, pooling over height and width, a linear layer (paper G.1).

use std::sync::Arc;

use taskset_datasets::Datasets;
use taskset_nn::Dense;

use super::conv_stack::Parts;
use crate::families::conv_pooling::ConvPoolingConfig;
use crate::{Error, Task};

/// The task of a configuration of `conv_pooling_family`.
///
/// # Errors
/// [`Error::Data`] if its images cannot be loaded, [`Error::Infeasible`] if the crop leaves nothing of them or a
/// convolution cannot take the output of the one before it.
pub fn build(name: &str, config: &ConvPoolingConfig, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    let ConvPoolingConfig { stack, pool_type, use_bias, dataset, center_data } = config;
    let parts = Parts { stack, use_bias: *use_bias, dataset, center_data: *center_data };
    parts.task(name, data, |classes| vec![(*pool_type).into(), Dense { outputs: classes }.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::conv_stack::testing::{check, check_seeds, check_start, dataset, stack};
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
            check(&|data| build("t", &config(pool_type, Initializer::HeNormal), data));
            let small = config(pool_type, Initializer::RandomNormal { std: 1e-3 });
            check_start(&|data| build("t", &small, data), 10);
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
        let error = build("t", &config, &data).err().unwrap();
        let expected = "the task `t` cannot be built: layer 2: VALID convolution on 1x1 input";
        assert_eq!(error.to_string(), expected);
    }
}
