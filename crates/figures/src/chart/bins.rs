//! Bins of a histogram: round edges, and how many values lie between them.

use crate::axis::drawable;
use crate::decimal::{Decimal, floor_log10, power_of_ten};

/// Largest multiple of a width that is an edge; beyond it, doubles no longer tell neighbouring edges apart safely.
const LARGEST_MULTIPLE: f64 = 1e15;

/// The edges of at most `most` bins over all drawable values, as [`Histogram::edges`](crate::Histogram::edges)
/// describes them.
pub(super) fn edges(log: bool, values: impl Iterator<Item = f64>, most: usize) -> Vec<f64> {
    let values = values.filter(|&v| drawable(log, v));
    let (lo, hi) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
    if lo > hi {
        return Vec::new();
    }
    let most = most.clamp(2, 400) as f64;
    if log { log_edges(lo, hi, most) } else { linear_edges(lo, hi, most) }
}

/// How many of the drawable values lie in each bin.
pub(super) fn counts(log: bool, edges: &[f64], values: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    for &value in values.iter().filter(|&&v| drawable(log, v)) {
        let bin = edges.partition_point(|&edge| edge <= value).saturating_sub(1);
        // The largest double has no edge above it, so the last bin takes it.
        let last = counts.len().saturating_sub(1);
        if let Some(count) = counts.get_mut(bin.min(last)) {
            *count += 1;
        }
    }
    counts
}

fn linear_edges(lo: f64, hi: f64, most: f64) -> Vec<f64> {
    // Half the length: the length itself may overflow.
    let half = hi / 2.0 - lo / 2.0;
    let magnitude = lo.abs().max(hi.abs());
    // Equal values get bins of about a tenth of their size.
    let half = match magnitude {
        m if half > 1e-9 * m && half > 1e-290 => half,
        m if m > 1e-290 => 0.05 * m * most,
        _ => 0.5 * most,
    };
    // The half is finite, and a width below a hundredth of a bin's share always gives too many bins.
    let start = floor_log10((half / most).max(f64::MIN_POSITIVE)) - 1;
    let widths = (start..=308).flat_map(|exponent| [1, 2, 5].map(|digits| Decimal { digits, exponent }));
    for width in widths {
        let size = width.value();
        if size <= 0.0 || !size.is_finite() {
            continue;
        }
        let edge = |n: f64| Decimal { digits: n as i64 * width.digits, exponent: width.exponent };
        let (mut first, mut last) = ((lo / size).floor(), (hi / size).floor() + 1.0);
        if first.abs().max(last.abs()) > LARGEST_MULTIPLE {
            continue;
        }
        // The quotients are rounded; the edges decide.
        if edge(first).value() > lo {
            first -= 1.0;
        }
        if edge(last).value() <= hi {
            last += 1.0;
        }
        if last - first <= most {
            let edges = (first as i64..=last as i64).map(|n| edge(n as f64).value());
            return edges.map(|v| v.clamp(-f64::MAX, f64::MAX)).collect();
        }
    }
    vec![-f64::MAX, 0.0, f64::MAX]
}

fn log_edges(lo: f64, hi: f64, most: f64) -> Vec<f64> {
    let fine = [20, 10, 5, 4, 2, 1].map(|parts| (parts, 1));
    let coarse = [2, 5, 10, 20, 50, 100, 200, 500].map(|decades| (1, decades));
    for (parts, decades) in fine.into_iter().chain(coarse) {
        let edge = |n: i32| {
            let value = if n % parts == 0 {
                power_of_ten(n / parts * decades)
            } else {
                libm::exp10(f64::from(n) / f64::from(parts))
            };
            value.clamp(f64::MIN_POSITIVE, f64::MAX)
        };
        let scale = f64::from(parts) / f64::from(decades);
        let (mut first, mut last) =
            ((libm::log10(lo) * scale).floor() as i32, (libm::log10(hi) * scale).floor() as i32 + 1);
        // The logarithms are rounded; the edges decide.
        if edge(first) > lo {
            first -= 1;
        }
        if edge(last) <= hi && edge(last) < f64::MAX {
            last += 1;
        }
        if f64::from(last - first) <= most {
            return (first..=last).map(edge).collect();
        }
    }
    vec![f64::MIN_POSITIVE, 1.0, f64::MAX]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(log: bool, values: &[f64], most: usize, expected: &[f64]) {
        let found = edges(log, values.iter().copied(), most);
        let bits = |edges: &[f64]| edges.iter().map(|e| e.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(expected), "{values:?}: {found:?}");
    }

    #[test]
    fn edges_are_round() {
        check(false, &[0.0, 0.3, 0.99], 10, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
        check(false, &[1.0, 10.0], 10, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        check(false, &[-30.0, 55.0], 5, &[-40.0, -20.0, 0.0, 20.0, 40.0, 60.0]);
        check(true, &[1.0, 5e6], 7, &[1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7]);
        check(true, &[2.0, 30.0], 3, &[1.0, libm::exp10(0.5), 10.0, libm::exp10(1.5)]);
        check(true, &[1e-3, 1e6], 7, &[1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6, 1e8]);
        check(false, &[f64::NAN], 7, &[]);
        check(true, &[0.0, -1.0], 7, &[]);
    }

    #[test]
    fn a_bin_contains_its_lower_edge_alone() {
        let values = [1.0, 1.5, 2.0, 3.0, 3.0];
        let edges = edges(false, values.into_iter(), 3);
        assert_eq!(counts(false, &edges, &values), [2, 1, 2]);
    }

    proptest! {
        /// Whatever the values, edges rise, cover all values, and every value is counted once.
        #[test]
        fn every_value_has_one_bin(
            values in prop::collection::vec(any::<f64>(), 1..20),
            log in any::<bool>(),
            most in 0usize..60,
        ) {
            let edges = edges(log, values.iter().copied(), most);
            let drawn: Vec<f64> = values.iter().copied().filter(|&v| drawable(log, v)).collect();
            prop_assert_eq!(edges.is_empty(), drawn.is_empty());
            prop_assert!(edges.len() <= most.clamp(2, 400) + 1);
            prop_assert!(edges.iter().all(|e| e.is_finite()));
            prop_assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", edges);
            for &v in &drawn {
                let covered = edges[0] <= v && v <= edges[edges.len() - 1];
                prop_assert!(covered, "{} outside {:?}", v, edges);
            }
            prop_assert_eq!(counts(log, &edges, &values).iter().sum::<u64>(), drawn.len() as u64);
        }

        /// The same for everyday ranges, which use at least a tenth of the bins.
        #[test]
        fn everyday_bins_are_fine(a in 1e-3f64..1e3, factor in 2.0f64..1e7, log in any::<bool>()) {
            let edges = edges(log, [a, a * factor].into_iter(), 40);
            prop_assert!((5..=41).contains(&edges.len()), "{:?}", edges);
            prop_assert!(edges[0] <= a && a * factor < edges[edges.len() - 1]);
        }
    }
}
