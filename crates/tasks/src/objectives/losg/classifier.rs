//! The loss of the two classifiers: sigmoid cross-entropy of the first logit, and a penalty.
//!
//! QUIRK-28: there are two logits, but only the first enters the cross-entropy; the weights of the second are trained by
//! the penalty alone.

use crate::objectives::linalg::{axpy, dot};
use crate::objectives::real::Real;

/// `max(z, 0) − z y + log(1 + e^{−|z|})` and its derivative `sigmoid(z) − y`.
#[inline]
pub(super) fn cross_entropy<T: Real>(z: T, label: bool) -> (T, T) {
    let y = if label { T::one() } else { T::zero() };
    let positive = if z > T::zero() { z } else { T::zero() };
    let tail = (-z.abs()).math_exp();
    let sigmoid = if z > T::zero() { (T::one() + tail).recip() } else { tail / (T::one() + tail) };
    (positive - z * y + tail.math_ln_1p(), sigmoid - y)
}

/// 1e-3 times the mean over the parameter tensors of each one's sum of squares.
pub(super) fn penalty<T: Real>(p: &[T], tensors: usize) -> T {
    T::of(1e-3 / tensors as f64) * dot(p, p)
}

/// Adds the gradient of [`penalty`].
pub(super) fn add_penalty_gradient<T: Real>(p: &[T], tensors: usize, g: &mut [T]) {
    axpy(T::of(2e-3 / tensors as f64), p, g);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn cross_entropy_is_the_logarithm_of_the_sigmoid() {
        for z in [-3.0f64, -0.1, 0.0, 0.4, 5.0] {
            let sigmoid = 1.0 / (1.0 + (-z).exp());
            assert_close(cross_entropy(z, true).0, -sigmoid.ln(), 1e-12);
            assert_close(cross_entropy(z, false).0, -(1.0 - sigmoid).ln(), 1e-12);
            assert_close(cross_entropy(z, true).1, sigmoid - 1.0, 1e-12);
        }
        assert_close(f64::from(cross_entropy(-1e4f32, true).0), 1e4, 1e-7);
        assert!(cross_entropy(f32::NAN, false).0.is_nan());
    }
}
