//! The values that a loss is computed from, in blocks of rows, with the dense layer before them where the loss
//! includes it.
//!
//! Forward, loss, and both gradients of a block are computed while its values are in the cache, and a language model over
//! 30,000 subwords or an autoencoder of large images needs no memory for all of its values. The loss puts gradients in
//! the place of values. The blocks' sizes depend on shapes only.
//!
//! Where only some vectors count, theirs are gathered: the others are neither read nor multiplied.
//!
//! Memory, for vectors of `n` values from `k` features: a block of `n min(vectors, max(128, 2¹⁷ / n))` values; with more
//! vectors than one block, the weights packed twice, `2 k n`; where vectors may be gathered, a block of their features.

use std::ops::Range;

use super::LossPlanning;
use crate::Scalar;
use crate::kernels::{MatrixRef, Packed, Start, add_column_sums};
use crate::step::{Gradients, Pass};

/// Target number of values of a block. Where vectors are long, a block has more, because a product of few rows is slow.
const BLOCK_VALUES: usize = 1 << 17;
/// Fewest vectors of a block.
const BLOCK_VECTORS: usize = 128;

/// Vectors of a block where each has so many values.
pub(super) fn block(values: usize) -> usize {
    (BLOCK_VALUES / values.max(1)).max(BLOCK_VECTORS)
}

/// The vectors that a loss is computed from, ascending.
#[derive(Clone, Debug)]
pub(super) enum Vectors<'a> {
    /// Neighbours.
    Range(Range<usize>),
    /// These.
    Listed(&'a [u32]),
}

impl Vectors<'_> {
    /// The first so many.
    pub(super) const fn first(count: usize) -> Self {
        Self::Range(0..count)
    }

    fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Listed(list) => list.len(),
        }
    }

    /// Writes 0 to all other vectors of a matrix.
    fn clear_others<T: Scalar>(&self, matrix: &mut [T], width: usize) {
        let mut clear =
            |vectors: Range<usize>| matrix[vectors.start * width..vectors.end * width].fill(T::zero());
        let mut next = 0;
        match self {
            Self::Range(range) => {
                clear(0..range.start);
                next = range.end;
            }
            Self::Listed(list) => {
                for &vector in *list {
                    clear(next..vector as usize);
                    next = vector as usize + 1;
                }
            }
        }
        matrix[next * width..].fill(T::zero());
    }
}

/// A block of a plan's last values: the part of them that exists at a time.
#[derive(Debug)]
pub(super) struct Blocks<T> {
    /// Features of a vector that the values are computed from, or that are the values.
    width: usize,
    /// Values of a vector.
    outputs: usize,
    /// Whether a dense layer stands between the two.
    dense: bool,
    /// Vectors of a block.
    block: usize,
    values: Vec<T>,
    /// Features of a block of vectors that are not neighbours, and then the gradient with respect to them.
    gathered: Vec<T>,
    weights: Packed<T>,
    transposed: Packed<T>,
}

impl<T: Scalar> Blocks<T> {
    /// For up to `vectors` vectors.
    pub(super) fn new(planning: LossPlanning, vectors: usize) -> Self {
        let width = planning.values.vectors().map_or(0, |(_, width)| width);
        let outputs = planning.dense.unwrap_or(width);
        let block = block(outputs);
        Self {
            width,
            outputs,
            dense: planning.dense.is_some(),
            block,
            values: vec![T::zero(); block.min(vectors) * outputs],
            gathered: Vec::new(),
            weights: Packed::default(),
            transposed: Packed::default(),
        }
    }

    /// Features of a vector.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// The same with room for the features of [`Vectors::Listed`].
    pub(super) fn gathering(self, vectors: usize) -> Self {
        Self { gathered: vec![T::zero(); self.block.min(vectors) * self.width], ..self }
    }

