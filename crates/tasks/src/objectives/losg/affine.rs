//! Functions of the residual `r = W p − y`: `½‖r‖²` and the (offset) q-norm.

use std::sync::Arc;

use taskset_nn::kernels::Start;
use taskset_rng::{NumpyLegacy, Stream};

use super::Objective;
use crate::objectives::linalg::scale;
use crate::objectives::matrix::Matrix;
use crate::objectives::real::Real;

/// `W` (n×n, row-major) followed by `y` (n), as upstream draws them: `RandomState(problem_seed).randn`, W first.
pub(super) fn seeded_instance(n: usize, problem_seed: u32) -> Vec<f64> {
    let mut numpy = NumpyLegacy::new(problem_seed);
    (0..n * n + n).map(|_| numpy.gauss()).collect()
}

/// The same with numbers of a stream, where upstream's are unseeded (QUIRK-31).
pub(super) fn unseeded_instance(n: usize, mut stream: Stream) -> Vec<f64> {
    (0..n * n + n).map(|_| stream.normal()).collect()
}

/// A function of the residual.
#[derive(Clone, Copy, Debug)]
pub(super) enum OfResidual<T> {
    /// `½ Σ r_i²`.
    HalfSquare,
    /// `(Σ (|r_i| + 1e-6)^q)^(1/q)` (DISAGREES-13: the paper has neither absolute value nor offset).
    Norm { q: T },
}

/// A function of the residual `W p − y`.
pub(super) struct Affine<T> {
    n: usize,
    /// `W`, row-major; its elements end with `y`.
    matrix: Matrix<T>,
    function: OfResidual<T>,
    /// Residuals of the latest pass, one row per trial; then the slopes by them.
    residuals: Vec<T>,
    /// Value and factor of the gradient of each trial of the latest pass.
    values: Vec<(T, T)>,
}

impl<T: Real> Affine<T> {
    /// `instance` holds n² + n numbers: `W`, then `y`.
    pub(super) fn new(n: usize, instance: Arc<[T]>, function: OfResidual<T>) -> Self {
        Self { n, matrix: Matrix::new(n, instance), function, residuals: Vec::new(), values: Vec::new() }
    }

    /// Sets the values for the rows of `p`, and the slopes in place of the residuals.
    fn pass(&mut self, p: &[T]) {
        self.residuals.resize(p.len(), T::zero());
        self.matrix.times(p, Start::Zero, &mut self.residuals);
        let y = &self.matrix.elements()[self.n * self.n..];
        self.values.clear();
        for residual in self.residuals.chunks_exact_mut(self.n) {
            let mut sum = T::zero();
            for (r, &y) in residual.iter_mut().zip(y) {
                let (term, slope) = self.function.term(*r - y);
                sum += term;
                *r = slope;
            }
            self.values.push(self.function.outer(sum));
        }
    }
}

impl<T: Real> OfResidual<T> {
    /// What one residual adds to the sum, and its derivative up to the factor that [`outer`](Self::outer) gives.
    #[inline]
    fn term(self, r: T) -> (T, T) {
        match self {
            Self::HalfSquare => (r * r, r),
            Self::Norm { q } => {
                let base = r.abs() + T::of(1e-6);
                let power = base.math_pow(q);
                // A quotient is cheaper than a second power, but wrong if the power has overflowed.
                let slope = if power.is_finite() { power / base } else { base.math_pow(q - T::one()) };
                // |r| has derivative 0 at 0.
                let sign = if r == T::zero() { r } else { r.signum() };
                (power, slope * sign)
            }
        }
    }

    /// The value for a sum of terms, and the factor of the gradient.
    fn outer(self, sum: T) -> (T, T) {
        match self {
            Self::HalfSquare => (T::of(0.5) * sum, T::one()),
            Self::Norm { q } => (sum.math_pow(q.recip()), sum.math_pow(q.recip() - T::one())),
        }
    }
}

impl<T: Real> Objective<T> for Affine<T> {
    fn loss(&mut self, p: &[T]) -> T {
        let mut loss = [T::zero()];
        self.losses(p, &mut loss);
        loss[0]
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let mut loss = [T::zero()];
        self.losses_and_gradients(p, g, &mut loss);
        loss[0]
    }

    fn losses(&mut self, p: &[T], losses: &mut [T]) {
        self.pass(p);
        losses.iter_mut().zip(&self.values).for_each(|(loss, (value, _))| *loss = *value);
    }

    fn losses_and_gradients(&mut self, p: &[T], g: &mut [T], losses: &mut [T]) {
        self.losses(p, losses);
        self.matrix.transposed_times(&self.residuals, Start::Zero, g);
        for (g, &(_, factor)) in g.chunks_exact_mut(self.n).zip(&self.values) {
            scale(factor, g);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    fn at_one_minus_one(function: OfResidual<f64>) -> (f64, [f64; 2]) {
        let instance = Arc::from([1.0, 2.0, 3.0, 4.0, 0.5, -0.5]);
        let mut g = [f64::NAN; 2];
        (Affine::new(2, instance, function).loss_and_gradients(&[1.0, -1.0], &mut g), g)
    }

    #[test]
    fn known_values() {
        let (value, g) = at_one_minus_one(OfResidual::HalfSquare);
        // r = (−1.5, −0.5), g = Wᵀ r.
        assert_close(value, 1.25, 1e-15);
        assert_close(g[0], -3.0, 1e-15);
        assert_close(g[1], -5.0, 1e-15);
        assert_close(at_one_minus_one(OfResidual::Norm { q: 1.5 }).0, 1.6867541309, 1e-9);
    }

    #[test]
    fn instances_are_numpys() {
        // Printed by NumPy, in single precision: RandomState(83191).randn(98, 98), then randn(98, 1).
        let n = 98;
        let instance = seeded_instance(n, 83191);
        let (w, y) = instance.split_at(n * n);
        for (actual, expected) in [
            (w[0], 1.984_829_78),
            (w[1], -0.210_388_53),
            (w[2], 0.337_609_20),
            (w[n * n - 1], 1.712_105_16),
            (y[0], -0.319_658_25),
            (y[1], -0.511_217_65),
        ] {
            assert_close(actual, expected, 6e-8);
        }
    }

    #[test]
    fn the_absolute_value_is_flat_at_a_zero_residual() {
        let instance = Arc::from([1.0, 0.0, 0.0, 1.0, 2.0, 0.0]);
        let mut g = [f64::NAN; 2];
        Affine::new(2, instance, OfResidual::Norm { q: 2.0 }).loss_and_gradients(&[2.0, 1.0], &mut g);
        assert_close(g[0], 0.0, 0.0);
        assert!(g[1] > 0.9);
    }
}
