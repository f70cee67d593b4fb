//! Affine couplings of RealNVP flows.

use super::conditioner::{self, Conditioner, in_use};
use super::{LayerKind, one_vector};
use crate::kernels::{MatrixRef, Start};
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Parameter, Scalar, Shape};

/// An affine coupling (Dinh et al. 2017) from data to latent: `[rows, n]` to `[rows, n]`. The first `d = ⌊n / 2⌋`
/// features `a` stay as they are; of the others, `b`,
///
/// `b' = (b − shift(a)) exp(−log_scale(a))`,
///
/// where `[shift | log_scale]`, `2 (n − d)` numbers, are the outputs of a network of its own: dense layers of the widths
/// `hidden` with the activation, and a last one without. Minus the log determinant, `Σ log_scale`, is added to the loss.
/// Parameters: `dense<i>/w`, initialised as the network's weights (the last one, too), and `dense<i>/b`, zero.
///
/// Backward: `∂b = e ∂b'`, `∂shift = −e ∂b'`, `∂log_scale = 1 / rows − b' ∂b'` with `e = exp(−log_scale)`; `∂a` is that
/// of the copy plus that through the network.
///
/// Memory beside what lies between layers: for each row `2 (n − d)` numbers, the hidden layers' outputs and, once
/// trained, their gradients and `d` numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupling {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Activation behind every hidden layer.
    pub activation: Activation,
}

impl Coupling {
    /// Features before, between and behind the dense layers.
    fn widths(&self, features: usize) -> Vec<usize> {
        let d = features / 2;
        [d].into_iter().chain(self.hidden.iter().copied()).chain([2 * (features - d)]).collect()
    }
}

impl LayerKind for Coupling {
    const HOLDS_NETWORK: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        match one_vector(input)? {
            0 | 1 => Err(format!("couples two features at least, not {input}")),
            _ => Ok(input),
        }
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        conditioner::parameters(&self.widths(input.len()), None)
    }

    fn macs(&self, input: Shape) -> f64 {
        conditioner::macs(&self.widths(input.len()))
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let features = planning.input.len();
        Some(Box::new(CouplingStep::<T> {
            features,
            copied: features / 2,
            conditioner: Conditioner::new(&self.widths(features), self.activation),
            net: Vec::new(),
            d_copied: Vec::new(),
        }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        input: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let d = input.len() / 2;
        let o = input.len() - d;
        let a = x.narrow(1, 0, d)?.contiguous()?;
        let net = conditioner::reference(&a, params, self.activation)?;
        let (shift, log_scale) = (net.narrow(1, 0, o)?, net.narrow(1, o, o)?);
        let b = ((x.narrow(1, d, o)? - shift)? * log_scale.neg()?.exp()?)?;
        Ok((candle_core::Tensor::cat(&[&a, &b], 1)?, Some(log_scale.sum(1)?)))
    }
}

#[derive(Debug)]
struct CouplingStep<T> {
    features: usize,
    /// Features that stay as they are.
    copied: usize,
    conditioner: Conditioner<T>,
    /// Shifts and `exp(−log_scale)`, then their gradients.
    net: Vec<T>,
    /// Gradient through the network with respect to what is copied.
    d_copied: Vec<T>,
}

impl<T: Scalar> CouplingStep<T> {
    /// The copied features of all rows.
    fn copied<'a>(&self, x: &'a [T], rows: usize) -> MatrixRef<'a, T> {
        MatrixRef::strided(x, [rows, self.copied], [self.features, 1])
    }
}

