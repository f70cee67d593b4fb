//! Random search: configurations in random order.

use taskset_rng::Stream;

use crate::{ScoreMatrix, best_of_first_k};

/// Random search: up to `k` candidates in random order without replacement, one draw shared by all tasks, scored as by
/// [`best_of_first_k`]. Shorter than `k` only if there are fewer candidates.
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
    best_of_first_k(matrix, tasks, &random_list(candidates, k, stream))
}

/// Up to `k` candidates in random order. The draw of a smaller `k` is the beginning of that of a larger one.
pub(crate) fn random_list(candidates: &[usize], k: usize, stream: &mut Stream) -> Vec<usize> {
    let draw = stream.sample_without_replacement(candidates.len(), k.min(candidates.len()));
    draw.into_iter().map(|i| candidates[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::matrix;
    use proptest::prelude::*;
    use taskset_rng::StreamId;

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
