//! Tests of convolutions: small cases by hand, every shape against finite differences and candle.

use super::*;
use crate::testing::{check, check_layers, started};
use crate::{Backend, Dense, Flatten, Layer, Loss, Network, Plan, SpatialPool};
use proptest::prelude::*;

fn conv(outputs: usize, kernel: usize, stride: usize, padding: Padding) -> Conv {
    Conv { outputs, kernel, stride, padding, bias: true }
}

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape::Image { height, width, channels }
}

#[test]
fn gradients_with_every_activation() {
    for activation in Activation::ALL {
        let layers: Vec<Layer> = vec![
            conv(5, 3, 1, Padding::Same).into(),
            activation.into(),
            Conv { bias: false, ..conv(6, 3, 2, Padding::Valid) }.into(),
            activation.into(),
            Flatten.into(),
            Dense { outputs: 3 }.into(),
        ];
        check_layers(image(7, 8, 2), layers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]
    #[test]
    fn gradients_of_every_shape(
        size in [1usize..9, 1usize..9], channels in prop::array::uniform3(1usize..20), kernels in [1usize..6, 1usize..6],
        strides in [1usize..4, 1usize..4], same in prop::array::uniform2(any::<bool>()), bias: bool,
        rows in 1usize..6, activation in prop::sample::select(&[Activation::Tanh, Activation::Cos][..]),
    ) {
        let mut shape = image(size[0], size[1], channels[0]);
        let mut layers: Vec<Layer> = Vec::new();
        for i in 0..2 {
            let padding = if same[i] { Padding::Same } else { Padding::Valid };
            let layer = Conv { bias, ..conv(channels[i + 1], kernels[i], strides[i], padding) };
            match layer.output(shape) {
                Ok(output) => shape = output,
                Err(_) => continue,
            }
            layers.extend([layer.into(), activation.into()]);
        }
        layers.extend([Flatten.into(), Dense { outputs: 3 }.into()]);
        check(&Network::new(image(size[0], size[1], channels[0]), layers, Loss::SoftmaxCrossEntropy), rows);
    }
}

#[test]
fn several_blocks_of_images_are_one_sum() {
    let (first, second) = (conv(9, 3, 1, Padding::Same), conv(4, 3, 2, Padding::Same));
    let layers = vec![
        first.into(),
        Activation::Swish.into(),
        second.into(),
        Activation::Relu.into(),
        SpatialPool::Mean.into(),
        Dense { outputs: 3 }.into(),
    ];
    let network = Network::new(image(24, 24, 2), layers, Loss::SoftmaxCrossEntropy);
    let images = BLOCK / (24 * 24 * 11);
    check(&network, images + 3);
}

/// The smallest cases by hand: what is where, and which side TensorFlow pads.
#[test]
fn known_values() {
    let run = |layer: Conv, x: &[f64], input: Shape, w: &[f64]| -> Vec<f64> {
        let planning = Planning { input, rows: 1, activation: None, tokens: None, unused_steps: 0 };
        let mut step = layer.step::<f64>(planning).unwrap();
        let mut y = vec![f64::NAN; layer.output(input).unwrap().len()];
        let pass = Pass {
            backend: Backend::portable(),
            rows: 1,
            keep: true,
            params: w,
            input: &[],
            tokens: &[],
            labels: &[],
            scratch: &mut crate::kernels::Scratch::default(),
        };
        step.forward(pass, x, &mut y);
        y
    };
    let check = |found: Vec<f64>, expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    };
    let bare = |kernel, stride, padding| Conv { bias: false, ..conv(1, kernel, stride, padding) };
    let x: Vec<f64> = (1..=16).map(f64::from).collect();
    let w: Vec<f64> = (0..9).map(|i| 10f64.powi(i)).collect();
    // A tap's digit says which pixel it met; stride 2 on an even size has zeros only below and on the right.
    let small = [1.0, 2.0, 3.0, 4.0];
    check(run(bare(3, 2, Padding::Same), &small, image(2, 2, 1), &w), &[43_021.0]);
    check(run(bare(3, 1, Padding::Same), &[5.0], image(1, 1, 1), &w), &[50_000.0]);
    let ones = [1.0; 9];
    check(run(bare(3, 1, Padding::Valid), &x, image(4, 4, 1), &ones), &[54.0, 63.0, 90.0, 99.0]);
    check(run(bare(3, 2, Padding::Same), &x, image(4, 4, 1), &ones), &[54.0, 45.0, 72.0, 54.0]);
    // Channels: one pixel, two inputs, two outputs.
    let kernel = [1.0, 2.0, 3.0, 4.0];
    let two = Conv { outputs: 2, ..bare(1, 1, Padding::Valid) };
    check(run(two, &[10.0, 1.0], image(1, 1, 2), &kernel), &[13.0, 24.0]);
}

#[test]
fn an_image_does_not_depend_on_its_company() {
    let layers = vec![conv(7, 3, 2, Padding::Same).into(), Flatten.into()];
    let network = Network::new(image(9, 9, 3), layers, Loss::SoftmaxCrossEntropy);
    for backend in Backend::available() {
        let (mut all, params) = started::<f32>(&network, 6, backend);
        let (pixels, label) = (all.input_mut()[5 * 243..].to_vec(), all.labels_mut()[5]);
        let mut one = Plan::<f32>::with_backend(&network, 1, backend).unwrap();
        one.input_mut().copy_from_slice(&pixels);
        one.labels_mut()[0] = label;
        for row in 0..6 {
            all.input_mut()[row * 243..][..243].copy_from_slice(&pixels);
            all.labels_mut()[row] = label;
        }
        // Equal losses of all rows: their sum and their mean round to nearly nothing.
        assert!((one.loss(&params) - all.loss(&params)).abs() < 1e-12);
    }
}

#[test]
fn a_weight_that_is_nan_reaches_every_gradient_behind_it() {
    let layers = vec![
        conv(4, 3, 1, Padding::Same).into(),
        Activation::Relu.into(),
        SpatialPool::Max.into(),
        Dense { outputs: 3 }.into(),
    ];
    let network = Network::new(image(6, 6, 2), layers, Loss::SoftmaxCrossEntropy);
    for backend in Backend::available() {
        let (mut plan, mut params) = started::<f32>(&network, 4, backend);
        params[5] = f32::NAN;
        let mut gradients = params.clone();
        assert!(plan.loss_and_gradients(&params, &mut gradients).is_nan());
        assert!(gradients.iter().all(|g| g.is_nan()));
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let check = |layer: Conv, input: Shape, expected: &str| {
        assert_eq!(layer.output(input).unwrap_err(), expected);
    };
    let valid = conv(4, 3, 2, Padding::Valid);
    check(
        valid,
        image(2, 5, 1),
        "a 3x3 convolution with stride 2 and Valid padding does not fit 2x5x1 images",
    );
    check(valid, Shape::Features(9), "takes images, not 9 features");
    assert!(conv(4, 3, 0, Padding::Same).output(image(5, 5, 1)).is_err());
    assert!(conv(1 << 30, 3, 1, Padding::Same).output(image(5, 5, 1)).unwrap_err().contains("too large"));
    assert_eq!(conv(4, 3, 2, Padding::Same).output(image(5, 6, 1)), Ok(image(3, 3, 4)));
}
