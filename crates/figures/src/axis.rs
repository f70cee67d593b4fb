//! Axes: the range that covers the data, where a value lies in it, and ticks at round numbers.

use crate::decimal::{Decimal, floor_log10, power_of_ten};

/// An axis over a non-empty range. `lo` and `hi` are values, or their base-10 logarithms on a logarithmic axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    log: bool,
    lo: f64,
    hi: f64,
}

/// A labelled position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Position as a fraction of the axis, 0–1.
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// Whether a value has a place on an axis. Subnormal numbers count as zero: on a logarithmic axis they have none, for
/// they lack the digits that ticks between them would need.
pub(crate) fn drawable(log: bool, value: f64) -> bool {
    value.is_finite() && (!log || value >= f64::MIN_POSITIVE)
}

impl Axis {
    /// The axis that covers the drawable ones of `values`, extended by `padding` times its length at both ends; `None`
    /// if there is none. Equal values get an axis around them.
    pub(crate) fn covering(log: bool, values: impl Iterator<Item = f64>, padding: f64) -> Option<Self> {
        let values = values.filter(|&v| drawable(log, v)).map(|v| if log { libm::log10(v) } else { v });
        let (lo, hi) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
        if lo > hi {
            return None;
        }
        // Half the length: the length itself may overflow.
        let half = hi / 2.0 - lo / 2.0;
        let magnitude = lo.abs().max(hi.abs());
        let extend = if half > 1e-12 * magnitude && half > 1e-300 {
            2.0 * padding * half
        } else if log {
            libm::log10(2.0)
        } else if magnitude > 1e-290 {
            0.1 * magnitude
        } else {
            1.0
        };
        let widened = |v: f64| v.clamp(-f64::MAX, f64::MAX);
        Some(Self { log, lo: widened(lo - extend), hi: widened(hi + extend) })
    }

    /// A linear axis from exactly 0 to a little above `largest`, for bars.
    pub(crate) fn from_zero(largest: f64) -> Self {
        Self { log: false, lo: 0.0, hi: 1.06 * largest.clamp(1.0, 1e300) }
    }

    /// The axis made `factor` times as long (at least 1), with the same middle.
    pub(crate) fn stretched(self, factor: f64) -> Self {
        let (middle, half) = (self.lo / 2.0 + self.hi / 2.0, factor.max(1.0) * self.half());
        let end = |v: f64| v.clamp(-f64::MAX, f64::MAX);
        Self { lo: end(middle - half), hi: end(middle + half), ..self }
    }

    /// Half its length, or of its logarithm.
    pub(crate) fn half(&self) -> f64 {
        self.hi / 2.0 - self.lo / 2.0
    }

    pub(crate) fn is_log(&self) -> bool {
        self.log
    }

    /// The range of values, as far as doubles reach.
    pub(crate) fn range(&self) -> (f64, f64) {
        let value = |v: f64| if self.log { libm::exp10(v).clamp(f64::MIN_POSITIVE, f64::MAX) } else { v };
        (value(self.lo), value(self.hi))
    }

    /// The value at a fraction of the axis.
    pub(crate) fn value(&self, unit: f64) -> f64 {
        let v = self.lo * (1.0 - unit) + self.hi * unit;
        if self.log { libm::exp10(v).clamp(f64::MIN_POSITIVE, f64::MAX) } else { v }
    }

    /// Where a drawable value lies: 0 at the lower end, 1 at the upper.
    pub(crate) fn unit(&self, value: f64) -> f64 {
        self.unit_of_transformed(if self.log { libm::log10(value) } else { value })
    }

    fn unit_of_transformed(&self, value: f64) -> f64 {
        (value / 2.0 - self.lo / 2.0) / self.half()
    }

    /// As many round numbers as pass `fits`, labelled: multiples of 1, 2 or 5 times a power of ten; on a logarithmic
    /// axis 1, 2, 5, 10, 20, 50 …, or powers of ten only where those are too many.
    pub(crate) fn ticks(&self, fits: impl Fn(&[Tick]) -> bool) -> Vec<Tick> {
        let candidates =
            if self.log { self.log_candidates() } else { self.linear_candidates(self.lo, self.hi) };
        let count = candidates.len();
        let fitting = candidates.into_iter().enumerate().find(|(i, ticks)| i + 1 == count || fits(ticks));
        fitting.map_or_else(Vec::new, |(_, ticks)| ticks)
    }

    /// Unlabelled positions between the ticks: the multiples 1–9 of every power of ten on a logarithmic axis of at
    /// most eight decades, none otherwise.
    pub(crate) fn minor(&self) -> Vec<f64> {
        if !self.log || self.hi - self.lo > 8.0 {
            return Vec::new();
        }
        let all = self.decades().flat_map(|exponent| (1..10).map(move |digits| Decimal { digits, exponent }));
        all.filter(|&n| self.contains(n)).map(|n| self.unit(n.value())).collect()
    }

    fn decades(&self) -> std::ops::RangeInclusive<i32> {
        // The smallest and largest doubles bound the logarithm.
        (self.lo.floor() as i32).max(-323)..=(self.hi.ceil() as i32).min(308)
    }

