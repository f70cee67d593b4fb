//! The logarithm of the base problem.

use super::Objective;
use crate::Feed;
use crate::objectives::linalg::scale;
use crate::objectives::real::Real;
use crate::task::row_length;

/// `log(base(p) + 1e-6) − log(1e-6)` (DISAGREES-13: the paper has a bare logarithm). NaN where the base is below −1e-6,
/// which a minibatch of a sum of quadratics or an outward snake can be.
pub(super) struct LogObjective<T>(pub(super) Box<dyn Objective<T>>);

/// Value and derivative of the logarithm.
fn outer<T: Real>(base: T) -> (T, T) {
    let offset = T::of(1e-6);
    ((base + offset).math_ln() - offset.math_ln(), (base + offset).recip())
}

impl<T: Real> Objective<T> for LogObjective<T> {
    fn next_batch(&mut self, feed: Feed) {
        self.0.next_batch(feed);
    }

    fn loss(&mut self, p: &[T]) -> T {
        outer(self.0.loss(p)).0
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let (loss, slope) = outer(self.0.loss_and_gradients(p, g));
        scale(slope, g);
        loss
    }

    fn losses(&mut self, p: &[T], losses: &mut [T]) {
        self.0.losses(p, losses);
        losses.iter_mut().for_each(|loss| *loss = outer(*loss).0);
    }

    fn losses_and_gradients(&mut self, p: &[T], g: &mut [T], losses: &mut [T]) {
        self.0.losses_and_gradients(p, g, losses);
        for (g, loss) in g.chunks_exact_mut(row_length(p, losses)).zip(losses) {
            let (value, slope) = outer(*loss);
            scale(slope, g);
            *loss = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn values_at_zero_and_below() {
        assert_close(outer(0.0).0, 0.0, 0.0);
        assert_close(outer(1.0).0, (1.000001f64 / 1e-6).ln(), 1e-12);
        assert!(outer(-1.0f32).0.is_nan());
    }
}
