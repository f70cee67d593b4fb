//! Tests of batch norm: gradients, statistics, and what depends on the minibatch.

use super::*;
use crate::testing::{check, outputs, started};
use crate::{Backend, Conv, Dense, Flatten, Layer, Loss, Network, Padding, Plan, SpatialPool};
use proptest::prelude::*;

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape::Image { height, width, channels }
}

fn conv(outputs: usize) -> Layer {
    Conv { outputs, kernel: 3, stride: 1, padding: Padding::Same, bias: true }.into()
}

/// A convolution, a norm, an activation, both again, and a classifier.
fn network(input: Shape, channels: usize, activation: Activation) -> Network {
    let layers = vec![
        conv(channels),
        BatchNorm.into(),
        activation.into(),
        BatchNorm.into(),
        activation.into(),
        SpatialPool::Mean.into(),
        Dense { outputs: 3 }.into(),
    ];
    Network::new(input, layers, Loss::SoftmaxCrossEntropy)
}

#[test]
fn gradients_with_every_activation() {
    for activation in Activation::ALL {
        check(&network(image(5, 4, 2), 7, activation), 6);
    }
    let layers = vec![conv(5), BatchNorm.into(), Flatten.into(), Dense { outputs: 3 }.into()];
    check(&Network::new(image(3, 5, 2), layers, Loss::SoftmaxCrossEntropy), 4);
    // A norm that reads the input, and vectors.
    let layers = vec![BatchNorm.into(), Activation::Swish.into(), Dense { outputs: 3 }.into()];
    check(&Network::new(Shape::Features(9), layers, Loss::SoftmaxCrossEntropy), 8);
    let layers = vec![Dense { outputs: 9 }.into(), BatchNorm.into(), Dense { outputs: 3 }.into()];
    check(&Network::new(Shape::Features(4), layers, Loss::SoftmaxCrossEntropy), 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]
    #[test]
    fn gradients_of_every_shape(
        size in [1usize..9, 1usize..9], inputs in 1usize..4,
        channels in prop::sample::select(&[1, 2, 3, 16, 20, 64, 100, 257, 300][..]), rows in 1usize..4,
        activation in prop::sample::select(&[Activation::Tanh, Activation::Cos, Activation::Swish][..]),
    ) {
        // A few pixels may vary so little that the norm magnifies the rounding of f32 beyond the tolerance.
        let rows = rows + 24 / (size[0] * size[1]);
        check(&network(image(size[0], size[1], inputs), channels, activation), rows);
    }
}

/// The values behind a norm alone, with the activation.
fn values<T: Scalar>(
    backend: Backend,
    input: Shape,
    x: &[T],
    beta: &[T],
    activation: Option<Activation>,
) -> Vec<T> {
    outputs(backend, BatchNorm, activation, input, x, beta)
}

#[test]
fn known_values() {
    // Channel 0 has mean 2.5 and variance 1.25, channel 1 is constant.
    let x = [1.0, 7.0, 2.0, 7.0, 3.0, 7.0, 4.0, 7.0];
    let y = values(Backend::portable(), image(1, 2, 2), &x, &[0.5, -1.0], None);
    let s = 1.0 / (1.25f64 + 1e-3).sqrt();
    let expected = [-1.5 * s + 0.5, -1.0, -0.5 * s + 0.5, -1.0, 0.5 * s + 0.5, -1.0, 1.5 * s + 0.5, -1.0];
    assert!(y.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14), "{y:?}");
    let y = values(Backend::portable(), image(1, 2, 2), &x, &[0.5, -1.0], Some(Activation::Relu));
    assert!(y.iter().zip(&expected).all(|(a, b)| (a - b.max(0.0)).abs() < 1e-14), "{y:?}");
}

/// One pixel has no variance: the values are β, and nothing before the norm gets a gradient.
#[test]
fn one_row_of_one_pixel() {
    let network = network(image(1, 1, 2), 4, Activation::Tanh);
    for backend in Backend::available() {
        let (mut plan, params) = started::<f32>(&network, 1, backend);
        let mut gradients = vec![f32::NAN; params.len()];
        assert!(plan.loss_and_gradients(&params, &mut gradients).is_finite());
        let before = &gradients[..9 * 2 * 4 + 4];
        assert!(before.iter().all(|g| g.abs() < 1e-6), "{before:?}");
    }
    check(&network, 1);
}

/// Far from 0, where the mean of the squares minus the square of the mean would lose everything.
#[test]
fn statistics_far_from_zero() {
    let (input, channels) = (image(16, 16, 24), 24);
    let mut stream = crate::testing::stream("far");
    let x: Vec<f64> =
        (0..64 * input.len()).map(|_| 300.0 + stream.normal()).map(|x| f64::from(x as f32)).collect();
    let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let exact = values(Backend::portable(), input, &x, &vec![0.0; channels], None);
    for backend in Backend::available() {
        let y = values(backend, input, &single, &vec![0.0; channels], None);
        // The mean is rounded by up to 1.5e-5.
        assert!(y.iter().zip(&exact).all(|(&y, exact)| (f64::from(y) - exact).abs() < 2e-5));
    }
}

#[test]
fn rows_depend_on_their_minibatch() {
    let network = network(image(3, 3, 2), 4, Activation::Relu);
    assert!(!network.minibatches_may_be_fused());
    let (mut all, params) = started::<f64>(&network, 6, Backend::portable());
    let mut halves = 0.0;
    for half in [0..3, 3..6] {
        let rows = all.batch_mut().rows(half);
        // A larger plan of which only some rows are in use.
        let mut plan = Plan::<f64>::with_backend(&network, 5, Backend::portable()).unwrap();
        plan.set_rows(3);
        plan.input_mut().copy_from_slice(rows.features);
        plan.labels_mut().copy_from_slice(rows.labels);
        let mut exact = Plan::<f64>::with_backend(&network, 3, Backend::portable()).unwrap();
        exact.input_mut().copy_from_slice(rows.features);
        exact.labels_mut().copy_from_slice(rows.labels);
        assert_eq!(plan.loss(&params).to_bits(), exact.loss(&params).to_bits());
        halves += 0.5 * plan.loss(&params);
    }
    assert!((halves - all.loss(&params)).abs() > 1e-6, "the statistics are not those of the minibatch");
}

#[test]
fn diverged_values_reach_their_channel() {
    for backend in Backend::available() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut x: Vec<f32> = (0..48).map(|i| i as f32).collect();
            x[13] = bad;
            for activation in [None, Some(Activation::Relu), Some(Activation::Swish)] {
                let y = values(backend, image(2, 2, 3), &x, &[0.0; 3], activation);
                assert!(y.iter().enumerate().all(|(i, y)| y.is_nan() == (i % 3 == 1)), "{activation:?}");
            }
        }
    }
}

#[test]
fn sequences_are_refused() {
    let sequence = Shape::Sequence { length: 2, width: 3 };
    let message = "takes images or one vector per row, not 2 steps of 3 features";
    assert_eq!(BatchNorm.output(sequence).unwrap_err(), message);
    assert!(BatchNorm.output(image(2, 2, 0)).is_err());
    assert_eq!(BatchNorm.output(image(2, 3, 4)), Ok(image(2, 3, 4)));
}