    /// Values of a vector.
    pub(super) const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Adds up what `loss` returns for blocks of the values of some vectors of `x`. It is called with a block and the place
    /// of the block's first vector among them, and must put the gradient of the mean loss in the place of the values
    /// (where gradients are wanted). Other vectors of `x` get the gradient 0.
    pub(super) fn sum(
        &mut self,
        pass: &mut Pass<'_, T>,
        x: &[T],
        vectors: &Vectors<'_>,
        gradients: Option<Gradients<'_, T>>,
        mut loss: impl FnMut(&mut [T], usize) -> f64,
    ) -> f64 {
        let (width, outputs) = (self.width, self.outputs);
        let count = vectors.len();
        let (w, b) = pass.params.split_at(if self.dense { width * outputs } else { 0 });
        let pack = self.dense && count > self.block;
        let (mut dx, mut own) = match gradients {
            Some(gradients) => (gradients.dx, Some(gradients.params)),
            None => (None, None),
        };
        if let Some(own) = own.as_deref_mut() {
            own[w.len()..].fill(T::zero());
        }
        if let Some(dx) = dx.as_deref_mut() {
            vectors.clear_others(dx, width);
        }
        if pack {
            T::pack(pass.backend, MatrixRef::new(w, width, outputs), &mut self.weights);
            if dx.is_some() {
                T::pack(pass.backend, MatrixRef::new(w, width, outputs).transposed(), &mut self.transposed);
            }
        }
        let (mut sum, mut first) = (0.0, 0);
        while first < count {
            let rows = self.block.min(count - first);
            let x = match vectors {
                Vectors::Range(range) => &x[(range.start + first) * width..][..rows * width],
                Vectors::Listed(list) => {
                    let gathered = &mut self.gathered[..rows * width];
                    for (row, &vector) in gathered.chunks_exact_mut(width).zip(&list[first..]) {
                        row.copy_from_slice(&x[vector as usize * width..][..width]);
                    }
                    &*gathered
                }
            };
            let values = &mut self.values[..rows * outputs];
            if self.dense {
                let (x, start) = (MatrixRef::new(x, rows, width), Start::Bias(b));
                if pack {
                    T::gemm_packed(pass.backend, x, &self.weights, start, false, values, pass.scratch);
                } else {
                    let w = MatrixRef::new(w, width, outputs);
                    T::gemm(pass.backend, x, w, start, false, values, pass.scratch);
                }
            } else {
                values.copy_from_slice(x);
            }
            sum += loss(values, first);
            if self.dense {
                let d_values = MatrixRef::new(values, rows, outputs);
                if let Some(own) = own.as_deref_mut() {
                    let (dw, db) = own.split_at_mut(width * outputs);
                    add_column_sums(values, db);
                    let start = if first == 0 { Start::Zero } else { Start::Accumulate };
                    let x = MatrixRef::new(x, rows, width).transposed();
                    T::gemm(pass.backend, x, d_values, start, false, dw, pass.scratch);
                }
                if let Some(dx) = dx.as_deref_mut() {
                    let d_rows = match vectors {
                        Vectors::Range(range) => &mut dx[(range.start + first) * width..][..rows * width],
                        Vectors::Listed(_) => &mut self.gathered[..rows * width],
                    };
                    if pack {
                        let w = &self.transposed;
                        T::gemm_packed(pass.backend, d_values, w, Start::Zero, false, d_rows, pass.scratch);
                    } else {
                        let w = MatrixRef::new(w, width, outputs).transposed();
                        T::gemm(pass.backend, d_values, w, Start::Zero, false, d_rows, pass.scratch);
                    }
                    if let Vectors::Listed(list) = vectors {
                        scatter(&self.gathered[..rows * width], &list[first..], dx, width);
                    }
                }
            } else if let Some(dx) = dx.as_deref_mut() {
                match vectors {
                    Vectors::Range(range) => {
                        dx[(range.start + first) * width..][..rows * width].copy_from_slice(values);
                    }
                    Vectors::Listed(list) => scatter(values, &list[first..], dx, width),
                }
            }
            first += rows;
        }
        sum
    }
}

/// Copies rows to the vectors of these numbers.
fn scatter<T: Copy>(rows: &[T], vectors: &[u32], into: &mut [T], width: usize) {
    for (row, &vector) in rows.chunks_exact(width).zip(vectors) {
        into[vector as usize * width..][..width].copy_from_slice(row);
    }
}

#[cfg(test)]
mod tests {
    use super::block;
    use crate::testing::{started, stream};
    use crate::{
        Activation, Backend, Distance, GaussianLikelihood, Loss, Network, Output, Plan, Reconstruction,
        Reduction,
    };

    /// Loss and gradients of two and a bit blocks against those of parts of a block.
    fn check(inputs: usize, outputs: usize, loss: Loss) {
        let block = block(outputs);
        assert!(block < 200, "the test would take long");
        let (part, parts) = (block / 4, 9);
        let network = Network::mlp(inputs, &[3, outputs], Activation::Tanh, loss);
        let (mut large, params) = started::<f64>(&network, part * parts, Backend::portable());
        let mut gradients = vec![f64::NAN; params.len()];
        let (mut sum, mut summed) = (0.0, vec![0.0; params.len()]);
        for i in 0..parts {
            let mut noise = stream("blocks");
            large.draw_noise(i * part..(i + 1) * part, &mut noise.clone());
            let mut small = Plan::<f64>::with_backend(&network, part, Backend::portable()).unwrap();
            small.draw_noise(0..part, &mut noise);
            let rows = large.batch_mut().rows(i * part..(i + 1) * part);
            small.input_mut().copy_from_slice(rows.features);
            small.labels_mut().copy_from_slice(rows.labels);
            sum += small.loss_and_gradients(&params, &mut gradients) / parts as f64;
            summed.iter_mut().zip(&gradients).for_each(|(sum, g)| *sum += g / parts as f64);
        }
        let loss = large.loss_and_gradients(&params, &mut gradients);
        assert!((loss - sum).abs() < 1e-12 * sum.abs());
        let norm = summed.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!(gradients.iter().zip(&summed).all(|(a, b)| (a - b).abs() < 1e-12 * norm));
    }

    #[test]
    fn blocks_of_rows_are_one_sum() {
        let loss =
            Reconstruction { output: Output::Tanh, distance: Distance::Squared, reduction: Reduction::Sum };
        check(3, 2000, Loss::SoftmaxCrossEntropy);
        check(2000, 2000, Loss::Reconstruction(loss));
        let loss = GaussianLikelihood { clip: 10.0, dequantize: Some(0.1) };
        check(1000, 2000, Loss::GaussianLikelihood(loss));
    }
}
