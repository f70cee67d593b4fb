//! How sure a difference between two methods is, if families of tasks are the independent observations.
//!
//! The bands of the figures are over resamplings of the same tasks, so they say nothing about other tasks. Tasks of a family are
//! alike; the bootstrap here draws whole families.

use taskset_figures::significant;
use taskset_meta::bootstrap::bootstrap;
use taskset_meta::learned_against_random::Lists;
use taskset_meta::{ScoreMatrix, scores_of_first_k};
use taskset_rng::StreamId;

use crate::claim_thresholds::percent;
use crate::scored_curves::Study;

/// Bootstrap replicates: the ends of a 95 % interval then stand on 50 replicates each.
const REPLICATES: u64 = 2_000;

/// Families that are few for an interval.
const FEW: usize = 10;

/// Differences between a learned list's score and that of random search on each task after k tries, summed over the
/// resamplings in which the task was tested.
pub(crate) struct Differences {
    k: usize,
    sums: Vec<(f64, usize)>,
}

impl Differences {
    /// Of the lists of all resamplings after `k` tries: the learned list of this number minus random search. Tasks and scores
    /// are those of the matrix.
    pub(crate) fn of(matrix: &ScoreMatrix, lists: &[Lists], learned: usize, k: usize) -> Self {
        let mut sums = vec![(0.0, 0); matrix.tasks().len()];
        for Lists { tested, learned: all, random } in lists {
            if all[learned].is_empty() || random.is_empty() {
                continue;
            }
            let scores = |list: &[usize]| scores_of_first_k(matrix, tested, list, k);
            for ((&task, a), b) in tested.iter().zip(scores(&all[learned])).zip(scores(random)) {
                sums[task] = (sums[task].0 + (a - b), sums[task].1 + 1);
            }
        }
        Self { k, sums }
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
    use taskset_meta::learned_against_random::Family as Searched;
    use taskset_meta::lists_from_other_scores::OtherScores;
    use taskset_optim::Family;

    use super::*;
    use crate::figures::tests::{BASE, noise};
    use crate::scored_curves::tests::scored;

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
            let adam8p = Searched { label: "adam8p", matrix: &matrix };
            let experiment = OtherScores {
                tested: adam8p,
                learned: vec![adam8p],
                resamplings: 20,
                k: matrix.configs().len(),
            };
            let lists = experiment.run(&id).unwrap().lists;
            let differences = Differences::of(&matrix, &lists, 0, 1);
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
