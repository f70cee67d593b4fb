//! Correlations between scores: Pearson's (appendix A.4, Figure 12) and Spearman's (appendix A.1).

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::ScoreMatrix;

/// Pearson's correlation coefficient of paired values, between -1 and 1. NaN if one of the two is constant, if there are
/// fewer than two pairs, and if a value is NaN or infinite.
///
/// # Panics
/// If there are not as many values of both.
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "a correlation needs pairs of values");
    match (standardised(a), standardised(b)) {
        (Some(a), Some(b)) => product(&a, &b),
        _ => f64::NAN,
    }
}

/// Spearman's rank correlation of paired values: [`pearson`] of their [`ranks`]. NaN as there; but infinite values have
/// ranks too.
///
/// # Panics
/// If there are not as many values of both.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "a correlation needs pairs of values");
    match (standardised_ranks(a), standardised_ranks(b)) {
        (Some(a), Some(b)) => product(&a, &b),
        _ => f64::NAN,
    }
}

/// The rank of each value, 1 for the lowest. Equal values share the mean of their ranks; 0 and -0 are equal. NaNs rank
/// behind everything else, in the order in which they stand.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // A NaN can have either sign, so a total order by bits would put some of them first.
    order.sort_by(|&a, &b| {
        let (a, b) = (values[a], values[b]);
        a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(Ordering::Equal))
    });
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for group in order.chunk_by(|&a, &b| values[a] >= values[b]) {
        // Ranks start + 1 to start + length have the mean start + (length + 1) / 2.
        let rank = start as f64 + (group.len() + 1) as f64 / 2.0;
        for &i in group {
            ranks[i] = rank;
        }
        start += group.len();
    }
    ranks
}

/// The mean [`spearman`] correlation of the validation scores of two tasks, for each pair of groups of tasks:
/// `result[g][h]` is the mean over all pairs of a task in group g and a *different* task in group h. It says how alike the
/// rankings of the configurations are. Tasks on which all configurations have the same score have no ranking and are left
/// out. NaN if no pair is left, for example within a group of one task.
///
/// # Panics
/// If a task is not in the matrix.
pub fn group_correlations(matrix: &ScoreMatrix, groups: &[Vec<usize>]) -> Vec<Vec<f64>> {
    let members: Vec<(usize, usize)> =
        groups.iter().enumerate().flat_map(|(g, tasks)| tasks.iter().map(move |&task| (g, task))).collect();
    let rows: Vec<(usize, usize, Vec<f64>)> = members
        .into_par_iter()
        .filter_map(|(g, task)| Some((g, task, standardised_ranks(matrix.valid(task))?)))
        .collect();
    // Per task and group: the sum of its correlations with the tasks of the group, and their number.
    let sums: Vec<Vec<(f64, usize)>> = rows
        .par_iter()
        .map(|(_, task, row)| {
            let mut sums = vec![(0.0, 0); groups.len()];
            for (h, _, other) in rows.iter().filter(|(_, other, _)| other != task) {
                sums[*h].0 += product(row, other);
                sums[*h].1 += 1;
            }
            sums
        })
        .collect();
    let mut totals = vec![vec![(0.0, 0usize); groups.len()]; groups.len()];
    for ((g, _, _), sums) in rows.iter().zip(&sums) {
        for (total, (sum, count)) in totals[*g].iter_mut().zip(sums) {
            *total = (total.0 + sum, total.1 + count);
        }
    }
    totals.iter().map(|row| row.iter().map(|(sum, count)| sum / *count as f64).collect()).collect()
}

fn standardised_ranks(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().any(|v| v.is_nan()) { None } else { standardised(&ranks(values)) }
}

/// The values with mean 0 and Euclidean norm 1. None where that is impossible.
fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    // A scale of 1 keeps squares of very large and very small values in range. It also makes equal values exactly 1 or -1, so
    // that their norm is exactly 0. The norm is NaN where a value is NaN or infinite, and where all are 0.
    let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let mean = values.iter().map(|v| v / largest).sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|v| v / largest - mean).collect();
    let norm = centred.iter().map(|v| v * v).sum::<f64>().sqrt();
    (norm > 0.0).then(|| centred.iter().map(|v| v / norm).collect())
}

