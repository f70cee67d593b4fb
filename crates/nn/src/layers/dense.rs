//! Fully connected layers.

use super::{LayerKind, vectors};
use crate::kernels::{MatrixRef, Start, column_sums};
use crate::parameter::Initial;
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Kind, Parameter, Scalar, Shape};

/// `y = x W + b` for every vector `x` of a row: `[rows, in]` to `[rows, outputs]`, or `[length, rows, in]` to
/// `[length, rows, outputs]`. Parameters: `w` `[in, outputs]`, initialised as the network's weights, and `b`
/// `[outputs]`, zero.
///
/// Backward: `∂W = xᵀ ∂y`, `∂b = Σ ∂y`, `∂x = ∂y Wᵀ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Number of outputs.
    pub outputs: usize,
}

impl LayerKind for Dense {
    const FUSES_ACTIVATION: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        vectors(input)?;
        Ok(input.with_features(self.outputs))
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let width = input.vectors().map_or(0, |(_, width)| width);
        vec![
            Parameter::new("w", Kind::Dense, &[width, self.outputs], Initial::Weights),
            Parameter::new("b", Kind::Bias, &[self.outputs], Initial::Constant(0.0)),
        ]
    }

    fn macs(&self, input: Shape) -> f64 {
        (input.len() * self.outputs) as f64
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let (vectors, inputs) = planning.input.vectors()?;
        let product = Product::new(inputs, self.outputs, planning.activation);
        Some(Box::new(DenseStep::<T> { vectors, product }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        Ok((x.broadcast_matmul(&params[0])?.broadcast_add(&params[1])?, None))
    }
}

#[derive(Debug)]
struct DenseStep<T> {
    vectors: usize,
    product: Product<T>,
}

impl<T: Scalar> Step<T> for DenseStep<T> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let x = MatrixRef::new(x, pass.rows * self.vectors, self.product.inputs);
        self.product.forward(pass, x, y);
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        let x = MatrixRef::new(x, pass.rows * self.vectors, self.product.inputs);
        self.product.backward(pass, x, y, dy, dx.map(|dx| (Start::Zero, dx)), gradients);
    }
}

/// A dense layer with the activation behind it, on the rows of any matrix.
#[derive(Debug)]
pub(super) struct Product<T> {
    inputs: usize,
    outputs: usize,
    activation: Option<Activation>,
    /// The activation's inputs, where its derivative needs them.
    saved: Vec<T>,
}

impl<T: Scalar> Product<T> {
    pub(super) const fn new(inputs: usize, outputs: usize, activation: Option<Activation>) -> Self {
        Self { inputs, outputs, activation, saved: Vec::new() }
    }

    /// Number of parameters.
    pub(super) const fn parameters(&self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    /// Number of outputs.
    pub(super) const fn outputs(&self) -> usize {
        self.outputs
    }

    /// `y = f(x W + b)` for the rows of `x`.
    pub(super) fn forward(&mut self, pass: Pass<'_, T>, x: MatrixRef<'_, T>, y: &mut [T]) {
        let (w, b) = pass.params.split_at(self.inputs * self.outputs);
        let w = MatrixRef::new(w, self.inputs, self.outputs);
        let relu = self.activation == Some(Activation::Relu);
        T::gemm(pass.backend, x, w, Start::Bias(b), relu, y, pass.scratch);
        match self.activation {
            None | Some(Activation::Relu) => {}
            Some(activation) => {
                if activation.derivative_needs_input() {
                    self.saved.clear();
                    self.saved.extend_from_slice(y);
                }
                T::activate(pass.backend, activation, y);
            }
        }
    }

    /// As [`Step::backward`]; `y` is read only if there is an activation. The gradient with respect to `x` is added to
    /// what its `Start` says.
    pub(super) fn backward(
        &self,
        pass: Pass<'_, T>,
        x: MatrixRef<'_, T>,
        y: &[T],
        dy: &mut [T],
        dx: Option<(Start<'_, T>, &mut [T])>,
        gradients: &mut [T],
    ) {
        if let Some(activation) = self.activation {
            let saved = if activation.derivative_needs_input() { &self.saved } else { y };
            T::multiply_by_derivative(pass.backend, activation, saved, dy);
        }
        let (dw, db) = gradients.split_at_mut(self.inputs * self.outputs);
        column_sums(dy, db);
        let dy = MatrixRef::new(dy, x.rows(), self.outputs);
        T::gemm(pass.backend, x.transposed(), dy, Start::Zero, false, dw, pass.scratch);
        if let Some((start, dx)) = dx {
            let w = MatrixRef::new(pass.params, self.inputs, self.outputs).transposed();
            T::gemm(pass.backend, dy, w, start, false, dx, pass.scratch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_layers};
    use crate::{Loss, Network};
    use proptest::prelude::*;

    #[test]
    fn gradients_with_every_activation() {
        for activation in Activation::ALL {
            check(&Network::mlp(7, &[9, 5, 4], activation, Loss::SoftmaxCrossEntropy), 6);
        }
        check(&Network::mlp(20, &[3], Activation::Relu, Loss::SoftmaxCrossEntropy), 5);
        check(&Network::mlp(40, &[33, 17, 40, 11], Activation::Tanh, Loss::SoftmaxCrossEntropy), 17);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(25))]
        #[test]
        fn gradients_of_every_shape(
            inputs in 1usize..60, hidden in prop::collection::vec(1usize..50, 1..4), rows in 1usize..20,
            activation in prop::sample::select(&[Activation::Tanh, Activation::Cos, Activation::Swish][..]),
        ) {
            let sizes: Vec<usize> = hidden.into_iter().chain([5]).collect();
            check(&Network::mlp(inputs, &sizes, activation, Loss::SoftmaxCrossEntropy), rows);
        }
    }

    #[test]
    fn images_must_be_flattened_first() {
        let image = Shape::Image { height: 2, width: 3, channels: 1 };
        assert!(Dense { outputs: 2 }.output(image).unwrap_err().contains("2x3x1 images"));
        check_layers(image, vec![crate::Flatten.into(), Dense { outputs: 4 }.into()]);
    }
}
