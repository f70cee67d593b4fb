//! Losses over classes, together with the last dense layer: logits exist for a block of rows at a time.
//!
//! Forward, softmax, and both gradients of a block are computed while its logits are in the cache, and a language model
//! over 30,000 subwords needs no memory for all of its logits. The blocks' sizes depend on shapes only.

use super::LossPlanning;
use crate::kernels::{MatrixRef, Packed, Start, add_column_sums};
use crate::step::{Gradients, Objective, Pass};
use crate::{Scalar, Shape};

/// Logits of a block, as far as rows can be chosen: a few rows of a large vocabulary must still make a good product.
const BLOCK_LOGITS: usize = 1 << 17;
/// Fewest rows of a block.
const BLOCK_ROWS: usize = 128;

/// Which loss, and where its labels come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Classes {
    Softmax,
    Sigmoid,
    NextToken,
}

/// The planned losses over classes.
#[derive(Debug)]
pub(super) struct Head<T> {
    classes: Classes,
    /// Tokens of a row; 1 for plain classifiers.
    length: usize,
    /// Features of a vector that the logits are computed from, or that are the logits.
    width: usize,
    /// Outputs of the dense layer taken in.
    dense: Option<usize>,
    logits: Vec<T>,
    labels: Vec<u16>,
    weights: Packed<T>,
    transposed: Packed<T>,
}

impl<T: Scalar> Head<T> {
    pub(super) fn new(classes: Classes, planning: LossPlanning) -> Self {
        let length = match planning.input {
            Shape::Tokens { length, .. } if classes == Classes::NextToken => length,
            _ => 1,
        };
        let width = planning.values.vectors().map_or(0, |(_, width)| width);
        let vectors = planning.rows * usize::max(length - 1, 1);
        let rows = block_rows(planning.dense.unwrap_or(width)).min(vectors);
        Self {
            classes,
            length,
            width,
            dense: planning.dense,
            logits: vec![T::zero(); rows * planning.dense.unwrap_or(width)],
            labels: Vec::new(),
            weights: Packed::default(),
            transposed: Packed::default(),
        }
    }

    /// The labels of all vectors in their order: time-major for sequences.
    fn read_labels(&mut self, pass: &Pass<'_, T>) {
        self.labels.clear();
        match self.classes {
            Classes::Softmax | Classes::Sigmoid => self.labels.extend_from_slice(pass.labels),
            Classes::NextToken => {
                for time in 1..self.length {
                    self.labels.extend(pass.tokens.chunks_exact(self.length).map(|row| row[time]));
                }
            }
        }
    }
}

/// Rows of a block.
fn block_rows(classes: usize) -> usize {
    (BLOCK_LOGITS / classes.max(1)).max(BLOCK_ROWS)
}

impl<T: Scalar> Objective<T> for Head<T> {
    fn evaluate(&mut self, pass: Pass<'_, T>, x: &[T], gradients: Option<Gradients<'_, T>>) -> f64 {
        self.read_labels(&pass);
        let (width, outputs) = (self.width, self.dense.unwrap_or(self.width));
        let vectors = self.labels.len();
        let x = &x[..vectors * width];
        let scale = T::of(1.0 / vectors as f64);
        let block = block_rows(outputs);
        let (w, b) = pass.params.split_at(if self.dense.is_some() { width * outputs } else { 0 });
        let pack = self.dense.is_some() && vectors > block;
        let (mut dx, mut own) = match gradients {
            Some(gradients) => (gradients.dx, Some(gradients.params)),
            None => (None, None),
        };
        if let Some(own) = own.as_deref_mut() {
            own[w.len()..].fill(T::zero());
        }
        if let Some(dx) = dx.as_deref_mut() {
            dx[vectors * width..].fill(T::zero());
        }
        if pack {
            T::pack(pass.backend, MatrixRef::new(w, width, outputs), &mut self.weights);
            if dx.is_some() {
                T::pack(pass.backend, MatrixRef::new(w, width, outputs).transposed(), &mut self.transposed);
            }
        }
        let mut sum = 0.0;
        let mut first = 0;
        while first < vectors {
            let rows = block.min(vectors - first);
            let x = &x[first * width..][..rows * width];
            let logits = &mut self.logits[..rows * outputs];
            if self.dense.is_some() {
                let x = MatrixRef::new(x, rows, width);
                if pack {
                    T::gemm_packed(
                        pass.backend,
                        x,
                        &self.weights,
                        Start::Bias(b),
                        false,
                        logits,
                        pass.scratch,
                    );
                } else {
                    let w = MatrixRef::new(w, width, outputs);
                    T::gemm(pass.backend, x, w, Start::Bias(b), false, logits, pass.scratch);
                }
            } else {
                logits.copy_from_slice(x);
            }
            let labels = &self.labels[first..first + rows];
            let wanted = own.is_some().then_some(scale);
            sum += match self.classes {
                Classes::Softmax | Classes::NextToken => {
                    T::softmax_cross_entropy(pass.backend, logits, labels, wanted)
                }
                Classes::Sigmoid => T::sigmoid_squared_error(pass.backend, logits, labels, wanted),
            };
            if self.dense.is_some() {
                let d_logits = MatrixRef::new(logits, rows, outputs);
                if let Some(own) = own.as_deref_mut() {
                    let (dw, db) = own.split_at_mut(width * outputs);
                    add_column_sums(logits, db);
                    let start = if first == 0 { Start::Zero } else { Start::Accumulate };
                    let x = MatrixRef::new(x, rows, width).transposed();
                    T::gemm(pass.backend, x, d_logits, start, false, dw, pass.scratch);
                }
                if let Some(dx) = dx.as_deref_mut() {
                    let dx = &mut dx[first * width..][..rows * width];
                    if pack {
                        let w = &self.transposed;
                        T::gemm_packed(pass.backend, d_logits, w, Start::Zero, false, dx, pass.scratch);
                    } else {
                        let w = MatrixRef::new(w, width, outputs).transposed();
                        T::gemm(pass.backend, d_logits, w, Start::Zero, false, dx, pass.scratch);
                    }
                }
            } else if let Some(dx) = dx.as_deref_mut() {
                dx[first * width..][..rows * width].copy_from_slice(logits);
            }
            first += rows;
        }
        sum / vectors as f64
    }
}

