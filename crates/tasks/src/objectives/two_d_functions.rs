//! Classical test functions of two parameters, with their gradients and starting boxes.

use super::element_draw::ElementDraw;
use super::real::Real;

/// A two-dimensional test function, by upstream's (inconsistently capitalised) names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the functions are named after their authors")]
pub enum TestFunction {
    StyblinskiTang,
    Ackley,
    Beale,
    Branin,
    Logsumexp,
    Matyas,
    Michalewicz,
    Rosenbrock,
}

impl TestFunction {
    /// All functions in sampling order (capital letters first).
    pub const ALL: [Self; 8] = [
        Self::StyblinskiTang,
        Self::Ackley,
        Self::Beale,
        Self::Branin,
        Self::Logsumexp,
        Self::Matyas,
        Self::Michalewicz,
        Self::Rosenbrock,
    ];

    /// Upstream's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StyblinskiTang => "StyblinskiTang",
            Self::Ackley => "ackley",
            Self::Beale => "beale",
            Self::Branin => "branin",
            Self::Logsumexp => "logsumexp",
            Self::Matyas => "matyas",
            Self::Michalewicz => "michalewicz",
            Self::Rosenbrock => "rosenbrock",
        }
    }
}

/// Value and gradient of a test function at `(x, y)`.
///
/// The formulas are upstream's, unguarded: outside the starting boxes they may overflow to infinity or NaN.
pub(crate) fn value_and_gradient<T: Real>(function: TestFunction, x: T, y: T) -> (T, [T; 2]) {
    match function {
        TestFunction::StyblinskiTang => styblinski_tang(x, y),
        TestFunction::Ackley => ackley(x, y),
        TestFunction::Beale => beale(x, y),
        TestFunction::Branin => branin(x, y),
        TestFunction::Logsumexp => log_sum_exp(x, y),
        TestFunction::Matyas => matyas(x, y),
        TestFunction::Michalewicz => michalewicz(x, y),
        TestFunction::Rosenbrock => rosenbrock(x, y),
    }
}

/// Distribution of each coordinate of the starting point.
pub(crate) fn start(function: TestFunction) -> [ElementDraw; 2] {
    let both = |lo, hi| [ElementDraw::Uniform { lo, hi }; 2];
    match function {
        TestFunction::StyblinskiTang => both(-5.0, 5.0),
        TestFunction::Ackley => both(-32.768, 32.768),
        TestFunction::Beale => both(-4.5, 4.5),
        TestFunction::Branin => {
            [ElementDraw::Uniform { lo: -5.0, hi: 10.0 }, ElementDraw::Uniform { lo: 0.0, hi: 15.0 }]
        }
        TestFunction::Logsumexp => [ElementDraw::STANDARD_NORMAL; 2],
        TestFunction::Matyas => both(-10.0, 10.0),
        TestFunction::Michalewicz => both(0.0, std::f64::consts::PI),
        TestFunction::Rosenbrock => both(-5.0, 10.0),
    }
}

/// Half the squared length of `p` after a rotation by `angle` (radians) and a stretch of its first coordinate by
/// `sqrt(cond)`: a bowl with condition number `cond`.
pub(crate) fn bowl<T: Real>(cond: T, angle: T, x: T, y: T) -> (T, [T; 2]) {
    let (sin, cos) = (angle.math_sin(), angle.math_cos());
    let (u, v) = (cos * x - sin * y, sin * x + cos * y);
    (T::of(0.5) * (cond * u * u + v * v), [cond * u * cos + v * sin, v * cos - cond * u * sin])
}

/// `½ Σ (t⁴ − 16 t² + 5 t) + 80`.
fn styblinski_tang<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    let term = |t: T| t * t * (t * t - c(16.0)) + c(5.0) * t;
    let slope = |t: T| t * (c(2.0) * t * t - c(16.0)) + c(2.5);
    (c(0.5) * (term(x) + term(y)) + c(80.0), [slope(x), slope(y)])
}

/// `−20 exp(−0.2 sqrt((x² + y²)/2)) − exp((cos 2πx + cos 2πy)/2) + e + 20`. Its gradient at the origin is 0/0 = NaN, as
/// in TensorFlow.
fn ackley<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    let radius = (c(0.5) * (x * x + y * y)).sqrt();
    let cone = (c(-0.2) * radius).math_exp();
    let ripple = (c(0.5) * ((T::TAU() * x).math_cos() + (T::TAU() * y).math_cos())).math_exp();
    let slope = |t: T| c(2.0) * cone * t / radius + T::PI() * ripple * (T::TAU() * t).math_sin();
    (c(-20.0) * cone - ripple + T::E() + c(20.0), [slope(x), slope(y)])
}

/// `(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²`.
fn beale<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    let (y2, y3) = (y * y, y * y * y);
    let (a, b, d) = (c(1.5) - x + x * y, c(2.25) - x + x * y2, c(2.625) - x + x * y3);
    let one = T::one();
    (
        a * a + b * b + d * d,
        [
            c(2.0) * (a * (y - one) + b * (y2 - one) + d * (y3 - one)),
            c(2.0) * x * (a + c(2.0) * b * y + c(3.0) * d * y2),
        ],
    )
}

