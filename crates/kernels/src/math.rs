//! Elementary functions: vectorisable single-precision ones with stated errors, and double precision through `libm`.
//!
//! Errors of the single-precision functions, measured against double precision over their whole range and asserted by
//! the tests: `exp` 2.5e-7 relative, `sigmoid` 3e-7 relative, `tanh` 3e-7 relative, `sin` and `cos` 2e-7 absolute.
//! NaN gives NaN, `exp(±inf)`, `sigmoid(±inf)` and `tanh(±inf)` are the limits, `cos(±inf)` is NaN.

use num_traits::Float;

/// Elementary functions of a number type; implementations are chosen by type, so that loops over them vectorise.
pub(crate) trait Math<T: Float> {
    /// `a b + c`, fused or not.
    fn mul_add(a: T, b: T, c: T) -> T;
    /// `a / 255` of a whole number up to 255, correctly rounded.
    fn per_255(a: T) -> T;
    fn exp(x: T) -> T;
    fn ln(x: T) -> T;
    fn sigmoid(x: T) -> T;
    fn tanh(x: T) -> T;
    /// Bound on `|x|` up to which [`sin_small`](Math::sin_small) and [`cos_small`](Math::cos_small) may be used.
    fn small() -> T;
    fn sin_small(x: T) -> T;
    fn cos_small(x: T) -> T;
    fn sin(x: T) -> T;
    fn cos(x: T) -> T;
}

/// Double precision by the `libm` crate: the same bits on every platform.
pub(crate) struct Exact;

impl Math<f64> for Exact {
    #[inline(always)]
    fn mul_add(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
    #[inline(always)]
    fn per_255(a: f64) -> f64 {
        a / 255.0
    }
    fn exp(x: f64) -> f64 {
        libm::exp(x)
    }
    fn ln(x: f64) -> f64 {
        libm::log(x)
    }
    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + libm::exp(-x))
    }
    fn tanh(x: f64) -> f64 {
        libm::tanh(x)
    }
    fn small() -> f64 {
        f64::INFINITY
    }
    fn sin_small(x: f64) -> f64 {
        libm::sin(x)
    }
    fn cos_small(x: f64) -> f64 {
        libm::cos(x)
    }
    fn sin(x: f64) -> f64 {
        libm::sin(x)
    }
    fn cos(x: f64) -> f64 {
        libm::cos(x)
    }
}

/// Single precision without branches or calls (except [`ln`](Math::ln) and the trigonometry of huge arguments), with
/// or without fused multiply-add. Polynomials are those of the Cephes library (Moshier 1989).
pub(crate) struct Fast<const FMA: bool>;

/// Adding this to a number of magnitude below 2²² rounds it to an integer, which then stands in the low mantissa bits.
const ROUND: f32 = 12_582_912.0;

/// `2^n` for `-126 <= n <= 127`.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

impl<const FMA: bool> Fast<FMA> {
    /// `exp(x) = y 2^n` with `y` near 1, for `|x|` up to 104 (NaN gives NaN).
    #[inline(always)]
    #[expect(clippy::excessive_precision, reason = "the constants stand as in their source")]
    fn exp_parts(x: f32) -> (f32, i32) {
        let t = Self::mul_add(x, std::f32::consts::LOG2_E, ROUND);
        let n = t - ROUND;
        let r = Self::mul_add(n, -0.693_359_375, x);
        let r = Self::mul_add(n, 2.121_944_40e-4, r);
        let p = Self::mul_add(r, 1.987_569_15e-4, 1.398_199_950_7e-3);
        let p = Self::mul_add(p, r, 8.333_451_907_3e-3);
        let p = Self::mul_add(p, r, 4.166_579_589_4e-2);
        let p = Self::mul_add(p, r, 1.666_666_545_9e-1);
        let p = Self::mul_add(p, r, 5.000_000_120_1e-1);
        let y = Self::mul_add(p * r, r, r) + 1.0;
        (y, t.to_bits().wrapping_sub(ROUND.to_bits()) as i32)
    }

