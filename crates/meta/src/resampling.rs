//! Resamplings in parallel, random subsets of the tasks, and the score of a list on tasks that it was not learned on.

use rayon::prelude::*;
use taskset_rng::Stream;

use crate::{ScoreMatrix, best_of_first_k, greedy};

/// Runs all resamplings, on as many threads as the caller's pool has, and returns their results in order. No result depends
/// on the number of threads if every resampling draws from a stream of its own.
pub(crate) fn resample<T: Send>(resamplings: u64, run: impl Fn(u64) -> T + Sync + Send) -> Vec<T> {
    (0..resamplings).into_par_iter().map(run).collect()
}

/// The numbers `0..n`.
pub(crate) fn indices(n: usize) -> Vec<usize> {
    (0..n).collect()
}

/// Two random halves of the items, each in ascending order. Of an odd number of items, the second half has one more.
pub(crate) fn halves(items: &[usize], stream: &mut Stream) -> [Vec<usize>; 2] {
    let mut order = items.to_vec();
    stream.shuffle(&mut order);
    let mut second = order.split_off(order.len() / 2);
    // Sums then run in the order of the matrix, and ties do not depend on the shuffle.
    order.sort_unstable();
    second.sort_unstable();
    [order, second]
}

/// A random subset of `n` items, in ascending order.
pub(crate) fn subset(items: &[usize], n: usize, stream: &mut Stream) -> Vec<usize> {
    let drawn = stream.sample_without_replacement(items.len(), n);
    let mut subset: Vec<usize> = drawn.into_iter().map(|i| items[i]).collect();
    subset.sort_unstable();
    subset
}

/// The items in ascending order, each once.
pub(crate) fn sorted(items: &[usize]) -> Vec<usize> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items.dedup();
    items
}

/// J of the first 1 to `k` entries of the list that is learned on some tasks, with all configurations as candidates, and
/// tested on others. NaN if there are no tasks to learn on, and if there are none to test on.
pub(crate) fn learned_j(matrix: &ScoreMatrix, train: &[usize], test: &[usize], k: usize) -> Vec<f64> {
    let configs = indices(matrix.configs().len());
    if train.is_empty() {
        return vec![f64::NAN; k.min(configs.len())];
    }
    best_of_first_k(matrix, test, &greedy(matrix, train, &configs, k))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::matrix;
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    #[test]
    fn a_list_needs_tasks_to_learn_and_to_test_on() {
        let m = matrix(&[&[0.5, 0.25], &[0.0, 1.0]]);
        assert_eq!(learned_j(&m, &[0], &[1], 9), [1.0, 0.0]);
        for j in [learned_j(&m, &[], &[1], 9), learned_j(&m, &[0], &[], 9)] {
            assert!(j.len() == 2 && j.iter().all(|j| j.is_nan()), "{j:?}");
        }
    }

    proptest! {
        #[test]
        fn halves_and_subsets_are_drawn_from_the_items(n in 0usize..40, part in 0usize..40, seed in any::<u64>()) {
            let items: Vec<usize> = (0..n).map(|i| 3 * i).collect();
            let mut stream = StreamId::root("p").index(seed).stream();
            let [a, b] = halves(&items, &mut stream);
            prop_assert_eq!((a.len(), b.len()), (n / 2, n - n / 2));
            prop_assert_eq!(sorted(&[a, b].concat()), items.clone());
            let part = part.min(n);
            let drawn = subset(&items, part, &mut stream);
            prop_assert_eq!(drawn.len(), part);
            prop_assert!(drawn.iter().all(|i| items.contains(i)));
            prop_assert!(drawn.windows(2).all(|w| w[0] < w[1]));
        }
    }
}
