//! How often the nearest task in the space of scores is of the same family.

use taskset_meta::ScoreMatrix;
use taskset_meta::bootstrap::{Bootstrap, bootstrap};
use taskset_rng::StreamId;

use crate::figures::Lack;
use crate::scored_curves::TaskGroup;

/// Resamplings of the families.
pub(super) const REPLICATES: u64 = 1_000;

/// How much more often than by chance the nearest task must be of the same family.
pub(super) const TIMES_CHANCE: f64 = 2.0;

/// The nearest tasks in the space of scores, by family. Only families with two tasks or more are here: a single task has no
/// other one of its family.
pub(super) struct Neighbours {
    pub(super) families: Vec<OfFamily>,
    /// Of each task of these families, the share of its nearest tasks that are of its family: 0 or 1 where one task is the
    /// nearest.
    pub(super) same: Vec<f64>,
    /// Of each of these tasks, the same share if the nearest task were any other task with equal chance.
    pub(super) chance: Vec<f64>,
    /// The mean over the tasks of `same - TIMES_CHANCE * chance`, resampled by families. None without families.
    pub(super) excess: Option<Bootstrap>,
    /// The same shares of the kinds of tasks that the paper names, in their order.
    pub(super) kinds: Vec<OfFamily>,
}

/// Tasks of one family or kind.
pub(super) struct OfFamily {
    pub(super) name: &'static str,
    pub(super) tasks: usize,
    /// Mean share of nearest tasks that are of the same family. NaN without tasks.
    pub(super) same: f64,
    /// The same by chance.
    pub(super) chance: f64,
}

/// The kinds of tasks that the caption of Figure 1 names as clusters, each with its families and groups.
pub(super) const KINDS: [(&str, &[&str]); 2] = [
    ("masked autoregressive flows", &["maf_family", "fixed_maf"]),
    (
        "character and word RNN language models",
        &["char_rnn_language_model_family", "word_rnn_language_model_family", "fixed_language_model"],
    ),
];

impl Neighbours {
    /// The neighbours in no scores.
    pub(super) fn none() -> Self {
        let kinds = KINDS.map(|(name, _)| OfFamily { name, tasks: 0, same: f64::NAN, chance: f64::NAN });
        Self { families: Vec::new(), same: Vec::new(), chance: Vec::new(), excess: None, kinds: kinds.into() }
    }

    /// The neighbours by validation scores. Families are resampled from the stream `id`.
    ///
    /// # Errors
    /// Only what cannot be resampled.
    pub(super) fn new(matrix: &ScoreMatrix, groups: &[TaskGroup], id: &StreamId) -> Result<Self, Lack> {
        let tasks = matrix.tasks().len();
        let nearest: Vec<Vec<usize>> = (0..tasks).map(|task| nearest(matrix, task)).collect();
        let of = |name: &'static str, members: &[usize]| {
            let same: Vec<f64> = members.iter().map(|&task| share(&nearest[task], members)).collect();
            let chance = (members.len() as f64 - 1.0) / (tasks as f64 - 1.0);
            let mean = same.iter().sum::<f64>() / same.len() as f64;
            (OfFamily { name, tasks: members.len(), same: mean, chance }, same)
        };
        let mut neighbours = Self::none();
        let mut clusters = Vec::new();
        let several = groups.iter().filter_map(|group| Some((group.name?, &group.tasks)));
        for (name, members) in several.filter(|(_, members)| members.len() > 1) {
            let (family, same) = of(name, members);
            clusters.extend(same.iter().map(|_| name));
            neighbours.chance.extend(same.iter().map(|_| family.chance));
            neighbours.same.extend(same);
            neighbours.families.push(family);
        }
        let kind = |(name, parts): (&'static str, &[&str])| {
            let parts = groups.iter().filter(|group| group.name.is_some_and(|name| parts.contains(&name)));
            of(name, &parts.flat_map(|group| group.tasks.iter().copied()).collect::<Vec<_>>()).0
        };
        neighbours.kinds = KINDS.into_iter().map(kind).collect();
        let values: Vec<f64> = neighbours
            .same
            .iter()
            .zip(&neighbours.chance)
            .map(|(same, chance)| same - TIMES_CHANCE * chance)
            .collect();
        if !values.is_empty() {
            neighbours.excess = Some(bootstrap(&values, &clusters, REPLICATES, id)?);
        }
        Ok(neighbours)
    }
}

