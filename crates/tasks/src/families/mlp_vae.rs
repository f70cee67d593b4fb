//! `mlp_vae_family`: fully connected variational autoencoders of images (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Activation, Initializer};

use super::size::{Size, dense};
use super::{Builder, Cost, ImageDatasetConfig, Infeasible, TaskConfig, json};
use crate::sampling::Sampler;

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
    pub(crate) fn split_encoder(&self) -> Result<(&usize, &[usize]), Infeasible> {
        let none = || Infeasible("the encoder has no layer, so there is no latent variable".to_owned());
        self.enc_hidden_units.split_last().ok_or_else(none)
    }
}

/// Encoder to two numbers per latent variable, decoder to two numbers per pixel.
pub(crate) fn vae_size(pixels: usize, encoder: &[usize], latent: usize, decoder: &[usize]) -> Size {
    let encoder = [pixels].into_iter().chain(encoder.iter().copied()).chain([2 * latent]);
    let decoder = [latent].into_iter().chain(decoder.iter().copied()).chain([2 * pixels]);
    dense(encoder) + dense(decoder)
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

    fn cost(&self) -> Result<Cost, Infeasible> {
        let pixels = self.dataset.input_shape()?.len();
        let (&latent, encoder) = self.split_encoder()?;
        Ok(vae_size(pixels, encoder, latent, &self.dec_hidden_units).with_batch(self.dataset.batch_size))
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, data| crate::models::mlp_vae::build(name, self, data)))
    }
}
