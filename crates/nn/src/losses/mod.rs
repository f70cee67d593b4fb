//! Losses, one file each: what the last layer's values are compared to.

mod class_losses;
mod gaussian_likelihood;
mod logits_in_blocks;
mod reconstruction;
mod standard_normal;

#[cfg(feature = "candle")]
use candle_core::{Result as CandleResult, Tensor};

use crate::kernels::{GaussianLikelihood, Reconstruction};
use crate::step::Objective;
use crate::{Scalar, Shape};
use class_losses::{Classes, Head};
use standard_normal::StandardNormal;

/// The label of a position that has none; see [`Loss::SequenceCrossEntropy`].
pub const NO_LABEL: u16 = u16::MAX;

/// What a network minimises. All losses are means over rows, except for [`SequenceCrossEntropy`](Loss::SequenceCrossEntropy).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Softmax cross-entropy (nats) of `[rows, classes]` logits against the labels.
    SoftmaxCrossEntropy,
    /// Mean over classes of `(onehot − sigmoid(logit))²`, of `[rows, classes]` logits against the labels.
    SigmoidSquaredError,
    /// Softmax cross-entropy (nats) of the logits of every time step but the last, `[length, rows, vocabulary]`,
    /// against the token of the next time step; the mean over rows and time steps. The input must be tokens.
    NextToken,
    /// Softmax cross-entropy (nats) of the logits of the time steps `first..first + steps` of `[length, rows, classes]`
    /// against labels of their own, `[rows, steps]`. Positions labelled [`NO_LABEL`] do not count: the loss is the sum over
    /// the labelled positions of all rows, divided by their number.
    ///
    /// The logits of other positions are never computed, so nothing depends on them, and the gradient with respect to them is
    /// exactly 0. In a minibatch without any label the loss is 0/0: it and its gradients are NaN.
    ///
    /// With `first = 0` and `steps = length − 1`, and the next token as the label of every position (or `NO_LABEL` where that
    /// is padding), this is a language model that does not learn padding.
    SequenceCrossEntropy {
        /// The first time step that can have labels.
        first: usize,
        /// Number of time steps that can have labels, 1 at least.
        steps: usize,
    },
    /// `½ ‖z‖² + n/2 log 2π` (nats) of `[rows, n]` values `z`: minus their log density under a standard normal.
    StandardNormal,
    /// Distance of the values and the network's input: autoencoders.
    Reconstruction(Reconstruction),
    /// Minus the log likelihood of the network's input under normal distributions: variational autoencoders.
    ///
    /// Its noise, where the input is dequantised ([`Plan::noise`](crate::Plan::noise),
    /// [`Plan::set_noise`](crate::Plan::set_noise)): `v` in the layout of the input, uniform on `[0, 1)`; `w (v − ½)` is added
    /// to the input, where `w` is the width of a bin.
    GaussianLikelihood(GaussianLikelihood),
}

/// What a loss knows when it is planned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LossPlanning {
    /// Shape of the network's input.
    pub(crate) input: Shape,
    /// Shape of the values that the loss is computed from: behind the last layer, or before the dense layer that the
    /// loss takes in.
    pub(crate) values: Shape,
    /// Outputs of the dense layer that the loss takes in.
    pub(crate) dense: Option<usize>,
    /// Most rows that it will meet.
    pub(crate) rows: usize,
}

/// What the reference of a loss is given besides the values.
#[cfg(feature = "candle")]
#[derive(Debug)]
pub(crate) struct ReferenceTarget<'a> {
    pub(crate) features: &'a Tensor,
    pub(crate) tokens: &'a Tensor,
    pub(crate) labels: &'a Tensor,
    pub(crate) noise: Option<&'a Tensor>,
}

impl Loss {
    /// Labels of a row of the minibatch.
    pub const fn labels_per_row(self) -> usize {
        match self {
            Self::SequenceCrossEntropy { steps, .. } => steps,
            _ => 1,
        }
    }

