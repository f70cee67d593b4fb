//! `exp` and `ln` rounded to the nearest double (except next to a tie), from IEEE arithmetic alone.
//!
//! Upstream's configurations went through the C library's functions, which are very nearly rounded to the nearest.
//! The functions of the `libm` crate are less exact: with them, last digits differed from upstream's files in every
//! family. The platform's own functions differ between platforms.

/// A number as the unevaluated sum of two doubles, the second below half a unit in the last place of the first.
#[derive(Clone, Copy)]
struct Double(f64, f64);

/// `ln 2` to 107 bits.
const LN_2: Double = Double(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

impl Double {
    /// `a + b` exactly, for `|a| >= |b|`.
    fn quick_sum(a: f64, b: f64) -> Self {
        let sum = a + b;
        Self(sum, b - (sum - a))
    }

    /// `a + b` exactly (Knuth).
    fn sum(a: f64, b: f64) -> Self {
        let sum = a + b;
        let from_b = sum - a;
        Self(sum, (a - (sum - from_b)) + (b - from_b))
    }

    /// `a · b` exactly.
    fn product(a: f64, b: f64) -> Self {
        let product = a * b;
        Self(product, a.mul_add(b, -product))
    }

    fn plus(self, other: Self) -> Self {
        let Self(high, low) = Self::sum(self.0, other.0);
        Self::quick_sum(high, low + self.1 + other.1)
    }

    fn times(self, other: Self) -> Self {
        let Self(high, low) = Self::product(self.0, other.0);
        Self::quick_sum(high, low + self.0 * other.1 + self.1 * other.0)
    }

    /// Division by a double.
    fn over(self, divisor: f64) -> Self {
        let quotient = self.0 / divisor;
        let Self(high, low) = Self::product(quotient, divisor);
        Self::quick_sum(quotient, (self.0 - high - low + self.1) / divisor)
    }
}

/// `e^x` for moderate `x` (`|x| < 700`, far from overflow and subnormal numbers).
fn exp_double(x: f64) -> Double {
    // x = k ln 2 + r, then e^r = (e^(r / 256))^256, with a Taylor series that ends below 2^-107.
    let k = (x * std::f64::consts::LOG2_E).round_ties_even();
    let Double(high, low) = Double::product(-k, LN_2.0);
    let r = Double::sum(x, high).plus(Double::quick_sum(low - k * LN_2.1, 0.0));
    let t = Double(r.0 / 256.0, r.1 / 256.0);
    let mut sum = Double(1.0, 0.0);
    for n in (1..=11).rev() {
        sum = Double(1.0, 0.0).plus(sum.times(t).over(f64::from(n)));
    }
    for _ in 0..8 {
        sum = sum.times(sum);
    }
    // 2^k by its bits: `powi` promises no exact result.
    let scale = f64::from_bits(((k as i64 + 1023) as u64) << 52);
    Double(sum.0 * scale, sum.1 * scale)
}

/// `e^x` for `|x| < 700`.
pub(crate) fn exp(x: f64) -> f64 {
    exp_double(x).0
}

/// `ln x` for positive normal `x`.
pub(crate) fn ln(x: f64) -> f64 {
    // One Newton step from a good guess: ln x = g + ln(x / e^g) = g + d - d²/2 with d = (x - e^g) / e^g.
    let guess = libm::log(x);
    let Double(high, low) = exp_double(guess);
    let d = ((x - high) - low) / high;
    guess + (d - 0.5 * d * d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "the values are rounded to the nearest")]
    fn values_are_rounded_to_the_nearest() {
        // x, exp x, ln x, printed by Python 3: decimal.Decimal(x).exp() and .ln() with 60 digits, then float().
        for (x, e, l) in GOLDEN {
            assert_eq!(exp(x), e, "exp {x}");
            assert_eq!(ln(x), l, "ln {x}");
        }
        assert_eq!((exp(0.0), ln(1.0)), (1.0, 0.0));
    }

    proptest! {
        #[test]
        fn near_the_usual_functions(x in 1e-6f64..300.0) {
            prop_assert!((exp(x) / libm::exp(x) - 1.0).abs() < 4e-16);
            prop_assert!((ln(x) - libm::log(x)).abs() <= 4e-16 * ln(x).abs());
            prop_assert!((exp(-x) * exp(x) - 1.0).abs() < 4e-16);
        }
    }

    const GOLDEN: [(f64, f64, f64); 8] = [
        (240.60613401405203, 3.118288652967689e+104, 5.483161297870841),
        (0.652379665057381, 1.9201046025632629, -0.42712857816099864),
        (9.108104425755604, 9028.1651039322, 2.2091646134141603),
        (0.8685770124072302, 2.38351672446916, -0.14089902433957782),
        (2.9505682041746333, 19.116812895720365, 1.0819977633891202),
        (50.24255133568192, 6.60788995517167e+21, 3.916862303825985),
        (0.44539085045138394, 1.5611002333390396, -0.8088030666882677),
        (0.21024692611262277, 1.2339827248976332, -1.559472600389949),
    ];
}
