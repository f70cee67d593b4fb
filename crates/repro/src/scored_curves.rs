//! The curves of a reproduction, scored once for all figures.
//!
//! Curves are read task by task, and of each task only its scores and a few facts are kept. So the curves of a thousand
//! tasks need no more memory than their scores: two numbers for each task, configuration and reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use taskset_curves::{Query, Reader, Selection};
use taskset_meta::ScoreMatrix;
use taskset_names::Origin;
use taskset_optim::Family;
use taskset_trial::{Curve, Protocol, Uniform};

use crate::Error;
use crate::figures::Lack;
use crate::released_archives::Archives;
use crate::score_readings::Reading;
use crate::scored_task::{FamilyScores, KnownLists, OneTask, ScoredTask, Scores, TaskSummary};
use crate::task_kinds;

/// What figures are made from.
#[derive(Clone, Debug)]
pub(crate) struct Study {
    /// All tasks of the curves, by name.
    pub(crate) tasks: Vec<TaskSummary>,
    pub(crate) replicas: usize,
    pub(crate) diverged: usize,
    pub(crate) trials: usize,
    pub(crate) origin: Origin,
    pub(crate) protocol: Option<Protocol>,
    /// By reading, in the order of `tasks`.
    scores: BTreeMap<Reading, Vec<Scores>>,
}

/// Where curves come from.
pub(crate) enum Curves {
    /// Files of this program, and which of their curves.
    Files(Reader, Query),
    /// Released files, and which of their curves.
    Released(Archives, Selection),
}

impl Curves {
    /// Calls a function with the curves of each task, on all cores; the results come in the order of the tasks' names.
    fn map_parallel<'a, T: Send + 'a>(
        &'a self,
        function: impl Fn(OneTask) -> Result<T, Error> + Sync + 'a,
    ) -> Box<dyn Iterator<Item = Result<T, Error>> + 'a> {
        match self {
            Self::Files(reader, query) => {
                let of_curves = move |curves: Vec<Curve>| function(OneTask::of_curves(&curves)?);
                Box::new(reader.query_by_task(query).map_parallel(of_curves))
            }
            Self::Released(archives, selection) => Box::new(archives.map_parallel(selection, function)),
        }
    }
}

