//! The input's part of the gates at all time steps: one product per step; for embedded tokens, one product for each
//! different token of the minibatch; for one-hot tokens, a row of the weights.

use std::ops::Range;

use super::cell::{Run, sized};
use crate::Scalar;
use crate::kernels::{MatrixRef, Packed, RowsOf, Start, add_column_sums};
use crate::step::TokenInput;

/// Rows of a block of tokens whose gradients are multiplied at once.
const BLOCK: usize = 256;
/// The mark of a token that does not occur.
const ABSENT: u32 = u32::MAX;

/// `x W + b` for the inputs `x` of every step, and its gradients.
#[derive(Debug)]
pub(super) struct Input<T> {
    inputs: usize,
    gates: usize,
    pub(super) weights: Vec<T>,
    pub(super) biases: Vec<T>,
    pub(super) d_weights: Vec<T>,
    pub(super) d_biases: Vec<T>,
    packed: Packed<T>,
    transposed: Packed<T>,
    /// Of the present step, `[rows, gates]`, where the input is not tokens.
    projected: Vec<T>,
    /// 0, 1, 2, …
    in_order: Vec<u32>,
    tokens: Option<Tokens<T>>,
}

/// The different tokens of a minibatch and their projections.
#[derive(Debug)]
struct Tokens<T> {
    /// What they become before they are multiplied.
    kind: TokenInput,
    /// The slot of each token of the vocabulary, or [`ABSENT`].
    slot_of: Vec<u32>,
    /// The tokens that occur, ascending: token of each slot.
    distinct: Vec<u16>,
    /// The slot of each token of the minibatch, `[steps, rows]`.
    slots: Vec<u32>,
    /// Their rows of the table, `[slots, inputs]`; empty for one-hot tokens.
    embedded: Vec<T>,
    /// `embedded · weights + biases`, or rows of `weights` plus `biases`, `[slots, gates]`; in the backward pass the gradient with respect to it.
    projected: Vec<T>,
}

impl<T: Scalar> Input<T> {
    /// For inputs of a width, which may be made of tokens, and a number of gates.
    pub(super) fn new(inputs: usize, tokens: Option<TokenInput>, gates: usize) -> Self {
        let vocabulary = |kind| match kind {
            TokenInput::Embedding { vocabulary } => vocabulary,
            TokenInput::OneHot => inputs,
        };
        let tokens = tokens.map(|kind| Tokens {
            kind,
            slot_of: vec![ABSENT; vocabulary(kind)],
            distinct: Vec::new(),
            slots: Vec::new(),
            embedded: Vec::new(),
            projected: Vec::new(),
        });
        Self {
            inputs,
            gates,
            weights: vec![T::zero(); inputs * gates],
            biases: vec![T::zero(); gates],
            d_weights: Vec::new(),
            d_biases: Vec::new(),
            packed: Packed::default(),
            transposed: Packed::default(),
            projected: Vec::new(),
            in_order: Vec::new(),
            tokens,
        }
    }

    /// Width of the inputs.
    pub(super) const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Elements of the embedding table.
    pub(super) fn table_len(&self) -> usize {
        match self.tokens.as_ref().map(|tokens| tokens.kind) {
            Some(TokenInput::Embedding { vocabulary }) => vocabulary * self.inputs,
            Some(TokenInput::OneHot) | None => 0,
        }
    }

    /// Whether the input is multiplied by the weights.
    fn multiplies(&self) -> bool {
        self.tokens.as_ref().is_none_or(|tokens| tokens.kind != TokenInput::OneHot)
    }

    /// Starts a forward pass, behind the writing of weights and biases. `tokens` are `[rows, length]`.
    pub(super) fn start(&mut self, run: &mut Run<'_, T>, table: &[T], tokens: &[u16]) {
        if self.multiplies() {
            let weights = MatrixRef::new(&self.weights, self.inputs, self.gates);
            T::pack(run.backend, weights, &mut self.packed);
        }
        let Some(own) = &mut self.tokens else { return };
        own.number(tokens, run.rows, run.steps);
        let slots = own.distinct.len();
        // Room for the most there can be, so that later minibatches allocate nothing.
        let most = own.slot_of.len().min(own.slots.len());
        let projected = &mut sized(&mut own.projected, most * self.gates)[..slots * self.gates];
        if own.kind == TokenInput::OneHot {
            for (&token, row) in own.distinct.iter().zip(projected.chunks_exact_mut(self.gates)) {
                let weights = &self.weights[usize::from(token) * self.gates..][..self.gates];
                for (sum, (&w, &b)) in row.iter_mut().zip(weights.iter().zip(&self.biases)) {
                    *sum = b + w;
                }
            }
            return;
        }
        let embedded = &mut sized(&mut own.embedded, most * self.inputs)[..slots * self.inputs];
        for (&token, row) in own.distinct.iter().zip(embedded.chunks_exact_mut(self.inputs)) {
            row.copy_from_slice(&table[usize::from(token) * self.inputs..][..self.inputs]);
        }
        let embedded = MatrixRef::new(embedded, slots, self.inputs);
        let start = Start::Bias(&self.biases);
        T::gemm_packed(run.backend, embedded, &self.packed, start, false, projected, run.scratch);
    }

