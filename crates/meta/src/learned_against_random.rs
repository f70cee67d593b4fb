//! Learned list against random search on held-out tasks, over resampled splits of the tasks (Figure 3).

use taskset_rng::StreamId;

use crate::quartiles::column;
use crate::random_search::random_list;
use crate::resampling::{halves, indices, resample};
use crate::search_boxes::check_rows;
use crate::{
    Band, Error, HyperparameterTable, ScoreMatrix, best_of_first_k, constrained_box, greedy, inside,
    quartiles, random_search,
};

/// Scores of one family of optimizers.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// Its name in results.
    pub label: &'a str,
    /// Its scores.
    pub matrix: &'a ScoreMatrix,
}

/// Which tasks the boxes are drawn around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoxTasks {
    /// All of them, held-out ones included: with hindsight, as the paper's text suggests.
    #[default]
    All,
    /// The training half of each split.
    Train,
}

/// The lists that one resampling compares, and the tasks that they are tested on. Use them to compare methods task by task
/// ([`scores_of_first_k`](crate::scores_of_first_k)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// The tasks, in ascending order.
    pub tested: Vec<usize>,
    /// The learned lists, one for each matrix that they are learned from.
    pub learned: Vec<Vec<usize>>,
    /// What random search in the same family draws.
    pub random: Vec<usize>,
}

/// The experiment of Figure 3.
///
/// In every resampling the tasks are split at random into two halves (of an odd number, the larger is held out). A greedy
/// list of the first family is learned on the training half by validation scores. On the held-out half the list, random
/// search in every family, and random search in the first family restricted to each box are scored by
/// [`best_of_first_k`].
#[derive(Clone, Debug)]
pub struct SplitExperiment<'a> {
    /// The family that lists are learned in; the paper's is adam8p.
    pub learned: Family<'a>,
    /// Hyperparameters of that family, for the boxes.
    pub table: &'a HyperparameterTable,
    /// Further families to search at random; the paper's are adam1p and adam4p. They have the same tasks in the same order.
    pub others: Vec<Family<'a>>,
    /// Quantiles of each box; the paper's are (0, 1) and (0.05, 0.95).
    pub boxes: Vec<(f64, f64)>,
    /// Which tasks the boxes are drawn around.
    pub box_tasks: BoxTasks,
    /// Number of task splits and random draws; the paper's is 50.
    pub resamplings: u64,
    /// Largest number of optimizers tried.
    pub k: usize,
}

/// What a curve of the result shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// The greedy list, learned on the training half.
    Learned,
    /// Random search in a family.
    Random,
    /// Random search in the learned family, inside the box between two quantiles.
    RandomInBox {
        /// Lower quantile.
        lower: f64,
        /// Upper quantile.
        upper: f64,
    },
}

/// One curve of Figure 3: J on held-out tasks against the number of optimizers tried.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodCurve {
    /// What was done.
    pub method: Method,
    /// The family it was done in.
    pub family: String,
    /// Number of candidates in each resampling.
    pub candidates: Vec<usize>,
    /// `raw[r][k - 1]` is J after k tries in resampling r; it ends where the candidates do.
    pub raw: Vec<Vec<f64>>,
    /// 25th, 50th and 75th percentile over resamplings, one entry per k; none where some resampling has ended.
    pub quartiles: Band,
    /// Fraction of resamplings in which the learned list is strictly better (lower) than this curve on the same held-out
    /// tasks, one entry per k; none where either has ended. 0 throughout for the learned list itself.
    pub learned_is_better: Vec<Option<f64>>,
}

/// The curves of Figure 3.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitResult {
    /// The learned list first, then random search in its family, in the others, and in the boxes.
    pub curves: Vec<MethodCurve>,
    /// Tasks in each training half.
    pub train_tasks: usize,
    /// Tasks in each held-out half.
    pub test_tasks: usize,
    /// The lists of each resampling, in the first family.
    pub lists: Vec<Lists>,
}

