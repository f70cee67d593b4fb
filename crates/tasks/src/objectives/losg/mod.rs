//! `losg_tasks_family`: fourteen kinds of small problems from "Learned Optimizers that Scale and Generalize" (Wichrowska
//! et al. 2017).
//!
//! The loss is always the clean objective, on a minibatch where the kind has data; noise and zeroing touch the gradient
//! only, and only on training minibatches.

mod affine;
mod bowl;
mod classical_functions;
mod classifier;
mod cost;
mod data;
mod dependency_chain;
mod fully_connected;
mod gradient_noise;
mod log_objective;
mod min_max_well;
mod outward_snake;
mod problem;
mod projection_quadratic;
mod rescale;
mod sparse_softmax;
mod sum_of_quadratics;
mod task;

pub use problem::{LosgConfig, LosgProblem};
pub(crate) use task::Losg;

use crate::Feed;

use crate::task::row_length;

/// A differentiable function of the parameters, on a current minibatch. As in [`Problem`](crate::Problem), the plural
/// functions take one trial per row, and each row has the same bits as it would have alone.
trait Objective<T>: Send {
    /// Draws the next minibatch of a feed; kinds without data have nothing to draw.
    fn next_batch(&mut self, _: Feed) {}

    /// The value.
    fn loss(&mut self, p: &[T]) -> T;

    /// The value, and its gradient, which overwrites `g`.
    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T;

    /// The values of `losses.len()` trials.
    fn losses(&mut self, p: &[T], losses: &mut [T]) {
        let n = row_length(p, losses);
        for (p, loss) in p.chunks_exact(n).zip(losses) {
            *loss = self.loss(p);
        }
    }

    /// The values and gradients of `losses.len()` trials.
    fn losses_and_gradients(&mut self, p: &[T], g: &mut [T], losses: &mut [T]) {
        let n = row_length(p, losses);
        for ((p, g), loss) in p.chunks_exact(n).zip(g.chunks_exact_mut(n)).zip(losses) {
            *loss = self.loss_and_gradients(p, g);
        }
    }
}
