//! A sum of bowls around random examples.

use super::Objective;
use super::data::Rows;
use crate::Feed;
use crate::objectives::linalg::dot;
use crate::objectives::real::Real;

/// `Σ_b ‖p − x_b‖² − Σ_b ‖x_b‖² + 1e-12`, in the equal form `b‖p‖² − 2 p · Σ_b x_b + 1e-12`, which needs only the column
/// sums of the minibatch and loses no digits to cancellation.
///
/// QUIRK-33: only the whole data set is symmetric; on a minibatch the minimum is not at 0 and the value may be negative.
pub(super) struct SumOfQuadratics<T> {
    rows: Rows<T>,
    batch: Batch<T>,
}

struct Batch<T> {
    /// Number of examples.
    size: T,
    /// `Σ_b x_b`.
    sum: Vec<T>,
}

impl<T: Real> SumOfQuadratics<T> {
    /// The function of `dim` parameters on these rows.
    pub(super) fn new(rows: Rows<T>, dim: usize) -> Self {
        Self { rows, batch: Batch { size: T::zero(), sum: vec![T::zero(); dim] } }
    }
}

impl<T: Real> Batch<T> {
    fn set<'a>(&mut self, rows: impl Iterator<Item = &'a [T]>) {
        self.size = T::zero();
        self.sum.fill(T::zero());
        for row in rows {
            self.size += T::one();
            for (sum, &x) in self.sum.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }

    fn value(&self, p: &[T]) -> T {
        self.size * dot(p, p) - T::of(2.0) * dot(p, &self.sum) + T::of(1e-12)
    }
}

impl<T: Real> Objective<T> for SumOfQuadratics<T> {
    fn next_batch(&mut self, feed: Feed) {
        self.batch.set(self.rows.next(feed));
    }

    fn loss(&mut self, p: &[T]) -> T {
        self.batch.value(p)
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        for ((g, &p), &sum) in g.iter_mut().zip(p).zip(&self.batch.sum) {
            *g = T::of(2.0) * (self.batch.size * p - sum);
        }
        self.batch.value(p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn known_value() {
        let mut batch = Batch { size: 0.0, sum: vec![0.0; 3] };
        batch.set([[0.5, 1.0, -1.0], [-0.25, 2.0, 0.0]].iter().map(|row| &row[..]));
        assert_close(batch.value(&[1.0, 2.0, 0.5]), -1.0 + 1e-12, 1e-15);
    }
}
