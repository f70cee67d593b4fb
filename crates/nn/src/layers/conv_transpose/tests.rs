//! Tests of transposed convolutions: small cases by hand, every shape against finite differences and candle.

use super::*;
use crate::testing::{check, check_layers, outputs};
use crate::{
    Activation, Backend, Conv, Dense, Distance, Flatten, GaussianLikelihood, Latent, Layer, Loss, Network,
    Output, Reconstruction, Reduction, SpatialPool, SplitChannels, Unflatten,
};
use proptest::prelude::*;

fn transpose(outputs: usize, kernel: usize, stride: usize) -> ConvTranspose {
    ConvTranspose { outputs, kernel, stride, bias: true }
}

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape::Image { height, width, channels }
}

#[test]
fn gradients_with_every_activation() {
    for activation in Activation::ALL {
        let layers: Vec<Layer> = vec![
            transpose(5, 3, 2).into(),
            activation.into(),
            ConvTranspose { bias: false, ..transpose(3, 2, 1) }.into(),
            activation.into(),
            Flatten.into(),
            Dense { outputs: 3 }.into(),
        ];
        check_layers(image(3, 4, 2), layers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]
    #[test]
    fn gradients_of_every_shape(
        size in [1usize..4, 1usize..4], channels in prop::array::uniform3(1usize..20), kernels in [1usize..6, 1usize..6],
        strides in [1usize..4, 1usize..3], bias: bool, rows in 1usize..4,
        activation in prop::sample::select(&[Activation::Tanh, Activation::Cos][..]),
    ) {
        let mut layers: Vec<Layer> = Vec::new();
        for i in 0..2 {
            let layer = ConvTranspose { bias, ..transpose(channels[i + 1], kernels[i], strides[i]) };
            layers.extend([layer.into(), activation.into()]);
        }
        layers.extend([SpatialPool::SquaredMean.into(), Dense { outputs: 3 }.into()]);
        check(&Network::new(image(size[0], size[1], channels[0]), layers, Loss::SoftmaxCrossEntropy), rows);
    }
}

#[test]
fn several_blocks_of_images_are_one_sum() {
    let layers = vec![
        transpose(9, 3, 2).into(),
        Activation::Swish.into(),
        SpatialPool::SquaredMean.into(),
        Dense { outputs: 3 }.into(),
    ];
    let network = Network::new(image(14, 14, 4), layers, Loss::SoftmaxCrossEntropy);
    let images = conv::BLOCK / (14 * 14 * (4 + 4 * 9));
    check(&network, images + 3);
}

fn run(layer: impl Into<Layer>, input: Shape, x: &[f64], params: &[f64]) -> Vec<f64> {
    outputs(Backend::portable(), layer, None, input, x, params)
}

/// What is where: `y[2i + k] += x[i] w[k]` in each direction, without a shift.
#[test]
fn known_values() {
    let check = |found: Vec<f64>, expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    };
    let bare = |kernel, stride| ConvTranspose { bias: false, ..transpose(1, kernel, stride) };
    let w: Vec<f64> = (0..9).map(|i| 10f64.powi(i)).collect();
    // One pixel becomes the first 2 × 2 taps.
    check(run(bare(3, 2), image(1, 1, 1), &[3.0], &w), &[3.0, 30.0, 3000.0, 30_000.0]);
    let row = [1.0, 10.0, 102.0, 20.0, 203.0, 30.0];
    let found = run(bare(3, 2), image(1, 3, 1), &[1.0, 2.0, 3.0], &w);
    check(found[..6].to_vec(), &row);
    // With stride 1, one zero before: the middle tap stays.
    check(run(bare(3, 1), image(1, 1, 1), &[2.0], &w), &[20_000.0]);
    // A stride beyond the kernel leaves pixels that only have the bias.
    check(run(transpose(1, 1, 2), image(1, 1, 1), &[2.0], &[10.0, 0.5]), &[20.5, 0.5, 0.5, 0.5]);
    // Channels: one pixel, two inputs, two outputs; the kernel is [outputs, inputs].
    check(
        run(
            ConvTranspose { bias: false, ..transpose(2, 1, 1) },
            image(1, 1, 2),
            &[10.0, 1.0],
            &[1.0, 2.0, 3.0, 4.0],
        ),
        &[12.0, 34.0],
    );
}

/// The scalar product of a transposed convolution's output with an image is that of its input with the convolution of
/// the image by the same kernel.
#[test]
fn it_is_the_adjoint_of_the_convolution() {
    for (size, kernel, stride) in [(4, 3, 2), (5, 3, 2), (3, 4, 2), (3, 5, 3), (2, 2, 3)] {
        let (small, large) = (image(size, size, 3), image(stride * size, stride * size, 2));
        let mut stream = crate::testing::stream("adjoint");
        let mut random = |n: usize| (0..n).map(|_| stream.normal()).collect::<Vec<f64>>();
        let (x, y, w) = (random(small.len()), random(large.len()), random(kernel * kernel * 6));
        let there = run(ConvTranspose { bias: false, ..transpose(2, kernel, stride) }, small, &x, &w);
        let conv = Conv { outputs: 3, kernel, stride, padding: Padding::Same, bias: false };
        let back = run(conv, large, &y, &w);
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((product(&there, &y) - product(&x, &back)).abs() < 1e-10);
    }
}

fn encoder(widths: &[usize], features: usize) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for &outputs in widths {
        layers.push(Conv { outputs, kernel: 3, stride: 2, padding: Padding::Same, bias: true }.into());
        layers.push(Activation::Relu.into());
    }
    layers.extend([Flatten.into(), Dense { outputs: features }.into()]);
    layers
}

