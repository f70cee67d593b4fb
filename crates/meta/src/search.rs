//! What trying the first k configurations of an order is worth, and random orders.

use taskset_rng::Stream;

use crate::ScoreMatrix;

/// The reported score J of each prefix of a list: on every task the configuration with the best *validation* score among
/// the first k is picked (the first of equal ones), and its *test* score counts; J(k) is the mean over the tasks. Because
/// of this rule J can rise with k. `result[k - 1]` belongs to the first k; NaN without tasks.
///
/// # Panics
/// If a task or configuration is not in the matrix.
pub fn best_of(matrix: &ScoreMatrix, tasks: &[usize], list: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0; list.len()];
    for &task in tasks {
        let (valid, test) = (matrix.valid(task), matrix.test(task));
        let mut picked: Option<usize> = None;
        for (sum, &config) in sums.iter_mut().zip(list) {
            let pick = picked.filter(|&p| valid[p] <= valid[config]).unwrap_or(config);
            *sum += test[pick];
            picked = Some(pick);
        }
    }
    sums.iter().map(|sum| sum / tasks.len() as f64).collect()
}

/// Random search: up to `k` candidates in random order without replacement, one draw shared by all tasks, scored as by
/// [`best_of`]. Shorter than `k` only if there are fewer candidates.
///
/// # Panics
/// If a task or candidate is not in the matrix.
pub fn random_search(
    matrix: &ScoreMatrix,
    tasks: &[usize],
    candidates: &[usize],
    k: usize,
    stream: &mut Stream,
) -> Vec<f64> {
    let draw = stream.sample_without_replacement(candidates.len(), k.min(candidates.len()));
    let list: Vec<usize> = draw.into_iter().map(|i| candidates[i]).collect();
    best_of(matrix, tasks, &list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{matrix, matrix_with_test};
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    #[test]
    fn picked_by_validation_and_reported_on_test() {
        let m = matrix_with_test(
            &[&[0.5, 0.25, 0.25], &[0.0, 1.0, 0.0]],
            &[&[0.5, 0.75, 0.0], &[0.25, 0.0, 1.0]],
        );
        // Task 0 picks 0, then 1 (0.75 on test), and keeps 1 before the equal 2; task 1 stays with 0.
        assert_eq!(best_of(&m, &[0, 1], &[0, 1, 2]), [0.375, 0.5, 0.5]);
        assert_eq!(best_of(&m, &[1], &[1, 0]), [0.0, 0.25]);
        assert!(best_of(&m, &[], &[1])[0].is_nan());
        assert!(best_of(&m, &[0], &[]).is_empty());
    }

    #[test]
    fn random_search_stops_when_there_is_nothing_left() {
        let m = matrix(&[&[0.5, 0.25, 0.125]]);
        let search = |k| random_search(&m, &[0], &[0, 2], k, &mut StreamId::root("t").stream());
        assert_eq!(search(9).len(), 2);
        assert_eq!(search(9)[1].to_bits(), 0.125f64.to_bits());
        assert_eq!(search(1)[0].to_bits(), search(2)[0].to_bits());
    }

    proptest! {
        #[test]
        fn where_test_is_validation_more_tries_never_hurt(
            scores in proptest::collection::vec(0.0f64..1.0, 40), seed in any::<u64>(),
        ) {
            let rows: Vec<&[f64]> = scores.chunks(10).collect();
            let m = matrix(&rows);
            let all: Vec<usize> = (0..10).collect();
            let j = random_search(&m, &[0, 1, 2, 3], &all, 10, &mut StreamId::root("p").index(seed).stream());
            prop_assert!(j.windows(2).all(|w| w[1] <= w[0]));
            let floor = rows.iter().map(|r| r.iter().copied().fold(1.0, f64::min)).sum::<f64>() / 4.0;
            prop_assert!((j[9] - floor).abs() < 1e-12);
        }
    }
}