    /// Splits `x = n π/2 + r`, `|r| <= π/4`, and returns `n` and the cosine of `r + n π/2` shifted by `quarter` turns.
    #[inline(always)]
    #[expect(clippy::excessive_precision, reason = "the constants stand as in their source")]
    fn cos_quadrant(x: f32, quarter: u32) -> f32 {
        let t = Self::mul_add(x, std::f32::consts::FRAC_2_PI, ROUND);
        let n = t - ROUND;
        let quadrant = t.to_bits().wrapping_add(quarter);
        let r = Self::mul_add(n, -1.570_312_5, x);
        let r = Self::mul_add(n, -4.837_512_969_970_703_125e-4, r);
        let r = Self::mul_add(n, -7.549_789_954_891_88e-8, r);
        let z = r * r;
        let sin = Self::mul_add(z, -1.951_529_589_1e-4, 8.332_160_873_6e-3);
        let sin = Self::mul_add(sin, z, -1.666_665_461_1e-1);
        let sin = Self::mul_add(sin * z, r, r);
        let cos = Self::mul_add(z, 2.443_315_711_809_948e-5, -1.388_731_625_493_765e-3);
        let cos = Self::mul_add(cos, z, 4.166_664_568_298_827e-2);
        let cos = Self::mul_add(cos * z, z, Self::mul_add(z, -0.5, 1.0));
        let magnitude = if quadrant & 1 == 1 { sin } else { cos };
        let negative = (quadrant.wrapping_add(1) & 2) << 30;
        f32::from_bits(magnitude.to_bits() ^ negative)
    }
}