impl SplitExperiment<'_> {
    /// Runs the experiment, resamplings in parallel. Resampling r splits by the stream `id/split/r` and draws by `id/random/<family>/r`, or
    /// `id/box/<number>/r` inside a box; so no result depends on which other curves are asked for.
    ///
    /// # Errors
    /// [`Error::TooFewTasks`], [`Error::OtherTasks`] if a family has other tasks than the learned one, [`Error::Size`] if
    /// the table does not fit the learned family.
    pub fn run(&self, id: &StreamId) -> Result<SplitResult, Error> {
        self.check()?;
        let matrix = self.learned.matrix;
        let (tasks, configs) = (matrix.tasks().len(), matrix.configs().len());
        let train_tasks = tasks / 2;
        let with_hindsight = self.boxes_around(&indices(tasks))?;
        let families: Vec<Family<'_>> =
            [self.learned].into_iter().chain(self.others.iter().copied()).collect();

        let mut curves = vec![MethodCurve::new(Method::Learned, self.learned.label)];
        curves.extend(families.iter().map(|family| MethodCurve::new(Method::Random, family.label)));
        let in_box = |&(lower, upper): &(f64, f64)| {
            MethodCurve::new(Method::RandomInBox { lower, upper }, self.learned.label)
        };
        curves.extend(self.boxes.iter().map(in_box));

        let results = resample(self.resamplings, |r| -> Result<_, Error> {
            let [train, held_out] = halves(&indices(tasks), &mut id.child("split").index(r).stream());
            let learned = greedy(matrix, &train, &indices(configs), self.k);
            let mut results = vec![(configs, best_of_first_k(matrix, &held_out, &learned))];
            let mut random = Vec::new();
            for family in &families {
                let candidates = family.matrix.configs().len();
                let mut stream = id.child("random").child(family.label).index(r).stream();
                let drawn = random_list(&indices(candidates), self.k, &mut stream);
                results.push((candidates, best_of_first_k(family.matrix, &held_out, &drawn)));
                random.push(drawn);
            }
            let from_train = match self.box_tasks {
                BoxTasks::All => None,
                BoxTasks::Train => Some(self.boxes_around(&train)?),
            };
            for (b, candidates) in from_train.as_ref().unwrap_or(&with_hindsight).iter().enumerate() {
                let mut stream = id.child("box").index(b as u64).index(r).stream();
                let j = random_search(matrix, &held_out, candidates, self.k, &mut stream);
                results.push((candidates.len(), j));
            }
            // That of the family in which lists are learned is the first.
            Ok((Lists { tested: held_out, learned: vec![learned], random: random.swap_remove(0) }, results))
        });
        let mut lists = Vec::new();
        for results in results {
            let (of_resampling, results) = results?;
            lists.push(of_resampling);
            for (curve, (candidates, j)) in curves.iter_mut().zip(results) {
                curve.candidates.push(candidates);
                curve.raw.push(j);
            }
        }
        let learned = curves[0].raw.clone();
        for curve in &mut curves {
            curve.summarise(&learned, self.k);
        }
        Ok(SplitResult { curves, train_tasks, test_tasks: tasks - train_tasks, lists })
    }

    /// The candidates inside each box.
    fn boxes_around(&self, tasks: &[usize]) -> Result<Vec<Vec<usize>>, Error> {
        let candidates = |&(lower, upper): &(f64, f64)| {
            constrained_box(self.learned.matrix, self.table, tasks, lower, upper)
                .map(|b| inside(&b, self.table))
        };
        self.boxes.iter().map(candidates).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let tasks = self.learned.matrix.tasks();
        if tasks.len() < 2 {
            return Err(Error::TooFewTasks { found: tasks.len() });
        }
        check_rows(self.learned.matrix, self.table)?;
        self.others.iter().try_for_each(|family| family.has_the_tasks_of(&self.learned))
    }
}

impl Family<'_> {
    /// Checks that two families have the same tasks in the same order.
    pub(crate) fn has_the_tasks_of(&self, reference: &Family<'_>) -> Result<(), Error> {
        let (theirs, tasks) = (self.matrix.tasks(), reference.matrix.tasks());
        let differ = |reason| Error::OtherTasks {
            label: self.label.to_owned(),
            reference: reference.label.to_owned(),
            reason,
        };
        if theirs.len() != tasks.len() {
            return Err(differ(format!("{} tasks against {}", theirs.len(), tasks.len())));
        }
        match theirs.iter().zip(tasks).find(|(a, b)| a != b) {
            Some((a, b)) => Err(differ(format!("`{a}` stands where `{b}` does"))),
            None => Ok(()),
        }
    }
}

impl MethodCurve {
    fn new(method: Method, family: &str) -> Self {
        Self {
            method,
            family: family.to_owned(),
            candidates: Vec::new(),
            raw: Vec::new(),
            quartiles: Vec::new(),
            learned_is_better: Vec::new(),
        }
    }

    fn summarise(&mut self, learned: &[Vec<f64>], k: usize) {
        self.quartiles = quartiles(&self.raw, k);
        let wins = |(column, learned): (Vec<f64>, Vec<f64>)| {
            let wins = learned.iter().zip(&column).filter(|(a, b)| a < b).count();
            wins as f64 / column.len() as f64
        };
        self.learned_is_better =
            (0..k).map(|i| column(&self.raw, i).zip(column(learned, i)).map(wins)).collect();
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "fractions of 20 and copies are exact")]
mod tests {
    use super::*;
    use crate::quantile;
    use crate::testing::{matrix, noise};

    const TASKS: usize = 21;
    const CONFIGS: usize = 30;

