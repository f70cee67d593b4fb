//! Losses over classes: softmax cross-entropy, sigmoids' squared errors, the next token of a text, labels per time step.

use std::ops::Range;

use super::logits_in_blocks::{Blocks, Vectors};
use super::{LossPlanning, NO_LABEL};
use crate::step::{Gradients, Objective, Pass};
use crate::{Scalar, Shape};

/// Which loss, and where its labels come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Classes {
    Softmax,
    Sigmoid,
    NextToken,
    /// See [`Loss::SequenceCrossEntropy`](crate::Loss::SequenceCrossEntropy).
    Steps {
        first: usize,
        steps: usize,
    },
}

/// The planned losses over classes.
#[derive(Debug)]
pub(super) struct Head<T> {
    classes: Classes,
    /// Tokens of a row; 1 for plain classifiers.
    length: usize,
    logits: Blocks<T>,
    /// The labels of the vectors that have some.
    labels: Vec<u16>,
    /// The numbers of these vectors; kept only where some vectors may have no label.
    labelled: Vec<u32>,
}

impl<T: Scalar> Head<T> {
    pub(super) fn new(classes: Classes, planning: LossPlanning) -> Self {
        let length = match planning.input {
            Shape::Tokens { length, .. } if classes == Classes::NextToken => length,
            _ => 1,
        };
        let steps = match classes {
            Classes::Steps { steps, .. } => steps,
            _ => usize::max(length - 1, 1),
        };
        let vectors = planning.rows * steps;
        let mut logits = Blocks::new(planning, vectors);
        let mut labelled = Vec::new();
        if let Classes::Steps { .. } = classes {
            logits = logits.gathering(vectors);
            labelled.reserve(vectors);
        }
        Self { classes, length, logits, labels: Vec::new(), labelled }
    }

    /// The vectors that can have labels.
    const fn vectors(&self, rows: usize) -> Range<usize> {
        match self.classes {
            Classes::Softmax | Classes::Sigmoid => 0..rows,
            Classes::NextToken => 0..rows * (self.length - 1),
            Classes::Steps { first, steps } => first * rows..(first + steps) * rows,
        }
    }

    /// The labels of all vectors that have some, in their order: time-major for sequences.
    fn read_labels(&mut self, pass: &Pass<'_, T>) {
        self.labels.clear();
        self.labelled.clear();
        match self.classes {
            Classes::Softmax | Classes::Sigmoid => self.labels.extend_from_slice(pass.labels),
            Classes::NextToken => {
                for time in 1..self.length {
                    self.labels.extend(pass.tokens.chunks_exact(self.length).map(|row| row[time]));
                }
            }
            Classes::Steps { first, steps } => {
                for time in 0..steps {
                    for (i, row) in pass.labels.chunks_exact(steps).enumerate() {
                        if row[time] != NO_LABEL {
                            self.labels.push(row[time]);
                            self.labelled.push(((first + time) * pass.rows + i) as u32);
                        }
                    }
                }
            }
        }
    }
}

/// 0/0: the loss of a minibatch without labels, and its gradients: NaN for the vectors `all`, which could have had labels,
/// and 0 for those before and behind them.
fn without_labels<T: Scalar>(gradients: Option<Gradients<'_, T>>, all: Range<usize>, width: usize) -> f64 {
    if let Some(Gradients { dx, params }) = gradients {
        params.fill(T::nan());
        if let Some(dx) = dx {
            dx.fill(T::zero());
            dx[all.start * width..all.end * width].fill(T::nan());
        }
    }
    f64::NAN
}

impl<T: Scalar> Objective<T> for Head<T> {
    fn evaluate(&mut self, mut pass: Pass<'_, T>, x: &[T], gradients: Option<Gradients<'_, T>>) -> f64 {
        self.read_labels(&pass);
        let all = self.vectors(pass.rows);
        if self.labels.is_empty() {
            return without_labels(gradients, all, self.logits.width());
        }
        let vectors = if self.labels.len() == all.len() {
            Vectors::Range(all)
        } else {
            Vectors::Listed(&self.labelled)
        };
        let (backend, labels, outputs) = (pass.backend, &self.labels, self.logits.outputs());
        let scale = gradients.is_some().then(|| T::of(1.0 / labels.len() as f64));
        let sum = self.logits.sum(&mut pass, x, &vectors, gradients, |logits, first| {
            let labels = &labels[first..first + logits.len() / outputs];
            match self.classes {
                Classes::Softmax | Classes::NextToken | Classes::Steps { .. } => {
                    T::softmax_cross_entropy(backend, logits, labels, scale)
                }
                Classes::Sigmoid => T::sigmoid_squared_error(backend, logits, labels, scale),
            }
        });
        sum / labels.len() as f64
    }
}

#[cfg(feature = "candle")]
use candle_core::{D, Result as CandleResult, Tensor};

/// Mean softmax cross-entropy of `[…, classes]` logits against `u32` labels `[…]`.
#[cfg(feature = "candle")]
pub(super) fn softmax_cross_entropy(logits: &Tensor, labels: &Tensor) -> CandleResult<Tensor> {
    cross_entropies(logits, labels)?.mean_all()
}

/// Softmax cross-entropies `[…]` of `[…, classes]` logits against `u32` labels `[…]`.
#[cfg(feature = "candle")]
fn cross_entropies(logits: &Tensor, labels: &Tensor) -> CandleResult<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let normalizer = shifted.exp()?.sum(D::Minus1)?.log()?;
    let target =
        shifted.gather(&labels.unsqueeze(D::Minus1)?.contiguous()?, D::Minus1)?.squeeze(D::Minus1)?;
    normalizer - target
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

/// Logits `[steps, rows, classes]` against labels `[rows, steps]`, without those that are [`NO_LABEL`].
#[cfg(feature = "candle")]
pub(super) fn sequence_cross_entropy(logits: &Tensor, labels: &Tensor) -> CandleResult<Tensor> {
    let (steps, rows, _) = logits.dims3()?;
    let labels = labels.reshape((rows, steps))?.t()?.contiguous()?;
    let labelled = labels.ne(u32::from(NO_LABEL))?;
    let losses = cross_entropies(logits, &(labels * labelled.to_dtype(candle_core::DType::U32)?)?)?;
    let count = labelled.to_dtype(losses.dtype())?.sum_all()?;
    labelled.where_cond(&losses, &losses.zeros_like()?)?.sum_all()? / count
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
