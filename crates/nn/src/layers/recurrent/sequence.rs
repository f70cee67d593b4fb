//! The planned step of all recurrent layers: drives a core over the time steps.

use super::cell::{BackwardStep, Cell, ForwardStep, Run, repeat, sized};
use super::input::Input;
use crate::Scalar;
use crate::kernels::column_sums;
use crate::step::{Pass, Planning, Step};

/// Fewest rows (of several steps) whose weight gradients are computed by one product: the depth of a block of the
/// matrix product.
const CHUNK: usize = 256;

/// A core over a sequence. Its parameters are the embedding's table, where it takes one in, the initial state, where
/// that is trained, and the core's.
#[derive(Debug)]
pub(super) struct Sequence<T, C> {
    /// Time steps that are computed.
    steps: usize,
    trained: bool,
    cell: C,
    input: Input<T>,
    /// Of all steps if a backward pass follows, else of the present one: `[steps, rows, gates]`.
    gates: Vec<T>,
    /// The initial output, `[rows, units]`.
    initial: Vec<T>,
    /// The gradient with respect to it.
    d_initial: Vec<T>,
    /// Zeros in place of an initial state that is not trained.
    zeros: Vec<T>,
}

impl<T: Scalar, C: Cell<T>> Sequence<T, C> {
    pub(super) fn new(planning: Planning, trained: bool, cell: C) -> Self {
        let (length, inputs) = planning.input.vectors().unwrap_or((0, 0));
        Self {
            // One step at least: the backward pass begins with it.
            steps: length.saturating_sub(planning.unused_steps).max(1),
            trained,
            input: Input::new(inputs, planning.tokens, cell.gates()),
            gates: Vec::new(),
            initial: Vec::new(),
            d_initial: Vec::new(),
            zeros: vec![T::zero(); cell.states() * cell.units()],
            cell,
        }
    }

    /// Lengths of the parts of the parameters before the core's: the table and the initial state.
    fn parts(&self) -> (usize, usize) {
        (self.input.table_len(), if self.trained { self.zeros.len() } else { 0 })
    }
}

impl<T: Scalar, C: Cell<T>> Step<T> for Sequence<T, C> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let (rows, units, steps) = (pass.rows, self.cell.units(), self.steps);
        let (table, state) = self.parts();
        let (table, rest) = pass.params.split_at(table);
        let (state, core) = rest.split_at(state);
        let state = if self.trained { state } else { &self.zeros };
        let run = &mut Run { backend: pass.backend, rows, steps, keep: pass.keep, scratch: pass.scratch };
        let Input { weights, biases, .. } = &mut self.input;
        self.cell.start(run, core, state, weights, biases);
        self.input.start(run, table, pass.tokens);
        let initial = sized(&mut self.initial, rows * units);
        repeat(&state[..units], initial);
        let step = rows * self.cell.gates();
        let gates = sized(&mut self.gates, if pass.keep { steps * step } else { step });
        for t in 0..steps {
            let gates = &mut gates[if pass.keep { t * step } else { 0 }..][..step];
            let inputs = self.input.forward(run, t, x);
            let (past, rest) = y.split_at_mut(t * rows * units);
            let before = if t == 0 { &*initial } else { &past[(t - 1) * rows * units..] };
            let h = &mut rest[..rows * units];
            self.cell.forward(run, t, ForwardStep { inputs, gates, before, h });
        }
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        mut dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        let (rows, units, steps) = (pass.rows, self.cell.units(), self.steps);
        let (table, state) = self.parts();
        let core = &pass.params[table + state..];
        let (d_table, rest) = gradients.split_at_mut(table);
        let (d_state, d_core) = rest.split_at_mut(state);
        let run = &mut Run { backend: pass.backend, rows, steps, keep: true, scratch: pass.scratch };
        d_core.fill(T::zero());
        self.input.start_backward(run);
        self.cell.start_backward(run, core);
        let initial = &self.initial[..rows * units];
        let d_initial = sized(&mut self.d_initial, rows * units);
        d_initial.fill(T::zero());
        let (step, state_len) = (rows * self.cell.gates(), rows * units);
        if let Some(dx) = dx.as_deref_mut() {
            // Steps that are not computed have no gradient.
            dx[steps * rows * self.input.inputs()..].fill(T::zero());
        }
        let mut end = steps;
        while end > 0 {
            // Several steps at once for the weights' gradients; the first step alone, its output before lies elsewhere.
            let start = if end == 1 { 0 } else { end.saturating_sub(CHUNK.div_ceil(rows)).max(1) };
            for t in (start..end).rev() {
                let (past, rest) = dy.split_at_mut(t * state_len);
                let (before, d_before) = if t == 0 {
                    (initial, &mut *d_initial)
                } else {
                    (&y[(t - 1) * state_len..t * state_len], &mut past[(t - 1) * state_len..])
                };
                let matrices = BackwardStep {
                    gates: &mut self.gates[t * step..(t + 1) * step],
                    before,
                    h: &y[t * state_len..(t + 1) * state_len],
                    dh: &mut rest[..state_len],
                    d_before,
                };
                self.cell.backward(run, t, t - start, matrices);
            }
            let gates = &self.gates[start * step..end * step];
            let before =
                if start == 0 { initial } else { &y[(start - 1) * state_len..(end - 1) * state_len] };
            self.cell.accumulate(run, before, gates, d_core);
            self.input.backward(run, start..end, x, gates, dx.as_deref_mut());
            end = start;
        }
        self.input.finish(run, d_table);
        let Input { d_weights, d_biases, .. } = &self.input;
        if self.trained {
            column_sums(d_initial, &mut d_state[..units]);
        }
        self.cell.finish(run, d_weights, d_biases, d_core, d_state.get_mut(units..).unwrap_or(&mut []));
    }
}