    fn contains(&self, number: Decimal) -> bool {
        // A hair of tolerance, so that a tick at the very end survives rounding.
        (-1e-9..=1.0 + 1e-9).contains(&self.unit(number.value()))
    }

    fn log_candidates(&self) -> Vec<Vec<Tick>> {
        let ticks = |mantissas: &[i64], stride: i32| -> Vec<Tick> {
            let exponents = self.decades().filter(|exponent| exponent % stride == 0);
            let numbers = exponents
                .flat_map(|exponent| mantissas.iter().map(move |&digits| Decimal { digits, exponent }));
            numbers.filter(|&n| self.contains(n)).map(|n| self.tick(n, self.log_label(n))).collect()
        };
        let fine = ticks(&[1, 2, 5], 1);
        if fine.len() < 3 {
            let (lo, hi) = (libm::exp10(self.lo), libm::exp10(self.hi));
            return self.linear_candidates(lo, hi);
        }
        let mut candidates = vec![fine];
        candidates.extend([1, 2, 5, 10, 20, 50, 100].map(|stride| ticks(&[1], stride)));
        // Fewer than two ticks do not show a scale.
        let enough = candidates.iter().take_while(|ticks| ticks.len() >= 2).count();
        candidates.truncate(enough.max(1));
        candidates
    }

    fn log_label(&self, number: Decimal) -> String {
        if self.lo > -4.5 && self.hi < 5.5 {
            number.plain(u32::try_from(-number.exponent).unwrap_or(0))
        } else {
            number.multiple()
        }
    }

    /// Ticks at equal distances between two values of the axis, densest first.
    fn linear_candidates(&self, lo: f64, hi: f64) -> Vec<Vec<Tick>> {
        // Between the smallest normal numbers the length itself is subnormal.
        let magnitude = floor_log10((hi / 2.0 - lo / 2.0).max(f64::from_bits(1)));
        let steps = (magnitude - 1..=magnitude + 1)
            .flat_map(|exponent| [1, 2, 5].map(|digits| Decimal { digits, exponent }));
        let mut candidates: Vec<Vec<Tick>> = Vec::new();
        for step in steps {
            let size = step.value();
            if size <= 0.0 || !size.is_finite() {
                continue;
            }
            let (first, last) = ((lo / size - 1e-9).ceil(), (hi / size + 1e-9).floor());
            // More than 12 crowd any axis; the length in steps is at most 40, the ends at most 1e15 steps from zero.
            if last - first < 1.0 || last - first > 11.0 || first.abs().max(last.abs()) > 1e15 {
                continue;
            }
            let numbers: Vec<Decimal> = (first as i64..=last as i64)
                .map(|n| Decimal { digits: n * step.digits, exponent: step.exponent })
                .filter(|n| n.value().is_finite())
                .collect();
            let largest = numbers.iter().map(|n| n.value().abs()).fold(0.0, f64::max);
            let label = |n: Decimal| linear_label(n, largest);
            candidates.push(numbers.into_iter().map(|n| self.tick(n, label(n))).collect());
        }
        candidates
    }

    fn tick(&self, number: Decimal, label: String) -> Tick {
        Tick { at: self.unit(number.value()).clamp(0.0, 1.0), label }
    }
}