impl Study {
    /// Scores the chosen curves, a task at a time, under every reading; of the optimizers, those of `families` are kept. None
    /// if it was asked to stop. `progress` hears the number of tasks that are done.
    ///
    /// # Errors
    /// Curves that cannot be read, or that may not be compared.
    pub(crate) fn new(
        curves: &Curves,
        families: &[Family],
        readings: &BTreeSet<Reading>,
        progress: &mut dyn FnMut(usize),
        cancel: &AtomicBool,
    ) -> Result<Option<Self>, Error> {
        let normalizers = readings
            .iter()
            .map(|reading| Ok((*reading, reading.normalizer()?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let mut study = Self {
            tasks: Vec::new(),
            replicas: 0,
            diverged: 0,
            trials: 0,
            origin: Origin::Real,
            protocol: None,
            scores: readings.iter().map(|reading| (*reading, Vec::new())).collect(),
        };
        let (mut shared, mut replicas) = (Uniform::default(), BTreeSet::new());
        let known = KnownLists::default();
        let scored = curves.map_parallel(|task| task.score(&normalizers, families, &known));
        for task in scored {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let ScoredTask { summary, scores, shared: of_task, replicas: seen, diverged, trials } = task?;
            shared.join(&of_task, &format!("on task `{}` and the tasks before it", summary.name))?;
            study.tasks.push(summary);
            for ((_, all), scores) in study.scores.iter_mut().zip(scores) {
                all.push(scores);
            }
            replicas.extend(seen);
            study.diverged += diverged;
            study.trials += trials;
            progress(study.tasks.len());
        }
        if cancel.load(Ordering::Relaxed) {
            return Ok(None);
        }
        study.replicas = replicas.len();
        study.origin = Origin::of_all(study.tasks.iter().map(|task| task.origin));
        study.protocol = shared.protocol();
        Ok(Some(study))
    }

    /// The scores of a family on all tasks on which something was learned.
    ///
    /// # Errors
    /// What is missing, as a sentence: there are no curves of the family, or a task lacks a configuration that another has.
    pub(crate) fn matrix(&self, reading: Reading, family: Family) -> Result<ScoreMatrix, Lack> {
        let name = family.info().name;
        let scores = self.scores.get(&reading).map_or(&[][..], Vec::as_slice);
        let of_family = |scores: &Scores| scores.families.iter().position(|scores| scores.family == family);
        let chosen: Vec<(&TaskSummary, Option<&FamilyScores>)> = self
            .tasks
            .iter()
            .zip(scores)
            .filter(|(_, scores)| !scores.dropped)
            .map(|(task, scores)| (task, of_family(scores).map(|i| &scores.families[i])))
            .collect();
        // Of all tasks, so that a configuration that one of them lacks is missed.
        let names = all_configurations(chosen.iter().filter_map(|(_, family)| *family));
        if names.is_empty() {
            return Err(Lack::new(if chosen.is_empty() {
                "There is no task on which any optimizer learned something.".to_owned()
            } else {
                format!("There are no curves of {name}.")
            }));
        }
        let (mut tasks, mut valid, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for (task, family) in chosen {
            let missing = match family {
                Some(family) if family.configurations.len() == names.len() => None,
                Some(family) => names.iter().find(|name| !family.configurations.contains(name)),
                None => names.first(),
            };
            if let Some(missing) = missing {
                return Err(Lack::new(format!(
                    "Task `{}` has no curve of `{missing}`, which other tasks have (`curves query` can leave one of them out).",
                    task.name
                )));
            }
            if let Some(family) = family {
                if family.test.is_empty() {
                    return Err(Lack::new(format!(
                        "The curves of task `{}` have no losses on test.",
                        task.name
                    )));
                }
                tasks.push(task.name.clone());
                valid.extend_from_slice(&family.valid);
                test.extend_from_slice(&family.test);
            }
        }
        Ok(ScoreMatrix::new(tasks, names, valid, test)?)
    }

    /// Whether two readings give the same scores on these curves.
    pub(crate) fn same_scores(&self, a: Reading, b: Reading) -> bool {
        self.scores.contains_key(&a) && self.scores.get(&a) == self.scores.get(&b)
    }

    /// Whether any task has curves of a family.
    pub(crate) fn has(&self, family: Family) -> bool {
        let first = self.scores.values().next().map_or(&[][..], Vec::as_slice);
        first.iter().flat_map(|scores| &scores.families).any(|scores| scores.family == family)
    }

    /// Configurations of a family that any task has curves of.
    pub(crate) fn configurations(&self, family: Family) -> usize {
        let first = self.scores.values().next().map_or(&[][..], Vec::as_slice);
        let of_family =
            first.iter().flat_map(|scores| &scores.families).filter(|scores| scores.family == family);
        all_configurations(of_family).len()
    }

    /// The families of optimizers that set the loss that scores 0, on any task.
    pub(crate) fn reference_families(&self) -> Vec<&str> {
        let families: BTreeSet<&String> = self.tasks.iter().flat_map(|task| &task.families).collect();
        families.into_iter().map(String::as_str).collect()
    }

    /// The task of this name.
    pub(crate) fn task(&self, name: &str) -> Option<&TaskSummary> {
        let found = self.tasks.binary_search_by(|task| task.name.as_str().cmp(name));
        found.ok().map(|i| &self.tasks[i])
    }

    /// The family or group of a task, as figures call it.
    pub(crate) fn group_label(&self, task: &str) -> &str {
        self.task(task).map_or(TaskSummary::NO_GROUP, TaskSummary::group_label)
    }

    /// The places of the tasks of a matrix that are wanted.
    pub(crate) fn places(&self, matrix: &ScoreMatrix, wanted: impl Fn(&TaskSummary) -> bool) -> Vec<usize> {
        let is = |&i: &usize| self.task(&matrix.tasks()[i]).is_some_and(&wanted);
        (0..matrix.tasks().len()).filter(is).collect()
    }

    /// The families and groups of the named tasks, in the order of listings and without empty ones. Tasks that the registry
    /// does not know come last.
    pub(crate) fn groups_of<'a>(&self, tasks: impl IntoIterator<Item = &'a str>) -> Vec<TaskGroup> {
        let order = task_kinds::groups();
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, name) in tasks.into_iter().enumerate() {
            let group = self.task(name).and_then(|task| task.group.as_deref());
            let known = group.and_then(|group| order.iter().position(|other| *other == group));
            members.entry(known.unwrap_or(order.len())).or_default().push(place);
        }
        let named = |(group, tasks): (usize, _)| TaskGroup { name: order.get(group).copied(), tasks };
        members.into_iter().map(named).collect()
    }
}

/// The configurations that any of the tasks has, in the order of their seeds.
fn all_configurations<'a>(tasks: impl Iterator<Item = &'a FamilyScores>) -> Vec<String> {
    // Most tasks share one list, and a thousand tasks with a thousand names each are asked for by every figure.
    let mut lists: Vec<&Arc<[String]>> = tasks.map(|scores| &scores.configurations).collect();
    lists.sort_unstable_by_key(|list| list.as_ptr());
    lists.dedup_by(|a, b| Arc::ptr_eq(a, b));
    let names: BTreeSet<&String> = lists.into_iter().flat_map(|list| list.iter()).collect();
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    // They are sorted, so shorter ones first puts seeds in their order.
    names.sort_by_key(String::len);
    names
}

/// Some tasks of one family or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskGroup {
    /// Its name; none for tasks that the registry does not know.
    pub(crate) name: Option<&'static str>,
    /// The places of its tasks in the list from which the groups were made.
    pub(crate) tasks: Vec<usize>,
}

