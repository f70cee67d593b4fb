//! Layer normalisation.

use super::{LayerKind, vectors};
use crate::kernels::column_sums;
use crate::parameter::Initial;
use crate::step::{Pass, Planning, Step};
use crate::{Kind, Parameter, Scalar, Shape};

/// `y = (x − mean) / sqrt(variance + 1e-5) γ + β` over the features of each vector. Parameters: `gamma`, one, and
/// `beta`, zero, one per feature (Ba et al. 2016).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerNorm;

const EPSILON: f64 = 1e-5;

impl LayerKind for LayerNorm {
    const FOLLOWS: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        vectors(input)?;
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let width = input.vectors().map_or(0, |(_, width)| width);
        vec![
            Parameter::new("gamma", Kind::Gain, &[width], Initial::Constant(1.0)),
            Parameter::new("beta", Kind::Bias, &[width], Initial::Constant(0.0)),
        ]
    }

    fn step<T: Scalar>(&self, _: Planning) -> Option<Box<dyn Step<T>>> {
        Some(Box::new(LayerNormStep { normalised: Vec::new(), inverse_std: Vec::new() }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let last = candle_core::D::Minus1;
        let centred = x.broadcast_sub(&x.mean_keepdim(last)?)?;
        let std = (centred.sqr()?.mean_keepdim(last)? + EPSILON)?.sqrt()?;
        Ok((centred.broadcast_div(&std)?.broadcast_mul(&params[0])?.broadcast_add(&params[1])?, None))
    }
}

#[derive(Debug)]
struct LayerNormStep<T> {
    normalised: Vec<T>,
    /// One per vector.
    inverse_std: Vec<T>,
}

impl<T: Scalar> Step<T> for LayerNormStep<T> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let (gamma, beta) = pass.params.split_at(pass.params.len() / 2);
        self.normalised.clear();
        self.normalised.extend_from_slice(x);
        self.inverse_std.clear();
        let rows = self.normalised.chunks_exact_mut(gamma.len()).zip(y.chunks_exact_mut(gamma.len()));
        for (x, y) in rows {
            self.inverse_std.push(normalise(x));
            for (y, ((&x, &g), &b)) in y.iter_mut().zip(x.iter().zip(gamma).zip(beta)) {
                *y = x * g + b;
            }
        }
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        _: &[T],
        _: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        let width = pass.params.len() / 2;
        let gamma = &pass.params[..width];
        let (d_gamma, d_beta) = gradients.split_at_mut(width);
        column_sums(dy, d_beta);
        d_gamma.fill(T::zero());
        for (d, x) in dy.chunks_exact(width).zip(self.normalised.chunks_exact(width)) {
            for (g, (&d, &x)) in d_gamma.iter_mut().zip(d.iter().zip(x)) {
                *g = *g + d * x;
            }
        }
        let Some(dx) = dx else { return };
        let rows = dx.chunks_exact_mut(width).zip(dy.chunks_exact(width));
        for ((dx, dy), (x, &inverse)) in rows.zip(self.normalised.chunks_exact(width).zip(&self.inverse_std))
        {
            for (dx, (&dy, &g)) in dx.iter_mut().zip(dy.iter().zip(gamma)) {
                *dx = dy * g;
            }
            normalise_backward(dx, x, inverse);
        }
    }
}

/// Normalises a row to mean 0 and variance 1; returns the inverse standard deviation.
fn normalise<T: Scalar>(row: &mut [T]) -> T {
    let n = T::of(row.len() as f64);
    let mean = row.iter().copied().sum::<T>() / n;
    row.iter_mut().for_each(|x| *x = *x - mean);
    let variance = row.iter().map(|&x| x * x).sum::<T>() / n;
    let inverse = T::one() / (variance + T::of(EPSILON)).sqrt();
    row.iter_mut().for_each(|x| *x = *x * inverse);
    inverse
}

/// The gradient through [`normalise`], in place; `x` are its outputs.
fn normalise_backward<T: Scalar>(delta: &mut [T], x: &[T], inverse: T) {
    let n = T::of(delta.len() as f64);
    let mean = delta.iter().copied().sum::<T>() / n;
    let along = delta.iter().zip(x).map(|(&d, &x)| d * x).sum::<T>() / n;
    for (d, &x) in delta.iter_mut().zip(x) {
        *d = inverse * (*d - mean - x * along);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_layers;
    use crate::{Activation, Dense};

    #[test]
    fn gradients() {
        for activation in [Activation::Tanh, Activation::Relu, Activation::Swish] {
            let layers = vec![Dense { outputs: 8 }.into(), LayerNorm.into(), activation.into()];
            check_layers(Shape::Features(7), [layers, vec![Dense { outputs: 4 }.into()]].concat());
        }
        check_layers(Shape::Features(7), vec![LayerNorm.into(), Dense { outputs: 4 }.into()]);
    }
}
