//! `quadratic_family`: `loss_scale · f(‖(A + N) x‖²)` with a random matrix (paper G.1.12).

use std::sync::Arc;

use serde_json::{Value, json};

use super::TaskConfig;
use crate::config_sampling::Sampler;
use crate::objectives::quadratic::Quadratic;
pub use crate::objectives::quadratic::{Distribution, OutputFn, QuadraticConfig};
use crate::spec::{Body, Infeasible};

/// The order in which the kinds of matrix are drawn.
#[derive(Clone, Copy)]
enum MatrixKind {
    Normal,
    LinspaceEigen,
    Uniform,
    LogspaceEigen,
}

/// Upstream's lower end of logarithmically spaced eigenvalues.
const SMALLEST_EIGENVALUE: f64 = 1e-5;

impl MatrixKind {
    const ALL: [Self; 4] = [Self::Normal, Self::LinspaceEigen, Self::Uniform, Self::LogspaceEigen];
}

impl QuadraticConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        Self {
            a_dist: Self::sample_matrix(r),
            initial_dist: Self::sample_initial(r),
            output_fn: r.choice(&[OutputFn::Identity, OutputFn::Log]),
            dims: r.log_int(2, 3000),
            seed: r.below(100_000),
            loss_scale: r.log_float(1e-5, 1e3),
            a_noise: r.true_or_false().then(|| Self::sample_noise(r)),
        }
    }

    fn sample_matrix(r: &mut Sampler) -> Distribution {
        match r.choice(&MatrixKind::ALL) {
            MatrixKind::Normal => normal(r, 1.0, 2.0),
            MatrixKind::Uniform => uniform(r, (-3.0, 1.0), 5.0),
            MatrixKind::LinspaceEigen => linspace(r, (0.01, 50.0), 100.0),
            MatrixKind::LogspaceEigen => logspace(r, 1000.0),
        }
    }

    fn sample_initial(r: &mut Sampler) -> Distribution {
        match r.choice(&[MatrixKind::Normal, MatrixKind::Uniform]) {
            MatrixKind::Normal => normal(r, 1.0, 2.0),
            _ => uniform(r, (-5.0, 2.5), 5.0),
        }
    }

    fn sample_noise(r: &mut Sampler) -> Distribution {
        match r.choice(&MatrixKind::ALL) {
            MatrixKind::Normal => normal(r, 0.05, 0.05),
            MatrixKind::Uniform => uniform(r, (-0.15, 0.05), 0.25),
            MatrixKind::LinspaceEigen => linspace(r, (0.01, 2.0), 10.0),
            MatrixKind::LogspaceEigen => logspace(r, 10.0),
        }
    }
}

fn normal(r: &mut Sampler, std_of_mean: f64, largest_std: f64) -> Distribution {
    Distribution::Normal { mean: r.normal(0.0, std_of_mean), std: r.uniform(0.0, largest_std) }
}

/// The lower end, and the upper end by its distance from it.
fn interval(r: &mut Sampler, lower: (f64, f64), length: f64) -> (f64, f64) {
    let min = r.uniform(lower.0, lower.1);
    (min, min + r.uniform(0.0, length))
}

fn uniform(r: &mut Sampler, lower: (f64, f64), length: f64) -> Distribution {
    let (min, max) = interval(r, lower, length);
    Distribution::Uniform { min, max }
}

fn linspace(r: &mut Sampler, lower: (f64, f64), length: f64) -> Distribution {
    let (min, max) = interval(r, lower, length);
    Distribution::LinspaceEigen { min, max }
}

fn logspace(r: &mut Sampler, largest: f64) -> Distribution {
    Distribution::LogspaceEigen { min: SMALLEST_EIGENVALUE, max: r.uniform(1.0, largest) }
}

impl Distribution {
    /// `[kind, {"mean", "std"}]` or `[kind, {"min", "max"}]`.
    fn to_json(self) -> Value {
        match self {
            Self::Normal { mean, std } => json!(["normal", {"mean": mean, "std": std}]),
            Self::Uniform { min, max } => json!(["uniform", {"min": min, "max": max}]),
            Self::LinspaceEigen { min, max } => json!(["linspace_eigen", {"min": min, "max": max}]),
            Self::LogspaceEigen { min, max } => json!(["logspace_eigen", {"min": min, "max": max}]),
        }
    }
}

impl OutputFn {
    const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Log => "log",
        }
    }
}

impl TaskConfig for QuadraticConfig {
    fn to_json(&self) -> Value {
        json!({
            "A_dist": self.a_dist.to_json(),
            "initial_dist": self.initial_dist.to_json(),
            "output_fn": self.output_fn.name(),
            "dims": self.dims,
            "seed": self.seed,
            "loss_scale": self.loss_scale,
            "noise": self.a_noise.map(|noise| json!({"A_noise": noise.to_json()})),
        })
    }

    fn dataset(&self) -> Option<&str> {
        None
    }

    fn body(&self) -> Result<Body, Infeasible> {
        Ok(Body::Objective(Arc::new(Quadratic::new(self.clone(), self.to_json().to_string()))))
    }
}
