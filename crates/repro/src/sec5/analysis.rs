//! From curves to the numbers of figure 3.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use taskset_curves::{Query, Reader};
use taskset_meta::experiment::{BoxTasks, Family, SplitExperiment, SplitResult};
use taskset_meta::{HyperparameterList, HyperparameterTable, ScoreMatrix, constrained_box, inside};
use taskset_names::Origin;
use taskset_normalize::{TaskScores, configurations};
use taskset_optim::{Dimension, Scale};
use taskset_rng::StreamId;
use taskset_trial::{Curve, Protocol, Uniform};

use super::Settings;
use super::settings::FAMILIES;
use crate::Error;

/// Quantiles of the two boxes: all of the best configurations' range, and without its outer twentieths.
pub(crate) const BOXES: [(f64, f64); 2] = [(0.0, 1.0), (0.05, 0.95)];

/// Name of the normaliser.
pub(crate) const NORMALIZER: &str = "default";

/// Everything that figure 3 and its report show.
pub(crate) struct Figure3 {
    pub(crate) result: SplitResult,
    /// Tasks that were scored, and those on which nothing learned.
    pub(crate) tasks: Vec<TaskSummary>,
    /// Configurations of each family, by its short name.
    pub(crate) configurations: BTreeMap<String, usize>,
    /// The boxes around the best configurations of all tasks.
    pub(crate) boxes: Vec<BoxSummary>,
    /// The list learned on all tasks: what a practitioner would try.
    pub(crate) list: HyperparameterList,
    pub(crate) resamplings: usize,
    pub(crate) replicas: usize,
    pub(crate) diverged: usize,
    pub(crate) trials: usize,
    pub(crate) origin: Origin,
    pub(crate) protocol: Option<Protocol>,
}

/// What one task gives to the figure.
struct Scored {
    score: TaskScores,
    summary: TaskSummary,
    replicas: BTreeSet<u32>,
    diverged: usize,
    trials: usize,
}

/// One task of the figure.
pub(crate) struct TaskSummary {
    pub(crate) name: String,
    pub(crate) parameters: u64,
    pub(crate) origin: Origin,
    pub(crate) initial: f64,
    pub(crate) best: f64,
    pub(crate) best_optimizer: String,
    /// Left out: no configuration got below the initial loss.
    pub(crate) dropped: bool,
}

/// A search box and what it leaves.
pub(crate) struct BoxSummary {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// Candidates inside, and in all.
    pub(crate) inside: usize,
    pub(crate) of: usize,
    /// Volume inside divided by that of the search space, on the scales of the dimensions.
    pub(crate) volume: f64,
    /// Name, lower end, upper end, scale of each hyperparameter.
    pub(crate) ranges: Vec<(String, f64, f64)>,
}

