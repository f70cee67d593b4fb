//! Builder of `mlp_ae_family`: fully connected autoencoders of images (paper G.1).

use std::sync::Arc;

use taskset_datasets::Datasets;
use taskset_nn::{Distance, Flatten, Loss, Network, Output, Reconstruction, Shape, mlp_layers};

use super::image_batches::ImageTask;
use super::network_task::NetworkTask;
use crate::families::mlp_ae::{LossReduction, LossType, MlpAeConfig, OutputType};
use crate::{Error, Task};

/// The task of a configuration of `mlp_ae_family`. Input and target are the same images, both in `[-1, 1]` where the
/// output is `tanh` or centred, and else in `[0, 1]`.
///
/// Memory of a trial besides parameters, gradients and optimizer, in numbers, for batches of `B` images of `D` pixels and
/// hidden layers of `H` units together: `B (D + 2H)`, a block of `D min(B, max(128, 2¹⁷ / D))` outputs, and packed
/// operands of about `D` times the larger of `B` and the widest layer. Evaluations hold as much again for
/// `max(B, min(512, 2¹⁶ / (2D + H)))` images.
///
/// # Errors
/// [`Error::Data`] if its images cannot be loaded, [`Error::Infeasible`] if the crop leaves nothing of them.
pub fn build(name: &str, config: &MlpAeConfig, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    let images = ImageTask::sampled(name, &config.dataset, centre(config.output_type), data)?;
    Ok(Arc::new(NetworkTask::new(name, network(config, images.shape()), images)?))
}

/// Whether pixels go to `[-1, 1]`.
const fn centre(output: OutputType) -> bool {
    matches!(output, OutputType::Tanh | OutputType::LinearCenter)
}

fn network(config: &MlpAeConfig, shape: Shape) -> Network {
    let loss = Reconstruction {
        output: match config.output_type {
            OutputType::Tanh => Output::Tanh,
            OutputType::Sigmoid => Output::Sigmoid,
            OutputType::LinearCenter | OutputType::Linear => Output::Linear,
        },
        distance: match config.loss_type {
            LossType::L2 => Distance::Squared,
            LossType::L1 => Distance::Absolute,
        },
        reduction: match config.reduction_type {
            LossReduction::Mean => taskset_nn::Reduction::Mean,
            LossReduction::Sum => taskset_nn::Reduction::Sum,
        },
    };
    let mut sizes = config.hidden_units.clone();
    sizes.push(shape.len());
    let layers = [vec![Flatten.into()], mlp_layers(&sizes, config.activation)].concat();
    Network::new(shape, layers, Loss::Reconstruction(loss)).with_weights(config.w_init)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::{ImageDatasetConfig, TaskConfig};
    use crate::models::testing::{check, initial_loss, train};
    use crate::sampling::Sampler;
    use taskset_datasets::Source;
    use taskset_nn::{Activation, Initializer};

    fn config(output_type: OutputType, loss_type: LossType, reduction_type: LossReduction) -> MlpAeConfig {
        MlpAeConfig {
            hidden_units: vec![20, 12],
            activation: Activation::Elu,
            w_init: Initializer::GlorotNormal,
            dataset: ImageDatasetConfig {
                name: "mnist".to_owned(),
                batch_size: 16,
                num_train: Some(2000),
                num_classes: Some(10),
                just_train: false,
                augmentation: None,
            },
            output_type,
            loss_type,
            reduction_type,
        }
    }

    #[test]
    fn parameters_are_those_of_the_description() {
        for seed in 0..150 {
            let config = MlpAeConfig::sample(&mut Sampler::new(seed));
            let shape = config.dataset.input_shape().unwrap();
            let (height, width, channels) = (shape.height, shape.width, shape.channels);
            let network = network(&config, Shape::Image { height, width, channels });
            assert!(network.shapes().is_ok());
            assert_eq!(network.parameter_count() as u64, config.cost().unwrap().num_params, "{seed}");
        }
    }

    #[test]
    fn problems_keep_the_contract_and_train() {
        let data = Datasets::new(Source::Synthetic);
        for (output, loss, reduction) in [
            (OutputType::Tanh, LossType::L2, LossReduction::Mean),
            (OutputType::Sigmoid, LossType::L2, LossReduction::Sum),
            (OutputType::LinearCenter, LossType::L2, LossReduction::Sum),
            (OutputType::Linear, LossType::L1, LossReduction::Mean),
        ] {
            let task = build("t", &config(output, loss, reduction), &data).unwrap();
            if loss == LossType::L2 {
                // Finite differences of |x| meet its kinks.
                check(&*task);
            }
            let (before, after) = train(&*task, 60, 1e-2);
            assert!(after < 0.8 * before, "{output:?} {loss:?}: {before} {after}");
        }
    }

    /// With outputs near 0 the losses of the same minibatches are moments of the pixels, and so tied to each other.
    #[test]
    fn initial_losses_are_moments_of_the_pixels() {
        let data = Datasets::new(Source::Synthetic);
        let initial = |output, loss, reduction| {
            let mut config = config(output, loss, reduction);
            config.w_init = Initializer::RandomNormal { std: 1e-6 };
            initial_loss(&*build("t", &config, &data).unwrap())
        };
        use OutputType::{Linear, LinearCenter, Sigmoid, Tanh};
        let (squares, sum) = (
            initial(Linear, LossType::L2, LossReduction::Sum),
            initial(Linear, LossType::L1, LossReduction::Sum),
        );
        let pixels = 784.0;
        assert!(squares > 0.0 && squares < sum && sum < pixels);
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-4, "{a} {b}");
        near(initial(Linear, LossType::L1, LossReduction::Mean), sum / pixels);
        near(initial(Sigmoid, LossType::L2, LossReduction::Sum), squares - sum + 0.25 * pixels);
        let centred = 4.0 * squares - 4.0 * sum + pixels;
        near(initial(LinearCenter, LossType::L2, LossReduction::Sum), centred);
        near(initial(Tanh, LossType::L2, LossReduction::Mean), centred / pixels);
    }
}
