//! Dimensions that several families share, with the bounds of their search space (paper, appendix D).

use taskset_rng::NumpyLegacy;

use crate::Dimension;

/// Exactly 0 with probability `zero`, else a draw of the dimension. Both take the same numbers of the stream.
pub(crate) fn or_zero(dimension: Dimension, zero: f64, rng: &mut NumpyLegacy) -> f64 {
    let is_zero = rng.unit() < zero;
    let value = dimension.draw(rng);
    if is_zero { 0.0 } else { value }
}

pub(crate) const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 1e-8, 1e1);
pub(crate) const BETA1: Dimension = Dimension::one_minus_log("beta1", 1e-4, 1.0);
pub(crate) const BETA2: Dimension = Dimension::one_minus_log("beta2", 1e-6, 1.0);
/// The paper does not give this range.
pub(crate) const EPSILON: Dimension = Dimension::log("epsilon", 1e-10, 1e3);
pub(crate) const LINEAR_DECAY: Dimension = Dimension::log("linear_decay", 1e-7, 1e-4);
pub(crate) const EXPONENTIAL_DECAY: Dimension = Dimension::log("exponential_decay", 1e-6, 1e-3).reversed();