    /// Whether it is a mean over rows, so that the loss of several minibatches of equal size, taken as one, is the mean of
    /// their losses. [`SequenceCrossEntropy`](Loss::SequenceCrossEntropy) is not: minibatches with more labels would weigh
    /// more.
    pub const fn is_mean_over_rows(self) -> bool {
        !matches!(self, Self::SequenceCrossEntropy { .. })
    }

    /// Time steps at the end of a sequence of so many steps that the loss does not read.
    pub(crate) fn unused_steps(self, length: usize) -> usize {
        match self {
            Self::NextToken => 1,
            Self::SequenceCrossEntropy { first, steps } => length.saturating_sub(first + steps),
            _ => 0,
        }
    }

    /// Time steps of which the loss computes the values, of a sequence of so many steps.
    pub(crate) fn computed_steps(self, length: usize) -> usize {
        match self {
            Self::SequenceCrossEntropy { steps, .. } => steps,
            _ => length,
        }
    }

    /// Whether the planned loss includes the last dense layer, so that its values need not be stored for all rows at once.
    pub(crate) const fn takes_dense(self) -> bool {
        !matches!(self, Self::StandardNormal)
    }

    /// Whether the loss can be computed from such an output.
    pub(crate) fn check(self, input: Shape, output: Shape) -> Result<(), String> {
        match (self, input, output) {
            (Self::SoftmaxCrossEntropy | Self::SigmoidSquaredError, _, Shape::Features(n)) if n > 0 => Ok(()),
            (Self::NextToken, Shape::Tokens { length, vocabulary }, Shape::Sequence { length: l, width })
                if length == l && length > 1 && width >= vocabulary =>
            {
                Ok(())
            }
            (Self::SequenceCrossEntropy { first, steps }, _, Shape::Sequence { length, width })
                if steps > 0
                    && steps <= length
                    && first <= length - steps
                    && (1..=usize::from(NO_LABEL)).contains(&width) =>
            {
                Ok(())
            }
            (Self::StandardNormal, _, Shape::Features(n)) if n > 0 => Ok(()),
            (Self::Reconstruction(_), Shape::Features(_) | Shape::Image { .. }, Shape::Features(n))
                if n > 0 && n == input.len() =>
            {
                Ok(())
            }
            (Self::GaussianLikelihood(_), Shape::Features(_) | Shape::Image { .. }, Shape::Features(n))
                if n > 0 && n == 2 * input.len() =>
            {
                Ok(())
            }
            _ => Err(format!("{self:?} is not defined for {output} from {input}")),
        }
    }

    pub(crate) fn plan<T: Scalar>(self, planning: LossPlanning) -> Box<dyn Objective<T>> {
        let classes = match self {
            Self::SoftmaxCrossEntropy => Classes::Softmax,
            Self::SigmoidSquaredError => Classes::Sigmoid,
            Self::NextToken => Classes::NextToken,
            Self::SequenceCrossEntropy { first, steps } => Classes::Steps { first, steps },
            Self::StandardNormal => return Box::new(StandardNormal::new(planning)),
            Self::Reconstruction(loss) => return reconstruction::plan(loss, planning),
            Self::GaussianLikelihood(loss) => return gaussian_likelihood::plan(loss, planning),
        };
        Box::new(Head::new(classes, planning))
    }

    /// The candle form: the mean loss of values in the layout of their shape.
    #[cfg(feature = "candle")]
    pub(crate) fn reference(self, values: &Tensor, target: &ReferenceTarget<'_>) -> CandleResult<Tensor> {
        match self {
            Self::SoftmaxCrossEntropy => class_losses::softmax_cross_entropy(values, target.labels),
            Self::SigmoidSquaredError => class_losses::sigmoid_squared_error(values, target.labels),
            Self::NextToken => class_losses::next_token(values, target.tokens),
            Self::SequenceCrossEntropy { first, steps } => {
                class_losses::sequence_cross_entropy(&values.narrow(0, first, steps)?, target.labels)
            }
            Self::StandardNormal => standard_normal::reference(values),
            Self::Reconstruction(loss) => reconstruction::reference(loss, values, target.features),
            Self::GaussianLikelihood(loss) => {
                gaussian_likelihood::reference(loss, values, target.features, target.noise)
            }
        }
    }
}

#[cfg(test)]
mod sequence_tests;
