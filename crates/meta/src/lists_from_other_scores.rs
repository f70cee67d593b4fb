//! Lists that are learned from other scores than they are tested by: shorter training (appendix A.3, Figure 11) or another
//! normaliser (appendix A.4, Figure 12).

use std::collections::BTreeMap;

use taskset_rng::StreamId;

use crate::learned_against_random::{Family, Lists};
use crate::random_search::random_list;
use crate::resampling::{halves, indices, resample};
use crate::{Error, ResampledCurve, ScoreMatrix, best_of_first_k, greedy};

/// The experiment of Figures 11 and 12.
///
/// In every resampling the tasks are split at random into two halves (of an odd number, the larger is held out). From each
/// of the `learned` matrices a greedy list is learned on the training half. All lists are tested on the held-out half by
/// the scores of `tested`. Only tasks that are in all matrices take part; they are found by name.
#[derive(Clone, Debug)]
pub struct OtherScores<'a> {
    /// The scores that lists are tested by: those of full training under the default normaliser.
    pub tested: Family<'a>,
    /// The scores that lists are learned from, for example of curves that are cut after different numbers of steps. Each
    /// matrix has the configurations of `tested` in the same order. `tested` itself can be among them.
    pub learned: Vec<Family<'a>>,
    /// Number of splits. The paper does not give it.
    pub resamplings: u64,
    /// Largest number of optimizers tried.
    pub k: usize,
}

/// The curves of Figures 11 and 12.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherScoresResult {
    /// J on held-out tasks, one curve for each of the matrices that lists are learned from.
    pub curves: Vec<ResampledCurve>,
    /// J of random search on the same held-out tasks.
    pub random: ResampledCurve,
    /// Number of tasks in all matrices.
    pub tasks: usize,
    /// The lists of each resampling, one learned list for each of the matrices. Tasks are those of `tested`.
    pub lists: Vec<Lists>,
}

impl OtherScores<'_> {
    /// Runs the experiment, resamplings in parallel. Resampling r splits by the stream `id/split/r` and searches at random
    /// by `id/random/r`.
    ///
    /// # Errors
    /// [`Error::OtherConfigurations`] if a matrix has other configurations, [`Error::TooFewTasks`] if fewer than two tasks
    /// are in all matrices.
    pub fn run(&self, id: &StreamId) -> Result<OtherScoresResult, Error> {
        let tested = self.tested.matrix;
        for learned in &self.learned {
            same_configurations(learned, &self.tested)?;
        }
        let matrices: Vec<&ScoreMatrix> =
            [tested].into_iter().chain(self.learned.iter().map(|family| family.matrix)).collect();
        let rows = common_tasks(&matrices);
        if rows.len() < 2 {
            return Err(Error::TooFewTasks { found: rows.len() });
        }
        let configs = indices(tested.configs().len());
        let resampled = resample(self.resamplings, |r| {
            let [train, held_out] = halves(&indices(rows.len()), &mut id.child("split").index(r).stream());
            let learn = |(m, family): (usize, &Family<'_>)| {
                let train: Vec<usize> = train.iter().map(|&task| rows[task][m + 1]).collect();
                greedy(family.matrix, &train, &configs, self.k)
            };
            let lists = Lists {
                tested: held_out.iter().map(|&task| rows[task][0]).collect(),
                learned: self.learned.iter().enumerate().map(learn).collect(),
                random: random_list(&configs, self.k, &mut id.child("random").index(r).stream()),
            };
            let j = |list: &Vec<usize>| best_of_first_k(tested, &lists.tested, list);
            let results: Vec<Vec<f64>> = lists.learned.iter().chain([&lists.random]).map(j).collect();
            (lists, results)
        });
        let (lists, results): (Vec<Lists>, Vec<Vec<Vec<f64>>>) = resampled.into_iter().unzip();
        let curve = |i: usize| {
            ResampledCurve::new(results.iter().map(|results| results[i].clone()).collect(), self.k)
        };
        Ok(OtherScoresResult {
            curves: (0..self.learned.len()).map(curve).collect(),
            random: curve(self.learned.len()),
            tasks: rows.len(),
            lists,
        })
    }
}

/// The validation scores of all configurations on the tasks that two matrices have in common, in the same order: the axes
/// of the scatter plots of Figure 12. [`pearson`](crate::correlation::pearson) of the two gives the paper's correlations.
///
/// # Errors
/// [`Error::OtherConfigurations`] if the matrices have different configurations.
pub fn paired_scores(a: &Family<'_>, b: &Family<'_>) -> Result<[Vec<f64>; 2], Error> {
    same_configurations(b, a)?;
    let rows = common_tasks(&[a.matrix, b.matrix]);
    let scores = |matrix: &ScoreMatrix, i: usize| -> Vec<f64> {
        rows.iter().flat_map(|row| matrix.valid(row[i]).iter().copied()).collect()
    };
    Ok([scores(a.matrix, 0), scores(b.matrix, 1)])
}

/// The rows of each task that is in all matrices, in the order of the first: `result[task][matrix]`.
fn common_tasks(matrices: &[&ScoreMatrix]) -> Vec<Vec<usize>> {
    let positions: Vec<BTreeMap<&str, usize>> = matrices
        .iter()
        .map(|matrix| matrix.tasks().iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect())
        .collect();
    let rows = |name: &String| positions.iter().map(|p| p.get(name.as_str()).copied()).collect();
    matrices.first().map_or(Vec::new(), |first| first.tasks().iter().filter_map(rows).collect())
}

