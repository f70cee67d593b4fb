//! Fully connected autoencoders and variational autoencoders of images (paper G.3).

use taskset_nn::{Activation, Flatten, Initializer, Latent, Loss, Network, mlp_layers};

use super::{FixedModel, Images, SIGMOID_SQUARES, group, join};
use crate::models::PIXEL_LIKELIHOOD;
use crate::spec::{Body, Examples, Group, Infeasible};

/// Fully connected layers back to the image, relu behind all but the last; the loss is the mean over pixels, channels and
/// minibatch of `(x − sigmoid(output))²`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpAe {
    /// The images, in `[0, 1]`.
    pub images: Images,
    /// Widths of the hidden layers.
    pub hidden: &'static [usize],
}

/// Fully connected encoder and decoder; the loss is minus the evidence lower bound (nats per image). Pixels and
/// dequantisation are as in [`ConvVae`](super::ConvVae).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpVae {
    /// The images.
    pub images: Images,
    /// Widths of the encoder's hidden layers.
    pub encoder: &'static [usize],
    /// Latent variables.
    pub latent: usize,
    /// Widths of the decoder's hidden layers.
    pub decoder: &'static [usize],
}

impl FixedModel for MlpAe {
    const GROUP: Group = group("fixed_mlp_ae");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        format!("autoencoder {}, {}", join(self.hidden), self.images.summary())
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.images.examples(false);
        let shape = examples.input()?.shape();
        let sizes = [self.hidden, &[shape.len()]].concat();
        let layers = [vec![Flatten.into()], mlp_layers(&sizes, Activation::Relu)].concat();
        let loss = Loss::Reconstruction(SIGMOID_SQUARES);
        let network = Network::new(shape, layers, loss).with_weights(Initializer::SonnetDefault);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}

impl FixedModel for MlpVae {
    const GROUP: Group = group("fixed_mlp_vae");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let Self { images, encoder, latent, decoder } = self;
        let (encoder, decoder) = (join(encoder), join(decoder));
        format!("variational autoencoder {encoder} to {latent} to {decoder}, {}", images.summary())
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.images.examples(true);
        let shape = examples.input()?.shape();
        let encoder = [self.encoder, &[2 * self.latent]].concat();
        let decoder = [self.decoder, &[2 * shape.len()]].concat();
        let layers = [
            vec![Flatten.into()],
            mlp_layers(&encoder, Activation::Relu),
            vec![Latent.into()],
            mlp_layers(&decoder, Activation::Relu),
        ];
        let loss = Loss::GaussianLikelihood(PIXEL_LIKELIHOOD);
        let network = Network::new(shape, layers.concat(), loss).with_weights(Initializer::SonnetDefault);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}
