//! The score matrix: tasks × configurations.

use std::collections::{BTreeMap, BTreeSet};

use taskset_names::Split;
use taskset_normalize::TaskScores;
use taskset_trial::Uniform;

use crate::Error;

/// Validation and test scores of configurations on tasks: complete and finite, lower is better.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreMatrix {
    tasks: Vec<String>,
    configs: Vec<String>,
    /// Row-major, task × configuration.
    valid: Vec<f64>,
    test: Vec<f64>,
}

impl ScoreMatrix {
    /// A matrix from row-major scores, `tasks.len() × configs.len()` each.
    ///
    /// # Errors
    /// [`Error::Size`] if the numbers of scores do not fit, [`Error::NotFinite`] for a NaN or infinity,
    /// [`Error::Duplicate`] for a name that stands twice.
    pub fn new(
        tasks: Vec<String>,
        configs: Vec<String>,
        valid: Vec<f64>,
        test: Vec<f64>,
    ) -> Result<Self, Error> {
        unique("task", &tasks)?;
        unique("configuration", &configs)?;
        for (split, what, scores) in [("valid", "validation scores", &valid), ("test", "test scores", &test)]
        {
            let expected = tasks.len() * configs.len();
            if scores.len() != expected {
                return Err(Error::Size { what, found: scores.len(), expected });
            }
            if let Some(i) = scores.iter().position(|s| !s.is_finite()) {
                let (task, config) = (tasks[i / configs.len()].clone(), configs[i % configs.len()].clone());
                return Err(Error::NotFinite { split, task, config, value: scores[i] });
            }
        }
        Ok(Self { tasks, configs, valid, test })
    }

    /// The matrix of some configurations, in the given order, on all scored tasks in theirs. Validation scores are those
    /// on the split that the normaliser selects by. Tasks that the normaliser dropped are left out.
    ///
    /// # Errors
    /// [`Error::Missing`] if a task lacks a configuration, [`Error::Selection`] if tasks were scored by different splits,
    /// [`Error::Mixture`] if their trials differ in the protocol or, within a family, in the mode, and as
    /// [`ScoreMatrix::new`].
    pub fn from_scores(scores: &[TaskScores], configs: &[String]) -> Result<Self, Error> {
        let kept: Vec<&TaskScores> = scores.iter().filter(|s| !s.dropped).collect();
        let (mut valid, mut test) = (Vec::new(), Vec::new());
        let mut shared = Uniform::default();
        for task in &kept {
            shared.join(&task.shared, &format!("on task `{}` and the tasks before it", task.task))?;
            let expected = kept[0].selection;
            if task.selection != expected {
                return Err(Error::Selection { task: task.task.clone(), found: task.selection, expected });
            }
            if let Some(split) = [task.selection, Split::Test].into_iter().find(|s| task.split(*s).is_empty())
                && !task.optimizers.is_empty()
            {
                return Err(Error::NoSplit { task: task.task.clone(), split });
            }
            let position: BTreeMap<&str, usize> =
                task.optimizers.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
            for config in configs {
                let &i = position
                    .get(config.as_str())
                    .ok_or_else(|| Error::Missing { task: task.task.clone(), config: config.clone() })?;
                valid.push(task.split(task.selection)[i]);
                test.push(task.split(Split::Test)[i]);
            }
        }
        Self::new(kept.iter().map(|s| s.task.clone()).collect(), configs.to_vec(), valid, test)
    }

    /// Names of the tasks: the rows.
    pub fn tasks(&self) -> &[String] {
        &self.tasks
    }

    /// Names of the configurations: the columns.
    pub fn configs(&self) -> &[String] {
        &self.configs
    }

    /// Validation scores of a task, one per configuration.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn valid(&self, task: usize) -> &[f64] {
        self.row(&self.valid, task)
    }

    /// Test scores of a task, one per configuration.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn test(&self, task: usize) -> &[f64] {
        self.row(&self.test, task)
    }

    /// The configuration with the lowest validation score on a task; of equal ones the first. None without configurations.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn best_config(&self, task: usize) -> Option<usize> {
        let row = self.valid(task);
        (0..row.len()).reduce(|best, i| if row[i] < row[best] { i } else { best })
    }

    fn row<'a>(&self, scores: &'a [f64], task: usize) -> &'a [f64] {
        let n = self.configs.len();
        &scores[task * n..(task + 1) * n]
    }
}

fn unique(what: &'static str, names: &[String]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Error::Duplicate { what, name: name.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_names::Origin;

    fn names(prefix: &str, n: usize) -> Vec<String> {
        (0..n).map(|i| format!("{prefix}{i}")).collect()
    }

    fn scored(task: &str, valid: &[f64], dropped: bool) -> TaskScores {
        let shifted = |by: f64| valid.iter().map(|v| v + by).collect::<Vec<_>>();
        TaskScores {
            task: task.into(),
            optimizers: names("o", valid.len()),
            scores: [shifted(1.0), shifted(2.0), shifted(0.0), shifted(3.0)],
            selection: Split::ValidOuter,
            initial: 1.0,
            upper: 1.0,
            best: 0.0,
            degenerate: dropped,
            dropped,
            families: vec!["o".into()],
            origin: Origin::Real,
            shared: Uniform::default(),
        }
    }

    #[test]
    fn configurations_are_found_by_name_and_dropped_tasks_left_out() {
        let scores = [
            scored("a", &[0.1, 0.2, 0.3], false),
            scored("b", &[1.0; 3], true),
            scored("c", &[0.5; 3], false),
        ];
        let m = ScoreMatrix::from_scores(&scores, &["o2".into(), "o0".into()]).unwrap();
        assert_eq!(m.tasks(), ["a", "c"]);
        assert_eq!(m.valid(0), [0.3, 0.1]);
        assert_eq!(m.test(0), [3.3, 3.1]);
        assert_eq!(m.valid(1), [0.5, 0.5]);
        assert_eq!((m.best_config(0), m.best_config(1)), (Some(1), Some(0)));
    }

    #[test]
    fn incomplete_scores_are_refused_with_their_names() {
        let check = |result: Result<ScoreMatrix, Error>, words: &[&str]| {
            let message = result.unwrap_err().to_string();
            assert!(words.iter().all(|w| message.contains(w)), "{message}");
        };
        let a = scored("a", &[0.1, 0.2], false);
        check(ScoreMatrix::from_scores(std::slice::from_ref(&a), &["o7".into()]), &["`a`", "`o7`"]);
        check(ScoreMatrix::from_scores(&[a.clone(), a.clone()], &["o0".into()]), &["`a`", "twice"]);
        let mut untested = a.clone();
        untested.scores[3].clear();
        check(ScoreMatrix::from_scores(&[untested], &["o0".into()]), &["`a`", "no losses on test"]);
        let other = TaskScores { selection: Split::ValidInner, task: "b".into(), ..a.clone() };
        check(ScoreMatrix::from_scores(&[a, other], &["o0".into()]), &["`b`", "valid_inner"]);
        let new = |valid: Vec<f64>| ScoreMatrix::new(names("t", 1), names("o", 2), valid, vec![0.0; 2]);
        check(new(vec![0.0]), &["validation scores", "1", "2"]);
        check(new(vec![0.0, f64::NAN]), &["`o1`", "`t0`", "NaN"]);
        let twice = vec!["o".to_owned(), "o".to_owned()];
        check(ScoreMatrix::new(names("t", 1), twice, vec![0.0; 2], vec![0.0; 2]), &["`o`", "twice"]);
    }
}