fn same_configurations(family: &Family<'_>, reference: &Family<'_>) -> Result<(), Error> {
    let (theirs, configs) = (family.matrix.configs(), reference.matrix.configs());
    let differ = |reason| Error::OtherConfigurations {
        label: family.label.to_owned(),
        reference: reference.label.to_owned(),
        reason,
    };
    if theirs.len() != configs.len() {
        return Err(differ(format!("{} configurations against {}", theirs.len(), configs.len())));
    }
    match theirs.iter().zip(configs).find(|(a, b)| a != b) {
        Some((a, b)) => Err(differ(format!("`{a}` stands where `{b}` does"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned_against_random::{BoxTasks, SplitExperiment};
    use crate::testing::{matrix, noise};
    use crate::{HyperparameterTable, correlation};

    fn family<'a>(label: &'a str, matrix: &'a ScoreMatrix) -> Family<'a> {
        Family { label, matrix }
    }

    fn named(tasks: &[&str], rows: &[&[f64]]) -> ScoreMatrix {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        ScoreMatrix::new(names(tasks), names(&["a", "b", "c"]), rows.concat(), rows.concat()).unwrap()
    }

    #[test]
    fn lists_of_other_scores_are_tested_by_the_true_ones() {
        let good = &[0.25, 0.5, 1.0][..];
        let tested = named(&["u", "v", "w", "x"], &[good; 4]);
        // Other scores prefer configuration `c`; the tasks are in another order, `x` is not there and `z` is new.
        let misleading = named(&["w", "z", "v", "u"], &[&[1.0, 0.5, 0.25][..]; 4]);
        let experiment = OtherScores {
            tested: family("full", &tested),
            learned: vec![family("short", &misleading), family("full", &tested)],
            resamplings: 5,
            k: 3,
        };
        let result = experiment.run(&StreamId::root("t")).unwrap();
        assert_eq!(result.tasks, 3);
        // After `c` nothing improves in the other scores, and the tie goes to `a`.
        assert_eq!(result.curves[0].raw, vec![[1.0, 0.25, 0.25]; 5]);
        assert_eq!(result.curves[1].raw, vec![[0.25, 0.25, 0.25]; 5]);
        assert_eq!(result.random.at(3), Some([0.25; 3]));
    }

    #[test]
    fn tasks_are_found_by_name_in_every_matrix() {
        let rows: Vec<Vec<f64>> = (0..8).map(|t| (0..3).map(|c| noise(t, c)).collect()).collect();
        let in_order = |order: &[usize]| {
            let names: Vec<String> = order.iter().map(|t| format!("t{t}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            named(&names, &order.iter().map(|&t| &rows[t][..]).collect::<Vec<_>>())
        };
        let (m, reversed) = (in_order(&[0, 1, 2, 3, 4, 5, 6, 7]), in_order(&[7, 6, 5, 4, 3, 2, 1, 0]));
        let learned = vec![family("m", &m), family("reversed", &reversed)];
        let experiment = OtherScores { tested: family("m", &m), learned, resamplings: 20, k: 2 };
        let result = experiment.run(&StreamId::root("t")).unwrap();
        assert_eq!(result.curves[0], result.curves[1]);
        // Two tasks are enough: one to learn from, one to test.
        let two = in_order(&[6, 1]);
        let experiment = OtherScores { learned: vec![family("two", &two)], ..experiment };
        assert_eq!(experiment.run(&StreamId::root("t")).unwrap().tasks, 2);
    }

    #[test]
    fn the_true_scores_give_the_learned_list_of_figure_3() {
        let rows: Vec<Vec<f64>> = (0..9).map(|t| (0..6).map(|c| noise(t, c)).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let same = family("a", &m);
        let id = StreamId::root("t");
        let result =
            OtherScores { tested: same, learned: vec![same], resamplings: 4, k: 9 }.run(&id).unwrap();
        let table = HyperparameterTable::new(vec![], vec![], vec![vec![]; 6]).unwrap();
        let figure_3 = SplitExperiment {
            learned: same,
            table: &table,
            others: vec![],
            boxes: vec![],
            box_tasks: BoxTasks::All,
            resamplings: 4,
            k: 9,
        };
        assert_eq!(result.curves[0].raw, figure_3.run(&id).unwrap().curves[0].raw);
    }

    #[test]
    fn scores_are_paired_by_task_and_configuration() {
        let a = named(&["u", "v"], &[&[0.0, 1.0, 2.0], &[3.0, 4.0, 5.0]]);
        let b = named(&["v", "w", "u"], &[&[6.0, 8.0, 10.0], &[9.0; 3], &[0.0, 2.0, 4.0]]);
        let [x, y] = paired_scores(&family("a", &a), &family("b", &b)).unwrap();
        assert_eq!(
            (&x[..], &y[..]),
            (&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..], &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0][..])
        );
        assert!((correlation::pearson(&x, &y) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn matrices_that_do_not_fit_are_refused() {
        let a = named(&["u", "v"], &[&[0.5; 3][..]; 2]);
        let check = |other: &ScoreMatrix, words: &str| {
            let experiment = OtherScores {
                tested: family("full", &a),
                learned: vec![family("short", other)],
                resamplings: 1,
                k: 1,
            };
            let message = experiment.run(&StreamId::root("t")).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(&named(&["u", "w"], &[&[0.5; 3][..]; 2]), "found: 1");
        check(&named(&["x", "w"], &[&[0.5; 3][..]; 2]), "found: 0");
        check(&matrix(&[&[0.5; 3]]), "`c0` stands where `a` does");
        check(&matrix(&[&[0.5; 2]]), "2 configurations against 3");
    }
}
