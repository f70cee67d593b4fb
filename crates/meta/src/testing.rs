//! Small matrices for this crate's tests.

use taskset_rng::StreamId;

use crate::ScoreMatrix;

/// A matrix whose test scores equal its validation scores; `rows[task][config]`.
pub(crate) fn matrix(rows: &[&[f64]]) -> ScoreMatrix {
    matrix_with_test(rows, rows)
}

pub(crate) fn matrix_with_test(valid: &[&[f64]], test: &[&[f64]]) -> ScoreMatrix {
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect();
    let configs = valid.first().map_or(0, |row| row.len());
    ScoreMatrix::new(names("t", valid.len()), names("c", configs), valid.concat(), test.concat()).unwrap()
}

/// A fixed irregular number in [0, 1) for a task and a configuration.
pub(crate) fn noise(task: usize, config: usize) -> f64 {
    StreamId::root("noise").index(task as u64).index(config as u64).stream().unit_f64()
}
