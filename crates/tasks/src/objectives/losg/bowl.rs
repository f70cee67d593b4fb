//! A two-dimensional quadratic bowl, stretched and turned.

use super::Objective;
use crate::objectives::real::Real;
use crate::objectives::two_d_functions::bowl;

/// `½‖M p‖²`, `M = diag(sqrt(cond), 1) · rotation(angle)`.
pub(super) struct Bowl<T> {
    pub(super) cond: T,
    /// Radians.
    pub(super) angle: T,
}

impl<T: Real> Objective<T> for Bowl<T> {
    fn loss(&mut self, p: &[T]) -> T {
        bowl(self.cond, self.angle, p[0], p[1]).0
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let (value, gradient) = bowl(self.cond, self.angle, p[0], p[1]);
        g.copy_from_slice(&gradient);
        value
    }
}