    /// Runs 20 resamplings on made-up scores, with an "other" family that always scores 0.9.
    fn run(score: impl Fn(usize, usize) -> f64, box_tasks: BoxTasks) -> SplitResult {
        let rows: Vec<Vec<f64>> = (0..TASKS).map(|t| (0..CONFIGS).map(|c| score(t, c)).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let other = matrix(&[&[0.9; 4][..]; TASKS]);
        let values = (0..CONFIGS).map(|c| vec![c as f64 + 1.0]).collect();
        let table = HyperparameterTable::new(vec!["h".into()], vec![true], values).unwrap();
        let experiment = SplitExperiment {
            learned: Family { label: "learned", matrix: &m },
            table: &table,
            others: vec![Family { label: "other", matrix: &other }],
            boxes: vec![(0.0, 1.0), (0.05, 0.95)],
            box_tasks,
            resamplings: 20,
            k: 10,
        };
        let result = experiment.run(&StreamId::root("t")).unwrap();
        assert_eq!(result, experiment.run(&StreamId::root("t")).unwrap());
        let renamed = experiment.run(&StreamId::root("u")).unwrap();
        assert_eq!(
            result.curves[1].raw == renamed.curves[1].raw,
            score(0, 0).total_cmp(&score(0, 1)).is_eq()
        );
        result
    }

    #[test]
    fn a_list_that_can_learn_wins() {
        // Three kinds of tasks, each with one configuration that is good for its kind alone.
        let result = run(|t, c| if c == 7 + t % 3 { 0.1 } else { 0.5 + 0.5 * noise(t, c) }, BoxTasks::All);
        assert_eq!((result.train_tasks, result.test_tasks), (10, 11));
        let [learned, random, other, min_max, percentile] = &result.curves[..] else { panic!("five curves") };
        assert_eq!(learned.method, Method::Learned);
        assert_eq!((random.family.as_str(), other.family.as_str()), ("learned", "other"));
        // After three tries the list has the three good configurations; random search rarely has all in ten.
        assert!((learned.quartiles[2].unwrap()[1] - 0.1).abs() < 1e-12);
        assert!(random.learned_is_better[2].unwrap() >= 0.95);
        assert!(learned.learned_is_better.iter().all(|&w| w == Some(0.0)));
        // The other family ends after its four configurations.
        assert!((other.quartiles[3].unwrap()[1] - 0.9).abs() < 1e-12);
        assert_eq!((&other.quartiles[4], other.learned_is_better[4]), (&None, None));
        // The best configurations are 7, 8 and 9, and the box holds nothing else.
        for curve in [min_max, percentile] {
            assert_eq!(curve.candidates, vec![3; 20]);
            assert!(curve.quartiles[2].unwrap()[1] < 0.1 + 1e-12 && curve.quartiles[3].is_none());
        }
    }

    #[test]
    fn a_list_cannot_learn_from_noise() {
        let result = run(noise, BoxTasks::Train);
        let wins: f64 = result.curves[1].learned_is_better.iter().flatten().sum::<f64>() / 10.0;
        assert!((0.2..0.8).contains(&wins), "{wins}");
    }

    #[test]
    fn where_all_are_equal_nothing_is_better() {
        let result = run(|_, _| 0.5, BoxTasks::All);
        assert!(result.curves[1].learned_is_better.iter().all(|&w| w == Some(0.0)));
    }

    #[test]
    fn quartiles_are_those_of_the_raw_values() {
        let result = run(noise, BoxTasks::All);
        for curve in &result.curves {
            for (k, quartiles) in curve.quartiles.iter().enumerate() {
                let Some(quartiles) = quartiles else { continue };
                let column: Vec<f64> = curve.raw.iter().map(|row| row[k]).collect();
                assert_eq!(quartiles[1], quantile(&column, 0.5));
                assert!(quartiles[0] <= quartiles[1] && quartiles[1] <= quartiles[2]);
            }
        }
    }

    #[test]
    fn two_tasks_are_enough() {
        let m = matrix(&[&[0.5, 0.6], &[0.7, 0.2]]);
        let table = HyperparameterTable::new(vec!["h".into()], vec![false], vec![vec![1.0]; 2]).unwrap();
        let experiment = SplitExperiment {
            learned: Family { label: "a", matrix: &m },
            table: &table,
            others: vec![],
            boxes: vec![],
            box_tasks: BoxTasks::All,
            resamplings: 8,
            k: 2,
        };
        let result = experiment.run(&StreamId::root("t")).unwrap();
        assert_eq!((result.train_tasks, result.test_tasks), (1, 1));
        // Learned on one task, the first entry is the other one's worse configuration; the second mends that.
        for raw in &result.curves[0].raw {
            assert!(raw == &[0.7, 0.2] || raw == &[0.6, 0.5], "{raw:?}");
        }
    }

    #[test]
    fn input_that_does_not_fit_is_refused() {
        let check = |tasks: usize, others: usize, rows: usize, words: &str| {
            let m = matrix(&vec![&[0.5, 0.6][..]; tasks]);
            let other = matrix(&vec![&[0.5][..]; others]);
            let table =
                HyperparameterTable::new(vec!["h".into()], vec![false], vec![vec![1.0]; rows]).unwrap();
            let experiment = SplitExperiment {
                learned: Family { label: "a", matrix: &m },
                table: &table,
                others: vec![Family { label: "b", matrix: &other }],
                boxes: vec![],
                box_tasks: BoxTasks::All,
                resamplings: 1,
                k: 1,
            };
            let message = experiment.run(&StreamId::root("t")).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(1, 1, 2, "found: 1");
        check(4, 3, 2, "`b`");
        check(4, 4, 3, "hyperparameter table: 3 where 2");
    }
}
