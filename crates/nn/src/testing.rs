//! What every test of layers and losses checks: plan against finite differences, against all kernels, against candle.

use taskset_rng::{Stream, StreamId};

use crate::kernels::Scratch;
use crate::step::{Pass, Planning};
use crate::{Activation, Backend, Layer, Loss, NO_LABEL, Network, Plan, Scalar, Shape};

pub(crate) fn stream(label: &str) -> Stream {
    StreamId::root("plan-tests").child(label).stream()
}

/// A plan with a random batch, and random parameters with non-zero biases. Where rows have several labels, a quarter of the
/// positions have none.
pub(crate) fn started<T: Scalar>(network: &Network, rows: usize, backend: Backend) -> (Plan<T>, Vec<T>) {
    let mut plan = Plan::with_backend(network, rows, backend).unwrap();
    let mut s = stream("batch");
    let per_step = matches!(network.loss, Loss::SequenceCrossEntropy { .. });
    let classes = match *network.shapes().unwrap().last().unwrap() {
        Shape::Sequence { width, .. } if per_step => width as u64,
        shape => shape.len().max(1) as u64,
    };
    let batch = plan.batch_mut();
    batch.features.iter_mut().for_each(|x| *x = T::of(s.normal()));
    if let Shape::Tokens { vocabulary, .. } = network.input {
        batch.tokens.iter_mut().for_each(|t| *t = s.below(vocabulary as u64) as u16);
    }
    batch.labels.iter_mut().for_each(|y| *y = s.below(classes) as u16);
    if per_step {
        // The first label stays: the loss of a minibatch without labels is not a number.
        batch.labels.iter_mut().skip(1).for_each(|y| *y = if s.bernoulli(0.25) { NO_LABEL } else { *y });
    }
    plan.draw_noise(0..rows, &mut s);
    let mut params = vec![T::zero(); network.parameter_count()];
    network.init(&mut params, &mut stream("init"));
    let mut s = stream("shift");
    params.iter_mut().for_each(|p| *p = *p + T::of(0.1 * s.normal()));
    (plan, params)
}

/// What the planned step of a layer alone computes from rows of inputs, with the activation behind it if that is given.
pub(crate) fn outputs<T: Scalar>(
    backend: Backend,
    layer: impl Into<Layer>,
    activation: Option<Activation>,
    input: Shape,
    x: &[T],
    params: &[T],
) -> Vec<T> {
    let (layer, rows) = (layer.into(), x.len() / input.len());
    let mut step = layer.step(Planning { input, rows, activation, tokens: None, unused_steps: 0 }).unwrap();
    let mut y = vec![T::nan(); rows * layer.output(input).unwrap().len()];
    let scratch = &mut Scratch::default();
    let pass = Pass { backend, rows, keep: true, params, input: &[], tokens: &[], labels: &[], scratch };
    step.forward(pass, x, &mut y);
    y
}

/// [`check`] of a classifier with these layers, on a few rows.
pub(crate) fn check_layers(input: Shape, layers: Vec<Layer>) {
    check(&Network::new(input, layers, Loss::SoftmaxCrossEntropy), 6);
}

/// Gradients against central differences in f64; f32 on every backend against f64; both against candle.
pub(crate) fn check(network: &Network, rows: usize) {
    let (mut plan, params) = started::<f64>(network, rows, Backend::portable());
    let mut gradients = vec![f64::NAN; params.len()];
    let loss = plan.loss_and_gradients(&params, &mut gradients);
    assert!((loss - plan.loss(&params)).abs() < 1e-13 * loss.abs().max(1.0));
    let norm = norm(&gradients);
    let step = (params.len() / 60).max(1);
    for i in (0..params.len()).step_by(step) {
        let h = 1e-6;
        let mut at = |by: f64| {
            let mut params = params.clone();
            params[i] += by;
            plan.loss(&params)
        };
        let difference = (at(h) - at(-h)) / (2.0 * h);
        let error = (gradients[i] - difference).abs();
        let rounding = 1e-9 * loss.abs();
        assert!(
            error <= 1e-5 * difference.abs() + 1e-7 * norm + rounding,
            "{i}: {} {difference}",
            gradients[i]
        );
    }
    #[cfg(feature = "candle")]
    against_candle(network, &mut plan, &params, 1e-10);
    for backend in Backend::available() {
        let (mut plan, params) = started::<f32>(network, rows, backend);
        let mut single = vec![f32::NAN; params.len()];
        let loss32 = plan.loss_and_gradients(&params, &mut single);
        assert!((loss32 - loss).abs() < 1e-5 * loss.abs().max(1.0), "{} {loss32} {loss}", backend.name());
        let wide: Vec<f64> = single.iter().map(|&g| f64::from(g)).collect();
        let distance = distance(&wide, &gradients);
        assert!(distance <= 1e-5 * norm, "{} {distance:e} {norm:e}", backend.name());
        let mut again = vec![f32::NAN; params.len()];
        assert_eq!(plan.loss_and_gradients(&params, &mut again).to_bits(), loss32.to_bits());
        assert!(single.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
        #[cfg(feature = "candle")]
        against_candle(network, &mut plan, &params, 1e-5);
    }
}

/// Loss and gradient of the plan against the reference, relative to their size.
#[cfg(feature = "candle")]
pub(crate) fn against_candle<T: Scalar + candle_core::WithDType>(
    network: &Network,
    plan: &mut Plan<T>,
    params: &[T],
    bound: f64,
) {
    let mut gradients = params.to_vec();
    let loss = plan.loss_and_gradients(params, &mut gradients);
    let var = candle_core::Var::from_slice(params, params.len(), &candle_core::Device::Cpu).unwrap();
    let reference = crate::reference::loss(network, &var, &plan.reference_batch().unwrap()).unwrap();
    let expected = reference.to_dtype(candle_core::DType::F64).unwrap().to_scalar::<f64>().unwrap();
    assert!((loss - expected).abs() <= bound * expected.abs().max(1.0), "loss {loss}, candle {expected}");
    let store = reference.backward().unwrap();
    let Some(found) = store.get(&var) else { panic!("candle has no gradient") };
    let expected: Vec<f64> = found.to_dtype(candle_core::DType::F64).unwrap().to_vec1().unwrap();
    let gradients: Vec<f64> = gradients.iter().map(|g| g.wide()).collect();
    let error = distance(&gradients, &expected);
    assert!(
        error <= bound * norm(&expected) + 1e-15,
        "gradients differ by {error:e} of {:e}",
        norm(&expected)
    );
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// The integral over the plane of the density `exp(−loss)` of a flow of two features, at random parameters.
pub(crate) fn density_integral(network: &Network, change: impl Fn(&mut [f64])) -> f64 {
    let (mut plan, mut params) = started::<f64>(network, 1, Backend::portable());
    change(&mut params);
    let (half, step) = (15.0, 0.1);
    let points = (2.0 * half / step) as usize;
    let at = |i: usize| step * i as f64 - half;
    let mut sum = 0.0;
    for i in 0..points {
        for j in 0..points {
            plan.input_mut().copy_from_slice(&[at(i), at(j)]);
            sum += (-plan.loss(&params)).exp();
        }
    }
    sum * step * step
}
