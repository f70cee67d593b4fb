//! What a step of a losg problem costs, estimated from its configuration.

use super::problem::LosgProblem;
use super::task::{gradient_noise, has_data, layout};
use crate::spec::Overhead;

/// Operations of one training step, an estimate.
pub(crate) fn flops_per_step(problem: &LosgProblem) -> f64 {
    matrix_flops(problem) + other_operations(problem)
}

/// What a step costs besides matrix products: nearly all of it, for most kinds.
pub(crate) fn overhead(problem: &LosgProblem) -> Overhead {
    Overhead {
        scalar_operations: other_operations(problem),
        // The matrix and its transpose.
        bytes: 2.0 * matrix_flops(problem),
        // Without data all evaluations are the same and made once.
        evaluation_share: if has_data(problem) { 0.5 } else { 0.0 },
        ..Overhead::default()
    }
}

/// Operations of the products with a stored matrix: two per element forward, two backward.
fn matrix_flops(problem: &LosgProblem) -> f64 {
    use LosgProblem as P;
    match problem {
        P::Quadratic { dim, .. } | P::Norm { dim, .. } => 4.0 * (*dim as f64).powi(2),
        P::Sparse { base, .. } | P::Rescale { base, .. } | P::LogObjective { base } => matrix_flops(base),
        _ => 0.0,
    }
}

/// Operations of the rest of loss and gradient, of drawing the minibatch, and of the noise on the gradient.
fn other_operations(problem: &LosgProblem) -> f64 {
    use LosgProblem as P;
    let f = |n: &usize| *n as f64;
    let noise = if gradient_noise(problem) == (0.0, 0.0) { 0.0 } else { 20.0 };
    let objective = match problem {
        P::Quadratic { .. } => 0.0,
        P::Norm { dim, .. } => 100.0 * f(dim),
        P::MinMaxWell { dim, .. } | P::DependencyChain { dim, .. } => 10.0 * f(dim),
        P::OutwardSnake { dim, bs, .. } => 2.0 * f(bs) * f(dim) + 60.0 * f(dim),
        P::SumOfQuadratics { dim, bs, .. } | P::ProjectionQuadratic { dim, bs, .. } => 2.0 * f(bs) * f(dim),
        P::Bowl { .. } | P::OptimizationTestProblem { .. } => 100.0,
        P::SparseSoftmaxRegression { n_features, bs, .. } => 5.0 * f(bs) + 20.0 * f(n_features) + 500.0,
        P::FullyConnected { bs, n_samples, .. } => 6.0 * f(bs.min(n_samples)) * layout(problem).len() as f64,
        P::Sparse { base, .. } | P::Rescale { base, .. } | P::LogObjective { base } => {
            other_operations(base) + 10.0 * layout(base).len() as f64
        }
    };
    objective + noise * layout(problem).len() as f64
}
