//! One task of a study: its curves, its scores under every reading, and what the table of tasks shows of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use taskset_names::{Origin, Split};
use taskset_normalize::{Normalizer, TaskCurves, TaskScores};
use taskset_optim::Family;
use taskset_trial::{Curve, Uniform, optimizer_family};

use crate::Error;
use crate::score_readings::Reading;

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

    /// Its scores under every reading; of the optimizers, those of `families` are kept.
    ///
    /// # Errors
    /// Only for a name that no normaliser has, and for losses that a normaliser cannot score.
    pub(crate) fn score(
        &self,
        readings: &[(Reading, Normalizer)],
        families: &[Family],
        known: &KnownLists,
    ) -> Result<ScoredTask, Error> {
        let table = &self.table;
        let score = |reading: &Reading, normalizer: &Normalizer| {
            let splits = [normalizer.selection, Split::Test];
            match reading.part {
                1 => normalizer.scores_on(table, &splits),
                part => normalizer.scores_on(&table.until(self.steps / part), &splits),
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
        Ok(ScoredTask {
            scores: scores.collect::<Result<_, Error>>()?,
            summary: summarise(&of_summary, self),
            shared: of_summary.shared,
            replicas: self.replicas.clone(),
            diverged: self.diverged,
            trials: table.optimizers().len() * table.replicas(),
        })
    }
}

/// What the table of tasks shows of a task.
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

impl TaskSummary {
    /// What figures call the group of tasks that the registry does not know.
    pub(crate) const NO_GROUP: &'static str = "other";

    /// The name of its family or group in figures.
    pub(crate) fn group_label(&self) -> &str {
        self.group.as_deref().unwrap_or(Self::NO_GROUP)
    }
}

/// Scores of a task under a reading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scores {
    pub(crate) dropped: bool,
    pub(crate) families: Vec<FamilyScores>,
}

/// Scores of one family of optimizers on a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FamilyScores {
    pub(crate) family: Family,
    /// In the order of their seeds. Shared between tasks.
    pub(crate) configurations: Arc<[String]>,
    pub(crate) valid: Vec<f64>,
    pub(crate) test: Vec<f64>,
}

/// What one task gives to the study.
pub(crate) struct ScoredTask {
    pub(crate) summary: TaskSummary,
    pub(crate) scores: Vec<Scores>,
    pub(crate) shared: Uniform,
    pub(crate) replicas: BTreeSet<u32>,
    pub(crate) diverged: usize,
    pub(crate) trials: usize,
}

/// Lists of names, of which equal ones are kept once: most tasks have the same configurations.
#[derive(Default)]
pub(crate) struct KnownLists(Mutex<Vec<Arc<[String]>>>);

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
