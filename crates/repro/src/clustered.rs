//! How sure a difference between two methods is, if families of tasks are the independent observations.
//!
//! The bands of the figures are over resamplings of the same tasks, so they say nothing about other tasks. Tasks of a family are
//! alike; the bootstrap here draws whole families.

use std::collections::BTreeMap;

use taskset_figures::significant;
use taskset_meta::bootstrap::bootstrap;
use taskset_meta::{ScoreMatrix, greedy, scores_of_first_k};
use taskset_rng::StreamId;

use crate::claims::percent;
use crate::study::Study;

/// Bootstrap replicates: the ends of a 95 % interval then stand on 50 replicates each.
const REPLICATES: u64 = 2_000;

/// Families that are few for an interval.
const FEW: usize = 10;

/// Differences of two lists' scores on each task after k tries, summed over the resamplings in which the task was tested.
pub(crate) struct Differences {
    k: usize,
    sums: Vec<(f64, usize)>,
}

impl Differences {
    /// Of the tasks of a matrix, after `k` tries.
    pub(crate) fn new(matrix: &ScoreMatrix, k: usize) -> Self {
        Self { k, sums: vec![(0.0, 0); matrix.tasks().len()] }
    }

    /// Adds a resampling: the first list minus the second one, on these tasks. Lists may be of different matrices, which have
    /// the same tasks.
    pub(crate) fn add(
        &mut self,
        tasks: &[usize],
        first: (&ScoreMatrix, &[usize]),
        second: (&ScoreMatrix, &[usize]),
    ) {
        if first.1.is_empty() || second.1.is_empty() {
            return;
        }
        let a = scores_of_first_k(first.0, tasks, first.1, self.k);
        let b = scores_of_first_k(second.0, tasks, second.1, self.k);
        for ((&task, a), b) in tasks.iter().zip(a).zip(b) {
            self.sums[task] = (self.sums[task].0 + (a - b), self.sums[task].1 + 1);
        }
    }

    /// Of the learned list and random search on the held-out half of random splits. The splits and draws are those of figure
    /// 3 with the same `id`.
    pub(crate) fn of_splits(
        matrix: &ScoreMatrix,
        family: &str,
        k: usize,
        resamplings: usize,
        id: &StreamId,
    ) -> Self {
        let mut differences = Self::new(matrix, k);
        let configs: Vec<usize> = (0..matrix.configs().len()).collect();
        for r in 0..resamplings as u64 {
            let mut order: Vec<usize> = (0..matrix.tasks().len()).collect();
            id.child("split").index(r).stream().shuffle(&mut order);
            let (train, held_out) = order.split_at_mut(matrix.tasks().len() / 2);
            train.sort_unstable();
            held_out.sort_unstable();
            let list = greedy(matrix, train, &configs, k);
            let mut stream = id.child("random").child(family).index(r).stream();
            let random = stream.sample_without_replacement(configs.len(), k.min(configs.len()));
            differences.add(held_out, (matrix, &list), (matrix, &random));
        }
        differences
    }

    /// Of a list that is learned by other scores and random search, both tested on the held-out half of random splits by
    /// the scores of `tested`. Tasks take part that both matrices have. None if they are fewer than two.
    pub(crate) fn of_other_scores(
        tested: &ScoreMatrix,
        learned: &ScoreMatrix,
        k: usize,
        resamplings: usize,
        id: &StreamId,
    ) -> Option<Self> {
        let in_learned: BTreeMap<&String, usize> = learned.tasks().iter().zip(0..).collect();
        let common: Vec<[usize; 2]> = (0..)
            .zip(tested.tasks())
            .filter_map(|(place, name)| Some([place, *in_learned.get(name)?]))
            .collect();
        if common.len() < 2 {
            return None;
        }
        let mut differences = Self::new(tested, k);
        let configs: Vec<usize> = (0..tested.configs().len()).collect();
        for r in 0..resamplings as u64 {
            let mut order = common.clone();
            id.child("split").index(r).stream().shuffle(&mut order);
            let (train, held_out) = order.split_at(common.len() / 2);
            let train: Vec<usize> = train.iter().map(|[_, place]| *place).collect();
            let held_out: Vec<usize> = held_out.iter().map(|[place, _]| *place).collect();
            let list = greedy(learned, &train, &configs, k);
            let mut stream = id.child("random").index(r).stream();
            let random = stream.sample_without_replacement(configs.len(), k.min(configs.len()));
            differences.add(&held_out, (tested, &list), (tested, &random));
        }
        Some(differences)
    }

