//! A chain in which each parameter is divided by the one before it.

use super::Objective;
use crate::objectives::real::Real;

/// `Σ_{i=1..n} [p_0² + p_i² / (p_{i−1}² + 1e-6)]` of n + 1 parameters.
///
/// QUIRK-27: p_0² is inside the sum, so its weight is n. Upstream also makes a data set and never uses it.
pub(super) struct DependencyChain;

impl<T: Real> Objective<T> for DependencyChain {
    fn loss(&mut self, p: &[T]) -> T {
        let ratios: T = p.windows(2).map(|pair| pair[1] * pair[1] / (pair[0] * pair[0] + T::of(1e-6))).sum();
        T::of(p.len() as f64 - 1.0) * p[0] * p[0] + ratios
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let two = T::of(2.0);
        let n = T::of(p.len() as f64 - 1.0);
        g.fill(T::zero());
        g[0] = two * n * p[0];
        let mut ratios = T::zero();
        for i in 1..p.len() {
            let below = p[i - 1] * p[i - 1] + T::of(1e-6);
            let ratio = p[i] * p[i] / below;
            ratios += ratio;
            g[i] += two * p[i] / below;
            g[i - 1] -= two * p[i - 1] * ratio / below;
        }
        n * p[0] * p[0] + ratios
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn known_value() {
        assert_close(DependencyChain.loss(&[1.0, 2.0, 0.5]), 6.0624959844, 1e-10);
        let mut g = [0.0; 3];
        assert_close(DependencyChain.loss_and_gradients(&[1.0, 2.0, 0.5], &mut g), 6.0624959844, 1e-10);
    }
}
