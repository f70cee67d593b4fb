//! Lists that are learned and tested on tasks of the same kind (sections 5.3 and 5.4, appendix A.5).

use taskset_rng::StreamId;

use crate::ScoreMatrix;
use crate::resampling::{halves, learned_j};

/// How a list is tested on the same kind of tasks that it is learned on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameTasks {
    /// The list is learned on all tasks of the kind and tested on the same tasks. This is how we read the paper: it trains
    /// "on the test task families directly" (section 5.3). Such a list has seen the tasks that it is tested on.
    #[default]
    Tested,
    /// The tasks of the kind are split at random into two halves. The list that is learned on each half is tested on the
    /// other half, and J is the mean over all tasks of the kind. So every task is tested once, by a list that has not seen
    /// it. These lists are learned on half as many tasks.
    Halves,
}

impl SameTasks {
    /// J of the first 1 to `k` entries. Halves are drawn from the stream of `id`. NaN without tasks, and of fewer than two
    /// tasks in halves.
    pub(crate) fn j(self, matrix: &ScoreMatrix, tasks: &[usize], k: usize, id: &StreamId) -> Vec<f64> {
        match self {
            Self::Tested => learned_j(matrix, tasks, tasks, k),
            Self::Halves => {
                let [a, b] = halves(tasks, &mut id.stream());
                let parts = [(&a, learned_j(matrix, &b, &a, k)), (&b, learned_j(matrix, &a, &b, k))];
                mean_over_tasks(&parts.map(|(tested, j)| (tested.len(), j)))
            }
        }
    }
}

/// Joins the mean scores of parts, each of so many tasks, to the mean over all these tasks. Parts have equal lengths.
pub(crate) fn mean_over_tasks(parts: &[(usize, Vec<f64>)]) -> Vec<f64> {
    let tasks: usize = parts.iter().map(|(tasks, _)| tasks).sum();
    let length = parts.first().map_or(0, |(_, j)| j.len());
    let mean = |i: usize| parts.iter().map(|(n, j)| *n as f64 * j[i]).sum::<f64>() / tasks as f64;
    (0..length).map(mean).collect()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of small powers of two are exact")]
mod tests {
    use super::*;
    use crate::testing::matrix;

    #[test]
    fn a_list_that_has_seen_its_tasks_is_at_least_as_good_as_halves() {
        // Each task has one configuration that is good on it alone.
        let m = matrix(&[&[0.0, 1.0, 1.0], &[1.0, 0.0, 1.0], &[1.0, 1.0, 0.0]]);
        let id = StreamId::root("t");
        assert_eq!(SameTasks::Tested.j(&m, &[0, 1, 2], 9, &id)[2], 0.0);
        let halves = SameTasks::Halves.j(&m, &[0, 1, 2], 1, &id);
        assert_eq!(halves, [1.0], "what is learned on one half is bad on the other");
    }

    #[test]
    fn halves_are_each_tested_by_the_list_of_the_other() {
        let m = matrix(&[&[0.25, 0.5], &[1.0, 0.75]]);
        // Learned on task 0: configuration 0, which scores 1 on task 1; and 0.5 the other way round.
        assert_eq!(SameTasks::Halves.j(&m, &[0, 1], 2, &StreamId::root("t")), [0.75, 0.5]);
    }

    #[test]
    fn too_few_tasks_have_no_score() {
        let m = matrix(&[&[0.25, 0.5]]);
        let j = |same: SameTasks, tasks: &[usize]| same.j(&m, tasks, 1, &StreamId::root("t"))[0];
        assert_eq!(j(SameTasks::Tested, &[0]), 0.25);
        assert!(j(SameTasks::Halves, &[0]).is_nan());
        assert!(j(SameTasks::Halves, &[]).is_nan() && j(SameTasks::Tested, &[]).is_nan());
        assert!(mean_over_tasks(&[]).is_empty());
    }
}
