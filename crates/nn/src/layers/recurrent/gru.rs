//! The gated recurrent unit core.

use super::cell::{BackwardStep, Cell, ForwardStep, Run, sized};
use crate::kernels::{MatrixRef, Packed, Start};
use crate::parameter::Initial;
use crate::{Initializer, Kind, Parameter, Scalar};

/// Gated recurrent unit (Cho et al. 2014; Sonnet's `GRU`): `z = σ(x wz + h uz + bz)`, `r = σ(x wr + h ur + br)`,
/// `c = tanh(x wh + (r ⊙ h) uh + bh)`, `h' = (1 − z) ⊙ h + z ⊙ c`: the reset comes before the product, and `z` weighs
/// the new value. Parameters, in this order: `wz` `[inputs, units]`, `uz` `[units, units]`, `bz` `[units]`, then those
/// of `r` and `h`; the biases start uniform on `±sqrt(3 / units)` (QUIRK-5).
///
/// Backward: `∂c = ∂h' z (1 − c²)`, `∂z = ∂h' (c − h) z (1 − z)`, `∂s = ∂c uhᵀ` for `s = r ⊙ h`,
/// `∂r = ∂s h r (1 − r)`, `∂h = ∂h' (1 − z) + ∂s r + ∂z uzᵀ + ∂r urᵀ`, and the matrices as in dense layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gru {
    /// Width of the state.
    pub units: usize,
    /// Initialiser of `wz`.
    pub wz: Initializer,
    /// Initialiser of `uz`.
    pub uz: Initializer,
    /// Initialiser of `wr`.
    pub wr: Initializer,
    /// Initialiser of `ur`.
    pub ur: Initializer,
    /// Initialiser of `wh`.
    pub wh: Initializer,
    /// Initialiser of `uh`.
    pub uh: Initializer,
}

impl Gru {
    pub(super) fn parameters(&self, inputs: usize) -> Vec<Parameter> {
        let n = self.units;
        let gates = [("z", self.wz, self.uz), ("r", self.wr, self.ur), ("h", self.wh, self.uh)];
        let tensors = gates.map(|(gate, w, u)| {
            [
                Parameter::new(&format!("w{gate}"), Kind::Recurrent, &[inputs, n], Initial::By(w)),
                Parameter::new(&format!("u{gate}"), Kind::Recurrent, &[n, n], Initial::By(u)),
                Parameter::new(
                    &format!("b{gate}"),
                    Kind::Bias,
                    &[n],
                    Initial::By(Initializer::GlorotUniform),
                ),
            ]
        });
        tensors.concat()
    }

    pub(super) fn cell<T: Scalar>(self, inputs: usize) -> GruCell<T> {
        GruCell {
            inputs,
            units: self.units,
            gate_weights: Vec::new(),
            gates: Packed::default(),
            candidate: Packed::default(),
            gates_transposed: Packed::default(),
            candidate_transposed: Packed::default(),
            product: Vec::new(),
            reset: Vec::new(),
        }
    }

    #[cfg(feature = "candle")]
    pub(super) fn reference(
        &self,
        x: &candle_core::Tensor,
        state: &[candle_core::Tensor],
        params: &[candle_core::Tensor],
    ) -> candle_core::Result<Vec<candle_core::Tensor>> {
        let [wz, uz, bz, wr, ur, br, wh, uh, bh] = params else {
            candle_core::bail!("GRU has 9 parameters, not {}", params.len())
        };
        let h = &state[0];
        let sigmoid = |x: candle_core::Tensor| (x.neg()?.exp()? + 1.0)?.recip();
        let z = sigmoid((x.matmul(wz)? + h.matmul(uz)?)?.broadcast_add(bz)?)?;
        let r = sigmoid((x.matmul(wr)? + h.matmul(ur)?)?.broadcast_add(br)?)?;
        let c = (x.matmul(wh)? + (r * h)?.matmul(uh)?)?.broadcast_add(bh)?.tanh()?;
        Ok(vec![((1.0 - &z)?.mul(h)? + (z * c)?)?])
    }
}

/// [`Gru`], planned. The gates are `z, r, c`.
#[derive(Debug)]
pub(super) struct GruCell<T> {
    inputs: usize,
    units: usize,
    /// `uz` and `ur` side by side, `[units, 2 units]`.
    gate_weights: Vec<T>,
    gates: Packed<T>,
    candidate: Packed<T>,
    gates_transposed: Packed<T>,
    candidate_transposed: Packed<T>,
    /// A product with recurrent weights, up to `[rows, 2 units]`.
    product: Vec<T>,
    /// `r ⊙ h` of a step, and in the backward pass of all steps of a chunk.
    reset: Vec<T>,
}

/// Where the parameters of one gate lie within the core's.
struct Place {
    w: std::ops::Range<usize>,
    u: std::ops::Range<usize>,
    b: std::ops::Range<usize>,
}

impl<T: Scalar> GruCell<T> {
    /// The places of `z`, `r` and `c`.
    fn places(&self) -> [Place; 3] {
        let (w, u) = (self.inputs * self.units, self.units * self.units);
        [0, 1, 2].map(|gate| {
            let from = gate * (w + u + self.units);
            Place { w: from..from + w, u: from + w..from + w + u, b: from + w + u..from + w + u + self.units }
        })
    }
}

