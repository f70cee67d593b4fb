//! The curves of a reproduction, scored once for all figures.
//!
//! Curves are read task by task, and of each task only its scores and a few facts are kept. So the curves of a thousand
//! tasks need no more memory than their scores: two numbers for each task, configuration and reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use taskset_curves::{Query, Reader, Selection};
use taskset_meta::ScoreMatrix;
use taskset_names::{Origin, Split};
use taskset_normalize::{Best, Initial, Normalizer, Replicas, TaskCurves, TaskScores, Upper};
use taskset_optim::Family;
use taskset_trial::{Curve, Protocol, Uniform, optimizer_family};

use crate::Error;
use crate::figures::Lack;
use crate::kinds;
use crate::released::Archives;

/// One way to turn curves into scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reading {
    /// Name of the normaliser.
    pub(crate) normalizer: &'static str,
    /// What is changed about it.
    pub(crate) change: Option<Change>,
    /// Only the first 1/n of the training counts; 1: all of it.
    pub(crate) part: u32,
}

impl Reading {
    /// Whole curves under a normaliser.
    pub(crate) const fn whole(normalizer: &'static str) -> Self {
        Self { normalizer, change: None, part: 1 }
    }
}

/// A change of one detail of a normaliser, to see what depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Each replica is scored by itself.
    AverageScores,
    /// Configurations are chosen, and references set, on the inner validation split.
    ValidInner,
    /// 0 is the lowest loss of any single replica.
    BestReplica,
    /// 1 is each curve's own first loss.
    OwnInitial,
}

impl Reading {
    /// Its normaliser.
    ///
    /// # Errors
    /// Only for a name that no normaliser has.
    pub(crate) fn normalizer(&self) -> Result<Normalizer, Error> {
        let normalizer = taskset_normalize::named(self.normalizer)?;
        Ok(match self.change {
            None => normalizer,
            Some(Change::AverageScores) => Normalizer { replicas: Replicas::AverageScores, ..normalizer },
            Some(Change::ValidInner) => Normalizer { selection: Split::ValidInner, ..normalizer },
            Some(Change::BestReplica) => Normalizer { best: Best::SingleReplica, ..normalizer },
            Some(Change::OwnInitial) => {
                Normalizer { upper: Upper::Initial(Initial::OwnFirstPoint), ..normalizer }
            }
        })
    }
}

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

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct TaskSummary {
    pub(crate) name: String,
    /// Its family or group; none where the registry does not know it.
    pub(crate) group: Option<String>,
    pub(crate) parameters: u64,
    pub(crate) origin: Origin,
    /// Whether the task is on data; quadratics and test functions need none.
    pub(crate) on_data: bool,
    /// The data set, where the registry knows it.
    pub(crate) dataset: Option<String>,
    pub(crate) initial: f64,
    pub(crate) best: f64,
    pub(crate) best_optimizer: String,
    /// Left out: no configuration got below the initial loss.
    pub(crate) dropped: bool,
    /// Seconds of one training step: the median over trials. None where no trial took any time that was recorded.
    pub(crate) step_seconds: Option<f64>,
    /// Families of optimizers that set the loss that scores 0.
    pub(crate) families: Vec<String>,
}

/// Scores of a task under a reading.
#[derive(Clone, Debug, PartialEq)]
struct Scores {
    dropped: bool,
    families: Vec<FamilyScores>,
}

/// Scores of one family of optimizers on a task.
#[derive(Clone, Debug, PartialEq)]
struct FamilyScores {
    family: Family,
    /// In the order of their seeds. Shared between tasks.
    configurations: Arc<[String]>,
    valid: Vec<f64>,
    test: Vec<f64>,
}

/// What one task gives to the study.
struct OfTask {
    summary: TaskSummary,
    scores: Vec<Scores>,
    shared: Uniform,
    replicas: BTreeSet<u32>,
    diverged: usize,
    trials: usize,
}

