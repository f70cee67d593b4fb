//! The long short-term memory core.

use super::cell::{BackwardStep, Cell, ForwardStep, Run, repeat, sized};
use crate::kernels::{MatrixRef, Packed, Start, column_sums};
use crate::parameter::Initial;
use crate::{Initializer, Kind, Parameter, Scalar};

/// Long short-term memory (Hochreiter & Schmidhuber 1997; Sonnet's `LSTM`): `[x, h] W + b` are, in blocks of `units`
/// columns, `i, j, f, o`; `c' = σ(f + 1) c + σ(i) tanh(j)`, `h' = σ(o) tanh(c')`. No peepholes, no clipping.
/// Parameters: `w_gates` `[inputs + units, 4 units]` (`W`, the rows of `x` first) and `b_gates` `[4 units]` (`b`), which
/// starts truncated normal with standard deviation `1 / sqrt(inputs + units)` (QUIRK-4).
///
/// Backward, with the gates' values `i, j, f, o` and `∂c'` the sum of what comes from the next step and
/// `∂h' o (1 − tanh²(c'))`: `∂i = ∂c' j i (1 − i)`, `∂j = ∂c' i (1 − j²)`, `∂f = ∂c' c f (1 − f)`,
/// `∂o = ∂h' tanh(c') o (1 − o)`, `∂c = ∂c' f`, and `W`, `b`, `[x, h]` as in a dense layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lstm {
    /// Width of the state.
    pub units: usize,
    /// Initialiser of `w_gates`.
    pub w_gates: Initializer,
}

impl Lstm {
    pub(super) fn parameters(&self, inputs: usize) -> Vec<Parameter> {
        let fan_in = inputs + self.units;
        let std = 1.0 / (fan_in.max(1) as f64).sqrt();
        vec![
            Parameter::new("w_gates", Kind::Recurrent, &[fan_in, 4 * self.units], Initial::By(self.w_gates)),
            Parameter::new("b_gates", Kind::Bias, &[4 * self.units], Initial::Truncated { std }),
        ]
    }

    pub(super) fn cell<T: Scalar>(self, inputs: usize) -> LstmCell<T> {
        LstmCell {
            inputs,
            units: self.units,
            recurrent: Packed::default(),
            transposed: Packed::default(),
            cells: Vec::new(),
            d_cell: Vec::new(),
        }
    }

    #[cfg(feature = "candle")]
    pub(super) fn reference(
        &self,
        x: &candle_core::Tensor,
        state: &[candle_core::Tensor],
        params: &[candle_core::Tensor],
    ) -> candle_core::Result<Vec<candle_core::Tensor>> {
        let ([w, b], [h, c]) = (params, state) else {
            candle_core::bail!("LSTM has 2 parameters and states, not {} and {}", params.len(), state.len())
        };
        let sigmoid = |x: &candle_core::Tensor| (x.neg()?.exp()? + 1.0)?.recip();
        let gates = candle_core::Tensor::cat(&[x, h], 1)?.matmul(w)?.broadcast_add(b)?;
        let gate = |k: usize| gates.narrow(1, k * self.units, self.units);
        let (i, j, f, o) = (gate(0)?, gate(1)?, gate(2)?, gate(3)?);
        let c = ((sigmoid(&(f + 1.0)?)? * c)? + (sigmoid(&i)? * j.tanh()?)?)?;
        Ok(vec![(sigmoid(&o)? * c.tanh()?)?, c])
    }
}

/// [`Lstm`], planned. The gates are `i, j, f, o`.
#[derive(Debug)]
pub(super) struct LstmCell<T> {
    inputs: usize,
    units: usize,
    recurrent: Packed<T>,
    transposed: Packed<T>,
    /// The cell before the first step and behind every step, `[steps + 1, rows, units]`; without a backward pass
    /// those of even and of odd steps share a place.
    cells: Vec<T>,
    /// The gradient with respect to the cell, `[rows, units]`.
    d_cell: Vec<T>,
}