/// The share of some tasks that are among the members.
fn share(tasks: &[usize], members: &[usize]) -> f64 {
    tasks.iter().filter(|task| members.contains(task)).count() as f64 / tasks.len() as f64
}

/// The other tasks whose validation scores are at the shortest Euclidean distance: several where distances are equal.
fn nearest(matrix: &ScoreMatrix, task: usize) -> Vec<usize> {
    let own = matrix.valid(task);
    let (mut shortest, mut found) = (f64::INFINITY, Vec::new());
    for other in (0..matrix.tasks().len()).filter(|&other| other != task) {
        let distance: f64 = own.iter().zip(matrix.valid(other)).map(|(a, b)| (a - b) * (a - b)).sum();
        if distance < shortest {
            (shortest, found) = (distance, vec![other]);
        } else if distance <= shortest {
            found.push(other);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task_kinds;

    #[test]
    fn kinds_are_made_of_groups() {
        let known = task_kinds::groups();
        assert!(KINDS.iter().flat_map(|(_, groups)| *groups).all(|group| known.contains(group)));
    }

    #[test]
    fn shares_by_hand() {
        let rows = [0.0, 0.1, 0.5, 0.6, 0.7, 0.7];
        let names = (0..rows.len()).map(|i| format!("t{i}")).collect();
        let matrix = ScoreMatrix::new(names, vec!["c".to_owned()], rows.to_vec(), rows.to_vec()).unwrap();
        let group = |name, tasks: &[usize]| TaskGroup { name, tasks: tasks.to_vec() };
        let groups = [
            group(Some("maf_family"), &[0, 1]),
            group(Some("nvp_family"), &[2, 4, 5]),
            group(Some("fixed_maf"), &[3]),
        ];
        let found = Neighbours::new(&matrix, &groups, &StreamId::root("t")).unwrap();
        // Tasks 4 and 5 are each other's nearest; that of task 2 is task 3, which is of another family.
        let families: Vec<(&str, usize, String, String)> = found
            .families
            .iter()
            .map(|f| (f.name, f.tasks, format!("{:.3}", f.same), format!("{:.3}", f.chance)))
            .collect();
        let expected = [("maf_family", 2, "1.000", "0.200"), ("nvp_family", 3, "0.667", "0.400")];
        assert_eq!(families, expected.map(|(n, t, s, c)| (n, t, s.to_owned(), c.to_owned())));
        assert_eq!(found.same.len(), 5);
        // Task 3 is as far from 2 as from 4 and 5, but for rounding; none of them is a masked autoregressive flow.
        assert_eq!((found.kinds[0].tasks, format!("{:.3}", found.kinds[0].same)), (3, "0.667".to_owned()));
        assert!(found.kinds[1].tasks == 0 && found.kinds[1].same.is_nan());
    }

    #[test]
    fn equally_near_tasks_share_one_vote() {
        let rows = vec![0.5; 4];
        let names = (0..4).map(|i| format!("t{i}")).collect();
        let matrix = ScoreMatrix::new(names, vec!["c".to_owned()], rows.clone(), rows).unwrap();
        let groups = [TaskGroup { name: Some("maf_family"), tasks: vec![0, 1] }];
        let found = Neighbours::new(&matrix, &groups, &StreamId::root("t")).unwrap();
        assert!(found.same.iter().all(|same| (same - 1.0 / 3.0).abs() < 1e-12), "{:?}", found.same);
    }
}
