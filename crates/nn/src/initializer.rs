//! Initialisers of weight matrices.

/// An initialiser of a weight tensor (TaskSet's sampled ones, and Sonnet's default of the fixed tasks).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// Truncated normal with variance `2 / (fan_in + fan_out)` after truncation.
    GlorotNormal,
    /// Uniform with half-width `sqrt(6 / (fan_in + fan_out))`.
    GlorotUniform,
    /// Truncated normal with variance `2 / fan_in` after truncation.
    HeNormal,
    /// Uniform with half-width `sqrt(6 / fan_in)`.
    HeUniform,
    /// Random orthonormal rows or columns times a gain.
    Orthogonal {
        /// The factor.
        gain: f64,
    },
    /// Normal with this standard deviation.
    RandomNormal {
        /// Standard deviation.
        std: f64,
    },
    /// Uniform on `[-half_width, half_width)`.
    RandomUniform {
        /// Half the width of the interval.
        half_width: f64,
    },
    /// Despite its name a plain normal with this standard deviation (QUIRK-3).
    TruncatedNormal {
        /// Standard deviation.
        std: f64,
    },
    /// Truncated normal with variance `scale / fan_in` after truncation.
    VarianceScaling {
        /// The scale.
        scale: f64,
    },
    /// Sonnet's default for fixed tasks: normal with standard deviation `1 / sqrt(fan_in)`, redrawn until within two
    /// standard deviations.
    SonnetDefault,
    /// All zeros: biases.
    Zeros,
}
