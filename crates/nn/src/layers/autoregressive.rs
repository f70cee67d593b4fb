//! Bijectors of masked autoregressive flows.

use super::conditioner::{self, Conditioner, in_use};
use super::{LayerKind, one_vector};
use crate::kernels::{MatrixRef, Start};
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Parameter, Scalar, Shape};

/// A bijector of a masked autoregressive flow (Papamakarios et al. 2017) from data to latent: `[rows, n]` to `[rows, n]`,
///
/// `u = (v − shift(v)) exp(−log_scale(v))`.
///
/// Shift and log-scale are the interleaved outputs `2j` and `2j + 1` of a network of its own on all of `v`: dense layers
/// of the widths `hidden` with the activation, and a last one of `2n` outputs without. The log-scale is clipped to
/// `[−5, 3]` with a straight-through gradient. `Σ log_scale` is added to the loss; it is minus the log determinant if the
/// network is autoregressive.
///
/// Parameters: `dense<i>/w`, initialised as the network's weights, and `dense<i>/b`, zero. The kernels have the masks of
/// TensorFlow Probability 0.8 ([`BlockMask`](crate::BlockMask) with `n` blocks). As there, a mask applies to initial
/// values and to the projection of optimizers that project, never in a forward pass: with hidden layers narrower than
/// `n` the first kernel is dense and all others start at zero (QUIRK-21), and if an optimizer does not project, what
/// is learned is not a density.
///
/// Backward: with `e = exp(−log_scale)`, `∂shift = −e ∂u`, `∂log_scale = 1 / rows − u ∂u`, and `∂v` is `e ∂u` plus that
/// through the network.
///
/// Memory beside what lies between layers: for each row `2n` numbers, the hidden layers' outputs and, in training,
/// their gradients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoregressive {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Activation behind every hidden layer.
    pub activation: Activation,
}

impl Autoregressive {
    /// Features before, between and behind the dense layers.
    fn widths(&self, features: usize) -> Vec<usize> {
        [features].into_iter().chain(self.hidden.iter().copied()).chain([2 * features]).collect()
    }
}

