//! Lists that are learned on one group of tasks and tested on every group: groups by number of parameters (section 5.4,
//! Figure 6) or by family (appendix A.5, Figure 13).

mod mixture;

use taskset_rng::StreamId;

use crate::resampling::{indices, resample, sorted};
use crate::{Error, SameTasks, ScoreMatrix, best_of_first_k, greedy, quantile};

/// The experiment of Figures 6 and 13.
///
/// A greedy list is learned on each group of tasks by validation scores and tested on each group by
/// [`best_of_first_k`]. Further lists are learned on uniform mixtures, in which all groups have the same weight. Rescale
/// the columns of [`at(k)`](GroupsResult::at) by [`rescale_columns`](crate::rescale_columns) for Figure 13; take the
/// [`ratios`](GroupsResult::ratios) for Figure 6.
#[derive(Clone, Debug)]
pub struct Groups<'a> {
    /// The scores.
    pub matrix: &'a ScoreMatrix,
    /// The tasks of each group. Groups should not overlap. A group may be empty, and a task that is given twice counts once.
    pub groups: &'a [Vec<usize>],
    /// How a list is tested on the group that it is learned on, and a mixture on all groups.
    pub same_group: SameTasks,
    /// Number of tasks that a mixture has of each group. They are drawn without replacement. A group with fewer tasks than
    /// this is taken as often as it fits in, and the rest is drawn; so all groups weigh the same.
    pub mixture_tasks: usize,
    /// Number of mixtures, and of splits into halves.
    pub resamplings: u64,
    /// Largest number of optimizers tried.
    pub k: usize,
}

/// The J behind Figures 6 and 13.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupsResult {
    /// `j[train][test][k - 1]` is the J of the list of group `train` on group `test`, after k tries. With
    /// [`SameTasks::Halves`] the J with `train == test` is the median over the resamplings. NaN if one of the groups is
    /// empty, or if a group of one task would have to be halved.
    pub j: Vec<Vec<Vec<f64>>>,
    /// `mixture[r][test][k - 1]` is the J of the r-th mixture on group `test`. With [`SameTasks::Halves`] each group is
    /// split in two halves, and the mixture of the first halves is tested on the second halves and the other way round. The
    /// first half of a group of one task is empty; so this task is tested by a mixture without its group.
    pub mixture: Vec<Vec<Vec<f64>>>,
}

/// What "train J" means in the ratio "train J / test J" of Figure 6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrainJ {
    /// The J of the list of the *test* group on the test group: what training for this group would have achieved. The ratio
    /// is then 1 where train and test group are the same, and its distance from 1 is what is lost by learning on another
    /// group. We read the paper like this, because it finds a peak at the sizes that a list is learned on and a flat line
    /// for the mixture, although the groups differ in their mean J.
    #[default]
    OfTestGroup,
    /// The J of the list on the group that it is learned on. The ratio then also depends on which group has lower scores.
    OfTrainGroup,
}

impl Groups<'_> {
    /// Runs the experiment in parallel. Resampling r splits group g into halves by the stream `id/halves/g/r`, and draws its
    /// part of the mixture by `id/mixture/g/r`, or by `id/mixture/g/r/h` from half h = 0 and 1.
    ///
    /// # Errors
    /// [`Error::NoTasks`] if all groups are empty, or if `mixture_tasks` is 0 and there are resamplings of it.
    ///
    /// # Panics
    /// If a task is not in the matrix.
    pub fn run(&self, id: &StreamId) -> Result<GroupsResult, Error> {
        let groups: Vec<Vec<usize>> = self.groups.iter().map(|group| sorted(group)).collect();
        if groups.iter().all(Vec::is_empty) {
            return Err(Error::NoTasks { what: "tasks in any of the groups" });
        }
        if self.mixture_tasks == 0 && self.resamplings > 0 {
            return Err(Error::NoTasks { what: "tasks of each group in the mixture" });
        }
        let configs = indices(self.matrix.configs().len());
        let j = resample(groups.len() as u64, |train| {
            let train = train as usize;
            let list = greedy(self.matrix, &groups[train], &configs, self.k);
            let on = |test: usize| match (groups[train].is_empty(), train == test) {
                (true, _) => vec![f64::NAN; list.len()],
                (false, true) => self.on_itself(&groups[train], &id.child("halves").index(train as u64)),
                (false, false) => best_of_first_k(self.matrix, &groups[test], &list),
            };
            (0..groups.len()).map(on).collect()
        });
        let mixture = resample(self.resamplings, |r| self.mixture(&groups, r, id));
        Ok(GroupsResult { j, mixture })
    }

    fn on_itself(&self, group: &[usize], id: &StreamId) -> Vec<f64> {
        match self.same_group {
            SameTasks::Tested => SameTasks::Tested.j(self.matrix, group, self.k, id),
            SameTasks::Halves => {
                let raw = resample(self.resamplings, |r| {
                    SameTasks::Halves.j(self.matrix, group, self.k, &id.index(r))
                });
                let length = self.k.min(self.matrix.configs().len());
                let median = |i: usize| quantile(&raw.iter().map(|j| j[i]).collect::<Vec<f64>>(), 0.5);
                (0..length).map(median).collect()
            }
        }
    }
}

