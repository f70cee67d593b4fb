//! `quadratic_family`: `loss_scale · f(‖(A + N) x‖²)` with a random matrix (paper G.1.12).

use serde_json::{Value, json};

use super::{Builder, Cost, Infeasible, Overhead, TaskConfig};
use crate::sampling::Sampler;

/// A configuration of `quadratic_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct QuadraticConfig {
    /// How the matrix `A` is drawn, once.
    pub a_dist: Distribution,
    /// How the elements of the initial `x` are drawn ([`Distribution::Normal`] or [`Distribution::Uniform`]).
    pub initial_dist: Distribution,
    /// The function `f` of the squared norm.
    pub output_fn: OutputFn,
    /// Length of `x`, 2 to 3000.
    pub dims: usize,
    /// Seed of `A` and of the initial `x`, below 100000; 0 means unseeded (QUIRK-26).
    pub seed: u32,
    /// Factor of the loss, 1e-5 to 1e3.
    pub loss_scale: f64,
    /// How the noise matrix `N` is drawn, anew for every minibatch; `None` means no noise.
    pub a_noise: Option<Distribution>,
}

/// A distribution of a square matrix or of a vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Independent normal elements.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Independent elements, uniform on `[min, max)`.
    Uniform {
        /// Lower end.
        min: f64,
        /// Upper end.
        max: f64,
    },
    /// A symmetric matrix with random eigenvectors and linearly spaced eigenvalues, both ends included.
    LinspaceEigen {
        /// Smallest eigenvalue.
        min: f64,
        /// Largest eigenvalue.
        max: f64,
    },
    /// A symmetric matrix with random eigenvectors and logarithmically spaced eigenvalues, both ends included.
    LogspaceEigen {
        /// Smallest eigenvalue.
        min: f64,
        /// Largest eigenvalue.
        max: f64,
    },
}

/// The function of the squared norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFn {
    /// `q`.
    Identity,
    /// `log(max(q, 0) + 1e-8)`.
    Log,
}

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

    /// Operations to draw a matrix of n rows and to multiply by it.
    fn noise_flops(self, n: f64) -> f64 {
        match self {
            Self::Uniform { .. } => 10.0 * n * n,
            Self::Normal { .. } => 20.0 * n * n,
            // A QR decomposition, the random numbers, and two products with Q and with its transpose.
            Self::LinspaceEigen { .. } | Self::LogspaceEigen { .. } => 4.0 / 3.0 * n * n * n + 26.0 * n * n,
        }
    }

    /// Scalar operations to draw an element.
    const fn draw_operations(self) -> f64 {
        match self {
            Self::Normal { .. } => 8.0,
            Self::Uniform { .. } | Self::LinspaceEigen { .. } | Self::LogspaceEigen { .. } => 4.0,
        }
    }

    /// Bytes of noise and matrix that a step reads: both products each read the matrix, unless a pass forms its rows once.
    fn bytes(noise: Option<Self>, n: f64) -> f64 {
        match noise {
            None => 8.0 * n * n,
            Some(Self::Uniform { .. } | Self::Normal { .. }) => 4.0 * n * n,
            Some(Self::LinspaceEigen { .. } | Self::LogspaceEigen { .. }) => 16.0 * n * n,
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

impl QuadraticConfig {
    /// Operations of one training step: two products with the matrix, forward, and with its transpose backward; and the
    /// noise.
    pub(crate) fn flops_per_step(&self) -> f64 {
        let n = self.dims as f64;
        4.0 * n * n + self.a_noise.map_or(0.0, |noise| noise.noise_flops(n))
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

    fn cost(&self) -> Result<Cost, Infeasible> {
        Ok(Cost { num_params: self.dims as u64, flops_per_step: self.flops_per_step() })
    }

    fn overhead(&self) -> Overhead {
        let n = self.dims as f64;
        Overhead {
            scalar_operations: self.a_noise.map_or(0.0, |noise| noise.draw_operations() * n * n),
            bytes: Distribution::bytes(self.a_noise, n),
            // Without noise all evaluations are the same and made once; with it, drawing the noise is the most of a step.
            evaluation_share: if self.a_noise.is_some() { 1.0 } else { 0.0 },
        }
    }

    fn builder(&self) -> Option<Builder<'_>> {
        Some(Box::new(|name, _| Ok(crate::objectives::quadratic::build(name, self))))
    }
}
