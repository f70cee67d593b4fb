//! The contract between a plan and what it runs: steps, one per layer, and then an objective.

use std::fmt::Debug;
use std::ops::Range;

use taskset_rng::Stream;

use crate::kernels::Scratch;
use crate::{Activation, Backend, Scalar, Shape};

/// What a layer is told when it is planned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planning {
    /// Shape of its input.
    pub(crate) input: Shape,
    /// Most rows that it will meet.
    pub(crate) rows: usize,
    /// The activation that follows and that it must apply; only for kinds with
    /// [`FUSES_ACTIVATION`](crate::layers::Kind::FUSES_ACTIVATION).
    pub(crate) activation: Option<Activation>,
    /// What it must take in, if the layer before it turns tokens into numbers: its input is then the network's tokens; only
    /// for kinds with [`TAKES_TOKENS`](crate::layers::Kind::TAKES_TOKENS).
    pub(crate) tokens: Option<TokenInput>,
    /// Time steps at the end of its output that nothing reads.
    pub(crate) unused_steps: usize,
}

/// A layer that turns tokens into numbers, as the layer behind it takes it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenInput {
    /// An embedding; the parameters of the layer that takes it in start with the table.
    Embedding {
        /// Rows of the table.
        vocabulary: usize,
    },
    /// One-hot vectors, which have no parameters.
    OneHot,
}

/// What every pass through a step is given. The minibatch stays the same from a forward pass to its backward pass.
#[derive(Debug)]
pub(crate) struct Pass<'a, T> {
    pub(crate) backend: Backend,
    /// Rows in use.
    pub(crate) rows: usize,
    /// Whether a backward pass of the same minibatch follows, so that its needs must be kept.
    pub(crate) keep: bool,
    /// The step's own parameters.
    pub(crate) params: &'a [T],
    /// The network's input, `[rows, …]`; empty for tokens.
    pub(crate) input: &'a [T],
    /// `[rows, length]`; empty unless the network's input is tokens.
    pub(crate) tokens: &'a [u16],
    /// `[rows, labels per row]`.
    pub(crate) labels: &'a [u16],
    pub(crate) scratch: &'a mut Scratch<T>,
}

impl<T: Scalar> Pass<'_, T> {
    /// What a sum over rows must be multiplied by for the mean over rows.
    pub(crate) fn per_row(&self) -> T {
        T::of(1.0 / self.rows as f64)
    }

    /// The same pass through a part of the step, with the part's parameters.
    pub(crate) fn part<'b>(&'b mut self, params: &'b [T]) -> Pass<'b, T> {
        Pass { params, scratch: &mut *self.scratch, ..*self }
    }
}

/// A planned layer. Values are `[rows, …]` in the layouts of [`Shape`], and cover exactly the rows in use.
///
/// After the first backward pass a step allocates nothing.
pub(crate) trait Step<T>: Debug + Send {
    /// Computes `y` from `x`; returns what the layer adds to the loss, summed over rows (a KL divergence, minus a log
    /// determinant), 0 for most.
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64;

    /// From the gradient of the loss `dy` with respect to `y` (which may be overwritten) computes the gradient with
    /// respect to the parameters and, if wanted, `x`; both are overwritten. Gradients of what the layer itself adds to
    /// the loss (the mean over rows) are included.
    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        gradients: &mut [T],
    );

    /// The random numbers of the minibatch, row-major, `None` for deterministic steps.
    fn noise(&self) -> Option<&[T]> {
        None
    }

    /// The same random numbers, to be overwritten.
    fn noise_mut(&mut self) -> Option<&mut [T]> {
        None
    }

    /// Draws the random numbers of a range of rows: the same from the same stream, wherever the rows stand.
    fn draw_noise(&mut self, _rows: Range<usize>, _stream: &mut Stream) {}
}

/// Where an objective writes gradients of the mean loss.
#[derive(Debug)]
pub(crate) struct Gradients<'a, T> {
    /// With respect to its input; `None` where nothing before it has parameters.
    pub(crate) dx: Option<&'a mut [T]>,
    /// With respect to its own parameters.
    pub(crate) params: &'a mut [T],
}

/// A planned loss, with the last dense layer where it takes that in.
pub(crate) trait Objective<T>: Debug + Send {
    /// Mean loss over the rows for the last step's values `x`, and its gradients if wanted (overwritten).
    fn evaluate(&mut self, pass: Pass<'_, T>, x: &[T], gradients: Option<Gradients<'_, T>>) -> f64;

    /// As [`Step::noise`].
    fn noise(&self) -> Option<&[T]> {
        None
    }

    /// As [`Step::noise_mut`].
    fn noise_mut(&mut self) -> Option<&mut [T]> {
        None
    }

    /// As [`Step::draw_noise`].
    fn draw_noise(&mut self, _rows: Range<usize>, _stream: &mut Stream) {}
}