/// Copies a matrix `[rows, width]` to the columns of the block `block` of a matrix `[rows, blocks · width]`.
fn put_columns<T: Copy>(narrow: &[T], wide: &mut [T], [width, blocks, block]: [usize; 3]) {
    for (wide, narrow) in wide.chunks_exact_mut(blocks * width).zip(narrow.chunks_exact(width)) {
        wide[block * width..][..width].copy_from_slice(narrow);
    }
}

/// The reverse of [`put_columns`].
fn take_columns<T: Copy>(wide: &[T], narrow: &mut [T], [width, blocks, block]: [usize; 3]) {
    for (wide, narrow) in wide.chunks_exact(blocks * width).zip(narrow.chunks_exact_mut(width)) {
        narrow.copy_from_slice(&wide[block * width..][..width]);
    }
}

impl<T: Scalar> Cell<T> for GruCell<T> {
    fn units(&self) -> usize {
        self.units
    }

    fn gates(&self) -> usize {
        3 * self.units
    }

    fn start(&mut self, run: &mut Run<'_, T>, core: &[T], _: &[T], weights: &mut [T], biases: &mut [T]) {
        let n = self.units;
        let places = self.places();
        let gate_weights = sized(&mut self.gate_weights, 2 * n * n);
        for (gate, place) in places.iter().enumerate() {
            put_columns(&core[place.w.clone()], weights, [n, 3, gate]);
            biases[gate * n..][..n].copy_from_slice(&core[place.b.clone()]);
            if gate < 2 {
                put_columns(&core[place.u.clone()], gate_weights, [n, 2, gate]);
            }
        }
        T::pack(run.backend, MatrixRef::new(gate_weights, n, 2 * n), &mut self.gates);
        let uh = MatrixRef::new(&core[places[2].u.clone()], n, n);
        T::pack(run.backend, uh, &mut self.candidate);
    }

    fn forward(&mut self, run: &mut Run<'_, T>, _: usize, step: ForwardStep<'_, T>) {
        let ForwardStep { inputs, gates, before, h } = step;
        let (rows, n, backend) = (run.rows, self.units, run.backend);
        let state = MatrixRef::new(before, rows, n);
        let product = sized(&mut self.product, 2 * rows * n);
        let reset = sized(&mut self.reset, rows * n);
        T::gemm_packed(backend, state, &self.gates, Start::Zero, false, product, run.scratch);
        T::gru_reset(backend, n, gates, inputs, product, before, reset);
        let product = &mut product[..rows * n];
        let reset = MatrixRef::new(reset, rows, n);
        T::gemm_packed(backend, reset, &self.candidate, Start::Zero, false, product, run.scratch);
        T::gru_forward(backend, n, gates, inputs, product, before, h);
    }

    fn start_backward(&mut self, run: &mut Run<'_, T>, core: &[T]) {
        let n = self.units;
        let gates = MatrixRef::new(&self.gate_weights, n, 2 * n).transposed();
        T::pack(run.backend, gates, &mut self.gates_transposed);
        let uh = MatrixRef::new(&core[self.places()[2].u.clone()], n, n).transposed();
        T::pack(run.backend, uh, &mut self.candidate_transposed);
    }

    fn backward(&mut self, run: &mut Run<'_, T>, _: usize, place: usize, step: BackwardStep<'_, T>) {
        let BackwardStep { gates, before, dh, d_before, .. } = step;
        let (rows, n, backend) = (run.rows, self.units, run.backend);
        let size = rows * n;
        if self.reset.len() < (place + 1) * size {
            // The places of a chunk are visited from the last to the first: this happens before any is written.
            self.reset.resize((place + 1) * size, T::zero());
        }
        let reset = &mut self.reset[place * size..][..size];
        T::gru_backward(backend, n, gates, before, dh, d_before, reset);
        let d_reset = sized(&mut self.product, size);
        let d_candidate = MatrixRef::strided(&gates[2 * n..], [rows, n], [3 * n, 1]);
        let uh = &self.candidate_transposed;
        T::gemm_packed(backend, d_candidate, uh, Start::Zero, false, d_reset, run.scratch);
        T::gru_reset_backward(backend, n, gates, before, d_reset, d_before);
        let d_gates = MatrixRef::strided(gates, [rows, 2 * n], [3 * n, 1]);
        let u = &self.gates_transposed;
        T::gemm_packed(backend, d_gates, u, Start::Accumulate, false, d_before, run.scratch);
    }

    fn accumulate(&mut self, run: &mut Run<'_, T>, before: &[T], gates: &[T], core: &mut [T]) {
        let n = self.units;
        let rows = before.len() / n;
        for (gate, place) in self.places().into_iter().enumerate() {
            let left = if gate < 2 { before } else { &self.reset };
            let left = MatrixRef::new(left, rows, n).transposed();
            let right = MatrixRef::strided(&gates[gate * n..], [rows, n], [3 * n, 1]);
            let d_u = &mut core[place.u];
            T::gemm(run.backend, left, right, Start::Accumulate, false, d_u, run.scratch);
        }
    }

    fn finish(&mut self, _: &mut Run<'_, T>, weights: &[T], biases: &[T], core: &mut [T], _: &mut [T]) {
        let n = self.units;
        for (gate, place) in self.places().into_iter().enumerate() {
            take_columns(weights, &mut core[place.w], [n, 3, gate]);
            core[place.b].copy_from_slice(&biases[gate * n..][..n]);
        }
    }
}
