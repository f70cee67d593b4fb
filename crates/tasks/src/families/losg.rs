//! `losg_tasks_family`: the synthetic problems of "Learned Optimizers that Scale and Generalize" (paper G.1.13).

use std::f64::consts::PI;
use std::sync::Arc;

use serde_json::{Value, json};

use super::TaskConfig;
use crate::config_sampling::Sampler;
use crate::objectives::losg::Losg;
pub use crate::objectives::losg::{LosgConfig, LosgProblem};
pub use crate::objectives::two_d_functions::TestFunction;
use crate::spec::{Body, Infeasible};

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
}

impl TaskConfig for LosgConfig {
    fn to_json(&self) -> Value {
        json!([self.problem.kind(), self.problem.params_json(), self.problem_seed])
    }

    fn dataset(&self) -> Option<&str> {
        None
    }

    fn body(&self) -> Result<Body, Infeasible> {
        Ok(Body::Objective(Arc::new(Losg::new(self.clone(), self.to_json().to_string())?)))
    }
}
