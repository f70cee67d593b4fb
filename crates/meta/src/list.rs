//! A learned list of hyperparameters as a file.

use serde::{Deserialize, Serialize};

use crate::{Error, ScoreMatrix, greedy, improving};

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
    /// The optimizer mode in which the entries are to be tried: that of the curves that the list was learned from. None if it
    /// is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The steps over which schedules ran in those curves. None if it is not known, or if schedules run over the steps of the
    /// caller's own training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_steps: Option<u64>,
    /// Why the list has fewer entries than were asked for, in words; none if it has as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_because: Option<String>,
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
    /// The mode of this entry, where entries were trained in different ways and the list has no mode for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The steps over which schedules of this entry ran, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_steps: Option<u64>,
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
            mode: None,
            schedule_steps: None,
            ends_because: None,
            entries,
        }
    }

    /// The greedy list of up to `k` configurations of a matrix, learned on all its tasks (see [`greedy`]). It ends where no
    /// further configuration improves the score of any task, or where there is none left, and then says so in
    /// [`ends_because`](Self::ends_because). Hyperparameters and mode are left for the caller to fill in.
    pub fn learn(matrix: &ScoreMatrix, k: usize, family: &str, normalizer: &str, source: &str) -> Self {
        let mut list = Self::ordered(matrix, k, family, normalizer, source);
        let tasks: Vec<usize> = (0..matrix.tasks().len()).collect();
        let index = |entry: &ListEntry| matrix.configs().iter().position(|config| *config == entry.name);
        let order: Vec<usize> = list.entries.iter().filter_map(index).collect();
        let kept = improving(matrix, &tasks, &order);
        if kept < order.len() {
            list.entries.truncate(kept);
            list.ends_because = Some("no further configuration improves the score of any task".to_owned());
        } else if kept < k {
            list.ends_because = Some("no other configuration is left".to_owned());
        }
        list
    }

    /// The same with `k` entries also where nothing improves any more, as long as there are configurations: an ordering such
    /// as the published list. Behind the point where nothing improves, the order is that of the matrix.
    pub fn ordered(matrix: &ScoreMatrix, k: usize, family: &str, normalizer: &str, source: &str) -> Self {
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
                    mode: None,
                    schedule_steps: None,
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
            return Err(not_a_list(format!("the mean score up to `{}` is not finite", entry.name)));
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
        assert_eq!(list.ends_because, None);
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
    fn a_list_ends_where_nothing_improves_and_says_so() {
        let m = matrix(&[&[0.5, 0.25, 1.0], &[0.5, 1.0, 0.5]]);
        let learn = |k| HyperparameterList::learn(&m, k, "adam8p", "default", "");
        // c0 first (sum 1), then c1 gains 0.25; c2 gains nothing.
        let names =
            |list: &HyperparameterList| list.entries.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&learn(3)), ["c0", "c1"]);
        assert!(learn(3).ends_because.unwrap().contains("no further configuration improves"));
        assert!(learn(3).to_json().unwrap().contains("ends_because"));
        assert_eq!((names(&learn(2)), learn(2).ends_because), (vec!["c0".into(), "c1".into()], None));
        let ordered = HyperparameterList::ordered(&m, 3, "adam8p", "default", "");
        assert_eq!(
            (names(&ordered), ordered.ends_because),
            (vec!["c0".into(), "c1".into(), "c2".into()], None)
        );
        let all = matrix(&[&[0.5, 0.25]]);
        let short = HyperparameterList::learn(&all, 9, "f", "default", "");
        assert!(short.ends_because.unwrap().contains("no further"));
        let one = HyperparameterList::learn(&matrix(&[&[0.5]]), 9, "f", "default", "");
        assert!(one.ends_because.unwrap().contains("is left"));
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
        assert_eq!(list.entries.len(), 1);
        assert_eq!(list.entries[0].train_score_after, None);
        assert!(list.to_json().is_ok());
    }
}