/// The scalar product, in a fixed order of eight interleaved sums, without the rounding that leaves -1 to 1.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut parts = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a8.zip(b8) {
        for ((part, x), y) in parts.iter_mut().zip(a).zip(b) {
            *part += x * y;
        }
    }
    (parts.iter().sum::<f64>() + rest).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{matrix, noise};
    use proptest::prelude::*;

    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn ranks_by_hand() {
        assert_eq!(ranks(&[0.5, -1.0, 0.5, 9.0]), [2.5, 1.0, 2.5, 4.0]);
        assert_eq!(ranks(&[0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY]), [2.5, 2.5, 4.0, 1.0]);
        assert_eq!(ranks(&[7.0; 3]), [2.0; 3]);
        assert_eq!(ranks(&[-f64::NAN, 1.0, f64::NAN, f64::INFINITY, f64::NAN]), [3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn correlations_by_hand() {
        // Deviations (-1, 0, 1) and (-2, 1, 1): 3 / sqrt(2 * 6).
        check(pearson(&[1.0, 2.0, 3.0], &[0.0, 3.0, 3.0]), 3.0 / 12f64.sqrt());
        check(spearman(&[1.0, 2.0, 3.0], &[0.0, 3.0, 3.0]), 1.5 / (2.0f64 * 1.5).sqrt());
        check(spearman(&[1.0, 10.0, 100.0], &[3.0, 2.0, f64::NEG_INFINITY]), -1.0);
        check(pearson(&[1e300, -1e300], &[1e-300, -1e-300]), 1.0);
    }

    #[test]
    fn what_does_not_vary_has_no_correlation() {
        let varied = [1.0, 2.0, 3.0];
        for (a, b) in [(&[0.1; 3], &varied), (&varied, &[0.1; 3]), (&[1.0, f64::NAN, 2.0], &varied)] {
            assert!(pearson(a, b).is_nan() && spearman(a, b).is_nan());
        }
        assert!(pearson(&[], &[]).is_nan() && spearman(&[1.0], &[1.0]).is_nan());
        assert!(pearson(&[f64::INFINITY, 0.0], &[0.0, 1.0]).is_nan());
    }

    #[test]
    fn groups_by_hand() {
        let (up, down, flat) = (&[0.1, 0.2, 0.3][..], &[0.9, 0.5, 0.4][..], &[0.5; 3][..]);
        let m = matrix(&[up, up, down, flat, down]);
        let result = group_correlations(&m, &[vec![0, 1, 2], vec![4], vec![3], vec![]]);
        // Pairs within the first group: 1, -1, -1. With task 4: -1, -1, 1.
        check(result[0][0], -1.0 / 3.0);
        check(result[0][1], -1.0 / 3.0);
        check(result[1][0], -1.0 / 3.0);
        assert!(result[1][1].is_nan() && (0..4).all(|g| result[g][2].is_nan() && result[3][g].is_nan()));
        assert!(group_correlations(&m, &[]).is_empty());
    }

    #[test]
    fn groups_are_means_over_pairs_for_any_number_of_threads() {
        let rows: Vec<Vec<f64>> = (0..12).map(|t| (0..21).map(|c| noise(t, c)).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let groups = [vec![0, 2, 4, 6], vec![1, 3, 5, 7, 8, 9, 10, 11]];
        let result = group_correlations(&m, &groups);
        let sum: f64 = groups[0]
            .iter()
            .flat_map(|&a| groups[1].iter().map(move |&b| (a, b)))
            .map(|(a, b)| spearman(&rows[a], &rows[b]))
            .sum();
        check(result[0][1], sum / 32.0);
        check(result[0][1], result[1][0]);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| group_correlations(&m, &groups)), result);
        }
    }

    proptest! {
        #[test]
        fn a_monotone_change_keeps_ranks(values in proptest::collection::vec(-3i8..3, 2..30)) {
            let a: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
            let b: Vec<f64> = a.iter().map(|v| v.exp() * 100.0).collect();
            prop_assert_eq!(ranks(&a), ranks(&b));
            let n = a.len() as f64;
            prop_assert!((ranks(&a).iter().sum::<f64>() - n * (n + 1.0) / 2.0).abs() < 1e-9);
            let self_correlation = spearman(&a, &b);
            prop_assert!(self_correlation.is_nan() || (self_correlation - 1.0).abs() < 1e-12);
        }
    }
}
