//! The reported score J(k): what trying the first k configurations of a list is worth.

use crate::ScoreMatrix;

/// The reported score J of each prefix of a list: on every task the configuration with the best *validation* score among
/// the first k is picked (the first of equal ones), and its *test* score counts; J(k) is the mean over the tasks. Because
/// of this rule J can rise with k. `result[k - 1]` belongs to the first k; NaN without tasks.
///
/// # Panics
/// If a task or configuration is not in the matrix.
pub fn best_of_first_k(matrix: &ScoreMatrix, tasks: &[usize], list: &[usize]) -> Vec<f64> {
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

/// The test score of the configuration that is picked among the first `k` of a list, on every task. The rule is that of
/// [`best_of_first_k`], whose J(k) is the mean of these scores. Use it to compare methods task by task, for example by
/// [`bootstrap`](crate::bootstrap::bootstrap). If the list is shorter than `k`, all of it is tried.
///
/// # Panics
/// If a task or configuration is not in the matrix, and if there is nothing to try: `k` is 0 or the list is empty.
pub fn scores_of_first_k(matrix: &ScoreMatrix, tasks: &[usize], list: &[usize], k: usize) -> Vec<f64> {
    let tried = &list[..k.min(list.len())];
    assert!(!tried.is_empty(), "at least one configuration must be tried");
    let picked = |&task: &usize| {
        let valid = matrix.valid(task);
        let pick =
            tried[1..].iter().fold(tried[0], |best, &c| if valid[best] <= valid[c] { best } else { c });
        matrix.test(task)[pick]
    };
    tasks.iter().map(picked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::matrix_with_test;

    #[test]
    fn picked_by_validation_and_reported_on_test() {
        let m = matrix_with_test(
            &[&[0.5, 0.25, 0.25], &[0.0, 1.0, 0.0]],
            &[&[0.5, 0.75, 0.0], &[0.25, 0.0, 1.0]],
        );
        // Task 0 picks 0, then 1 (0.75 on test), and keeps 1 before the equal 2; task 1 stays with 0.
        assert_eq!(best_of_first_k(&m, &[0, 1], &[0, 1, 2]), [0.375, 0.5, 0.5]);
        assert_eq!(best_of_first_k(&m, &[1], &[1, 0]), [0.0, 0.25]);
        assert!(best_of_first_k(&m, &[], &[1])[0].is_nan());
        assert!(best_of_first_k(&m, &[0], &[]).is_empty());
        assert_eq!(scores_of_first_k(&m, &[0, 1], &[0, 1, 2], 1), [0.5, 0.25]);
        assert_eq!(scores_of_first_k(&m, &[0, 1], &[0, 1, 2], 2), [0.75, 0.25]);
        assert_eq!(scores_of_first_k(&m, &[1, 0], &[0, 1, 2], 9), [0.25, 0.75]);
        assert!(scores_of_first_k(&m, &[], &[0], 1).is_empty());
    }
}
