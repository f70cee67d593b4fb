//! How J depends on the number of configurations that a list can be made of (appendix A.6, Figure 15).

use taskset_rng::StreamId;

use crate::learned_against_random::Family;
use crate::resampling::{halves, indices, resample};
use crate::{Error, ResampledCurve, best_of_first_k, greedy};

/// The experiment of Figure 15.
///
/// In every resampling the tasks are split at random into two halves (of an odd number, the larger is held out), and the
/// configurations are shuffled. For each size m, a greedy list is learned on the training half with the first m
/// configurations as candidates, and tested on the held-out half. So all sizes have the same split, and the candidates of a
/// small size are among those of a larger one.
#[derive(Clone, Debug)]
pub struct Candidates<'a> {
    /// The family that lists are learned in; the paper's is adam8p.
    pub learned: Family<'a>,
    /// Numbers of candidates, in any order. Each is at least 1 and at most the number of configurations.
    pub sizes: &'a [usize],
    /// Adam with its learning rate in half orders of magnitude, for the stars of the figure: one configuration per learning
    /// rate, on the same tasks in the same order.
    pub tuned: Option<Family<'a>>,
    /// Which tasks the learning rates are tuned on.
    pub tuned_on: TunedOn,
    /// Number of splits and of draws of the candidates. The paper does not give it.
    pub resamplings: u64,
    /// Largest number of optimizers tried.
    pub k: usize,
}

/// Which tasks choose the k learning rates that the baseline of Figure 15 tries. The paper's caption says "best search for
/// the corresponding number of hyperparameters for learning rate tuned Adam in half orders of magnitude".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TunedOn {
    /// The training half of each split: the greedy list of learning rates, learned exactly as the lists it is compared with.
    #[default]
    Train,
    /// The held-out half, with hindsight: the k learning rates that are best there by the greedy rule. This makes the
    /// baseline as strong as possible.
    HeldOut,
}

/// The points of Figure 15.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidatesResult {
    /// Numbers of candidates, as they were asked for.
    pub sizes: Vec<usize>,
    /// `curves[size].raw[r][k - 1]` is J on held-out tasks. The curve of a size ends at k = size.
    pub curves: Vec<ResampledCurve>,
    /// J of trying k learning rates, on the same held-out tasks. None if there is no such family.
    pub tuned: Option<ResampledCurve>,
}

impl Candidates<'_> {
    /// Runs the experiment, resamplings in parallel. Resampling r splits the tasks by the stream `id/split/r` and shuffles the
    /// configurations by `id/candidates/r`.
    ///
    /// # Errors
    /// [`Error::TooFewTasks`], [`Error::Subset`] for a size that is 0 or larger than the number of configurations,
    /// [`Error::OtherTasks`] if the baseline has other tasks.
    pub fn run(&self, id: &StreamId) -> Result<CandidatesResult, Error> {
        let matrix = self.learned.matrix;
        let (tasks, configs) = (matrix.tasks().len(), matrix.configs().len());
        if tasks < 2 {
            return Err(Error::TooFewTasks { found: tasks });
        }
        if let Some(&found) = self.sizes.iter().find(|size| !(1..=configs).contains(*size)) {
            return Err(Error::Subset { what: "candidates", found, most: configs });
        }
        if let Some(tuned) = &self.tuned {
            tuned.has_the_tasks_of(&self.learned)?;
        }
        let resampled = resample(self.resamplings, |r| {
            let [train, held_out] = halves(&indices(tasks), &mut id.child("split").index(r).stream());
            let mut order = indices(configs);
            id.child("candidates").index(r).stream().shuffle(&mut order);
            let j = |&size: &usize| {
                best_of_first_k(matrix, &held_out, &greedy(matrix, &train, &order[..size], self.k))
            };
            let learned: Vec<Vec<f64>> = self.sizes.iter().map(j).collect();
            let tuned = self.tuned.map(|family| {
                let tasks = match self.tuned_on {
                    TunedOn::Train => &train,
                    TunedOn::HeldOut => &held_out,
                };
                let rates = indices(family.matrix.configs().len());
                best_of_first_k(family.matrix, &held_out, &greedy(family.matrix, tasks, &rates, self.k))
            });
            (learned, tuned)
        });
        let curve = |raw: Vec<Vec<f64>>| ResampledCurve::new(raw, self.k);
        let of_size = |size: usize| curve(resampled.iter().map(|(j, _)| j[size].clone()).collect());
        let tuned = || curve(resampled.iter().filter_map(|(_, tuned)| tuned.clone()).collect());
        Ok(CandidatesResult {
            sizes: self.sizes.to_vec(),
            curves: (0..self.sizes.len()).map(of_size).collect(),
            tuned: self.tuned.map(|_| tuned()),
        })
    }
}

