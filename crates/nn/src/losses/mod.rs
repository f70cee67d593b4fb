//! Losses, one file each: what the last layer's values are compared to.

mod blocks;
mod gaussian_likelihood;
mod head;
mod reconstruction;
mod standard_normal;

#[cfg(feature = "candle")]
use candle_core::{Result as CandleResult, Tensor};

use crate::kernels::{GaussianLikelihood, Reconstruction};
use crate::step::Objective;
use crate::{Scalar, Shape};
use head::{Classes, Head};
use standard_normal::StandardNormal;

/// What a network minimises. All losses are means over rows.
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
    /// `½ ‖z‖² + n/2 log 2π` (nats) of `[rows, n]` values `z`: minus their log density under a standard normal.
    StandardNormal,
    /// Distance of the values and the network's input: autoencoders.
    Reconstruction(Reconstruction),
    /// Minus the log likelihood of the network's input under normal distributions: variational autoencoders.
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
    ///
    /// Its noise, where the input is dequantised ([`Plan::noise`](crate::Plan::noise),
    /// [`Plan::set_noise`](crate::Plan::set_noise)): `v` in the layout of the input, uniform on `[0, 1)`; `w (v − ½)` is added
    /// to the input, where `w` is the width of a bin.
#[cfg(feature = "candle")]
#[derive(Debug)]
pub(crate) struct ReferenceTarget<'a> {
    pub(crate) features: &'a Tensor,
    pub(crate) tokens: &'a Tensor,
    pub(crate) labels: &'a Tensor,
    pub(crate) noise: Option<&'a Tensor>,
}

impl Loss {
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
            Self::SoftmaxCrossEntropy => head::softmax_cross_entropy(values, target.labels),
            Self::SigmoidSquaredError => head::sigmoid_squared_error(values, target.labels),
            Self::NextToken => head::next_token(values, target.tokens),
            Self::StandardNormal => standard_normal::reference(values),
            Self::Reconstruction(loss) => reconstruction::reference(loss, values, target.features),
            Self::GaussianLikelihood(loss) => {
                gaussian_likelihood::reference(loss, values, target.features, target.noise)
            }
        }
    }
}