    /// The input's part of the gates of step `t`. `x` is the whole input, `[length, rows, inputs]`.
    pub(super) fn forward(&mut self, run: &mut Run<'_, T>, t: usize, x: &[T]) -> RowsOf<'_, T> {
        if let Some(tokens) = &self.tokens {
            let slots = &tokens.slots[t * run.rows..][..run.rows];
            return RowsOf { matrix: &tokens.projected, slots };
        }
        let x = MatrixRef::new(&x[t * run.rows * self.inputs..], run.rows, self.inputs);
        let projected = sized(&mut self.projected, run.rows * self.gates);
        let start = Start::Bias(&self.biases);
        T::gemm_packed(run.backend, x, &self.packed, start, false, projected, run.scratch);
        if self.in_order.len() < run.rows {
            self.in_order = (0..run.rows as u32).collect();
        }
        RowsOf { matrix: projected, slots: &self.in_order[..run.rows] }
    }

    /// Starts a backward pass.
    pub(super) fn start_backward(&mut self, run: &mut Run<'_, T>) {
        sized(&mut self.d_weights, self.inputs * self.gates).fill(T::zero());
        sized(&mut self.d_biases, self.gates).fill(T::zero());
        if self.multiplies() {
            let weights = MatrixRef::new(&self.weights, self.inputs, self.gates).transposed();
            T::pack(run.backend, weights, &mut self.transposed);
        }
        if let Some(tokens) = &mut self.tokens {
            tokens.projected[..tokens.distinct.len() * self.gates].fill(T::zero());
        }
    }

    /// Takes in the gradients of the gates at some steps; writes that of the input at these steps if wanted.
    pub(super) fn backward(
        &mut self,
        run: &mut Run<'_, T>,
        steps: Range<usize>,
        x: &[T],
        gates: &[T],
        dx: Option<&mut [T]>,
    ) {
        let rows = steps.start * run.rows..steps.end * run.rows;
        if let Some(tokens) = &mut self.tokens {
            T::add_to_rows(run.backend, self.gates, &tokens.slots[rows], gates, &mut tokens.projected);
            return;
        }
        let x = MatrixRef::new(&x[rows.start * self.inputs..], rows.len(), self.inputs);
        let gates_matrix = MatrixRef::new(gates, rows.len(), self.gates);
        add_column_sums(gates, &mut self.d_biases);
        let into = &mut self.d_weights;
        T::gemm(run.backend, x.transposed(), gates_matrix, Start::Accumulate, false, into, run.scratch);
        if let Some(dx) = dx {
            let dx = &mut dx[rows.start * self.inputs..rows.end * self.inputs];
            let w = &self.transposed;
            T::gemm_packed(run.backend, gates_matrix, w, Start::Zero, false, dx, run.scratch);
        }
    }

    /// Ends a backward pass: writes the gradient of the table, if there is one.
    pub(super) fn finish(&mut self, run: &mut Run<'_, T>, d_table: &mut [T]) {
        let Some(tokens) = &mut self.tokens else { return };
        d_table.fill(T::zero());
        let (inputs, gates) = (self.inputs, self.gates);
        if tokens.kind == TokenInput::OneHot {
            let gradients = &tokens.projected[..tokens.distinct.len() * gates];
            add_column_sums(gradients, &mut self.d_biases);
            for (&token, row) in tokens.distinct.iter().zip(gradients.chunks_exact(gates)) {
                self.d_weights[usize::from(token) * gates..][..gates].copy_from_slice(row);
            }
            return;
        }
        let mut first = 0;
        for block in tokens.distinct.chunks(BLOCK) {
            let n = block.len();
            let embedded = &mut tokens.embedded[first * inputs..][..n * inputs];
            let gradients = &tokens.projected[first * gates..][..n * gates];
            add_column_sums(gradients, &mut self.d_biases);
            let gradients = MatrixRef::new(gradients, n, gates);
            let x = MatrixRef::new(embedded, n, inputs).transposed();
            let into = &mut self.d_weights;
            T::gemm(run.backend, x, gradients, Start::Accumulate, false, into, run.scratch);
            let w = &self.transposed;
            T::gemm_packed(run.backend, gradients, w, Start::Zero, false, embedded, run.scratch);
            for (&token, row) in block.iter().zip(embedded.chunks_exact(inputs)) {
                d_table[usize::from(token) * inputs..][..inputs].copy_from_slice(row);
            }
            first += n;
        }
    }
}

impl<T> Tokens<T> {
    /// Numbers the different tokens in ascending order, and the tokens of the minibatch by them.
    fn number(&mut self, tokens: &[u16], rows: usize, steps: usize) {
        self.slot_of.fill(ABSENT);
        let length = tokens.len() / rows.max(1);
        for row in tokens.chunks_exact(length.max(1)) {
            for &token in &row[..steps] {
                self.slot_of[usize::from(token)] = 0;
            }
        }
        self.distinct.clear();
        for (token, slot) in self.slot_of.iter_mut().enumerate() {
            if *slot != ABSENT {
                *slot = self.distinct.len() as u32;
                self.distinct.push(token as u16);
            }
        }
        self.slots.clear();
        for t in 0..steps {
            let column = tokens.chunks_exact(length.max(1)).map(|row| self.slot_of[usize::from(row[t])]);
            self.slots.extend(column);
        }
    }
}
