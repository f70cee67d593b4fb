//! How J on held-out tasks depends on the number of tasks that a list is learned on (section 5.2, Figure 4).

use taskset_rng::StreamId;

use crate::resampling::{indices, learned_j, resample, sorted};
use crate::{Error, ResampledCurve, ScoreMatrix};

/// Which tasks a list that was learned on n tasks is tested on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestTasks {
    /// All tasks that the list was not learned on. The paper tests "on the remainder of the tasks" (section 5.2).
    #[default]
    Remaining,
    /// The tasks that are left when as many tasks as the largest size are taken away. All sizes are then tested on the same
    /// tasks in a resampling, so they can be compared task by task.
    Shared,
}

/// The experiment of Figure 4.
///
/// In every resampling the tasks are shuffled once. For each size n, a greedy list is learned on the first n tasks by
/// validation scores, with all configurations as candidates. So the tasks of a small size are among those of a larger
/// size. The lists are scored on other tasks by [`best_of_first_k`](crate::best_of_first_k).
#[derive(Clone, Debug)]
pub struct TaskNumbers<'a> {
    /// The scores; the paper's are those of adam8p.
    pub matrix: &'a ScoreMatrix,
    /// Numbers of tasks to learn on, in any order. Each is at least 1 and leaves at least one task to test on.
    pub sizes: &'a [usize],
    /// Which tasks are tested on.
    pub test_tasks: TestTasks,
    /// Number of shuffles. The paper does not give it; 50 as in its other figures is a good choice.
    pub resamplings: u64,
    /// Largest number of optimizers tried.
    pub k: usize,
}

/// The curves of Figure 4. Its left panel shows one curve per size; its right panel shows
/// [`at(k)`](ResampledCurve::at) of all sizes for some k.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskNumbersResult {
    /// Numbers of tasks to learn on, as they were asked for.
    pub sizes: Vec<usize>,
    /// Numbers of tasks that each size was tested on.
    pub test_tasks: Vec<usize>,
    /// `curves[size].raw[r][k - 1]` is J on held-out tasks.
    pub curves: Vec<ResampledCurve>,
}

impl TaskNumbers<'_> {
    /// Runs the experiment, resamplings in parallel. Resampling r shuffles by the stream `id/tasks/r`, so a size has the
    /// same result whichever other sizes are asked for, unless the test tasks are [`TestTasks::Shared`].
    ///
    /// # Errors
    /// [`Error::Subset`] for a size that is 0 or leaves no task to test on.
    pub fn run(&self, id: &StreamId) -> Result<TaskNumbersResult, Error> {
        let tasks = self.matrix.tasks().len();
        let most = tasks.saturating_sub(1);
        if let Some(&found) = self.sizes.iter().find(|size| !(1..=most).contains(*size)) {
            return Err(Error::Subset { what: "training tasks", found, most });
        }
        let largest = self.sizes.iter().copied().max().unwrap_or_default();
        let tested_from = |size: usize| match self.test_tasks {
            TestTasks::Remaining => size,
            TestTasks::Shared => largest,
        };
        let resampled = resample(self.resamplings, |r| -> Vec<Vec<f64>> {
            let mut order = indices(tasks);
            id.child("tasks").index(r).stream().shuffle(&mut order);
            let j = |&size: &usize| {
                let (train, test) = (sorted(&order[..size]), sorted(&order[tested_from(size)..]));
                learned_j(self.matrix, &train, &test, self.k)
            };
            self.sizes.iter().map(j).collect()
        });
        let raw = |size: usize| resampled.iter().map(|sizes| sizes[size].clone()).collect();
        Ok(TaskNumbersResult {
            sizes: self.sizes.to_vec(),
            test_tasks: self.sizes.iter().map(|&size| tasks - tested_from(size)).collect(),
            curves: (0..self.sizes.len()).map(|size| ResampledCurve::new(raw(size), self.k)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{matrix, noise};

    fn run(m: &ScoreMatrix, sizes: &[usize], test_tasks: TestTasks) -> Result<TaskNumbersResult, Error> {
        TaskNumbers { matrix: m, sizes, test_tasks, resamplings: 30, k: 4 }.run(&StreamId::root("t"))
    }

    #[test]
    fn more_tasks_show_more_kinds_of_tasks() {
        // Four kinds of tasks, each with one good configuration.
        let rows: Vec<Vec<f64>> = (0..24)
            .map(|t| (0..9).map(|c| if c == 8 - t % 4 { 0.0 } else { 0.5 + noise(t, c) }).collect())
            .collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let result = run(&m, &[20, 1, 4], TestTasks::Shared).unwrap();
        assert_eq!((&result.sizes[..], &result.test_tasks[..]), (&[20, 1, 4][..], &[4, 4, 4][..]));
        let median = |size: usize| result.curves[size].at(4).unwrap()[1];
        assert!(median(0) < median(2) && median(2) < median(1), "{result:?}");
        assert_eq!(result.curves[0].raw.len(), 30);
    }

    #[test]
    fn by_default_all_other_tasks_are_tested_and_a_size_does_not_depend_on_the_others() {
        let rows: Vec<Vec<f64>> = (0..7).map(|t| (0..3).map(|c| noise(t, c)).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let both = run(&m, &[2, 6], TestTasks::default()).unwrap();
        assert_eq!(both.test_tasks, [5, 1]);
        assert_eq!(both.curves[0], run(&m, &[2], TestTasks::Shared).unwrap().curves[0]);
        assert_eq!(both.curves[1], run(&m, &[6], TestTasks::Remaining).unwrap().curves[0]);
        // Three configurations: no fourth try.
        assert!(both.curves[0].at(3).is_some() && both.curves[0].at(4).is_none());
    }

    #[test]
    fn two_tasks_are_enough_and_equal_scores_stay_equal() {
        let m = matrix(&[&[0.5], &[0.5]]);
        assert_eq!(run(&m, &[1], TestTasks::Shared).unwrap().curves[0].raw, vec![[0.5]; 30]);
        assert!(run(&m, &[], TestTasks::Shared).unwrap().curves.is_empty());
    }

    #[test]
    fn sizes_that_leave_nothing_to_learn_or_test_on_are_refused() {
        let check = |tasks: usize, size: usize, words: &str| {
            let m = matrix(&vec![&[0.5, 0.6][..]; tasks]);
            let message = run(&m, &[size], TestTasks::Remaining).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(4, 4, "subset of 4 training tasks");
        check(4, 0, "from 1 to 3");
        check(1, 1, "nothing that it could be drawn from");
        check(0, 1, "nothing that");
    }
}