    /// Of the list that is learned on `train_tasks` tasks outside the target and random search, both tested on the target.
    /// The draws are those of figure 5 with the same `id`.
    pub(crate) fn of_transfer(
        matrix: &ScoreMatrix,
        family: &str,
        target: &[usize],
        train_tasks: usize,
        k: usize,
        resamplings: usize,
        id: &StreamId,
    ) -> Self {
        let others: Vec<usize> = (0..matrix.tasks().len()).filter(|task| !target.contains(task)).collect();
        let configs: Vec<usize> = (0..matrix.configs().len()).collect();
        let mut differences = Self::new(matrix, k);
        for r in 0..resamplings as u64 {
            let mut stream = id.child("train").index(r).stream();
            let drawn = stream.sample_without_replacement(others.len(), train_tasks.min(others.len()));
            let mut train: Vec<usize> = drawn.into_iter().map(|i| others[i]).collect();
            train.sort_unstable();
            let list = greedy(matrix, &train, &configs, k);
            let mut stream = id.child("random").child(family).index(r).stream();
            let random = stream.sample_without_replacement(configs.len(), k.min(configs.len()));
            differences.add(target, (matrix, &list), (matrix, &random));
        }
        differences
    }

    /// What the bootstrap over families says, in a sentence; none if no task was tested, or if all are of one family.
    pub(crate) fn words(
        &self,
        study: &Study,
        matrix: &ScoreMatrix,
        what: &str,
        id: &StreamId,
    ) -> Option<String> {
        let tested = self.sums.iter().zip(matrix.tasks()).filter(|((_, n), _)| *n > 0);
        let (values, clusters): (Vec<f64>, Vec<String>) =
            tested.map(|((sum, n), task)| (sum / *n as f64, study.group_label(task).to_owned())).unzip();
        let result = bootstrap(&values, &clusters, REPLICATES, id).ok()?;
        let [low, high] = result.interval(0.95);
        // Of one family there is nothing to draw, and the interval would be a point.
        if result.clusters < 2 {
            return None;
        }
        let few = if result.clusters <= FEW { ", which are few for an interval" } else { "" };
        Some(format!(
            "{what} at k = {}: mean difference of J {}, 95 % interval {} to {} by a bootstrap that draws whole families of tasks \
             ({} families{few}); below zero in {} of the replicates",
            self.k,
            significant(result.mean),
            significant(low),
            significant(high),
            result.clusters,
            percent(result.fraction_below(0.0))
        ))
    }
}

#[cfg(test)]
mod tests {
    use taskset_optim::Family;

    use super::*;
    use crate::figures::tests::{BASE, noise};
    use crate::study::tests::scored;

    #[test]
    fn a_difference_that_all_families_share_is_sure_and_that_of_one_is_not() {
        let words = |good_in: fn(usize) -> bool| {
            let score = |t: usize, c: usize, _: Family| {
                let score = match (c, good_in(t)) {
                    (3, true) => 0.1,
                    // What is good in one family is a little worse in the others.
                    (3, false) => 0.85,
                    _ => 0.8 + 0.01 * noise(t, c),
                };
                (score, score)
            };
            let study = scored(BASE, &[("a", 8), ("b", 8), ("c", 8), ("d", 8)], &[Family::Adam8p], 40, score);
            let matrix = study.matrix(BASE, Family::Adam8p).unwrap();
            let id = StreamId::root("test");
            let differences = Differences::of_splits(&matrix, "adam8p", 1, 20, &id);
            differences
                .words(&study, &matrix, "the list against random search", &id.child("bootstrap"))
                .unwrap()
        };
        let all = words(|_| true);
        assert!(
            all.contains("4 families, which are few")
                && all.ends_with("below zero in 100 % of the replicates"),
            "{all}"
        );
        let one = words(|t| t < 8);
        assert!(!one.ends_with("in 100 % of the replicates"), "{one}");
    }
}
