//! Quantiles by linear interpolation.

/// The `q`-quantile of some numbers by linear interpolation between order statistics, as `numpy.quantile` computes it by
/// default. NaN if there are no numbers or one of them is NaN; `q` is clamped to `[0, 1]`.
///
/// ```
/// assert_eq!(taskset_normalize::quantile(&[4.0, 1.0, 3.0, 2.0], 0.25), 1.75);
/// ```
pub fn quantile(values: &[f64], q: f64) -> f64 {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let (a, b) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    let t = position - below as f64;
    // From the nearer end, as NumPy does; equal ends need no arithmetic, which also keeps infinities.
    if a.total_cmp(&b).is_eq() || t <= 0.0 {
        a
    } else if t < 0.5 {
        a + (b - a) * t
    } else {
        b - (b - a) * (1.0 - t)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same operations in the same order give NumPy's bits")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy 2: numpy.quantile([3.1, -2.7, 0.4, 9.9, 0.4, 6.2], q).
        let values = [3.1, -2.7, 0.4, 9.9, 0.4, 6.2];
        let check = |q, expected| assert_eq!(quantile(&values, q), expected, "{q}");
        check(0.0, -2.7);
        check(0.05, -1.9250000000000003);
        check(0.25, 0.4);
        check(0.5, 1.75);
        check(0.75, 5.425);
        check(0.95, 8.975);
        check(1.0, 9.9);
        // In the middle NumPy goes from the upper end: from the lower one it would be 3.4.
        assert_eq!(quantile(&[-1.6, 8.4], 0.5), 3.4000000000000004);
    }

    #[test]
    fn edges() {
        assert!(quantile(&[], 0.5).is_nan());
        assert!([0.0, 0.5].iter().all(|&q| quantile(&[1.0, f64::NAN], q).is_nan()));
        // What needs no arithmetic keeps infinities.
        assert_eq!(quantile(&[f64::INFINITY, f64::INFINITY], 0.3), f64::INFINITY);
        assert_eq!(quantile(&[1.0, f64::INFINITY], 0.0), 1.0);
        assert_eq!(quantile(&[5.0], 0.3), 5.0);
        assert_eq!(quantile(&[1.0, 2.0], 7.0), 2.0);
    }

    proptest! {
        #[test]
        fn between_the_extremes_and_rising(values in proptest::collection::vec(-1e6f64..1e6, 1..40), p in 0.0..1.0, q in 0.0..1.0) {
            let (low, high) = (quantile(&values, f64::min(p, q)), quantile(&values, f64::max(p, q)));
            prop_assert!(low <= high + 1e-9);
            prop_assert!(quantile(&values, 0.0) <= low && high <= quantile(&values, 1.0));
        }
    }
}
