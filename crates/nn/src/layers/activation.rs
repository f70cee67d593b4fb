//! Elementwise activations as layers of their own. An activation behind a dense layer or a convolution is part of that
//! layer's planned step.

use super::LayerKind;
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Scalar, Shape};

impl LayerKind for Activation {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Tokens { .. } => Err("takes numbers, not tokens".to_owned()),
            _ => Ok(input),
        }
    }

    fn step<T: Scalar>(&self, _: Planning) -> Option<Box<dyn Step<T>>> {
        Some(Box::new(ActivationStep(*self)))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        Ok((crate::reference::activate(*self, x)?, None))
    }
}

#[derive(Debug)]
struct ActivationStep(Activation);

impl<T: Scalar> Step<T> for ActivationStep {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        y.copy_from_slice(x);
        T::activate(pass.backend, self.0, y);
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        _: &mut [T],
    ) {
        let Some(dx) = dx else { return };
        dx.copy_from_slice(dy);
        let saved = if self.0.derivative_needs_input() { x } else { y };
        T::multiply_by_derivative(pass.backend, self.0, saved, dx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_layers;
    use crate::{Dense, Dropout, Layer};

    #[test]
    fn gradients_behind_every_layer_and_before_every_layer() {
        for activation in Activation::ALL {
            check_layers(Shape::Features(7), vec![Dense { outputs: 5 }.into(), activation.into()]);
            let dropout: Layer = Dropout { keep: 0.6 }.into();
            let layers = vec![Dense { outputs: 8 }.into(), activation.into(), dropout, activation.into()];
            check_layers(Shape::Features(7), [layers, vec![Dense { outputs: 4 }.into()]].concat());
        }
    }
}
