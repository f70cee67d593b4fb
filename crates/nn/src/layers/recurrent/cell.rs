//! What the planned form of a core defines: one time step, forward and backward, for all rows.

use std::fmt::Debug;

use crate::kernels::{RowsOf, Scratch};
use crate::{Backend, Scalar};

/// What every call during a pass is given.
#[derive(Debug)]
pub(super) struct Run<'a, T> {
    pub(super) backend: Backend,
    pub(super) rows: usize,
    /// Time steps that are computed.
    pub(super) steps: usize,
    /// Whether a backward pass will follow, so that its needs must be kept.
    pub(super) keep: bool,
    pub(super) scratch: &'a mut Scratch<T>,
}

/// A core, planned. Its gates at a step are a matrix `[rows, gates]`: [`forward`](Cell::forward) leaves there whatever
/// [`backward`](Cell::backward) needs, and that the gradients of the projected inputs.
pub(super) trait Cell<T: Scalar>: Debug + Send {
    /// Width of the state.
    fn units(&self) -> usize;

    /// Columns of the gates.
    fn gates(&self) -> usize;

    /// Number of tensors of state.
    fn states(&self) -> usize {
        1
    }

    /// Starts a forward pass: reads the core's parameters and the initial state `[states, units]`, and writes the input
    /// weights `[inputs, gates]` and the biases `[gates]`.
    fn start(&mut self, run: &mut Run<'_, T>, core: &[T], state: &[T], weights: &mut [T], biases: &mut [T]);

    /// Step `t`: from the projected inputs and the output before computes the gates and the output.
    fn forward(&mut self, run: &mut Run<'_, T>, t: usize, step: ForwardStep<'_, T>);

    /// Starts the backward pass of the last forward pass; the steps follow from the last to the first.
    fn start_backward(&mut self, run: &mut Run<'_, T>, core: &[T]);

    /// Step `t`: from the gradient `dh` with respect to the output `h` (which may be overwritten) computes the gates'
    /// gradients, and adds that with respect to the output before to `d_before`. `place` numbers the steps that one
    /// call of [`accumulate`](Cell::accumulate) covers.
    fn backward(&mut self, run: &mut Run<'_, T>, t: usize, place: usize, step: BackwardStep<'_, T>);

    /// Adds the gradients of the recurrent weights through some successive steps to `core`, from the outputs before
    /// those steps and their gates' gradients.
    fn accumulate(&mut self, run: &mut Run<'_, T>, before: &[T], gates: &[T], core: &mut [T]);

    /// Writes the gradients of input weights and biases, in the layout of [`start`](Cell::start), to where they belong
    /// in `core`, and the gradient of the initial state behind its first tensor.
    fn finish(&mut self, run: &mut Run<'_, T>, weights: &[T], biases: &[T], core: &mut [T], state: &mut [T]);
}

/// Matrices of one step of a forward pass.
#[derive(Debug)]
pub(super) struct ForwardStep<'a, T> {
    /// `x W + b` of each row.
    pub(super) inputs: RowsOf<'a, T>,
    /// To be overwritten, `[rows, gates]`.
    pub(super) gates: &'a mut [T],
    /// The output before, `[rows, units]`.
    pub(super) before: &'a [T],
    /// The output, `[rows, units]`.
    pub(super) h: &'a mut [T],
}

/// Matrices of one step of a backward pass.
#[derive(Debug)]
pub(super) struct BackwardStep<'a, T> {
    pub(super) gates: &'a mut [T],
    pub(super) before: &'a [T],
    pub(super) h: &'a [T],
    pub(super) dh: &'a mut [T],
    pub(super) d_before: &'a mut [T],
}

/// The first `n` elements of a buffer that grows to the largest need and is then reused.
pub(super) fn sized<T: Scalar>(buffer: &mut Vec<T>, n: usize) -> &mut [T] {
    if buffer.len() < n {
        // Fresh memory in place of a larger copy: what the buffer holds is not needed any more, and memory that is
        // never touched costs nothing.
        *buffer = vec![T::zero(); n];
    }
    &mut buffer[..n]
}

/// Writes a row to all rows of a matrix.
pub(super) fn repeat<T: Scalar>(row: &[T], matrix: &mut [T]) {
    for out in matrix.chunks_exact_mut(row.len()) {
        out.copy_from_slice(row);
    }
}
