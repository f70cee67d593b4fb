//! A classical test function of two parameters.

use super::Objective;
use crate::objectives::real::Real;
use crate::objectives::two_d_functions::TestFunction;
use crate::objectives::two_d_functions::value_and_gradient;

/// One of the eight test functions.
pub(super) struct TestProblem(pub(super) TestFunction);

impl<T: Real> Objective<T> for TestProblem {
    fn loss(&mut self, p: &[T]) -> T {
        value_and_gradient(self.0, p[0], p[1]).0
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let (value, gradient) = value_and_gradient(self.0, p[0], p[1]);
        g.copy_from_slice(&gradient);
        value
    }
}