/// All curves of one task, and what the study tells of them besides their scores.
pub(crate) struct OneTask {
    table: TaskCurves,
    steps: u32,
    parameters: u64,
    /// Whether the data of the task have a digest.
    has_digest: bool,
    replicas: BTreeSet<u32>,
    diverged: usize,
    /// Median seconds of a step; none where no trial took any time that was recorded.
    step_seconds: Option<f64>,
}

impl OneTask {
    /// From a curve for each trial; at least one.
    ///
    /// # Errors
    /// Curves that may not be compared.
    pub(crate) fn of_curves(curves: &[Curve]) -> Result<Self, Error> {
        // All families at once: they share one scale.
        let table = TaskCurves::new(curves)?;
        let first = &curves[0];
        Ok(Self {
            table,
            steps: first.spec.protocol.steps,
            parameters: first.num_params,
            has_digest: first.spec.task.data_digest.is_some(),
            replicas: curves.iter().map(Curve::replica).collect(),
            diverged: curves.iter().filter(|curve| curve.diverged_at.is_some()).count(),
            step_seconds: step_seconds(curves),
        })
    }

    /// Its curves.
    #[cfg(test)]
    pub(crate) fn table(&self) -> &TaskCurves {
        &self.table
    }

    /// From tables of another program's losses, without digests and times; with the number of trials that diverged.
    pub(crate) fn of_tables(parameters: u64, steps: u32, (table, diverged): (TaskCurves, usize)) -> Self {
        Self {
            steps,
            parameters,
            has_digest: false,
            replicas: (0..table.replicas() as u32).collect(),
            diverged,
            step_seconds: None,
            table,
        }
    }
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
        let scored = curves.map_parallel(|task| of_task(&task, &normalizers, families, &known));
        for task in scored {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let OfTask { summary, scores, shared: of_task, replicas: seen, diverged, trials } = task?;
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
        let mut names: BTreeSet<&String> = BTreeSet::new();
        for (_, family) in &chosen {
            names.extend(family.iter().flat_map(|family| family.configurations.iter()));
        }
        let mut names: Vec<String> = names.into_iter().cloned().collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
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
        let names: BTreeSet<&String> = of_family.flat_map(|scores| scores.configurations.iter()).collect();
        names.len()
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
        let order = kinds::groups();
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

impl TaskSummary {
    /// What figures call the group of tasks that the registry does not know.
    const NO_GROUP: &'static str = "other";

    /// The name of its family or group in figures.
    pub(crate) fn group_label(&self) -> &str {
        self.group.as_deref().unwrap_or(Self::NO_GROUP)
    }
}

/// Lists of names, of which equal ones are kept once: most tasks have the same configurations.
#[derive(Default)]
struct KnownLists(Mutex<Vec<Arc<[String]>>>);

impl KnownLists {
    fn share<'a>(&self, names: impl ExactSizeIterator<Item = &'a String> + Clone) -> Arc<[String]> {
        // Another thread's panic leaves the lists whole.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |list: &&Arc<[String]>| list.len() == names.len() && list.iter().eq(names.clone());
        if let Some(list) = known.iter().find(same) {
            return Arc::clone(list);
        }
        let list: Arc<[String]> = names.cloned().collect();
        known.push(Arc::clone(&list));
        list
    }
}

fn of_task(
    task: &OneTask,
    readings: &[(Reading, Normalizer)],
    families: &[Family],
    known: &KnownLists,
) -> Result<OfTask, Error> {
    let OneTask { table, steps, .. } = task;
    let score = |reading: &Reading, normalizer: &Normalizer| {
        let splits = [normalizer.selection, Split::Test];
        match reading.part {
            1 => normalizer.scores_on(table, &splits),
            part => normalizer.scores_on(&table.until(steps / part), &splits),
        }
    };
    let summarised = Reading::whole(SUMMARISED);
    let of_summary = score(&summarised, &summarised.normalizer()?)?;
    let members = members(families, &of_summary, known);
    let scores = readings.iter().map(|(reading, normalizer)| {
        Ok(if *reading == summarised {
            kept(&of_summary, &members)
        } else {
            kept(&score(reading, normalizer)?, &members)
        })
    });
    Ok(OfTask {
        scores: scores.collect::<Result<_, Error>>()?,
        summary: summarise(&of_summary, task),
        shared: of_summary.shared,
        replicas: task.replicas.clone(),
        diverged: task.diverged,
        trials: table.optimizers().len() * table.replicas(),
    })
}

/// The normaliser whose references the table of tasks shows.
const SUMMARISED: &str = "default";

/// Which optimizers of a task belong to a family.
struct Members {
    family: Family,
    /// Their places among the optimizers, in the order of their seeds.
    rows: Vec<usize>,
    configurations: Arc<[String]>,
}

fn members(families: &[Family], scored: &TaskScores, known: &KnownLists) -> Vec<Members> {
    let names = &scored.optimizers;
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); families.len()];
    for (row, name) in names.iter().enumerate() {
        let prefix = optimizer_family(name);
        let of_curves = scored.shared.optimizer(name).map(|optimizer| optimizer.family.as_str());
        for (family, rows) in families.iter().zip(&mut rows) {
            if prefix == family.info().prefix || of_curves == Some(family.info().name) {
                rows.push(row);
            }
        }
    }
    let of_family = |(family, mut rows): (&Family, Vec<usize>)| {
        // Names are sorted, and so shorter ones first puts seeds in their order.
        rows.sort_by_key(|&i| (names[i].len(), i));
        Members { family: *family, configurations: known.share(rows.iter().map(|&i| &names[i])), rows }
    };
    families.iter().zip(rows).map(of_family).collect()
}

