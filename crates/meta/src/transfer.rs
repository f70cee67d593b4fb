//! Lists that are learned on other types of tasks than they are tested on (section 5.3, Figure 5).

use taskset_rng::StreamId;

use crate::learned_against_random::{Family, Lists};
use crate::random_search::random_list;
use crate::resampling::{indices, resample, sorted, subset};
use crate::{Error, ResampledCurve, SameTasks, best_of_first_k, greedy, random_search};

/// The experiment of Figure 5: lists for tasks of one type, for example all recurrent networks.
///
/// In every resampling a greedy list is learned on a random subset of all *other* tasks and tested on all tasks of the
/// type. It is compared with the best case, a list that is learned on tasks of the same type, and with random search.
#[derive(Clone, Debug)]
pub struct Transfer<'a> {
    /// The family that lists are learned in; the paper's is adam8p.
    pub learned: Family<'a>,
    /// The tasks of the type that is tested. A task that is given twice counts once.
    pub target: &'a [usize],
    /// Number of other tasks to learn on. The paper samples 700 "from the remainder set of tasks".
    pub train_tasks: usize,
    /// How the list of the best case is learned and tested.
    pub best_case: SameTasks,
    /// Families for random search; the paper's are adam1p and adam8p. They have the same tasks in the same order as the
    /// learned one.
    pub random: Vec<Family<'a>>,
    /// Number of samplings; the paper's is 50.
    pub resamplings: u64,
    /// Largest number of optimizers tried.
    pub k: usize,
}

/// The curves of Figure 5 for one type of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferResult {
    /// J of the list that is learned on other types of tasks.
    pub other_types: ResampledCurve,
    /// J of the list that is learned on tasks of the same type. With [`SameTasks::Tested`] all resamplings are equal.
    pub best_case: ResampledCurve,
    /// J of random search in each family.
    pub random: Vec<ResampledCurve>,
    /// Number of tasks of the type.
    pub target_tasks: usize,
    /// Number of other tasks, from which those to learn on are drawn.
    pub other_tasks: usize,
    /// The lists of each resampling: that of other types, and random search in the same family.
    pub lists: Vec<Lists>,
}

impl Transfer<'_> {
    /// Runs the experiment, resamplings in parallel. Resampling r draws the tasks to learn on by the stream `id/train/r`, the
    /// halves of the best case by `id/halves/r`, and random search by `id/random/<family>/r`.
    ///
    /// # Errors
    /// [`Error::NoTasks`] without tasks of the type, [`Error::Subset`] if `train_tasks` is 0 or larger than the number of
    /// other tasks, [`Error::OtherTasks`] if a family for random search has other tasks.
    ///
    /// # Panics
    /// If a task of the type is not in the matrix.
    pub fn run(&self, id: &StreamId) -> Result<TransferResult, Error> {
        let matrix = self.learned.matrix;
        let target = sorted(self.target);
        let others: Vec<usize> =
            indices(matrix.tasks().len()).into_iter().filter(|t| target.binary_search(t).is_err()).collect();
        if target.is_empty() {
            return Err(Error::NoTasks { what: "tasks of the type to test on" });
        }
        if !(1..=others.len()).contains(&self.train_tasks) {
            let (found, most) = (self.train_tasks, others.len());
            return Err(Error::Subset { what: "training tasks of other types", found, most });
        }
        self.random.iter().try_for_each(|family| family.has_the_tasks_of(&self.learned))?;

        let configs = indices(matrix.configs().len());
        let random_stream = |family: &Family<'_>, r| id.child("random").child(family.label).index(r).stream();
        let lists = resample(self.resamplings, |r| {
            let train = subset(&others, self.train_tasks, &mut id.child("train").index(r).stream());
            Lists {
                tested: target.clone(),
                learned: vec![greedy(matrix, &train, &configs, self.k)],
                random: random_list(&configs, self.k, &mut random_stream(&self.learned, r)),
            }
        });
        let other_types =
            lists.iter().map(|lists| best_of_first_k(matrix, &target, &lists.learned[0])).collect();
        let best_case = match self.best_case {
            // Nothing is drawn, so once is enough.
            SameTasks::Tested => {
                let j = SameTasks::Tested.j(matrix, &target, self.k, id);
                resample(self.resamplings, |_| j.clone())
            }
            SameTasks::Halves => resample(self.resamplings, |r| {
                SameTasks::Halves.j(matrix, &target, self.k, &id.child("halves").index(r))
            }),
        };
        let search = |family: &Family<'_>| {
            let candidates = indices(family.matrix.configs().len());
            resample(self.resamplings, |r| {
                random_search(family.matrix, &target, &candidates, self.k, &mut random_stream(family, r))
            })
        };
        let curve = |raw| ResampledCurve::new(raw, self.k);
        Ok(TransferResult {
            other_types: curve(other_types),
            best_case: curve(best_case),
            random: self.random.iter().map(|family| curve(search(family))).collect(),
            target_tasks: target.len(),
            other_tasks: others.len(),
            lists,
        })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "scores are copied")]