/// Label among ticks of one exponent of which `largest` is the largest magnitude: all with the same decimals.
fn linear_label(number: Decimal, largest: f64) -> String {
    if (1e-4..1e6).contains(&largest) {
        return number.plain(u32::try_from(-number.exponent).unwrap_or(0));
    }
    let power = floor_log10(largest.max(power_of_ten(-323)));
    number.scientific(power, u32::try_from(power - number.exponent).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(log: bool, lo: f64, hi: f64, at_most: usize) -> Vec<String> {
        let axis = Axis::covering(log, [lo, hi].into_iter(), 0.0).unwrap();
        axis.ticks(|ticks| ticks.len() <= at_most).into_iter().map(|t| t.label).collect()
    }

    fn check(log: bool, lo: f64, hi: f64, at_most: usize, expected: &str) {
        assert_eq!(labels(log, lo, hi, at_most).join(" "), expected, "{lo}..{hi}");
    }

    #[test]
    fn linear_ticks_are_round() {
        check(false, 0.0, 1.0, 6, "0.0 0.2 0.4 0.6 0.8 1.0");
        check(false, -0.013, 0.021, 9, "−0.010 −0.005 0.000 0.005 0.010 0.015 0.020");
        check(false, 0.0, 10_000.0, 6, "0 2000 4000 6000 8000 10000");
        check(false, 0.0, 2e7, 5, "0 0.5×10⁷ 1.0×10⁷ 1.5×10⁷ 2.0×10⁷");
        check(false, 1e-7, 3e-7, 3, "1×10⁻⁷ 2×10⁻⁷ 3×10⁻⁷");
        check(false, -f64::MAX, f64::MAX, 3, "−1×10³⁰⁸ 0 1×10³⁰⁸");
    }

    #[test]
    fn logarithmic_ticks_are_1_2_5_or_powers() {
        check(true, 1.0, 100.0, 20, "1 2 5 10 20 50 100");
        check(true, 1.0, 1000.0, 20, "1 2 5 10 20 50 100 200 500 1000");
        check(true, 1.0, 1000.0, 5, "1 10 100 1000");
        check(true, 0.003, 40.0, 20, "0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20");
        check(true, 1e-8, 1.0, 9, "10⁻⁸ 10⁻⁷ 10⁻⁶ 10⁻⁵ 10⁻⁴ 10⁻³ 10⁻² 10⁻¹ 10⁰");
        check(true, 1e-8, 1.0, 5, "10⁻⁸ 10⁻⁶ 10⁻⁴ 10⁻² 10⁰");
        check(true, 1e-300, 1e300, 7, "10⁻³⁰⁰ 10⁻²⁰⁰ 10⁻¹⁰⁰ 10⁰ 10¹⁰⁰ 10²⁰⁰ 10³⁰⁰");
    }

    #[test]
    fn a_short_logarithmic_axis_gets_equally_spaced_values() {
        check(true, 2.2, 3.1, 6, "2.2 2.4 2.6 2.8 3.0");
    }

    #[test]
    fn the_smallest_numbers_get_ticks_and_smaller_ones_no_place() {
        let smallest = f64::MIN_POSITIVE;
        for factor in [1.0, 1.0 + 1e-6, 1.001, 1.04, 1.5, 3.0, 40.0] {
            let axis = Axis::covering(true, [smallest, smallest * factor].into_iter(), 0.02).unwrap();
            let ticks = axis.ticks(|ticks| ticks.len() <= 8);
            assert!((2..=8).contains(&ticks.len()), "{factor}: {ticks:?}");
        }
        assert!(!drawable(true, smallest / 2.0) && drawable(false, smallest / 2.0));
        assert_eq!(Axis::covering(true, [1.5e-309, 2.3e-309].into_iter(), 0.02), None);
    }

    #[test]
    fn equal_values_lie_in_the_middle() {
        for (log, value) in [(false, 0.0), (false, 3.5), (false, -1e300), (true, 1.0), (true, 1e-12)] {
            let axis = Axis::covering(log, [value; 3].into_iter(), 0.05).unwrap();
            assert!((axis.unit(value) - 0.5).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn only_drawable_values_count() {
        assert_eq!(Axis::covering(false, [f64::NAN, f64::INFINITY].into_iter(), 0.0), None);
        assert_eq!(Axis::covering(true, [-1.0, 0.0].into_iter(), 0.0), None);
        let axis = Axis::covering(true, [-1.0, 1.0, 100.0].into_iter(), 0.0).unwrap();
        assert!((axis.unit(10.0) - 0.5).abs() < 1e-12);
        assert_eq!(axis.minor().len(), 19);
    }

    #[test]
    fn axes_can_start_at_zero_and_be_stretched() {
        let bars = Axis::from_zero(50.0);
        assert!(bars.unit(0.0).abs() < 1e-12 && (0.9..1.0).contains(&bars.unit(50.0)));
        assert!(Axis::from_zero(0.0).half() > 0.0);
        let axis = Axis::covering(true, [1.0, 100.0].into_iter(), 0.0).unwrap();
        let (lo, hi) = axis.stretched(2.0).range();
        assert!((lo - 0.1).abs() < 1e-12 && (hi - 1000.0).abs() < 1e-9);
        assert_eq!(axis.stretched(0.5), axis);
        assert!((axis.value(0.5) - 10.0).abs() < 1e-12);
        let (lo, hi) = axis.stretched(f64::INFINITY).range();
        assert!(lo > 0.0 && hi.is_finite());
    }

    proptest! {
        /// Whatever the numbers, an axis has at least two ticks, inside it, in order, with different labels.
        #[test]
        fn every_axis_has_ticks(a in any::<f64>(), b in any::<f64>(), log in any::<bool>()) {
            prop_assume!(drawable(log, a) && drawable(log, b));
            let axis = Axis::covering(log, [a, b].into_iter(), 0.02).unwrap();
            let ticks = axis.ticks(|ticks| ticks.len() <= 8);
            prop_assert!(ticks.len() >= 2, "{ticks:?}");
            for pair in ticks.windows(2) {
                prop_assert!(0.0 <= pair[0].at && pair[0].at < pair[1].at && pair[1].at <= 1.0, "{ticks:?}");
                prop_assert_ne!(&pair[0].label, &pair[1].label);
            }
        }

        /// The same for ranges of everyday size, narrow ones among them.
        #[test]
        fn everyday_axes_have_ticks(a in 1e-6f64..1e6, relative in 1e-10f64..1e6, log in any::<bool>()) {
            let axis = Axis::covering(log, [a, a * (1.0 + relative)].into_iter(), 0.02).unwrap();
            let ticks = axis.ticks(|ticks| ticks.len() <= 8);
            prop_assert!((2..=8).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].label != pair[1].label), "{ticks:?}");
        }
    }
}
