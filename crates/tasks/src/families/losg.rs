//! `losg_tasks_family`: the synthetic problems of "Learned Optimizers that Scale and Generalize" (paper G.1.13).

use std::f64::consts::PI;

use serde_json::{Value, json};
use taskset_nn::Activation;

use super::size::dense;
use super::{Builder, Cost, Infeasible, Overhead, TaskConfig};
use crate::sampling::Sampler;

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

/// A two-dimensional test function, by upstream's (inconsistently capitalised) names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the functions are named after their authors")]
pub enum TestFunction {
    StyblinskiTang,
    Ackley,
    Beale,
    Branin,
    Logsumexp,
    Matyas,
    Michalewicz,
    Rosenbrock,
}

/// Draws the parameters of one kind.
type Draw = fn(&mut Sampler) -> LosgProblem;

/// The 14 kinds in sampling (alphabetical) order.
const KINDS: [Draw; 14] = [
    bowl,
    dependency_chain,
    fully_connected,
    |r| LosgProblem::LogObjective { base: base(r) },
    min_max_well,
    norm,
    optimization_test_problem,
    outward_snake,
    projection_quadratic,
    quadratic,
    |r| LosgProblem::Rescale { base: base(r), scale: r.log_float(0.001, 1000.0) },
    sparse,
    sparse_softmax_regression,
    sum_of_quadratics,
];

/// The kinds that wrappers wrap, in their sampling order. Wrappers never nest.
const BASES: [Draw; 10] = [
    quadratic,
    bowl,
    optimization_test_problem,
    fully_connected,
    norm,
    dependency_chain,
    outward_snake,
    min_max_well,
    sum_of_quadratics,
    projection_quadratic,
];

fn base(r: &mut Sampler) -> Box<LosgProblem> {
    let draw = r.choice(&BASES);
    Box::new(draw(r))
}

/// Whether there is gradient noise is drawn before, its size after the other parameters.
fn maybe_noise(r: &mut Sampler, noisy: bool) -> f64 {
    if noisy { r.log_float(0.01, 10.0) } else { 0.0 }
}

fn quadratic(r: &mut Sampler) -> LosgProblem {
    let noisy = r.bool(0.5);
    LosgProblem::Quadratic { dim: r.log_int(10, 1000), noise_stdev: maybe_noise(r, noisy) }
}

fn min_max_well(r: &mut Sampler) -> LosgProblem {
    let noisy = r.bool(0.5);
    LosgProblem::MinMaxWell { dim: r.log_int(10, 1000), noise_stdev: maybe_noise(r, noisy) }
}

fn bowl(r: &mut Sampler) -> LosgProblem {
    let noisy = r.bool(0.5);
    LosgProblem::Bowl {
        cond: r.log_float(0.01, 100.0),
        angle: r.choice(&[0.0, 0.0, PI / 4.0, PI / 3.0]),
        noise_stdev: maybe_noise(r, noisy),
    }
}

fn sparse_softmax_regression(r: &mut Sampler) -> LosgProblem {
    let noisy = r.bool(0.5);
    LosgProblem::SparseSoftmaxRegression {
        n_features: r.log_int(2, 100),
        n_classes: 2,
        noise_stdev: maybe_noise(r, noisy),
        bs: r.log_int(1, 50),
        n_samples: r.log_int(1, 30),
    }
}

fn optimization_test_problem(r: &mut Sampler) -> LosgProblem {
    let noisy = r.bool(0.5);
    LosgProblem::OptimizationTestProblem {
        problem: r.choice(&TestFunction::ALL),
        noise_stdev: maybe_noise(r, noisy),
    }
}

fn fully_connected(r: &mut Sampler) -> LosgProblem {
    let n = r.choice(&[2, 3, 4, 5]);
    let fixed = r.bool(0.5);
    LosgProblem::FullyConnected {
        n_features: r.log_int(1, 16),
        n_classes: 2,
        activation: r.activation(),
        bs: r.log_int(1, 200),
        n_samples: r.log_int(1, 30),
        hidden_sizes: if fixed { vec![r.log_int(4, 32); n] } else { r.log_ints(n, 4, 32) },
    }
}

fn norm(r: &mut Sampler) -> LosgProblem {
    LosgProblem::Norm { dim: r.log_int(3, 1000), norm_power: r.uniform(0.1, 5.0) }
}

/// Dimension, batch size and number of samples of the four kinds on random data.
fn data_problem(r: &mut Sampler) -> (usize, usize, usize) {
    (r.log_int(3, 100), r.log_int(1, 200), r.log_int(100, 20_000))
}

fn dependency_chain(r: &mut Sampler) -> LosgProblem {
    let (dim, bs, n_samples) = data_problem(r);
    LosgProblem::DependencyChain { dim, bs, n_samples }
}

fn outward_snake(r: &mut Sampler) -> LosgProblem {
    let (dim, bs, n_samples) = data_problem(r);
    LosgProblem::OutwardSnake { dim, bs, n_samples }
}

fn sum_of_quadratics(r: &mut Sampler) -> LosgProblem {
    let (dim, bs, n_samples) = data_problem(r);
    LosgProblem::SumOfQuadratics { dim, bs, n_samples }
}

fn projection_quadratic(r: &mut Sampler) -> LosgProblem {
    let (dim, bs, n_samples) = data_problem(r);
    LosgProblem::ProjectionQuadratic { dim, bs, n_samples }
}

fn sparse(r: &mut Sampler) -> LosgProblem {
    let noisy = r.bool(0.5);
    LosgProblem::Sparse {
        base: base(r),
        zero_probability: r.uniform(0.9, 0.99),
        noise_stdev: maybe_noise(r, noisy),
    }
}

