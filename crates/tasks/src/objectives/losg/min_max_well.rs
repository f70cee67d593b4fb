//! A well between the largest and the smallest square.

use super::Objective;
use crate::objectives::real::Real;

/// `max p_i² + 1 / min p_i² − 2 + 1e-12` (DISAGREES-12: the paper does not square).
pub(super) struct MinMaxWell;

/// An extreme value and how many elements attain it.
struct Extreme<T> {
    value: T,
    ties: T,
}

/// The extreme of the squares for an order; NaN if any square is NaN.
fn extreme<T: Real>(p: &[T], beats: impl Fn(T, T) -> bool) -> Extreme<T> {
    let mut best = Extreme { value: T::nan(), ties: T::zero() };
    for (i, &x) in p.iter().enumerate() {
        let square = x * x;
        if square.is_nan() {
            return Extreme { value: square, ties: T::zero() };
        }
        if i == 0 || beats(square, best.value) {
            best = Extreme { value: square, ties: T::one() };
        } else if square == best.value {
            best.ties += T::one();
        }
    }
    best
}

fn value<T: Real>(max: T, min: T) -> T {
    max + min.recip() - T::of(2.0) + T::of(1e-12)
}

impl<T: Real> Objective<T> for MinMaxWell {
    fn loss(&mut self, p: &[T]) -> T {
        value(extreme(p, |a, b| a > b).value, extreme(p, |a, b| a < b).value)
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let (max, min) = (extreme(p, |a, b| a > b), extreme(p, |a, b| a < b));
        // Tied elements share the derivative equally; the products are those of TensorFlow's backward pass, which are
        // NaN for every element once the smallest square is 0.
        let (max_share, min_share) = (max.ties.recip(), min.ties.recip());
        let slope = -(min.value.recip() / min.value);
        for (g, &x) in g.iter_mut().zip(p) {
            let square = x * x;
            let at_max = if square == max.value { max_share } else { T::zero() * max_share };
            let at_min = if square == min.value { min_share } else { T::zero() * min_share };
            *g = T::of(2.0) * x * (at_max + at_min * slope);
        }
        value(max.value, min.value)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "small integers are exact")]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn known_value_and_gradient() {
        let mut g = [f64::NAN; 3];
        assert_close(MinMaxWell.loss_and_gradients(&[1.0, 2.0, 0.5], &mut g), 6.0 + 1e-12, 1e-15);
        assert_close(g[0], 0.0, 0.0);
        assert_close(g[1], 4.0, 1e-15);
        assert_close(g[2], -16.0, 1e-15);
    }

    #[test]
    fn ties_share() {
        let mut g = [f64::NAN; 4];
        MinMaxWell.loss_and_gradients(&[2.0, -2.0, 1.0, -1.0], &mut g);
        assert_eq!(g, [2.0, -2.0, -1.0, 1.0]);
    }

    #[test]
    fn the_slope_lasts_as_long_as_its_quotient() {
        // 1 / v² is finite for v = 6e-20, but trainings flush v², a subnormal number, to 0.
        let _flush = taskset_nn::denormals::FlushGuard::new();
        let (x, mut g) = (6e-20f32.sqrt(), [f32::NAN; 2]);
        MinMaxWell.loss_and_gradients(&[1.0, x], &mut g);
        assert!((g[1] / -(x / 1.8e-19 / 1e-20) - 1.0).abs() < 1e-5, "{g:?}");
    }

    #[test]
    fn zeros_and_nans_are_results() {
        let mut g = [1.0f32; 2];
        assert_eq!(MinMaxWell.loss_and_gradients(&[1.0, 0.0], &mut g), f32::INFINITY);
        assert!(g.iter().all(|g| g.is_nan()));
        assert!(MinMaxWell.loss_and_gradients(&[1.0, f32::NAN], &mut g).is_nan());
        assert!(g.iter().all(|g| g.is_nan()));
    }
}
