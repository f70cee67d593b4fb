//! Squared products of the parameters with random examples.

use super::Objective;
use super::data::Rows;
use crate::Feed;
use crate::objectives::real::Real;

/// `Σ_b Σ_i (p_i x_{b,i})² = Σ_i p_i² s_i`, where `s_i` is the sum of squares of column i of the minibatch.
pub(super) struct ProjectionQuadratic<T> {
    rows: Rows<T>,
    squares: Vec<T>,
}

impl<T: Real> ProjectionQuadratic<T> {
    /// The function of `dim` parameters on these rows.
    pub(super) fn new(rows: Rows<T>, dim: usize) -> Self {
        Self { rows, squares: vec![T::zero(); dim] }
    }
}

fn sum_squares<'a, T: Real>(rows: impl Iterator<Item = &'a [T]>, squares: &mut [T]) {
    squares.fill(T::zero());
    for row in rows {
        for (sum, &x) in squares.iter_mut().zip(row) {
            *sum += x * x;
        }
    }
}

fn value<T: Real>(squares: &[T], p: &[T]) -> T {
    p.iter().zip(squares).map(|(&p, &s)| p * p * s).sum()
}

impl<T: Real> Objective<T> for ProjectionQuadratic<T> {
    fn next_batch(&mut self, feed: Feed) {
        sum_squares(self.rows.next(feed), &mut self.squares);
    }

    fn loss(&mut self, p: &[T]) -> T {
        value(&self.squares, p)
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        for ((g, &p), &s) in g.iter_mut().zip(p).zip(&self.squares) {
            *g = T::of(2.0) * p * s;
        }
        value(&self.squares, p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn known_value() {
        let mut squares = [0.0; 3];
        sum_squares([[0.5, 1.0, -1.0], [-0.25, 2.0, 0.0]].iter().map(|row| &row[..]), &mut squares);
        assert_close(value(&squares, &[1.0, 2.0, 0.5]), 20.5625, 1e-15);
    }
}
