//! `mlp_vae_family`: fully connected variational autoencoders of images (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Activation, Flatten, Initializer, Latent, Loss, Network, mlp_layers};

use super::{ImageDatasetConfig, TaskConfig, json};
use crate::config_sampling::Sampler;
use crate::models::PIXEL_LIKELIHOOD;
use crate::spec::{Body, Examples, Infeasible};

/// A configuration of `mlp_vae_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct MlpVaeConfig {
    /// Widths of the encoder, 1 to 4 of them, each 32 to 128; the last is the number of latent variables (QUIRK-18).
    pub enc_hidden_units: Vec<usize>,
    /// Widths of the hidden layers of the decoder, 1 to 3 of them, each 32 to 128.
    pub dec_hidden_units: Vec<usize>,
    /// Activation behind every hidden layer.
    pub activation: Activation,
    /// Initialiser of every weight matrix.
    pub w_init: Initializer,
    /// The images.
    pub dataset: ImageDatasetConfig,
}

impl MlpVaeConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        let n = r.choice(&[1, 2, 3, 4]);
        let enc_hidden_units = r.log_ints(n, 32, 128);
        let m = r.choice(&[1, 2, 3]);
        Self {
            enc_hidden_units,
            dec_hidden_units: r.log_ints(m, 32, 128),
            activation: r.activation(),
            w_init: r.initializer(),
            dataset: ImageDatasetConfig::sample(r),
        }
    }

    /// The number of latent variables and the widths of the encoder's hidden layers.
    fn split_encoder(&self) -> Result<(&usize, &[usize]), Infeasible> {
        let none = || Infeasible("the encoder has no layer, so there is no latent variable".to_owned());
        self.enc_hidden_units.split_last().ok_or_else(none)
    }
}

impl TaskConfig for MlpVaeConfig {
    fn to_json(&self) -> Value {
        json!({
            "enc_hidden_units": self.enc_hidden_units,
            "dec_hidden_units": self.dec_hidden_units,
            "activation": self.activation.name(),
            "w_init": json::initializer(self.w_init),
            "dataset": self.dataset.to_json(),
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    /// Encoder, sample, decoder; the loss is minus the evidence lower bound (nats per image). Latent samples and
    /// dequantisation noise are drawn with every minibatch, for evaluations too.
    ///
    /// Memory of a trial besides parameters, gradients and optimizer, in numbers, for batches of `B` images of `D` pixels,
    /// hidden layers of `H` units together and `z` latent variables: `B (2D + 2H + 8z)`, a block of
    /// `2D min(B, max(128, 2¹⁷ / 2D))` outputs, and packed operands of about `2D` times the larger of `B` and the widest
    /// layer. Evaluations hold as much again for `max(B, min(512, 2¹⁶ / (3D + H + 3z)))` images.
    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.dataset.examples(false);
        let shape = examples.input()?.shape();
        let (&latent, hidden) = self.split_encoder()?;
        let encoder = [hidden, &[2 * latent]].concat();
        let decoder = [&self.dec_hidden_units[..], &[2 * shape.len()]].concat();
        let layers = [
            vec![Flatten.into()],
            mlp_layers(&encoder, self.activation),
            vec![Latent.into()],
            mlp_layers(&decoder, self.activation),
        ];
        let loss = Loss::GaussianLikelihood(PIXEL_LIKELIHOOD);
        let network = Network::new(shape, layers.concat(), loss).with_weights(self.w_init);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::config_sampling::Sampler;
    use crate::families::mlp_ae::{LossReduction, LossType, MlpAeConfig, OutputType};
    use crate::families::testing::{build, dense};
    use crate::families::{ImageDatasetConfig, TaskConfig};
    use crate::models::testing::{check, initial_loss, train};
    use taskset_datasets::Datasets;
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
    fn parameters_follow_from_the_widths() {
        for seed in 0..150 {
            let config = MlpVaeConfig::sample(&mut Sampler::new(seed));
            let pixels = config.dataset.examples(false).input().unwrap().len();
            let (&latent, hidden) = config.enc_hidden_units.split_last().unwrap();
            let encoder = [&[pixels], hidden, &[2 * latent]].concat();
            let decoder = [&[latent], &config.dec_hidden_units[..], &[2 * pixels]].concat();
            assert_eq!(config.body().unwrap().num_params(), dense(&encoder) + dense(&decoder), "{seed}");
        }
    }

    #[test]
    fn problems_keep_the_contract_and_train() {
        let data = Datasets::new(Source::Synthetic);
        // One width: a linear encoder.
        for encoder in [&[6][..], &[24, 12, 8]] {
            let config = config(encoder, Activation::Tanh, Initializer::GlorotNormal);
            let task = build(&config, &data).unwrap();
            check(&*task);
            let (before, after) = train(&*task, 60, 1e-2);
            assert!(after < before - 100.0, "{before} {after}");
        }
    }

    #[test]
    fn without_an_encoder_there_is_no_model() {
        let config = config(&[], Activation::Tanh, Initializer::Zeros);
        let error = build(&config, &Datasets::new(Source::Synthetic)).err().unwrap();
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
        let squares = initial_loss(&*build(&autoencoder, &data).unwrap());
        let pixels = 768.0;
        let noise = 0.5 * pixels / 12.0 / 255f64.powi(2);
        let expected = 0.5 * squares + noise + pixels * (0.918_938_533 + 255f64.ln());
        let loss = initial_loss(&*build(&variational, &data).unwrap());
        // Noise meets pixels in Σ x u, whose deviation is sqrt(Σ x² / 12) / 255, and 160 images take the mean.
        let deviation = (squares / 12.0 / 160.0).sqrt() / 255.0;
        assert!((loss - expected).abs() < 5.0 * deviation + 1e-6 * expected, "{loss} {expected}");
    }
}