#[cfg(feature = "candle")]
use candle_core::{D, Result as CandleResult, Tensor};

/// Mean softmax cross-entropy of `[…, classes]` logits against `u32` labels `[…]`.
#[cfg(feature = "candle")]
pub(super) fn softmax_cross_entropy(logits: &Tensor, labels: &Tensor) -> CandleResult<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let normalizer = shifted.exp()?.sum(D::Minus1)?.log()?;
    let target =
        shifted.gather(&labels.unsqueeze(D::Minus1)?.contiguous()?, D::Minus1)?.squeeze(D::Minus1)?;
    (normalizer - target)?.mean_all()
}

#[cfg(feature = "candle")]
pub(super) fn sigmoid_squared_error(logits: &Tensor, labels: &Tensor) -> CandleResult<Tensor> {
    let (rows, classes) = logits.dims2()?;
    let zeros = logits.zeros_like()?;
    let ones = Tensor::ones((rows, 1), logits.dtype(), logits.device())?;
    let onehot = zeros.scatter_add(&labels.unsqueeze(1)?, &ones, 1)?;
    let error = (onehot - crate::reference::activate(crate::Activation::Sigmoid, logits)?)?.sqr()?;
    (error.sum_all()? / (rows * classes) as f64)?.reshape(())
}

/// Logits `[length, rows, vocabulary]` against tokens `[rows, length]`.
#[cfg(feature = "candle")]
pub(super) fn next_token(logits: &Tensor, tokens: &Tensor) -> CandleResult<Tensor> {
    let last = tokens.dim(1)? - 1;
    softmax_cross_entropy(&logits.narrow(0, 0, last)?, &tokens.narrow(1, 1, last)?.t()?.contiguous()?)
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, stream};
    use crate::{Activation, Dense, LayerNorm, Loss, Network, Plan, Shape};
    use proptest::prelude::*;

    const LOSSES: [Loss; 2] = [Loss::SoftmaxCrossEntropy, Loss::SigmoidSquaredError];

    #[test]
    fn gradients_with_and_without_a_dense_layer_before() {
        for loss in LOSSES {
            for activation in [Activation::Relu, Activation::Swish] {
                check(&Network::mlp(7, &[9, 4], activation, loss), 6);
            }
            let layers = vec![Dense { outputs: 4 }.into(), LayerNorm.into()];
            check(&Network::new(Shape::Features(7), layers, loss), 6);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn gradients_of_every_shape(
            inputs in 1usize..30, classes in 2usize..20, rows in 1usize..20, loss in prop::sample::select(&LOSSES[..]),
        ) {
            check(&Network::mlp(inputs, &[classes], Activation::Relu, loss), rows);
        }
    }

    #[test]
    fn blocks_of_rows_are_one_sum() {
        // Two and a half blocks.
        for rows in [320, 300] {
            check(&Network::mlp(3, &[2, 1100], Activation::Tanh, Loss::SoftmaxCrossEntropy), rows);
        }
    }

    #[test]
    fn the_initial_loss_of_small_weights_is_the_logarithm_of_the_classes() {
        let mut network = Network::mlp(50, &[30, 10], Activation::Relu, Loss::SoftmaxCrossEntropy);
        network.weights = crate::Initializer::RandomNormal { std: 1e-3 };
        let mut plan = Plan::<f32>::new(&network, 64).unwrap();
        let mut s = stream("batch");
        plan.input_mut().iter_mut().for_each(|x| *x = s.normal() as f32);
        let mut params = vec![0.0; network.parameter_count()];
        network.init(&mut params, &mut stream("small"));
        assert!((plan.loss(&params) - 10f64.ln()).abs() < 1e-3);
    }
}