impl TaskGroup {
    /// Its name in figures.
    pub(crate) fn label(&self) -> &'static str {
        self.name.unwrap_or(TaskSummary::NO_GROUP)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A study under one reading: tasks `<group>_seed<i>` of these groups, each group with so many, and the first
    /// `configurations` of each family (all of a family without seeds). `score` gives validation and test score of a task and
    /// a configuration, by their numbers. Every group has ten times as many parameters as the one before.
    pub(crate) fn scored(
        reading: Reading,
        groups: &[(&str, usize)],
        families: &[Family],
        configurations: usize,
        score: impl Fn(usize, usize, Family) -> (f64, f64),
    ) -> Study {
        let mut tasks = Vec::new();
        for (size, (group, count)) in (2..).zip(groups) {
            for i in 0..*count {
                let mut task = crate::data_words::tests::task(&format!("{group}_seed{i:03}"), None);
                task.group = Some((*group).to_owned());
                task.parameters = 10_u64.pow(size);
                task.step_seconds = Some(1e-3 * f64::from(size));
                tasks.push(task);
            }
        }
        tasks.sort_by(|a, b| a.name.cmp(&b.name));
        let of_family = |t: usize, family: &Family| {
            let names: Vec<String> = family.info().names().take(configurations).collect();
            let scores: Vec<(f64, f64)> = (0..names.len()).map(|c| score(t, c, *family)).collect();
            FamilyScores {
                family: *family,
                configurations: names.into(),
                valid: scores.iter().map(|(valid, _)| *valid).collect(),
                test: scores.iter().map(|(_, test)| *test).collect(),
            }
        };
        let of_task = |t: usize| Scores {
            dropped: false,
            families: families.iter().map(|family| of_family(t, family)).collect(),
        };
        let scores = (0..tasks.len()).map(of_task).collect();
        Study { scores: BTreeMap::from([(reading, scores)]), ..study(tasks) }
    }

    /// The same scores under another reading, too.
    pub(crate) fn also(mut study: Study, reading: Reading, change: impl Fn(f64) -> f64) -> Study {
        let mut scores = study.scores.values().next().cloned().unwrap_or_default();
        for family in scores.iter_mut().flat_map(|scores| &mut scores.families) {
            family.valid.iter_mut().chain(&mut family.test).for_each(|score| *score = change(*score));
        }
        study.scores.insert(reading, scores);
        study
    }

    /// A study of these tasks without any curve.
    pub(crate) fn study(tasks: Vec<TaskSummary>) -> Study {
        Study {
            tasks,
            replicas: 1,
            diverged: 0,
            trials: 0,
            origin: Origin::Real,
            protocol: Some(Protocol::PAPER),
            scores: BTreeMap::new(),
        }
    }

    /// A study of these tasks with scores of a family, the same under every reading and on validation and test. Each row
    /// has the scores of the first seeds on one task.
    pub(crate) fn study_of(
        tasks: Vec<TaskSummary>,
        readings: &[Reading],
        family: Family,
        scores: &[Vec<f64>],
    ) -> Study {
        assert_eq!(tasks.len(), scores.len(), "a row of scores for each task");
        let mut rows: Vec<(TaskSummary, &Vec<f64>)> = tasks.into_iter().zip(scores).collect();
        rows.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let of_task = |(task, scores): &(TaskSummary, &Vec<f64>)| Scores {
            dropped: task.dropped,
            families: vec![FamilyScores {
                family,
                configurations: family.info().names().take(scores.len()).collect(),
                valid: scores.to_vec(),
                test: scores.to_vec(),
            }],
        };
        let of_tasks: Vec<Scores> = rows.iter().map(of_task).collect();
        let mut study = study(rows.into_iter().map(|(task, _)| task).collect());
        study.scores = readings.iter().map(|reading| (*reading, of_tasks.clone())).collect();
        study
    }

    #[test]
    fn groups_stand_in_the_order_of_listings_and_unknown_tasks_last() {
        let task = |name: &str, group: Option<&str>| TaskSummary {
            group: group.map(str::to_owned),
            ..crate::data_words::tests::task(name, None)
        };
        let tasks = vec![
            task("a", Some("quadratic_family")),
            task("b", None),
            task("c", Some("mlp_family")),
            task("d", Some("quadratic_family")),
            task("e", Some("a family of another program")),
        ];
        let study = study(tasks);
        let groups = study.groups_of(["a", "b", "c", "d", "e", "f"]);
        let found: Vec<(&str, &[usize])> = groups.iter().map(|g| (g.label(), &g.tasks[..])).collect();
        let expected: [(&str, &[usize]); 3] =
            [("mlp_family", &[2]), ("quadratic_family", &[0, 3]), ("other", &[1, 4, 5])];
        assert_eq!(found, expected);
        assert_eq!((study.tasks[1].group_label(), study.tasks[2].group_label()), ("other", "mlp_family"));
    }
}