impl<T: Scalar> Step<T> for CouplingStep<T> {
    fn forward(&mut self, mut pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let a = self.copied(x, pass.rows);
        let net = in_use(&mut self.net, 2 * pass.rows * (self.features - self.copied));
        self.conditioner.forward(&mut pass, a, net);
        T::couple(pass.backend, [self.features, self.copied], x, net, y)
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
        let (n, d) = (self.features, self.copied);
        T::couple_backward(pass.backend, [n, d], pass.per_row(), y, dy, &mut self.net, dx.as_deref_mut());
        let a = self.copied(x, pass.rows);
        let da = dx.is_some().then(|| in_use(&mut self.d_copied, pass.rows * d));
        self.conditioner.backward(&mut pass, a, &mut self.net, da.map(|da| (Start::Zero, da)), gradients);
        let Some(dx) = dx else { return };
        for ((dx, dy), da) in
            dx.chunks_exact_mut(n).zip(dy.chunks_exact(n)).zip(self.d_copied.chunks_exact(d))
        {
            for (dx, (&dy, &da)) in dx[..d].iter_mut().zip(dy.iter().zip(da)) {
                *dx = dy + da;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, density_integral, started};
    use crate::{Backend, Dense, GaussianNoise, Layer, Loss, Network, Permutation};
    use proptest::prelude::*;

    fn coupling(hidden: &[usize], activation: Activation) -> Layer {
        Coupling { hidden: hidden.to_vec(), activation }.into()
    }

    fn flow(features: usize, layers: Vec<Layer>) -> Network {
        Network::new(Shape::Features(features), layers, Loss::StandardNormal)
    }

    #[test]
    fn gradients_with_every_activation() {
        for activation in Activation::ALL {
            let one = coupling(&[6], activation);
            check(&flow(7, vec![one.clone(), Permutation((0..7).rev().collect()).into(), one]), 5);
        }
        check(&flow(2, vec![coupling(&[], Activation::Relu)]), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn gradients_of_every_shape(
            features in 2usize..50, hidden in prop::collection::vec(1usize..40, 0..3), rows in 1usize..20,
            first in prop::sample::select(vec![None, Some(3usize), Some(24)]),
        ) {
            // Behind a layer with parameters the gradient with respect to the input is needed, too.
            let first: Option<Layer> = first.map(|outputs| Dense { outputs }.into());
            let layers = vec![coupling(&hidden, Activation::Tanh), coupling(&hidden, Activation::Swish)];
            check(&flow(features, first.into_iter().chain(layers).collect()), rows);
        }
    }

    #[test]
    fn a_coupling_behind_noise_and_one_of_its_kind() {
        let layers = vec![
            GaussianNoise { std: 0.5 }.into(),
            coupling(&[5], Activation::Tanh),
            Permutation([2, 0, 3, 1].into()).into(),
            coupling(&[5, 4], Activation::Elu),
        ];
        check(&flow(4, layers), 9);
    }

    #[test]
    fn one_by_hand() {
        // Weights 0: the shift is 1, the log-scale ln 2. Of (3, 5) the latent is (3, 2).
        let network = flow(2, vec![coupling(&[], Activation::Relu)]);
        let mut plan = crate::Plan::<f64>::new(&network, 1).unwrap();
        plan.input_mut().copy_from_slice(&[3.0, 5.0]);
        let loss = plan.loss(&[0.0, 0.0, 1.0, 2f64.ln()]);
        let expected = 0.5 * (9.0 + 4.0) + (2.0 * std::f64::consts::PI).ln() + 2f64.ln();
        assert!((loss - expected).abs() < 1e-12, "{loss} {expected}");
    }

    #[test]
    fn densities_integrate_to_one() {
        let layers = vec![
            coupling(&[4], Activation::Tanh),
            Permutation([1, 0].into()).into(),
            coupling(&[4], Activation::Tanh),
        ];
        let network = flow(2, layers);
        let integral = density_integral(&network, |params| params.iter_mut().for_each(|p| *p *= 0.7));
        assert!((integral - 1.0).abs() < 1e-3, "{integral}");
    }

    #[test]
    fn diverged_parameters_give_nan() {
        let network = flow(40, vec![coupling(&[20], Activation::Relu), coupling(&[20], Activation::Relu)]);
        for backend in Backend::available() {
            let (mut plan, params) = started::<f32>(&network, 4, backend);
            for i in [0, 20 * 20 + 3, params.len() / 2 - 1, params.len() - 1] {
                let mut params = params.clone();
                params[i] = f32::NAN;
                let mut gradients = params.clone();
                assert!(plan.loss_and_gradients(&params, &mut gradients).is_nan(), "{} {i}", backend.name());
                assert!(gradients.iter().any(|g| g.is_nan()));
            }
        }
    }

    #[test]
    fn what_cannot_be_coupled_is_refused() {
        let one = Coupling { hidden: Vec::new(), activation: Activation::Relu };
        assert!(one.output(Shape::Features(1)).unwrap_err().contains("two features"));
        assert!(
            one.output(Shape::Sequence { length: 3, width: 4 }).unwrap_err().contains("one vector per row")
        );
    }
}
