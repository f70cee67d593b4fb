//! Builder of `conv_fc_family`: convolutions, then fully connected layers on all that is left (paper G.1).

use std::sync::Arc;

use taskset_datasets::Datasets;
use taskset_nn::{Flatten, mlp_layers};

use super::conv_stack::Parts;
use crate::families::conv_fc::ConvFcConfig;
use crate::{Error, Task};

/// The task of a configuration of `conv_fc_family`. The first fully connected layer may be very wide (52 million
/// parameters among the seeds below 1000).
///
/// # Errors
/// [`Error::Data`] if its images cannot be loaded, [`Error::Infeasible`] if the crop leaves nothing of them or a
/// convolution cannot take the output of the one before it.
pub fn build(name: &str, config: &ConvFcConfig, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    let ConvFcConfig { stack, fc_hidden_units, use_bias, dataset, center_data } = config;
    let parts = Parts { stack, use_bias: *use_bias, dataset, center_data: *center_data };
    parts.task(name, data, |classes| {
        let sizes: Vec<usize> = fc_hidden_units.iter().copied().chain([classes]).collect();
        [vec![Flatten.into()], mlp_layers(&sizes, stack.activation)].concat()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::conv_stack::testing::{check, check_seeds, check_start, dataset, stack};
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
            check(&|data| build("t", &config(hidden.clone(), Initializer::GlorotNormal), data));
            let small = config(hidden, Initializer::RandomNormal { std: 1e-3 });
            check_start(&|data| build("t", &small, data), 10);
        }
    }

    #[test]
    fn parameters_of_the_first_seeds() {
        check_seeds("conv_fc_family", 0..6);
        check_seeds("conv_fc_family", 25..26);
    }
}