impl GroupsResult {
    /// `[train][test]`: J after `k` tries, or after all where there are fewer configurations. NaN for `k = 0`.
    pub fn at(&self, k: usize) -> Vec<Vec<f64>> {
        self.j.iter().map(|row| row.iter().map(|j| after(j, k)).collect()).collect()
    }

    /// `[r][test]`: J of the mixtures after `k` tries, as [`at`](Self::at).
    pub fn mixture_at(&self, k: usize) -> Vec<Vec<f64>> {
        self.mixture.iter().map(|row| row.iter().map(|j| after(j, k)).collect()).collect()
    }

    /// `[train][test]`: the ratio train J / test J of Figure 6 after `k` tries, where 1 means that nothing is lost and lower
    /// values mean that more is lost. The caption has the size of the training tasks on the x-axis, which is one curve per
    /// column; the text speaks of testing tasks that "become more dissimilar", which is one curve per row. NaN where both are 0 or one is NaN; infinite where only the test J is 0.
    pub fn ratios(&self, k: usize, train_j: TrainJ) -> Vec<Vec<f64>> {
        let j = self.at(k);
        let ratio = |train: usize, test: usize| match train_j {
            TrainJ::OfTestGroup => j[test][test] / j[train][test],
            TrainJ::OfTrainGroup => j[train][train] / j[train][test],
        };
        (0..j.len()).map(|train| (0..j.len()).map(|test| ratio(train, test)).collect()).collect()
    }

    /// `[r][test]`: the same ratio for the mixtures, the black line of Figure 6. The train J of a mixture with
    /// [`TrainJ::OfTrainGroup`] is the mean of its J over the groups that are not empty.
    pub fn mixture_ratios(&self, k: usize, train_j: TrainJ) -> Vec<Vec<f64>> {
        let own = self.at(k);
        let ratios = |j: Vec<f64>| -> Vec<f64> {
            let known: Vec<f64> = j.iter().copied().filter(|j| !j.is_nan()).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let ratio = |test: usize| match train_j {
                TrainJ::OfTestGroup => own[test][test] / j[test],
                TrainJ::OfTrainGroup => mean / j[test],
            };
            (0..j.len()).map(ratio).collect()
        };
        self.mixture_at(k).into_iter().map(ratios).collect()
    }
}

