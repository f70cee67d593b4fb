//! Convolutional autoencoders and variational autoencoders of images (paper G.3).

use taskset_nn::{
    Activation, Conv, ConvTranspose, Dense, Flatten, Initializer, Latent, Layer, Loss, Network, Padding,
    SplitChannels, Unflatten,
};

use super::{FixedModel, Images, SIGMOID_SQUARES, group, join};
use crate::models::PIXEL_LIKELIHOOD;
use crate::models::image_batches::InputShape;
use crate::spec::{Body, Examples, Group, Infeasible};

/// Convolutions 3×3 of stride 2 with relu to a code, and transposed convolutions back; the loss is the mean over pixels,
/// channels and minibatch of `(x − sigmoid(output))²`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvAe {
    /// The images, in `[0, 1]`.
    pub images: Images,
    /// Channels behind each convolution.
    pub encoder: &'static [usize],
    /// Numbers of the code.
    pub latent: usize,
    /// Channels behind each transposed convolution.
    pub decoder: &'static [usize],
}

/// The same with a random code, and a mean and a log deviation for every output, clipped to ±10; the loss is minus the
/// evidence lower bound (nats per image).
///
/// Pixels lie in `[-1, 1]`, so that a byte is 2/255 wide, but noise and constant of the dequantisation are those of 1/255,
/// as upstream's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvVae {
    /// The images.
    pub images: Images,
    /// Channels behind each convolution.
    pub encoder: &'static [usize],
    /// Latent variables.
    pub latent: usize,
    /// Channels behind each transposed convolution.
    pub decoder: &'static [usize],
}

/// Channels that the decoders begin with.
const DECODER_CHANNELS: usize = 32;

/// From the image to a vector of `code` numbers.
fn encoder(widths: &[usize], code: usize) -> Vec<Layer> {
    let mut layers = Vec::new();
    for &outputs in widths {
        layers.push(Conv { outputs, kernel: 3, stride: 2, padding: Padding::Same, bias: true }.into());
        layers.push(Activation::Relu.into());
    }
    layers.extend([Flatten.into(), Dense { outputs: code }.into()]);
    layers
}

/// From a code to an image of the input's size with so many maps. Every transposed convolution doubles height and width.
fn decoder(widths: &[usize], input: InputShape, maps: usize) -> Result<Vec<Layer>, Infeasible> {
    let scale = 1 << widths.len();
    if !input.height.is_multiple_of(scale) || !input.width.is_multiple_of(scale) {
        let InputShape { height, width, .. } = input;
        return Err(Infeasible(format!("an image of {height}x{width} is not {scale} times a smaller one")));
    }
    let (height, width) = (input.height / scale, input.width / scale);
    let mut layers: Vec<Layer> = vec![
        Dense { outputs: height * width * DECODER_CHANNELS }.into(),
        Unflatten { height, width, channels: DECODER_CHANNELS }.into(),
    ];
    for &outputs in widths {
        layers.push(ConvTranspose { outputs, kernel: 3, stride: 2, bias: true }.into());
        layers.push(Activation::Relu.into());
    }
    layers.push(Conv { outputs: maps, kernel: 1, stride: 1, padding: Padding::Same, bias: true }.into());
    Ok(layers)
}

impl FixedModel for ConvAe {
    const GROUP: Group = group("fixed_conv_ae");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let Self { images, encoder, latent, decoder } = self;
        format!("conv autoencoder {} to {latent} to {}, {}", join(encoder), join(decoder), images.summary())
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.images.examples(false);
        let input = examples.input()?;
        let layers = [
            encoder(self.encoder, self.latent),
            decoder(self.decoder, input, input.channels)?,
            vec![Flatten.into()],
        ];
        let loss = Loss::Reconstruction(SIGMOID_SQUARES);
        let network =
            Network::new(input.shape(), layers.concat(), loss).with_weights(Initializer::SonnetDefault);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}

impl FixedModel for ConvVae {
    const GROUP: Group = group("fixed_conv_vae");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let Self { images, encoder, latent, decoder } = self;
        let (encoder, decoder) = (join(encoder), join(decoder));
        format!("conv variational autoencoder {encoder} to {latent} to {decoder}, {}", images.summary())
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.images.examples(true);
        let input = examples.input()?;
        let layers = [
            encoder(self.encoder, 2 * self.latent),
            vec![Latent.into()],
            decoder(self.decoder, input, 2 * input.channels)?,
            vec![SplitChannels.into()],
        ];
        let loss = Loss::GaussianLikelihood(PIXEL_LIKELIHOOD);
        let network =
            Network::new(input.shape(), layers.concat(), loss).with_weights(Initializer::SonnetDefault);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}