impl<const FMA: bool> Math<f32> for Fast<FMA> {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        if FMA { a.mul_add(b, c) } else { a * b + c }
    }

    #[inline(always)]
    fn per_255(a: f32) -> f32 {
        if FMA {
            // 1 / 255 in two parts: every whole number up to 255 comes out correctly rounded.
            const HIGH: f32 = 1.0 / 255.0;
            const LOW: f32 = (1.0 / 255.0 - HIGH as f64) as f32;
            a.mul_add(HIGH, a * LOW)
        } else {
            a / 255.0
        }
    }

    #[inline(always)]
    fn exp(x: f32) -> f32 {
        // Comparisons, not min and max: NaN must pass. Beyond the bounds the result is 0 or infinity by overflow.
        let x = if x < -104.0 { -104.0 } else { x };
        let x = if x > 89.0 { 89.0 } else { x };
        let (y, n) = Self::exp_parts(x);
        // In two factors, so that results near the largest and below the smallest normal number come out right.
        let half = n >> 1;
        y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
    }

    #[inline(always)]
    fn ln(x: f32) -> f32 {
        libm::logf(x)
    }

    #[inline(always)]
    fn sigmoid(x: f32) -> f32 {
        1.0 / (1.0 + Self::exp(-x))
    }

    #[inline(always)]
    #[expect(clippy::excessive_precision, reason = "the constants stand as in their source")]
    fn tanh(x: f32) -> f32 {
        let a = x.abs();
        // Beyond 20 the result is 1, as it is from 10 on. The comparison lets NaN pass.
        let b = if a > 20.0 { 20.0 } else { a };
        let (y, n) = Self::exp_parts(2.0 * b);
        let large = (1.0 - 2.0 / (y * power_of_two(n) + 1.0)).copysign(x);
        let z = x * x;
        let p = Self::mul_add(z, -5.704_988_727_45e-3, 2.063_908_879_54e-2);
        let p = Self::mul_add(p, z, -5.373_971_555_31e-2);
        let p = Self::mul_add(p, z, 1.333_144_220_36e-1);
        let p = Self::mul_add(p, z, -3.333_328_194_22e-1);
        let small = Self::mul_add(p * z, x, x);
        if a < 0.625 { small } else { large }
    }

    #[inline(always)]
    fn small() -> f32 {
        8192.0
    }

    #[inline(always)]
    fn sin_small(x: f32) -> f32 {
        Self::cos_quadrant(x, 3)
    }

    #[inline(always)]
    fn cos_small(x: f32) -> f32 {
        Self::cos_quadrant(x, 0)
    }

    #[inline(always)]
    fn sin(x: f32) -> f32 {
        if x.abs() <= Self::small() { Self::sin_small(x) } else { libm::sin(f64::from(x)) as f32 }
    }

    #[inline(always)]
    fn cos(x: f32) -> f32 {
        if x.abs() <= Self::small() { Self::cos_small(x) } else { libm::cos(f64::from(x)) as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error of `f` against `exact` over a dense sweep, both with and without fused multiply-add.
    fn check(
        name: &str,
        range: [f32; 2],
        fs: [fn(f32) -> f32; 2],
        exact: fn(f64) -> f64,
        relative: bool,
        bound: f64,
    ) {
        for f in fs {
            let n = 400_000;
            let (mut worst, mut at) = (0.0, 0.0);
            for i in 0..=n {
                let x = range[0] + (range[1] - range[0]) * (i as f32 / n as f32);
                let e = exact(f64::from(x));
                // Subnormal results may be flushed to zero: the smallest normal number counts as one ulp there.
                let scale = if relative { e.abs().max(f64::from(f32::MIN_POSITIVE)) } else { 1.0 };
                let error = (f64::from(f(x)) - e).abs() / scale;
                assert!(!error.is_nan(), "{name}({x}) is NaN");
                if error > worst {
                    (worst, at) = (error, x);
                }
            }
            assert!(worst <= bound, "{name}: error {worst:e} at {at}");
        }
    }

    #[test]
    fn errors_are_as_stated() {
        type A = Fast<true>;
        type B = Fast<false>;
        let sigmoid = |x: f64| 1.0 / (1.0 + libm::exp(-x));
        check("exp", [-87.3, 88.72], [A::exp, B::exp], libm::exp, true, 2.5e-7);
        check("exp", [-1.0, 1.0], [A::exp, B::exp], libm::exp, true, 2.5e-7);
        check("sigmoid", [-87.0, 40.0], [A::sigmoid, B::sigmoid], sigmoid, true, 3e-7);
        check("tanh", [-20.0, 20.0], [A::tanh, B::tanh], libm::tanh, true, 3e-7);
        check("tanh", [-0.7, 0.7], [A::tanh, B::tanh], libm::tanh, true, 3e-7);
        for range in [[-8.0, 8.0], [-8192.0, 8192.0], [1e4, 1e9]] {
            check("sin", range, [A::sin, B::sin], libm::sin, false, 2e-7);
            check("cos", range, [A::cos, B::cos], libm::cos, false, 2e-7);
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "limits are exact")]
    fn limits_and_nan() {
        fn check<M: Math<f32>>() {
            let inf = f32::INFINITY;
            assert_eq!([M::exp(inf), M::exp(-inf), M::exp(1e30), M::exp(-1e30)], [inf, 0.0, inf, 0.0]);
            assert_eq!([M::exp(0.0), M::exp(89.0), M::exp(-104.0)], [1.0, inf, 0.0]);
            assert_eq!([M::sigmoid(inf), M::sigmoid(-inf), M::sigmoid(0.0)], [1.0, 0.0, 0.5]);
            assert_eq!([M::tanh(inf), M::tanh(-inf), M::tanh(0.0)], [1.0, -1.0, 0.0]);
            for f in [M::exp, M::sigmoid, M::tanh, M::sin, M::cos, M::ln] {
                assert!(f(f32::NAN).is_nan());
            }
            assert!(M::cos(inf).is_nan() && M::sin(-inf).is_nan());
        }
        check::<Fast<true>>();
        check::<Fast<false>>();
    }
}
