//! Builder of `mlp_vae_family`: fully connected variational autoencoders of images (paper G.1).

use std::sync::Arc;

use taskset_datasets::Datasets;
use taskset_nn::{Flatten, GaussianLikelihood, Latent, Loss, Network, Shape, mlp_layers};

use super::image_batches::ImageTask;
use super::network_task::NetworkTask;
use crate::families::Infeasible;
use crate::families::mlp_vae::MlpVaeConfig;
use crate::{Error, Task};

/// Pixels are dequantised bytes in `[0, 1]`; the decoder's outputs are clipped.
const LIKELIHOOD: GaussianLikelihood = GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) };

/// The task of a configuration of `mlp_vae_family`: minus the evidence lower bound (nats per image). The last width of
/// the encoder is the number of latent variables (QUIRK-18); latent samples and dequantisation noise are drawn with every
/// minibatch, for evaluations too.
///
/// Memory of a trial besides parameters, gradients and optimizer, in numbers, for batches of `B` images of `D` pixels,
/// hidden layers of `H` units together and `z` latent variables: `B (2D + 2H + 8z)`, a block of
/// `2D min(B, max(128, 2¹⁷ / 2D))` outputs, and packed operands of about `2D` times the larger of `B` and the widest
/// layer. Evaluations hold as much again for `max(B, min(512, 2¹⁶ / (3D + H + 3z)))` images.
///
/// # Errors
/// [`Error::Data`] if its images cannot be loaded, [`Error::Infeasible`] if the crop leaves nothing of them or the encoder
/// has no layer.
pub fn build(name: &str, config: &MlpVaeConfig, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    let images = ImageTask::sampled(name, &config.dataset, false, data)?;
    let network = network(config, images.shape())
        .map_err(|Infeasible(reason)| Error::Infeasible { name: name.to_owned(), reason })?;
    Ok(Arc::new(NetworkTask::new(name, network, images)?))
}

fn network(config: &MlpVaeConfig, shape: Shape) -> Result<Network, Infeasible> {
    let (&latent, hidden) = config.split_encoder()?;
    let encoder = [hidden, &[2 * latent]].concat();
    let decoder = [&config.dec_hidden_units[..], &[2 * shape.len()]].concat();
    let layers = [
        vec![Flatten.into()],
        mlp_layers(&encoder, config.activation),
        vec![Latent.into()],
        mlp_layers(&decoder, config.activation),
    ];
    let loss = Loss::GaussianLikelihood(LIKELIHOOD);
    Ok(Network::new(shape, layers.concat(), loss).with_weights(config.w_init))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::mlp_ae::{LossReduction, LossType, MlpAeConfig, OutputType};
    use crate::families::{ImageDatasetConfig, TaskConfig};
    use crate::models::testing::{check, initial_loss, train};
    use crate::sampling::Sampler;
    use taskset_datasets::Source;
    use taskset_nn::{Activation, Initializer};

    fn config(encoder: &[usize], activation: Activation, w_init: Initializer) -> MlpVaeConfig {
        MlpVaeConfig {
            enc_hidden_units: encoder.to_vec(),
            dec_hidden_units: vec![20],
            activation,
            w_init,
            dataset: ImageDatasetConfig {
                name: "imagenet_resized/16x16".to_owned(),
                batch_size: 16,
                num_train: None,
                num_classes: None,
                just_train: false,
                augmentation: None,
            },
        }
    }

    #[test]
    fn parameters_are_those_of_the_description() {
        for seed in 0..150 {
            let config = MlpVaeConfig::sample(&mut Sampler::new(seed));
            let shape = config.dataset.input_shape().unwrap();
            let (height, width, channels) = (shape.height, shape.width, shape.channels);
            let network = network(&config, Shape::Image { height, width, channels }).unwrap();
            assert!(network.shapes().is_ok());
            assert_eq!(network.parameter_count() as u64, config.cost().unwrap().num_params, "{seed}");
        }
    }

    #[test]
    fn problems_keep_the_contract_and_train() {
        let data = Datasets::new(Source::Synthetic);
        // One width: a linear encoder.
        for encoder in [&[6][..], &[24, 12, 8]] {
            let config = config(encoder, Activation::Tanh, Initializer::GlorotNormal);
            let task = build("t", &config, &data).unwrap();
            check(&*task);
            let (before, after) = train(&*task, 60, 1e-2);
            assert!(after < before - 100.0, "{before} {after}");
        }
    }

    #[test]
    fn without_an_encoder_there_is_no_model() {
        let config = config(&[], Activation::Tanh, Initializer::Zeros);
        let error = build("t", &config, &Datasets::new(Source::Synthetic)).err().unwrap();
        assert!(matches!(&error, Error::Infeasible { name, .. } if name == "t"), "{error}");
    }

    /// With all outputs near 0 there is no divergence, and pixels have a standard normal distribution.
    #[test]
    fn small_weights_start_at_the_pixels_standard_normal_density() {
        let data = Datasets::new(Source::Synthetic);
        let w_init = Initializer::RandomNormal { std: 1e-6 };
        let variational = config(&[9, 5], Activation::Swish, w_init);
        // An autoencoder of the same minibatches gives the squares of the pixels.
        let autoencoder = MlpAeConfig {
            hidden_units: vec![5],
            activation: Activation::Swish,
            w_init,
            dataset: variational.dataset.clone(),
            output_type: OutputType::Linear,
            loss_type: LossType::L2,
            reduction_type: LossReduction::Sum,
        };
        let squares = initial_loss(&*super::super::mlp_ae::build("t", &autoencoder, &data).unwrap());
        let pixels = 768.0;
        let noise = 0.5 * pixels / 12.0 / 255f64.powi(2);
        let expected = 0.5 * squares + noise + pixels * (0.918_938_533 + 255f64.ln());
        let loss = initial_loss(&*build("t", &variational, &data).unwrap());
        // Noise meets pixels in Σ x u, whose deviation is sqrt(Σ x² / 12) / 255, and 160 images take the mean.
        let deviation = (squares / 12.0 / 160.0).sqrt() / 255.0;
        assert!((loss - expected).abs() < 5.0 * deviation + 1e-6 * expected, "{loss} {expected}");
    }
}