impl TestFunction {
    /// All functions in sampling order (capital letters first).
    pub const ALL: [Self; 8] = [
        Self::StyblinskiTang,
        Self::Ackley,
        Self::Beale,
        Self::Branin,
        Self::Logsumexp,
        Self::Matyas,
        Self::Michalewicz,
        Self::Rosenbrock,
    ];

    /// Upstream's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StyblinskiTang => "StyblinskiTang",
            Self::Ackley => "ackley",
            Self::Beale => "beale",
            Self::Branin => "branin",
            Self::Logsumexp => "logsumexp",
            Self::Matyas => "matyas",
            Self::Michalewicz => "michalewicz",
            Self::Rosenbrock => "rosenbrock",
        }
    }
}

impl LosgConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        let draw = r.choice(&KINDS);
        Self { problem: draw(r), problem_seed: r.uniform(0.0, 100_000.0) as u32 }
    }
}

impl LosgProblem {
    /// Upstream's name of the kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Quadratic { .. } => "quadratic",
            Self::MinMaxWell { .. } => "min_max_well",
            Self::Bowl { .. } => "bowl",
            Self::SparseSoftmaxRegression { .. } => "sparse_softmax_regression",
            Self::OptimizationTestProblem { .. } => "optimization_test_problems",
            Self::FullyConnected { .. } => "fully_connected",
            Self::Norm { .. } => "norm",
            Self::DependencyChain { .. } => "dependency_chain",
            Self::OutwardSnake { .. } => "outward_snake",
            Self::SumOfQuadratics { .. } => "sum_of_quadratics",
            Self::ProjectionQuadratic { .. } => "projection_quadratic",
            Self::Sparse { .. } => "sparse_problems",
            Self::Rescale { .. } => "rescale_problems",
            Self::LogObjective { .. } => "log_objective",
        }
    }

    fn params_json(&self) -> Value {
        let with_kind = |base: &Self| json!([base.kind(), base.params_json()]);
        match self {
            Self::Quadratic { dim, noise_stdev } | Self::MinMaxWell { dim, noise_stdev } => {
                json!({"dim": dim, "noise_stdev": noise_stdev})
            }
            Self::Bowl { cond, angle, noise_stdev } => {
                json!({"cond": cond, "angle": angle, "noise_stdev": noise_stdev})
            }
            Self::SparseSoftmaxRegression { n_features, n_classes, noise_stdev, bs, n_samples } => json!({
                "n_features": n_features,
                "n_classes": n_classes,
                "noise_stdev": noise_stdev,
                "bs": bs,
                "n_samples": n_samples,
            }),
            Self::OptimizationTestProblem { problem, noise_stdev } => {
                json!({"problem": problem.name(), "noise_stdev": noise_stdev})
            }
            Self::FullyConnected { n_features, n_classes, activation, bs, n_samples, hidden_sizes } => {
                json!({
                    "n_features": n_features,
                    "n_classes": n_classes,
                    "activation": activation.name(),
                    "bs": bs,
                    "n_samples": n_samples,
                    "hidden_sizes": hidden_sizes,
                })
            }
            Self::Norm { dim, norm_power } => json!({"dim": dim, "norm_power": norm_power}),
            Self::DependencyChain { dim, bs, n_samples }
            | Self::OutwardSnake { dim, bs, n_samples }
            | Self::SumOfQuadratics { dim, bs, n_samples }
            | Self::ProjectionQuadratic { dim, bs, n_samples } => {
                json!({"dim": dim, "bs": bs, "n_samples": n_samples})
            }
            Self::Sparse { base, zero_probability, noise_stdev } => json!({
                "base": with_kind(base),
                "zero_probability": zero_probability,
                "noise_stdev": noise_stdev,
            }),
            Self::Rescale { base, scale } => json!({"base": with_kind(base), "scale": scale}),
            Self::LogObjective { base } => json!({"base": with_kind(base)}),
        }
    }

    fn num_params(&self) -> u64 {
        match self {
            Self::Bowl { .. } | Self::OptimizationTestProblem { .. } => 2,
            Self::SparseSoftmaxRegression { n_features, .. } => 4 * *n_features as u64 + 2,
            Self::FullyConnected { n_features, n_classes, hidden_sizes, .. } => {
                let hidden = hidden_sizes.iter().copied();
                dense([*n_features].into_iter().chain(hidden).chain([*n_classes])).num_params
            }
            Self::DependencyChain { dim, .. } => *dim as u64 + 1,
            Self::Quadratic { dim, .. }
            | Self::Norm { dim, .. }
            | Self::MinMaxWell { dim, .. }
            | Self::OutwardSnake { dim, .. }
            | Self::SumOfQuadratics { dim, .. }
            | Self::ProjectionQuadratic { dim, .. } => *dim as u64,
            Self::Sparse { base, .. } | Self::Rescale { base, .. } | Self::LogObjective { base } => {
                base.num_params()
            }
        }
    }
}

impl TaskConfig for LosgConfig {
    fn to_json(&self) -> Value {
        json!([self.problem.kind(), self.problem.params_json(), self.problem_seed])
    }

    fn dataset(&self) -> Option<&str> {
        None
    }

    fn cost(&self) -> Result<Cost, Infeasible> {
        Ok(Cost {
            num_params: self.problem.num_params(),
            flops_per_step: crate::objectives::losg::flops_per_step(&self.problem),
        })
    }

    fn overhead(&self) -> Overhead {
        crate::objectives::losg::overhead(&self.problem)
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, _| crate::objectives::losg::build(name, self)))
    }
}
