//! Parameter counts and costs of the fixed tasks, from the shapes of their models.

use super::{Between, FixedCore, FixedTask, Model};
use crate::families::size::{CoreKind, Size, conv3x3, dense};
use crate::models::image_batches::input_shape;

/// Channels that the decoders of the convolutional autoencoders begin with.
const DECODER_CHANNELS: usize = 32;
/// Text classification: rows of the embedding, of which only 8185 are used.
const TEXT_VOCABULARY: usize = 10_000;
/// Language models: byte tokens, width of the embedding, length of a slice.
const LANGUAGE_MODEL: (usize, usize, usize) = (256, 64, 128);

impl FixedCore {
    const fn kind(self) -> CoreKind {
        match self {
            Self::Vrnn | Self::VrnnRelu | Self::Irnn => CoreKind::Vrnn,
            Self::Gru => CoreKind::Gru,
            Self::Lstm => CoreKind::Lstm,
        }
    }
}

/// Size of a task's model on one example.
pub(super) fn size(task: &FixedTask) -> Size {
    // Only models of images ask for a shape, and the table gives all of them a set that exists (tested).
    let image = task.dataset.and_then(|name| input_shape(name).ok()).unwrap_or_default();
    let (side, channels, classes, pixels) = (image.height, image.channels, image.classes, image.len());
    let between = |first: usize, middle: &[usize], last: usize| {
        dense([first].into_iter().chain(middle.iter().copied()).chain([last]))
    };
    match task.model {
        Model::Sequence { core, hidden, vocabulary, steps } => {
            (core.kind().size(vocabulary, hidden) + dense([hidden, vocabulary])).unrolled(steps)
        }
        Model::ConvPooling { widths, between: norm, .. } => {
            let last = widths.last().copied().unwrap_or(channels);
            convolutions(channels, widths, |_| side / 2) + norms(widths, norm) + dense([last, classes])
        }
        Model::ConvFc { widths, fc, .. } => {
            let flat = (side / 2) * (side / 2) * widths.last().copied().unwrap_or(channels);
            convolutions(channels, widths, |_| side / 2) + between(flat, fc, classes)
        }
        Model::ConvAe { encoder, latent, decoder } => {
            autoencoder(side, channels, encoder, (latent, latent), decoder, channels)
        }
        Model::ConvVae { encoder, latent, decoder } => {
            autoencoder(side, channels, encoder, (2 * latent, latent), decoder, 2 * channels)
        }
        Model::LanguageModel { core, hidden } => {
            let (vocabulary, embedding, steps) = LANGUAGE_MODEL;
            let core = core.kind();
            Size::free((vocabulary * embedding) as u64 + core.state_len(hidden))
                + core.size(embedding, hidden).unrolled(steps)
                + dense([hidden, vocabulary]).unrolled(steps - 1)
        }
        Model::Maf { bijectors, hidden } => between(pixels, hidden, 2 * pixels) * bijectors,
        Model::Nvp { bijectors, hidden } => {
            between(pixels / 2, hidden, 2 * (pixels - pixels / 2)) * bijectors
        }
        Model::MlpAe { hidden } => between(pixels, hidden, pixels),
        Model::MlpVae { encoder, latent, decoder } => {
            between(pixels, encoder, 2 * latent) + between(latent, decoder, 2 * pixels)
        }
        Model::Mlp { hidden, between: norm, .. } => between(pixels, hidden, classes) + norms(hidden, norm),
        Model::TextClassification { core, hidden, embedding, steps, .. } => {
            let core = core.kind();
            Size::free((TEXT_VOCABULARY * embedding) as u64 + core.state_len(hidden))
                + core.size(embedding, hidden).unrolled(steps)
                + dense([hidden, 2])
        }
        Model::TwoD { .. } => Size { num_params: 2, macs: 50.0 },
    }
}

/// Convolutions with biases; `side` is the number of rows and columns behind a layer.
fn convolutions(inputs: usize, widths: &[usize], side: impl Fn(usize) -> usize) -> Size {
    let mut size = Size::default();
    let mut channels = inputs;
    for (layer, &filters) in widths.iter().enumerate() {
        size = size + conv3x3(channels, filters, true, side(layer) * side(layer));
        channels = filters;
    }
    size
}

/// Scales and offsets of what stands between the layers.
fn norms(widths: &[usize], between: Between) -> Size {
    let each = match between {
        Between::Nothing | Between::Dropout(_) => 0,
        Between::BatchNorm | Between::Offset => 1,
        Between::LayerNorm => 2,
    };
    Size::free(each * widths.iter().sum::<usize>() as u64)
}

/// Encoder of stride-2 convolutions, code (as it leaves the encoder, as it enters the decoder), decoder of transposed
/// convolutions, and a 1×1 convolution to the outputs of each pixel.
fn autoencoder(
    side: usize,
    channels: usize,
    encoder: &[usize],
    code: (usize, usize),
    decoder: &[usize],
    outputs: usize,
) -> Size {
    let small = side >> encoder.len();
    let last = encoder.last().copied().unwrap_or(channels);
    let narrow = decoder.last().copied().unwrap_or(DECODER_CHANNELS);
    let pixelwise = dense([narrow, outputs]);
    convolutions(channels, encoder, |layer| side >> (layer + 1))
        + dense([small * small * last, code.0])
        + dense([code.1, small * small * DECODER_CHANNELS])
        // A transposed convolution multiplies once for each position of its (smaller) input.
        + convolutions(DECODER_CHANNELS, decoder, |layer| small << layer)
        + Size { macs: pixelwise.macs * (side * side) as f64, ..pixelwise }
}
