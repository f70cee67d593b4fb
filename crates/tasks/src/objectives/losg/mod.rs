//! `losg_tasks_family`: fourteen kinds of small problems from "Learned Optimizers that Scale and Generalize" (Wichrowska
//! et al. 2017).
//!
//! The loss is always the clean objective, on a minibatch where the kind has data; noise and zeroing touch the gradient
//! only, and only on training minibatches.

mod affine;
mod bowl;
mod classifier;
mod data;
mod dependency_chain;
mod fully_connected;
mod gradient_noise;
mod log_objective;
mod min_max_well;
mod outward_snake;
mod projection_quadratic;
mod rescale;
mod sparse_softmax;
mod sum_of_quadratics;
mod task;
mod test_problem;

pub(crate) use task::{build, flops_per_step};

use crate::Feed;

/// A differentiable function of the parameters, on a current minibatch.
trait Objective<T>: Send {
    /// Draws the next minibatch of a feed; kinds without data have nothing to draw.
    fn next_batch(&mut self, _: Feed) {}

    /// The value.
    fn loss(&mut self, p: &[T]) -> T;

    /// The value, and its gradient, which overwrites `g`.
    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T;
}