impl CandidatesResult {
    /// The smallest number of candidates for which the median J after `k` tries is lower than that of the tuned learning rate:
    /// where the curve of Figure 15 passes its star. None if there is no such size or no baseline. If the baseline has
    /// fewer than `k` learning rates, all of them are tried.
    pub fn beats_tuned_at(&self, k: usize) -> Option<usize> {
        let tuned = self.tuned.as_ref()?;
        let [_, baseline, _] = (1..=k).rev().find_map(|k| tuned.at(k))?;
        let better = |(_, curve): &(&usize, &ResampledCurve)| {
            curve.at(k).is_some_and(|[_, median, _]| median < baseline)
        };
        self.sizes.iter().zip(&self.curves).filter(better).map(|(&size, _)| size).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScoreMatrix;
    use crate::testing::{matrix, noise};

    fn experiment<'a>(
        m: &'a ScoreMatrix,
        sizes: &'a [usize],
        tuned: Option<&'a ScoreMatrix>,
    ) -> Candidates<'a> {
        let tuned = tuned.map(|matrix| Family { label: "adam_lr", matrix });
        let learned = Family { label: "a", matrix: m };
        Candidates { learned, sizes, tuned, tuned_on: TunedOn::Train, resamplings: 40, k: 3 }
    }

    #[test]
    fn one_candidate_leaves_no_choice_and_all_of_them_contain_the_best() {
        // Configuration c has the score c / 8 on every task.
        let row: Vec<f64> = (0..8).map(|c| f64::from(c) / 8.0).collect();
        let m = matrix(&[&row[..]; 5]);
        let tuned = matrix(&[&[0.25, 0.75][..]; 5]);
        let result = experiment(&m, &[8, 1, 4], Some(&tuned)).run(&StreamId::root("t")).unwrap();
        assert_eq!(result.curves[0].raw, vec![[0.0; 3]; 40]);
        let ones = &result.curves[1];
        assert!(ones.raw.iter().all(|j| j.len() == 1) && ones.raw.iter().any(|j| j != &ones.raw[0]));
        assert!(ones.at(1).unwrap()[1] > result.curves[2].at(1).unwrap()[1]);
        assert_eq!(ones.at(2), None);
        let baseline = result.tuned.as_ref().unwrap();
        assert_eq!(
            (baseline.at(1), baseline.at(2), baseline.at(3)),
            (Some([0.25; 3]), Some([0.25; 3]), None)
        );
        // Of four of the eight, the best is below 2 / 8 in most draws.
        assert_eq!(
            (result.beats_tuned_at(1), result.beats_tuned_at(3), result.beats_tuned_at(0)),
            (Some(4), Some(4), None)
        );
    }

    #[test]
    fn hindsight_makes_the_first_learning_rate_better() {
        let rows: Vec<Vec<f64>> = (0..11).map(|t| (0..5).map(|c| noise(t, c)).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let train = experiment(&m, &[2], Some(&m));
        let held_out = Candidates { tuned_on: TunedOn::HeldOut, ..train.clone() };
        let j = |e: &Candidates<'_>| e.run(&StreamId::root("t")).unwrap().tuned.unwrap().raw;
        let (train, held_out) = (j(&train), j(&held_out));
        assert!(train.iter().zip(&held_out).all(|(a, b)| b[0] <= a[0]) && train != held_out);
    }

    #[test]
    fn a_list_of_all_candidates_is_that_of_figure_3_for_the_same_split() {
        let rows: Vec<Vec<f64>> = (0..7).map(|t| (0..4).map(|c| noise(t, c)).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        // The baseline in the same family has the same split and all candidates too.
        let result = experiment(&m, &[4], Some(&m)).run(&StreamId::root("t")).unwrap();
        assert_eq!(Some(&result.curves[0]), result.tuned.as_ref());
        // Equal is not lower.
        assert_eq!(result.beats_tuned_at(1), None);
        assert_eq!(experiment(&m, &[4], None).run(&StreamId::root("t")).unwrap().beats_tuned_at(1), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |tasks: usize, size: usize, tuned: usize, words: &str| {
            let m = matrix(&vec![&[0.5, 0.5][..]; tasks]);
            let tuned = matrix(&vec![&[0.5][..]; tuned]);
            let message =
                experiment(&m, &[size], Some(&tuned)).run(&StreamId::root("t")).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(1, 1, 1, "found: 1");
        check(2, 3, 2, "subset of 3 candidates");
        check(2, 0, 2, "from 1 to 2");
        check(2, 1, 3, "`adam_lr`");
    }
}