/// `(y − 5.1/(4π²) x² + (5/π) x − 6)² + 10 (1 − 1/(8π)) cos x + 10`.
fn branin<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    let pi = std::f64::consts::PI;
    let (b, k, s) = (c(5.1 / (4.0 * pi * pi)), c(5.0 / pi), c(10.0 * (1.0 - 1.0 / (8.0 * pi))));
    let t = y - b * x * x + k * x - c(6.0);
    (t * t + s * x.math_cos() + c(10.0), [c(2.0) * t * (k - c(2.0) * b * x) - s * x.math_sin(), c(2.0) * t])
}

/// `log(e^{x+3y−0.1} + e^{x−3y−0.1} + e^{−x−0.1} + 1)`, not guarded against overflow.
fn log_sum_exp<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    let up = (x + c(3.0) * y - c(0.1)).math_exp();
    let down = (x - c(3.0) * y - c(0.1)).math_exp();
    let back = (-x - c(0.1)).math_exp();
    let sum = up + down + back + T::one();
    (sum.math_ln(), [(up + down - back) / sum, c(3.0) * (up - down) / sum])
}

/// `0.26 (x² + y²) − 0.48 xy`.
fn matyas<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    (c(0.26) * (x * x + y * y) - c(0.48) * x * y, [c(0.52) * x - c(0.48) * y, c(0.52) * y - c(0.48) * x])
}

/// `2 − (sin x · sin(x²/π)^10 + sin y · sin(2y²/π)^10)`.
fn michalewicz<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    // sin t · sin(w t²)^10 and its derivative.
    let ridge = |t: T, w: T| {
        let (sin, cos) = ((w * t * t).math_sin(), (w * t * t).math_cos());
        let square = sin * sin;
        let fourth = square * square;
        let ninth = fourth * fourth * sin;
        (
            t.math_sin() * ninth * sin,
            t.math_cos() * ninth * sin + t.math_sin() * c(20.0) * ninth * cos * w * t,
        )
    };
    let ((fx, dx), (fy, dy)) = (ridge(x, T::FRAC_1_PI()), ridge(y, T::FRAC_2_PI()));
    (c(2.0) - (fx + fy), [-dx, -dy])
}

/// `(1 − x)² + 100 (y − x²)²`.
fn rosenbrock<T: Real>(x: T, y: T) -> (T, [T; 2]) {
    let c = T::of;
    let (a, b) = (T::one() - x, y - x * x);
    (a * a + c(100.0) * b * b, [c(-2.0) * a - c(400.0) * x * b, c(200.0) * b])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    const ALL: [TestFunction; 8] = [
        TestFunction::StyblinskiTang,
        TestFunction::Ackley,
        TestFunction::Beale,
        TestFunction::Branin,
        TestFunction::Logsumexp,
        TestFunction::Matyas,
        TestFunction::Michalewicz,
        TestFunction::Rosenbrock,
    ];

    #[test]
    fn known_values_at_one_two() {
        // From an independent evaluation of the formulas.
        let expected =
            [56.0, 5.4221317178, 126.453125, 21.6276353924, 6.9013484827, 0.34, 1.9972046346, 100.0];
        for (function, expected) in ALL.into_iter().zip(expected) {
            assert_close(value_and_gradient(function, 1.0, 2.0).0, expected, 1e-9);
        }
        assert_close(bowl(4.0, std::f64::consts::FRAC_PI_4, 1.0, 2.0).0, 3.25, 1e-12);
    }

    #[test]
    fn minima_are_stationary() {
        let minima = [
            (TestFunction::StyblinskiTang, -2.903534, -2.903534, 1.667668),
            (TestFunction::Beale, 3.0, 0.5, 0.0),
            (TestFunction::Branin, std::f64::consts::PI, 2.275, 0.397887),
            (TestFunction::Matyas, 0.0, 0.0, 0.0),
            (TestFunction::Michalewicz, 2.185312, std::f64::consts::FRAC_PI_2, 0.193377),
            (TestFunction::Rosenbrock, 1.0, 1.0, 0.0),
        ];
        for (function, x, y, value) in minima {
            let (f, [dx, dy]) = value_and_gradient(function, x, y);
            assert!(
                (f - value).abs() < 2e-6 && dx.abs() < 2e-4 && dy.abs() < 2e-4,
                "{function:?} {f} {dx} {dy}"
            );
        }
    }

    #[test]
    fn ackley_at_the_origin_is_zero_with_an_undefined_gradient() {
        let (f, gradient) = value_and_gradient(TestFunction::Ackley, 0.0f64, 0.0);
        assert!(f.abs() < 1e-14 && gradient.iter().all(|g| g.is_nan()));
    }

    #[test]
    fn nonfinite_points_give_values() {
        for function in ALL {
            for (x, y) in [(f32::NAN, 1.0), (f32::INFINITY, 1.0), (1e30, -1e30)] {
                let (f, gradient) = value_and_gradient(function, x, y);
                let bounded = matches!(function, TestFunction::Michalewicz | TestFunction::Ackley);
                assert!(
                    bounded || !f.is_finite() || gradient.iter().any(|g| g.abs() > 1e9),
                    "{function:?} {x} {f}"
                );
            }
        }
    }
}
