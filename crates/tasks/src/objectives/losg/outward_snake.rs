//! A valley that winds outward.

use super::Objective;
use super::data::Rows;
use crate::Feed;
use crate::objectives::linalg::dot;
use crate::objectives::real::Real;

/// `Σ_b x_{b,0} / (ρ + 1e-6) + Σ_b Σ_{i≥1} [(p_i − π cos p_{i−1}) x_{b,i}]²` with `ρ = ‖p‖`.
///
/// The minibatch enters through its column sums only, which are formed once when it is drawn. QUIRK-33: the radial term
/// has the sign of the sum of the first column.
pub(super) struct OutwardSnake<T> {
    rows: Rows<T>,
    sums: Sums<T>,
}

/// The sum of the first column of a minibatch, then the sums of squares of the others.
struct Sums<T>(Vec<T>);

impl<T: Real> OutwardSnake<T> {
    /// The snake of `dim` parameters on these rows.
    pub(super) fn new(rows: Rows<T>, dim: usize) -> Self {
        Self { rows, sums: Sums(vec![T::zero(); dim]) }
    }
}

impl<T: Real> Sums<T> {
    fn set<'a>(&mut self, rows: impl Iterator<Item = &'a [T]>) {
        self.0.fill(T::zero());
        let mut first = T::zero();
        for row in rows {
            first += row[0];
            for (sum, &x) in self.0.iter_mut().zip(row) {
                *sum += x * x;
            }
        }
        self.0[0] = first;
    }

    fn loss(&self, p: &[T]) -> T {
        let mut valley = T::zero();
        for i in 1..p.len() {
            let off = p[i] - T::PI() * p[i - 1].math_cos();
            valley += off * off * self.0[i];
        }
        self.0[0] / (dot(p, p).sqrt() + T::of(1e-6)) + valley
    }

    fn loss_and_gradients(&self, p: &[T], g: &mut [T]) -> T {
        let radius = dot(p, p).sqrt();
        let offset = radius + T::of(1e-6);
        // d ρ / d p_i = p_i / ρ: 0/0 at the origin, as in TensorFlow.
        let radial = -self.0[0] / (offset * offset);
        for (g, &x) in g.iter_mut().zip(p) {
            *g = radial * (x / radius);
        }
        let mut valley = T::zero();
        for i in 1..p.len() {
            let off = p[i] - T::PI() * p[i - 1].math_cos();
            valley += off * off * self.0[i];
            let slope = T::of(2.0) * off * self.0[i];
            g[i] += slope;
            g[i - 1] += slope * T::PI() * p[i - 1].math_sin();
        }
        self.0[0] / offset + valley
    }
}

impl<T: Real> Objective<T> for OutwardSnake<T> {
    fn next_batch(&mut self, feed: Feed) {
        self.sums.set(self.rows.next(feed));
    }

    fn loss(&mut self, p: &[T]) -> T {
        self.sums.loss(p)
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        self.sums.loss_and_gradients(p, g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn known_value() {
        let mut sums = Sums(vec![0.0; 3]);
        sums.set([[0.5, 1.0, -1.0], [-0.25, 2.0, 0.0]].iter().map(|row| &row[..]));
        let mut g = [0.0; 3];
        assert_close(sums.loss(&[1.0, 2.0, 0.5]), 3.8334772462, 1e-10);
        assert_close(sums.loss_and_gradients(&[1.0, 2.0, 0.5], &mut g), 3.8334772462, 1e-10);
    }
}
