//! Which loss of an autoencoder a kernel computes, as plain values.
//!
//! The kernels compute the functions; the layers and losses of networks plan the steps.

/// Distance of `f(values)` and the network's input, both `[rows, n]` (an image counts as a vector). It is reduced over
/// the `n` elements of a row, and averaged over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconstruction {
    /// `f`.
    pub output: Output,
    /// Distance of two elements.
    pub distance: Distance,
    /// Reduction over the elements of a row.
    pub reduction: Reduction,
}

/// The function that is applied to the values first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// None.
    Linear,
    /// `1 / (1 + exp(−x))`.
    Sigmoid,
    /// `tanh x`.
    Tanh,
}

/// Distance of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// `(y − x)²`.
    Squared,
    /// `|y − x|`, whose gradient at 0 is 0.
    Absolute,
}

/// Reduction over the elements of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Mean.
    Mean,
    /// Sum.
    Sum,
}

/// `−log p` (nats per row) of the network's input `x`, `[rows, n]` (an image counts as a vector), with values
/// `[rows, 2n]`, of which the first `n` are means `μ` and the last `n` logarithms of standard deviations; the mean over
/// rows:
///
/// `−log p = Σ ½ ((x − μ) / σ)² + log σ + ½ log 2π`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianLikelihood {
    /// All values are clipped to `[−clip, clip]` first; beyond it (not at its ends) their gradient is 0. May be infinite.
    pub clip: f64,
    /// Width `w` of the bins that the input's values come from: `x + u`, `u ~ U(−w/2, w/2)` drawn with the minibatch,
    /// takes the place of `x`, and `p` is the probability of a bin, density times `w`. `None`: `p` is the density.
    pub dequantize: Option<f64>,
}

impl GaussianLikelihood {
    /// The constant part of `−log p` of one element.
    #[inline]
    pub fn constant(self) -> f64 {
        let half_log_2_pi = 0.918_938_533_204_672_7;
        half_log_2_pi - self.dequantize.map_or(0.0, libm::log)
    }
}
