//! A learned list of hyperparameters as a file.

use serde::{Deserialize, Serialize};

use crate::{Error, ScoreMatrix, greedy};

const FORMAT: &str = "taskset-rs list";
const VERSION: u32 = 1;

/// An ordered list of configurations to try, with where it comes from. Kept as JSON, with `"format": "taskset-rs list"` and
/// a version that readers check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HyperparameterList {
    format: String,
    version: u32,
    /// Family of the configurations.
    pub family: String,
    /// Name of the normaliser of the scores.
    pub normalizer: String,
    /// Number of tasks that it was learned on.
    pub tasks: usize,
    /// Where the curves come from: a plan's hash or a description.
    pub source: String,
    /// The configurations, first to try first.
    pub entries: Vec<ListEntry>,
}

/// One configuration of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListEntry {
    /// Name of the configuration.
    pub name: String,
    /// Its hyperparameters, in the keys of its family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameters: Option<serde_json::Value>,
    /// Mean over the training tasks of the best validation score of the list up to here; none if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_score_after: Option<f64>,
}

impl HyperparameterList {
    /// A list of these entries.
    pub fn new(family: &str, normalizer: &str, tasks: usize, source: &str, entries: Vec<ListEntry>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            family: family.to_owned(),
            normalizer: normalizer.to_owned(),
            tasks,
            source: source.to_owned(),
            entries,
        }
    }

    /// The greedy list of up to `k` configurations of a matrix, learned on all its tasks (see [`greedy`]). Hyperparameters
    /// are left for the caller to fill in.
    pub fn learn(matrix: &ScoreMatrix, k: usize, family: &str, normalizer: &str, source: &str) -> Self {
        let tasks: Vec<usize> = (0..matrix.tasks().len()).collect();
        let candidates: Vec<usize> = (0..matrix.configs().len()).collect();
        let mut best = vec![f64::INFINITY; tasks.len()];
        let entries = greedy(matrix, &tasks, &candidates, k)
            .into_iter()
            .map(|config| {
                for (best, &task) in best.iter_mut().zip(&tasks) {
                    *best = best.min(matrix.valid(task)[config]);
                }
                let mean = best.iter().sum::<f64>() / tasks.len() as f64;
                ListEntry {
                    name: matrix.configs()[config].clone(),
                    hyperparameters: None,
                    train_score_after: mean.is_finite().then_some(mean),
                }
            })
            .collect();
        Self::new(family, normalizer, tasks.len(), source, entries)
    }

    /// The list as indented JSON.
    ///
    /// # Errors
    /// [`Error::List`] if a score is not finite, which JSON cannot hold.
    pub fn to_json(&self) -> Result<String, Error> {
        let unwritable = |entry: &&ListEntry| entry.train_score_after.is_some_and(|score| !score.is_finite());
        if let Some(entry) = self.entries.iter().find(unwritable) {
            return Err(not_a_list(format!("the score after `{}` is not finite", entry.name)));
        }
        serde_json::to_string_pretty(self).map_err(|e| not_a_list(e.to_string()))
    }

    /// Reads what [`HyperparameterList::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::List`] if the text is no list, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head = serde_json::from_str(text).map_err(|e| not_a_list(e.to_string()))?;
        if head.format != FORMAT {
            return Err(not_a_list(format!("`format` is `{}`, not `{FORMAT}`", head.format)));
        }
        if head.version != VERSION {
            return Err(not_a_list(format!("`version` is {}; learn the list again", head.version)));
        }
        serde_json::from_str(text).map_err(|e| not_a_list(e.to_string()))
    }
}

fn not_a_list(reason: String) -> Error {
    Error::List { supported: VERSION, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::matrix;

    #[test]
    fn a_learned_list_says_its_scores_and_survives_json() {
        let m = matrix(&[&[0.5, 0.25, 1.0], &[0.5, 1.0, 0.0]]);
        let mut list = HyperparameterList::learn(&m, 3, "adam8p", "default", "plan 1");
        let scores: Vec<_> = list.entries.iter().map(|e| (e.name.as_str(), e.train_score_after)).collect();
        // Sums 1, 1.25, 1: a tie that goes to c0; then c2 gains 0.5 and c1 0.25.
        assert_eq!(scores, [("c0", Some(0.5)), ("c2", Some(0.25)), ("c1", Some(0.125))]);
        list.entries[1].hyperparameters = Some(serde_json::json!({"learning_rate": 1e-3}));
        let json = list.to_json().unwrap();
        assert!(
            json.contains(r#""format": "taskset-rs list""#) && json.contains(r#""version": 1"#),
            "{json}"
        );
        assert_eq!(HyperparameterList::from_json(&json).unwrap(), list);
    }

    #[test]
    fn other_texts_are_refused() {
        let check = |text: &str, words: &str| {
            let message = HyperparameterList::from_json(text).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check("", "EOF");
        check("[1]", "invalid");
        check(r#"{"format": "other", "version": 1}"#, "`other`");
        check(r#"{"format": "taskset-rs list", "version": 2}"#, "`version` is 2");
        check(r#"{"format": "taskset-rs list", "version": 1}"#, "family");
    }

    #[test]
    fn a_list_without_tasks_has_no_scores() {
        let m = ScoreMatrix::new(vec![], vec!["a".into()], vec![], vec![]).unwrap();
        let list = HyperparameterList::learn(&m, 5, "f", "default", "");
        assert_eq!(list.entries[0].train_score_after, None);
        assert!(list.to_json().is_ok());
    }
}
