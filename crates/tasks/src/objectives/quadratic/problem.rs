//! The parameters of a quadratic, and what its noise costs.

use crate::spec::Overhead;

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

impl Distribution {
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

impl QuadraticConfig {
    /// Operations of one training step: two products with the matrix, forward, and with its transpose backward; and the
    /// noise.
    pub(crate) fn flops_per_step(&self) -> f64 {
        let n = self.dims as f64;
        4.0 * n * n + self.a_noise.map_or(0.0, |noise| noise.noise_flops(n))
    }

    /// What a step costs besides.
    pub(crate) fn overhead(&self) -> Overhead {
        let n = self.dims as f64;
        Overhead {
            scalar_operations: self.a_noise.map_or(0.0, |noise| noise.draw_operations() * n * n),
            bytes: Distribution::bytes(self.a_noise, n),
            // Without noise all evaluations are the same and made once; with it, drawing the noise is the most of a step.
            evaluation_share: if self.a_noise.is_some() { 1.0 } else { 0.0 },
            ..Overhead::default()
        }
    }
}