impl LayerKind for Autoregressive {
    const HOLDS_NETWORK: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        match one_vector(input)? {
            0 => Err(format!("takes one feature at least, not {input}")),
            _ => Ok(input),
        }
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        conditioner::parameters(&self.widths(input.len()), Some(input.len()))
    }

    fn macs(&self, input: Shape) -> f64 {
        conditioner::macs(&self.widths(input.len()))
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let features = planning.input.len();
        let conditioner = Conditioner::new(&self.widths(features), self.activation);
        Some(Box::new(AutoregressiveStep::<T> { features, conditioner, net: Vec::new() }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        input: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let net = conditioner::reference(x, params, self.activation)?.reshape(((), input.len(), 2))?;
        let (shift, raw) = (net.narrow(2, 0, 1)?.squeeze(2)?, net.narrow(2, 1, 1)?.squeeze(2)?);
        let log_scale = (&raw + (raw.clamp(-5.0, 3.0)? - &raw)?.detach())?;
        let u = ((x - shift)? * log_scale.neg()?.exp()?)?;
        Ok((u, Some(log_scale.sum(1)?)))
    }
}

#[derive(Debug)]
struct AutoregressiveStep<T> {
    features: usize,
    conditioner: Conditioner<T>,
    /// Shifts and `exp(−log_scale)`, interleaved, then their gradients.
    net: Vec<T>,
}

impl<T: Scalar> Step<T> for AutoregressiveStep<T> {
    fn forward(&mut self, mut pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let net = in_use(&mut self.net, 2 * x.len());
        let v = MatrixRef::new(x, pass.rows, self.features);
        self.conditioner.forward(&mut pass, v, net);
        T::autoregress(pass.backend, self.features, x, net, y)
    }

    fn backward(
        &mut self,
        mut pass: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        mut dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        T::autoregress_backward(pass.backend, pass.per_row(), y, dy, &mut self.net, dx.as_deref_mut());
        let x = MatrixRef::new(x, pass.rows, self.features);
        let dx = dx.map(|dx| (Start::Accumulate, dx));
        self.conditioner.backward(&mut pass, x, &mut self.net, dx, gradients);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, density_integral, started, stream};
    use crate::{Backend, Dense, Initializer, Layer, Loss, Network, Permutation, Plan};
    use proptest::prelude::*;

    fn bijector(hidden: &[usize], activation: Activation) -> Layer {
        Autoregressive { hidden: hidden.to_vec(), activation }.into()
    }

    fn flow(features: usize, layers: Vec<Layer>) -> Network {
        Network::new(Shape::Features(features), layers, Loss::StandardNormal)
    }

    #[test]
    fn gradients_with_every_activation() {
        for activation in Activation::ALL {
            let one = bijector(&[6], activation);
            check(&flow(7, vec![one.clone(), Permutation((0..7).rev().collect()).into(), one]), 5);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn gradients_of_every_shape(
            inputs in 1usize..30, hidden in prop::collection::vec(1usize..40, 0..3), rows in 1usize..20,
            first in prop::sample::select(vec![None, Some(3usize), Some(24)]),
        ) {
            // Behind a layer with parameters the gradient with respect to the input is needed, too. Weights so small
            // that no log-scale is clipped: finite differences see the clipping.
            let first: Option<Layer> = first.map(|outputs| Dense { outputs }.into());
            let layers = first.into_iter().chain([bijector(&hidden, Activation::Tanh)]).collect();
            check(&flow(inputs, layers).with_weights(Initializer::RandomNormal { std: 0.02 }), rows);
        }
    }

    /// `(latent loss, gradient of the log-scale's bias)` of one feature with these biases.
    fn one(v: f64, shift: f64, log_scale: f64) -> (f64, f64) {
        let mut plan = Plan::<f64>::new(&flow(1, vec![bijector(&[], Activation::Relu)]), 1).unwrap();
        plan.input_mut()[0] = v;
        let mut gradients = [0.0; 4];
        let loss = plan.loss_and_gradients(&[0.0, 0.0, shift, log_scale], &mut gradients);
        (loss, gradients[3])
    }

    #[test]
    fn clipped_log_scales_pass_gradients() {
        for (raw, clipped) in [(-9.0, -5.0), (-5.0, -5.0), (0.5, 0.5), (3.0, 3.0), (7.0, 3.0f64)] {
            let u = (2.0 - 1.0) * (-clipped).exp();
            let (loss, gradient) = one(2.0, 1.0, raw);
            let expected = 0.5 * u * u + 0.5 * (2.0 * std::f64::consts::PI).ln() + clipped;
            assert!((loss - expected).abs() < 1e-12 * expected.abs(), "{raw}: {loss} {expected}");
            assert!((gradient - (1.0 - u * u)).abs() < 1e-11 * (u * u), "{raw}: {gradient}");
        }
        for raw in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(one(2.0, 1.0, raw).0.is_nan());
        }
    }

    fn masked(network: &Network) -> impl Fn(&mut [f64]) + use<> {
        let mask = network.constraint_mask::<f64>().unwrap();
        move |params: &mut [f64]| params.iter_mut().zip(&mask).for_each(|(p, m)| *p *= m)
    }

    #[test]
    fn masked_densities_integrate_to_one_and_others_do_not() {
        let layers = vec![
            bijector(&[8], Activation::Tanh),
            Permutation([1, 0].into()).into(),
            bijector(&[4], Activation::Tanh),
        ];
        let network = flow(2, layers);
        let integral = density_integral(&network, masked(&network));
        assert!((integral - 1.0).abs() < 1e-3, "{integral}");
        let wrong = density_integral(&network, |_| {});
        assert!((wrong - 1.0).abs() > 1e-2, "{wrong}");
    }

    #[test]
    fn narrow_networks_start_with_dense_first_kernels_and_nothing_behind() {
        let network = flow(9, vec![bijector(&[4, 5], Activation::Cos)]);
        let mut params = vec![f64::NAN; network.parameter_count()];
        network.init(&mut params, &mut stream("init"));
        let (first, rest) = params.split_at(9 * 4);
        assert!(first.iter().all(|&p| p != 0.0) && rest.iter().all(|&p| p == 0.0));
        let mask = network.constraint_mask::<f64>().unwrap();
        let biases = 4 + 5 + 18;
        assert!((mask.iter().sum::<f64>() - f64::from(9 * 4 + biases)).abs() < 1e-9);
        // The masks are not applied in a pass: masked kernels get gradients.
        let (mut plan, params) = started::<f64>(&network, 6, Backend::portable());
        let mut gradients = params.clone();
        plan.loss_and_gradients(&params, &mut gradients);
        assert!(gradients.iter().all(|&g| g != 0.0));
    }
}
