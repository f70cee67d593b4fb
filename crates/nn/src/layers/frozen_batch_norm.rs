//! The "batch norm" of the fixed MLP tasks.

use super::{LayerKind, vectors};
use crate::kernels::column_sums;
use crate::parameter::Initial;
use crate::step::{Pass, Planning, Step};
use crate::{Kind, Parameter, Scalar, Shape};

/// `y = x / sqrt(1 + 1e-3) + β`: batch norm that never updates its moving averages (mean 0, variance 1). Parameter
/// `beta`, one per feature, initially zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrozenBatchNorm;

/// `1 / sqrt(1 + 1e-3)`: moving variance 1, epsilon 1e-3.
const SCALE: f64 = 0.999_500_374_687_773_1;

impl LayerKind for FrozenBatchNorm {
    const FOLLOWS: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        vectors(input)?;
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let width = input.vectors().map_or(0, |(_, width)| width);
        vec![Parameter::new("beta", Kind::Bias, &[width], Initial::Constant(0.0))]
    }

    fn step<T: Scalar>(&self, _: Planning) -> Option<Box<dyn Step<T>>> {
        Some(Box::new(FrozenBatchNormStep))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        Ok(((x * SCALE)?.broadcast_add(&params[0])?, None))
    }
}

#[derive(Debug)]
struct FrozenBatchNormStep;

impl<T: Scalar> Step<T> for FrozenBatchNormStep {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let (beta, scale) = (pass.params, T::of(SCALE));
        for (y, x) in y.chunks_exact_mut(beta.len()).zip(x.chunks_exact(beta.len())) {
            for (y, (&x, &b)) in y.iter_mut().zip(x.iter().zip(beta)) {
                *y = x * scale + b;
            }
        }
        0.0
    }

    fn backward(
        &mut self,
        _: Pass<'_, T>,
        _: &[T],
        _: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        column_sums(dy, gradients);
        if let Some(dx) = dx {
            let scale = T::of(SCALE);
            dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx = *dy * scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_layers;
    use crate::{Activation, Dense};

    #[test]
    fn gradients() {
        let layers = vec![Dense { outputs: 8 }.into(), FrozenBatchNorm.into(), Activation::Relu.into()];
        check_layers(Shape::Features(7), [layers, vec![Dense { outputs: 4 }.into()]].concat());
    }
}