mod tests {
    use super::*;
    use crate::ScoreMatrix;
    use crate::testing::matrix;

    fn transfer<'a>(m: &'a ScoreMatrix, target: &'a [usize], train_tasks: usize) -> Transfer<'a> {
        let learned = Family { label: "a", matrix: m };
        let best_case = SameTasks::default();
        Transfer { learned, target, train_tasks, best_case, random: vec![learned], resamplings: 20, k: 3 }
    }

    /// Three tasks of a type for which configuration 2 is best, and four for which 0 is best.
    fn two_types() -> ScoreMatrix {
        let (target, other) = (&[1.0, 0.75, 0.25][..], &[0.0, 0.5, 0.75][..]);
        matrix(&[target, other, other, target, other, target, other])
    }

    #[test]
    fn a_list_of_the_same_type_is_better_than_one_of_other_types() {
        let m = two_types();
        let result = transfer(&m, &[5, 0, 3, 0], 2).run(&StreamId::root("t")).unwrap();
        assert_eq!((result.target_tasks, result.other_tasks), (3, 4));
        assert_eq!(result.other_types.raw, vec![[1.0, 0.75, 0.25]; 20]);
        assert_eq!(result.best_case.raw, vec![[0.25; 3]; 20]);
        // Random search tries all three configurations in the end.
        let random = result.random[0].at(3).unwrap();
        assert_eq!(random, [0.25; 3]);
        assert!(result.random[0].raw.iter().any(|j| j[0] != result.random[0].raw[0][0]));
    }

    #[test]
    fn the_best_case_can_be_learned_on_halves() {
        let m = two_types();
        let experiment = Transfer { best_case: SameTasks::Halves, ..transfer(&m, &[0, 3, 5], 4) };
        let result = experiment.run(&StreamId::root("t")).unwrap();
        assert_eq!(result.best_case.raw, vec![[0.25; 3]; 20]);
        let one = Transfer { best_case: SameTasks::Halves, ..transfer(&m, &[0], 4) };
        assert!(one.run(&StreamId::root("t")).unwrap().best_case.at(1).unwrap()[1].is_nan());
    }

    #[test]
    fn what_cannot_be_learned_or_tested_is_refused() {
        let m = two_types();
        let check = |target: &[usize], train_tasks: usize, words: &str| {
            let message =
                transfer(&m, target, train_tasks).run(&StreamId::root("t")).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(&[], 2, "no tasks of the type");
        check(&[0, 3, 5], 5, "from 1 to 4");
        check(&[0, 3, 5], 0, "subset of 0 training tasks");
        check(&[0, 1, 2, 3, 4, 5, 6], 1, "nothing that it could be drawn from");
        let other = matrix(&[&[0.5]]);
        let experiment =
            Transfer { random: vec![Family { label: "b", matrix: &other }], ..transfer(&m, &[0], 1) };
        assert!(experiment.run(&StreamId::root("t")).unwrap_err().to_string().contains("`b`"));
    }
}