/// The scores of the wanted families.
fn kept(scored: &TaskScores, members: &[Members]) -> Scores {
    let (valid, test) = (scored.split(scored.selection), scored.split(Split::Test));
    let of_family = |members: &Members| FamilyScores {
        family: members.family,
        configurations: Arc::clone(&members.configurations),
        valid: members.rows.iter().map(|&i| valid[i]).collect(),
        test: members.rows.iter().filter_map(|&i| test.get(i).copied()).collect(),
    };
    let present = members.iter().filter(|members| !members.rows.is_empty());
    Scores { dropped: scored.dropped, families: present.map(of_family).collect() }
}

fn summarise(score: &TaskScores, task: &OneTask) -> TaskSummary {
    let description = taskset_tasks::describe(&score.task).ok();
    let valid = score.split(score.selection);
    let best = (0..valid.len()).reduce(|best, i| if valid[i] < valid[best] { i } else { best });
    let dataset = description.as_ref().and_then(|task| task.dataset.clone());
    TaskSummary {
        name: score.task.clone(),
        group: description.map(|task| task.family),
        parameters: task.parameters,
        origin: score.origin,
        on_data: score.origin != Origin::Real || dataset.is_some() || task.has_digest,
        dataset,
        initial: score.initial,
        best: score.best,
        best_optimizer: best.map(|i| score.optimizers[i].clone()).unwrap_or_default(),
        dropped: score.dropped,
        step_seconds: task.step_seconds,
        families: score.families.clone(),
    }
}

/// Median over trials of the training time divided by the steps.
fn step_seconds(curves: &[Curve]) -> Option<f64> {
    let time = |curve: &Curve| {
        // A trial that diverged may have ended early.
        let whole = curve.diverged_at.is_none() && curve.train_seconds > 0.0;
        whole.then(|| curve.train_seconds / f64::from(curve.spec.protocol.steps.max(1)))
    };
    let times: Vec<f64> = curves.iter().filter_map(time).collect();
    (!times.is_empty()).then(|| taskset_normalize::quantile(&times, 0.5))
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
                let mut task = crate::words::tests::task(&format!("{group}_seed{i:03}"), None);
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
            ..crate::words::tests::task(name, None)
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