/// Scores the chosen curves, a task at a time, and runs the experiment.
pub(crate) fn figure3(
    reader: &Reader,
    query: &Query,
    settings: &Settings,
    place: &Path,
) -> Result<Figure3, Error> {
    let insufficient = |lack: &str| Error::Insufficient { path: place.to_owned(), lack: lack.to_owned() };
    let normalizer = taskset_normalize::named(NORMALIZER)?;
    let (mut scores, mut summaries) = (Vec::new(), Vec::new());
    let (mut replicas, mut diverged, mut trials) = (BTreeSet::new(), 0, 0);
    let mut shared = Uniform::default();
    let scored = reader.query_by_task(query).map_parallel(|curves| {
        // All families at once: they share one scale.
        let score = normalizer.scores(&curves)?;
        Ok::<_, Error>(Scored {
            summary: summarise(&score, &curves),
            score,
            replicas: curves.iter().map(Curve::replica).collect(),
            diverged: curves.iter().filter(|curve| curve.diverged_at.is_some()).count(),
            trials: curves.len(),
        })
    });
    for task in scored {
        let task = task?;
        shared.join(&task.score.shared, &format!("on task `{}` and the tasks before it", task.score.task))?;
        scores.push(task.score);
        summaries.push(task.summary);
        replicas.extend(task.replicas);
        diverged += task.diverged;
        trials += task.trials;
    }
    let matrices = FAMILIES
        .iter()
        .map(|family| {
            let info = family.info();
            let names = configurations(&scores, info.prefix);
            if names.is_empty() {
                return Err(insufficient(&format!("there are no curves of {}", info.name)));
            }
            Ok((info.name, ScoreMatrix::from_scores(&scores, &names)?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let learned_space = FAMILIES[0].info().space;
    let (learned_label, matrix) = &matrices[0];
    if matrix.tasks().len() < 4 {
        return Err(insufficient("at least four tasks on which something learns are needed"));
    }

    let table = hyperparameter_table(matrix.configs(), learned_space)?;
    let experiment = SplitExperiment {
        learned: Family { label: learned_label, matrix },
        table: &table,
        others: matrices[1..].iter().map(|(label, matrix)| Family { label, matrix }).collect(),
        boxes: BOXES.to_vec(),
        box_tasks: BoxTasks::All,
        resamplings: settings.resamplings as u64,
        k: matrix.configs().len(),
    };
    let result = experiment.run(&StreamId::root("taskset-rs/sec5/figure3"))?;
    let all: Vec<usize> = (0..matrix.tasks().len()).collect();
    let boxes = BOXES
        .iter()
        .map(|&(lower, upper)| {
            let search_box = constrained_box(matrix, &table, &all, lower, upper)?;
            let ranges = table.names().iter().zip(search_box.lo.iter().zip(&search_box.hi));
            Ok(BoxSummary {
                lower,
                upper,
                inside: inside(&search_box, &table).len(),
                of: matrix.configs().len(),
                volume: volume(&search_box.lo, &search_box.hi, learned_space),
                ranges: ranges.map(|(name, (lo, hi))| (name.clone(), *lo, *hi)).collect(),
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Figure3 {
        result,
        tasks: summaries,
        configurations: matrices.iter().map(|(name, m)| ((*name).to_owned(), m.configs().len())).collect(),
        boxes,
        list: HyperparameterList::ordered(
            matrix,
            10,
            learned_label,
            NORMALIZER,
            &place.display().to_string(),
        ),
        resamplings: settings.resamplings,
        replicas: replicas.len(),
        diverged,
        trials,
        origin: Origin::of_all(scores.iter().map(|score| score.origin)),
        protocol: shared.protocol(),
    })
}

fn summarise(score: &TaskScores, curves: &[Curve]) -> TaskSummary {
    let valid = score.split(score.selection);
    let best = (0..valid.len()).reduce(|best, i| if valid[i] < valid[best] { i } else { best });
    TaskSummary {
        name: score.task.clone(),
        parameters: curves[0].num_params,
        origin: score.origin,
        initial: score.initial,
        best: score.best,
        best_optimizer: best.map(|i| score.optimizers[i].clone()).unwrap_or_default(),
        dropped: score.dropped,
    }
}

/// The hyperparameters as they were sampled: `1 - beta` for the betas, so that their scale is logarithmic.
fn hyperparameter_table(configs: &[String], space: &[Dimension]) -> Result<HyperparameterTable, Error> {
    let names = space.iter().map(|d| match d.scale {
        Scale::OneMinusLog => format!("1 - {}", d.name),
        _ => d.name.to_owned(),
    });
    let log = space.iter().map(|d| matches!(d.scale, Scale::Log | Scale::OneMinusLog)).collect();
    let values = configs
        .iter()
        .map(|name| {
            let config = taskset_optim::named(name)?.config;
            Ok(space
                .iter()
                .map(|d| {
                    let value = config.value(d.name).unwrap_or(f64::NAN);
                    if d.scale == Scale::OneMinusLog { 1.0 - value } else { value }
                })
                .collect())
        })
        .collect::<Result<_, Error>>()?;
    Ok(HyperparameterTable::new(names.collect(), log, values)?)
}

/// The share of the search space's volume, each dimension on the scale on which it is uniform.
fn volume(lo: &[f64], hi: &[f64], space: &[Dimension]) -> f64 {
    lo.iter()
        .zip(hi)
        .zip(space)
        .map(|((lo, hi), d)| match d.scale {
            Scale::Log | Scale::OneMinusLog => (hi / lo).ln() / (d.hi / d.lo).ln(),
            _ => (hi - lo) / (d.hi - d.lo),
        })
        .product()
}
