//! The kinds of losg problem with their parameters.

use taskset_nn::Activation;

use crate::objectives::two_d_functions::TestFunction;

/// A configuration of `losg_tasks_family` (JSON `[kind, params, problem_seed]`).
#[derive(Clone, Debug, PartialEq)]
pub struct LosgConfig {
    /// The problem.
    pub problem: LosgProblem,
    /// Seed of the problem's matrices, below 100000, where the problem has any.
    pub problem_seed: u32,
}

/// A kind of problem with its parameters. `noise_stdev` is the standard deviation of the noise on every element of the
/// gradient; `bs` the minibatch and `n_samples` the whole of the problem's own random data.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are upstream's keys; the kinds say what they mean")]
pub enum LosgProblem {
    /// `½‖Wp − y‖²` with normal `W` and `y`.
    Quadratic { dim: usize, noise_stdev: f64 },
    /// `max p² + 1 / min p² − 2`.
    MinMaxWell { dim: usize, noise_stdev: f64 },
    /// A two-dimensional bowl of a condition number, turned by an angle (radians).
    Bowl { cond: f64, angle: f64, noise_stdev: f64 },
    /// Classification of sums of embedding rows.
    SparseSoftmaxRegression {
        n_features: usize,
        n_classes: usize,
        noise_stdev: f64,
        bs: usize,
        n_samples: usize,
    },
    /// A two-dimensional test function.
    OptimizationTestProblem { problem: TestFunction, noise_stdev: f64 },
    /// A small fully connected classifier of random data.
    FullyConnected {
        n_features: usize,
        n_classes: usize,
        activation: Activation,
        bs: usize,
        n_samples: usize,
        hidden_sizes: Vec<usize>,
    },
    /// The `norm_power`-norm of `Wp − y`.
    Norm { dim: usize, norm_power: f64 },
    /// A chain of ratios of neighbouring parameters; its data are unused (QUIRK-27).
    DependencyChain { dim: usize, bs: usize, n_samples: usize },
    /// A winding valley.
    OutwardSnake { dim: usize, bs: usize, n_samples: usize },
    /// A sum of quadratics, one per example.
    SumOfQuadratics { dim: usize, bs: usize, n_samples: usize },
    /// Squared projections on the examples.
    ProjectionQuadratic { dim: usize, bs: usize, n_samples: usize },
    /// The base problem with most elements of the gradient set to 0.
    Sparse { base: Box<Self>, zero_probability: f64, noise_stdev: f64 },
    /// The base problem with its parameters (not its loss: DISAGREES-11) scaled.
    Rescale { base: Box<Self>, scale: f64 },
    /// The logarithm of the base problem.
    LogObjective { base: Box<Self> },
}