impl<T> LstmCell<T> {
    /// The recurrent rows of the matrix within the core's parameters.
    const fn recurrent(&self) -> std::ops::Range<usize> {
        self.inputs * 4 * self.units..(self.inputs + self.units) * 4 * self.units
    }
}

impl<T: Scalar> Cell<T> for LstmCell<T> {
    fn units(&self) -> usize {
        self.units
    }

    fn gates(&self) -> usize {
        4 * self.units
    }

    fn states(&self) -> usize {
        2
    }

    fn start(&mut self, run: &mut Run<'_, T>, core: &[T], state: &[T], weights: &mut [T], biases: &mut [T]) {
        let u = MatrixRef::new(&core[self.recurrent()], self.units, 4 * self.units);
        T::pack(run.backend, u, &mut self.recurrent);
        weights.copy_from_slice(&core[..weights.len()]);
        biases.copy_from_slice(&core[self.recurrent().end..]);
        let (kept, size) = (if run.keep { run.steps + 1 } else { 2 }, run.rows * self.units);
        let cells = sized(&mut self.cells, kept * size);
        repeat(&state[self.units..], &mut cells[..size]);
    }

    fn forward(&mut self, run: &mut Run<'_, T>, t: usize, step: ForwardStep<'_, T>) {
        let ForwardStep { inputs, gates, before, h } = step;
        let before = MatrixRef::new(before, run.rows, self.units);
        T::gemm_packed(run.backend, before, &self.recurrent, Start::Zero, false, gates, run.scratch);
        let size = run.rows * self.units;
        let place =
            |t: usize| if run.keep { t * size..(t + 1) * size } else { t % 2 * size..(t % 2 + 1) * size };
        let cells = self.cells.get_disjoint_mut([place(t), place(t + 1)]);
        let [before, behind] = cells.expect("cells of successive steps lie apart");
        T::lstm_forward(run.backend, self.units, gates, inputs, before, behind, h);
    }

    fn start_backward(&mut self, run: &mut Run<'_, T>, core: &[T]) {
        let u = MatrixRef::new(&core[self.recurrent()], self.units, 4 * self.units);
        T::pack(run.backend, u.transposed(), &mut self.transposed);
        sized(&mut self.d_cell, run.rows * self.units).fill(T::zero());
    }

    fn backward(&mut self, run: &mut Run<'_, T>, t: usize, _: usize, step: BackwardStep<'_, T>) {
        let BackwardStep { gates, dh, d_before, .. } = step;
        let size = run.rows * self.units;
        let (before, behind) = self.cells[t * size..(t + 2) * size].split_at(size);
        T::lstm_backward(run.backend, self.units, gates, before, behind, dh, &mut self.d_cell[..size]);
        let gates = MatrixRef::new(gates, run.rows, 4 * self.units);
        let u = &self.transposed;
        T::gemm_packed(run.backend, gates, u, Start::Accumulate, false, d_before, run.scratch);
    }

    fn accumulate(&mut self, run: &mut Run<'_, T>, before: &[T], gates: &[T], core: &mut [T]) {
        let rows = before.len() / self.units;
        let before = MatrixRef::new(before, rows, self.units).transposed();
        let gates = MatrixRef::new(gates, rows, 4 * self.units);
        let d_u = &mut core[self.recurrent()];
        T::gemm(run.backend, before, gates, Start::Accumulate, false, d_u, run.scratch);
    }

    fn finish(&mut self, run: &mut Run<'_, T>, weights: &[T], biases: &[T], core: &mut [T], state: &mut [T]) {
        core[..weights.len()].copy_from_slice(weights);
        core[self.recurrent().end..].copy_from_slice(biases);
        if !state.is_empty() {
            column_sums(&self.d_cell[..run.rows * self.units], state);
        }
    }
}