fn decoder([height, width, channels]: [usize; 3], widths: &[usize], outputs: usize) -> Vec<Layer> {
    let features = Dense { outputs: height * width * channels };
    let mut layers = vec![features.into(), Unflatten { height, width, channels }.into()];
    for &outputs in widths {
        layers.extend([transpose(outputs, 3, 2).into(), Activation::Relu.into()]);
    }
    layers.push(Conv { outputs, kernel: 1, stride: 1, padding: Padding::Same, bias: true }.into());
    layers
}

/// The network of `FixedImageConvAE_*`.
fn autoencoder(size: usize, channels: usize, encode: &[usize], latent: usize, decode: &[usize]) -> Network {
    let scale = size >> encode.len();
    let mut layers = encoder(encode, latent);
    layers.extend(decoder([scale, scale, 32], decode, channels));
    layers.push(Flatten.into());
    let loss =
        Reconstruction { output: Output::Sigmoid, distance: Distance::Squared, reduction: Reduction::Mean };
    Network::new(image(size, size, channels), layers, Loss::Reconstruction(loss))
}

/// The network of `FixedImageConvVAE_*`.
fn variational(size: usize, channels: usize, encode: &[usize], latent: usize, decode: &[usize]) -> Network {
    let scale = size >> encode.len();
    let mut layers = encoder(encode, 2 * latent);
    layers.push(Latent.into());
    layers.extend(decoder([scale, scale, 32], decode, 2 * channels));
    layers.push(SplitChannels.into());
    let loss = GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) };
    Network::new(image(size, size, channels), layers, Loss::GaussianLikelihood(loss))
}

#[test]
fn gradients_of_whole_autoencoders() {
    check(&autoencoder(8, 1, &[3, 4], 5, &[4, 3]), 3);
    check(&variational(8, 2, &[3, 4], 5, &[4, 3]), 3);
}

/// Parameter counts of fixed tasks.
#[test]
fn sizes_of_autoencoders() {
    assert_eq!(autoencoder(28, 1, &[32, 32], 32, &[32, 32]).parameter_count(), 130_049);
    assert_eq!(autoencoder(28, 1, &[32, 64], 32, &[64, 64]).parameter_count(), 226_433);
    assert_eq!(variational(32, 3, &[32, 64], 128, &[64, 32]).parameter_count(), 1_369_574);
    assert_eq!(variational(32, 3, &[32, 64, 128], 64, &[128, 64, 32]).parameter_count(), 518_246);
}

/// Encoder and decoder count by themselves, and outputs are where the transposed kernels have them.
#[test]
fn roles_and_costs() {
    let network = variational(8, 1, &[3, 4], 5, &[6, 7]);
    let kernels = network.parameters().into_iter().filter(Parameter::is_weights);
    let found: Vec<String> =
        kernels.map(|p| format!("{} {} {:?} {}", p.name, p.role, p.shape, p.output_axis)).collect();
    let expected = [
        "layer0/w first kernel [3, 3, 1, 3] 3",
        "layer1/w hidden kernel [3, 3, 3, 4] 3",
        "layer2/w last dense [16, 10] 1",
        "layer3/w first dense [5, 128] 1",
        "layer4/w hidden kernel [3, 3, 6, 32] 2",
        "layer5/w hidden kernel [3, 3, 7, 6] 2",
        "layer6/w last kernel [1, 1, 7, 2] 3",
    ];
    assert_eq!(found, expected);
    // From 4 × 4 × 6 to 8 × 8 × 7: each input pixel meets each number of the kernel.
    let macs = ConvTranspose { bias: true, ..transpose(7, 3, 2) }.macs(image(4, 4, 6));
    assert!((macs - f64::from(4 * 4 * 9 * 6 * 7)).abs() < 0.5);
    // Nothing is stored for the image that the decoder's first vector is read as.
    let layers = decoder([2, 2, 32], &[], 1);
    let network = Network::new(Shape::Features(5), layers, Loss::SoftmaxCrossEntropy);
    assert_eq!(network.values_per_row(), 5 + 128 + 4);
}

/// Weights start with the deviation that the number of inputs gives, not that of outputs.
#[test]
fn fans_of_initial_weights() {
    let layers = vec![transpose(2, 3, 2).into(), Flatten.into()];
    let network = Network::new(image(2, 2, 50), layers, Loss::StandardNormal)
        .with_weights(crate::Initializer::SonnetDefault);
    let mut params = vec![0.0; network.parameter_count()];
    network.init(&mut params, &mut crate::testing::stream("fans"));
    let largest = params.iter().fold(0.0, |a: f64, x: &f64| a.max(x.abs()));
    let bound = 2.0 / (9.0 * 50.0f64).sqrt();
    assert!(largest <= bound && largest > 0.95 * bound, "{largest} {bound}");
}

#[test]
fn what_does_not_fit_is_named() {
    let check = |layer: ConvTranspose, input: Shape, expected: &str| {
        assert_eq!(layer.output(input).unwrap_err(), expected);
    };
    check(transpose(4, 3, 2), Shape::Features(9), "takes images, not 9 features");
    check(
        transpose(4, 3, 0),
        image(2, 5, 1),
        "a transposed 3x3 convolution with stride 0 does not fit 2x5x1 images",
    );
    assert!(transpose(1 << 30, 3, 1).output(image(5, 5, 1)).unwrap_err().contains("too large"));
    assert!(transpose(1, 3, usize::MAX).output(image(5, 5, 1)).is_err());
    assert_eq!(transpose(4, 3, 2).output(image(5, 6, 1)), Ok(image(10, 12, 4)));
}
