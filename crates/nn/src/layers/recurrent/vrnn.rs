//! The plain recurrent core.

use super::cell::{BackwardStep, Cell, ForwardStep, Run};
use crate::kernels::{MatrixRef, Packed, Start};
use crate::parameter::Initial;
use crate::{Activation, Initializer, Kind, Parameter, Scalar};

/// `h' = f(x W + b + h U + c)`, `f` the activation (Sonnet's `VanillaRNN`). Parameters: `w_in` `[inputs, units]` (`W`),
/// `b_in` `[units]` (`b`), `w_h` `[units, units]` (`U`), `b_h` `[units]` (`c`); the biases start at 0.
///
/// Backward: `∂a = ∂h' f'(a)`, `∂W = xᵀ ∂a`, `∂U = hᵀ ∂a`, `∂b = ∂c = Σ ∂a`, `∂h = ∂a Uᵀ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vrnn {
    /// Width of the state.
    pub units: usize,
    /// The activation.
    pub activation: Activation,
    /// Initialiser of `w_in`.
    pub w_in: Initializer,
    /// Initialiser of `w_h`.
    pub w_h: Initializer,
}

impl Vrnn {
    pub(super) fn parameters(&self, inputs: usize) -> Vec<Parameter> {
        vec![
            Parameter::new("w_in", Kind::Recurrent, &[inputs, self.units], Initial::By(self.w_in)),
            Parameter::new("b_in", Kind::Bias, &[self.units], Initial::Constant(0.0)),
            Parameter::new("w_h", Kind::Recurrent, &[self.units, self.units], Initial::By(self.w_h)),
            Parameter::new("b_h", Kind::Bias, &[self.units], Initial::Constant(0.0)),
        ]
    }

    pub(super) fn cell<T: Scalar>(self, inputs: usize) -> VrnnCell<T> {
        VrnnCell {
            inputs,
            units: self.units,
            activation: self.activation,
            recurrent: Packed::default(),
            transposed: Packed::default(),
        }
    }

    #[cfg(feature = "candle")]
    pub(super) fn reference(
        &self,
        x: &candle_core::Tensor,
        state: &[candle_core::Tensor],
        params: &[candle_core::Tensor],
    ) -> candle_core::Result<Vec<candle_core::Tensor>> {
        let [w, b, u, c] = params else { candle_core::bail!("VRNN has 4 parameters, not {}", params.len()) };
        let a = (x.matmul(w)?.broadcast_add(b)? + state[0].matmul(u)?.broadcast_add(c)?)?;
        Ok(vec![crate::reference::activate(self.activation, &a)?])
    }
}

/// [`Vrnn`], planned. The gates are the activation's inputs.
#[derive(Debug)]
pub(super) struct VrnnCell<T> {
    inputs: usize,
    units: usize,
    activation: Activation,
    recurrent: Packed<T>,
    transposed: Packed<T>,
}

impl<T> VrnnCell<T> {
    /// `U` within the core's parameters.
    const fn recurrent(&self) -> std::ops::Range<usize> {
        let from = (self.inputs + 1) * self.units;
        from..from + self.units * self.units
    }
}

impl<T: Scalar> Cell<T> for VrnnCell<T> {
    fn units(&self) -> usize {
        self.units
    }

    fn gates(&self) -> usize {
        self.units
    }

    fn start(&mut self, run: &mut Run<'_, T>, core: &[T], _: &[T], weights: &mut [T], biases: &mut [T]) {
        let u = MatrixRef::new(&core[self.recurrent()], self.units, self.units);
        T::pack(run.backend, u, &mut self.recurrent);
        weights.copy_from_slice(&core[..weights.len()]);
        let (b, c) = (&core[weights.len()..][..self.units], &core[self.recurrent().end..]);
        for (sum, (&b, &c)) in biases.iter_mut().zip(b.iter().zip(c)) {
            *sum = b + c;
        }
    }

    fn forward(&mut self, run: &mut Run<'_, T>, _: usize, step: ForwardStep<'_, T>) {
        let ForwardStep { inputs, gates, before, h } = step;
        let before = MatrixRef::new(before, run.rows, self.units);
        T::gemm_packed(run.backend, before, &self.recurrent, Start::Zero, false, gates, run.scratch);
        T::add_from_rows(run.backend, self.units, inputs, gates);
        h.copy_from_slice(gates);
        T::activate(run.backend, self.activation, h);
    }

    fn start_backward(&mut self, run: &mut Run<'_, T>, core: &[T]) {
        let u = MatrixRef::new(&core[self.recurrent()], self.units, self.units);
        T::pack(run.backend, u.transposed(), &mut self.transposed);
    }

    fn backward(&mut self, run: &mut Run<'_, T>, _: usize, _: usize, step: BackwardStep<'_, T>) {
        let BackwardStep { gates, h, dh, d_before, .. } = step;
        let saved = if self.activation.derivative_needs_input() { &*gates } else { h };
        T::multiply_by_derivative(run.backend, self.activation, saved, dh);
        gates.copy_from_slice(dh);
        let gates = MatrixRef::new(gates, run.rows, self.units);
        let u = &self.transposed;
        T::gemm_packed(run.backend, gates, u, Start::Accumulate, false, d_before, run.scratch);
    }

    fn accumulate(&mut self, run: &mut Run<'_, T>, before: &[T], gates: &[T], core: &mut [T]) {
        let rows = gates.len() / self.units;
        let before = MatrixRef::new(before, rows, self.units).transposed();
        let gates = MatrixRef::new(gates, rows, self.units);
        let d_u = &mut core[self.recurrent()];
        T::gemm(run.backend, before, gates, Start::Accumulate, false, d_u, run.scratch);
    }

    fn finish(&mut self, _: &mut Run<'_, T>, weights: &[T], biases: &[T], core: &mut [T], _: &mut [T]) {
        core[..weights.len()].copy_from_slice(weights);
        core[weights.len()..][..self.units].copy_from_slice(biases);
        core[self.recurrent().end..].copy_from_slice(biases);
    }
}