fn after(j: &[f64], k: usize) -> f64 {
    k.min(j.len()).checked_sub(1).map_or(f64::NAN, |last| j[last])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{matrix, noise};

    fn run(m: &ScoreMatrix, groups: &[Vec<usize>], same_group: SameTasks) -> Result<GroupsResult, Error> {
        Groups { matrix: m, groups, same_group, mixture_tasks: 3, resamplings: 7, k: 3 }
            .run(&StreamId::root("t"))
    }

    /// Two tasks that prefer configuration 0, two that prefer 1.
    fn two_kinds() -> ScoreMatrix {
        let (a, b) = (&[0.25, 1.0, 0.5][..], &[1.0, 0.125, 0.25][..]);
        matrix(&[a, a, b, b])
    }

    #[test]
    fn groups_by_hand() {
        let m = two_kinds();
        let result = run(&m, &[vec![1, 0, 1], vec![2, 3]], SameTasks::Tested).unwrap();
        assert_eq!(result.at(1), [[0.25, 1.0], [1.0, 0.125]]);
        assert_eq!(result.ratios(1, TrainJ::OfTestGroup), [[1.0, 0.125], [0.25, 1.0]]);
        assert_eq!(result.ratios(1, TrainJ::OfTrainGroup), [[1.0, 0.25], [0.125, 1.0]]);
        // More tries than configurations: everything is tried.
        assert_eq!(result.at(9), [[0.25, 0.125], [0.25, 0.125]]);
        assert!(result.at(0)[0][0].is_nan());
        // Three tasks of each: configuration 2 has the lowest sum.
        assert_eq!(result.mixture_at(1), vec![[0.5, 0.25]; 7]);
        assert_eq!(result.mixture_ratios(1, TrainJ::OfTestGroup), vec![[0.5, 0.5]; 7]);
        assert_eq!(result.mixture_ratios(1, TrainJ::OfTrainGroup), vec![[0.75, 1.5]; 7]);
        // Tasks of a group are alike, so halves give the same.
        let halves = run(&m, &[vec![0, 1], vec![2, 3]], SameTasks::Halves).unwrap();
        assert_eq!(halves, result);
    }

    #[test]
    fn a_half_is_tested_by_a_list_that_has_not_seen_it() {
        let m = matrix(&[&[0.0, 1.0], &[1.0, 0.0]]);
        let j = |same| run(&m, &[vec![0, 1]], same).unwrap().at(1)[0][0];
        assert_eq!((j(SameTasks::Tested), j(SameTasks::Halves)), (0.5, 1.0));
        let mixture = run(&m, &[vec![0, 1]], SameTasks::Halves).unwrap().mixture_at(1);
        assert_eq!(mixture, [[1.0]; 7]);
    }

    #[test]
    fn empty_groups_and_groups_of_one_task() {
        let m = two_kinds();
        for same in [SameTasks::Tested, SameTasks::Halves] {
            let result = run(&m, &[vec![0, 1], vec![], vec![3]], same).unwrap();
            let j = result.at(1);
            assert_eq!((j[0][0], j[0][2], j[2][0]), (0.25, 1.0, 1.0));
            assert!((0..3).all(|g| j[1][g].is_nan() && j[g][1].is_nan()));
            assert_eq!(j[2][2].is_nan(), same == SameTasks::Halves);
            for mixture in result.mixture_at(1) {
                assert!(mixture[1].is_nan() && !mixture[0].is_nan() && !mixture[2].is_nan());
            }
        }
        for groups in [vec![], vec![vec![], vec![]]] {
            assert!(run(&m, &groups, SameTasks::Tested).is_err());
        }
        let experiment = Groups {
            matrix: &m,
            groups: &[vec![0]],
            same_group: SameTasks::Tested,
            mixture_tasks: 0,
            resamplings: 1,
            k: 1,
        };
        assert!(experiment.run(&StreamId::root("t")).is_err());
        let without = Groups { resamplings: 0, ..experiment }.run(&StreamId::root("t")).unwrap();
        assert_eq!((without.at(1), without.mixture.len()), (vec![vec![0.25]], 0));
    }

    #[test]
    fn equal_scores_lose_nothing() {
        let m = matrix(&[&[0.5; 3][..]; 4]);
        let result = run(&m, &[vec![0, 1], vec![2, 3]], SameTasks::Halves).unwrap();
        for train_j in [TrainJ::OfTestGroup, TrainJ::OfTrainGroup] {
            assert_eq!(result.ratios(2, train_j), [[1.0; 2]; 2]);
            assert_eq!(result.mixture_ratios(2, train_j), vec![[1.0; 2]; 7]);
        }
    }

    #[test]
    fn in_training_the_own_list_is_best_at_the_first_try() {
        let rows: Vec<Vec<f64>> = (0..30).map(|t| (0..8).map(|c| noise(t, c)).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let groups: Vec<Vec<usize>> = (0..5).map(|g| (0..30).filter(|t| t % 5 == g).collect()).collect();
        let j = run(&m, &groups, SameTasks::Tested).unwrap().at(1);
        assert!((0..5).all(|train| (0..5).all(|test| j[test][test] <= j[train][test])));
    }
}
