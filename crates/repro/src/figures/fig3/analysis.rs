//! From curves to the numbers of figure 3.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

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
    pub(crate) numbers: Numbers,
    /// Tasks that were scored, and those on which nothing learned.
    pub(crate) tasks: Vec<TaskSummary>,
    pub(crate) replicas: usize,
    pub(crate) diverged: usize,
    pub(crate) trials: usize,
    pub(crate) origin: Origin,
    pub(crate) protocol: Option<Protocol>,
}

/// What follows from the scores alone.
pub(crate) struct Numbers {
    /// The curves of the figure; none where nothing can be split or no list can be learned.
    pub(crate) result: Option<SplitResult>,
    /// Tasks on which something learned.
    pub(crate) tasks: usize,
    /// Configurations of each family, by its short name.
    pub(crate) configurations: BTreeMap<String, usize>,
    /// The boxes around the best configurations of all tasks, in the order of [`BOXES`]; empty where there is no result.
    pub(crate) boxes: Vec<BoxSummary>,
    /// The list learned on all tasks: what a practitioner would try.
    pub(crate) list: HyperparameterList,
    pub(crate) resamplings: usize,
}

impl Numbers {
    /// Configurations of a family.
    pub(crate) fn candidates(&self, family: &str) -> usize {
        self.configurations.get(family).copied().unwrap_or(0)
    }
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
    /// Whether the task is on data; quadratics and test functions need none.
    pub(crate) on_data: bool,
    /// The data set, where the registry knows it.
    pub(crate) dataset: Option<String>,
    pub(crate) initial: f64,
    pub(crate) best: f64,
    pub(crate) best_optimizer: String,
    /// Left out: no configuration got below the initial loss.
    pub(crate) dropped: bool,
}

/// A search box and what it leaves.
pub(crate) struct BoxSummary {
    /// Candidates inside, and in all.
    pub(crate) inside: usize,
    pub(crate) of: usize,
    /// Volume inside divided by that of the search space, on the scales of the dimensions.
    pub(crate) volume: f64,
    /// The same volume of the boxes around as many tasks drawn with replacement, one per resampling.
    pub(crate) resampled_volumes: Vec<f64>,
    /// Name, lower end and upper end of each hyperparameter.
    pub(crate) ranges: Vec<(String, f64, f64)>,
}

/// Scores the chosen curves, a task at a time, and runs the experiment. None if it was asked to stop.
pub(crate) fn figure3(
    reader: &Reader,
    query: &Query,
    settings: &Settings,
    place: &Path,
    cancel: &AtomicBool,
) -> Result<Option<Figure3>, Error> {
    let stopped = || cancel.load(Ordering::Relaxed);
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
        if stopped() {
            return Ok(None);
        }
        let task = task?;
        shared.join(&task.score.shared, &format!("on task `{}` and the tasks before it", task.score.task))?;
        scores.push(task.score);
        summaries.push(task.summary);
        replicas.extend(task.replicas);
        diverged += task.diverged;
        trials += task.trials;
    }
    if stopped() {
        return Ok(None);
    }
    let numbers = numbers(&scores, settings.resamplings, place)?;
    Ok(Some(Figure3 {
        numbers,
        tasks: summaries,
        replicas: replicas.len(),
        diverged,
        trials,
        origin: Origin::of_all(scores.iter().map(|score| score.origin)),
        protocol: shared.protocol(),
    }))
}

/// The experiment on the scores of all tasks.
///
/// Scores that cannot carry it (a family that is missing, fewer than two tasks on which something learned) are no error:
/// what they lack is for the claims to say.
pub(crate) fn numbers(scores: &[TaskScores], resamplings: usize, place: &Path) -> Result<Numbers, Error> {
    let mut matrices = Vec::new();
    for info in FAMILIES.map(|family| family.info()) {
        let names = configurations(scores, info.prefix);
        if !names.is_empty() {
            matrices.push((info.name, ScoreMatrix::from_scores(scores, &names)?));
        }
    }
    let learned = FAMILIES[0].info();
    let counts = matrices.iter().map(|(name, m)| ((*name).to_owned(), m.configs().len())).collect();
    let Some((_, first)) = matrices.first() else {
        return Err(Error::Insufficient {
            path: place.to_owned(),
            lack: format!("there are no curves of {}", FAMILIES.map(|f| f.info().name).join(", ")),
        });
    };
    let source = place.display().to_string();
    let mut numbers = Numbers {
        result: None,
        tasks: first.tasks().len(),
        configurations: counts,
        boxes: Vec::new(),
        list: HyperparameterList::new(learned.name, NORMALIZER, 0, &source, Vec::new()),
        resamplings,
    };
    let matrix = match &matrices[..] {
        [(name, matrix), ..] if *name == learned.name && matrix.tasks().len() >= 2 => matrix,
        _ => return Ok(numbers),
    };
    let table = hyperparameter_table(matrix.configs(), learned.space)?;
    let experiment = SplitExperiment {
        learned: Family { label: learned.name, matrix },
        table: &table,
        others: matrices[1..].iter().map(|(label, matrix)| Family { label, matrix }).collect(),
        boxes: BOXES.to_vec(),
        box_tasks: BoxTasks::All,
        resamplings: resamplings as u64,
        k: matrix.configs().len(),
    };
    numbers.result = Some(experiment.run(&StreamId::root("taskset-rs/sec5/figure3"))?);
    numbers.boxes = boxes(matrix, &table, learned.space, resamplings)?;
    numbers.list = HyperparameterList::ordered(matrix, 10, learned.name, NORMALIZER, &source);
    Ok(numbers)
}

/// The boxes around the best configurations of all tasks.
fn boxes(
    matrix: &ScoreMatrix,
    table: &HyperparameterTable,
    space: &[Dimension],
    resamplings: usize,
) -> Result<Vec<BoxSummary>, Error> {
    let tasks = matrix.tasks().len();
    let all: Vec<usize> = (0..tasks).collect();
    let id = StreamId::root("taskset-rs/sec5/boxes");
    let mut drawn: Vec<Vec<usize>> = Vec::new();
    for r in 0..resamplings {
        let mut stream = id.index(r as u64).stream();
        drawn.push(all.iter().map(|_| stream.below(tasks as u64) as usize).collect());
    }
    let summary = |&(lower, upper): &(f64, f64)| {
        let volume_around = |tasks: &[usize]| {
            constrained_box(matrix, table, tasks, lower, upper).map(|b| volume(&b.lo, &b.hi, space))
        };
        let search_box = constrained_box(matrix, table, &all, lower, upper)?;
        let ranges = table.names().iter().zip(search_box.lo.iter().zip(&search_box.hi));
        Ok(BoxSummary {
            inside: inside(&search_box, table).len(),
            of: matrix.configs().len(),
            volume: volume_around(&all)?,
            resampled_volumes: drawn.iter().map(|tasks| volume_around(tasks)).collect::<Result<_, _>>()?,
            ranges: ranges.map(|(name, (lo, hi))| (name.clone(), *lo, *hi)).collect(),
        })
    };
    BOXES.iter().map(summary).collect()
}

fn summarise(score: &TaskScores, curves: &[Curve]) -> TaskSummary {
    let dataset = taskset_tasks::describe(&score.task).ok().and_then(|task| task.dataset);
    let digest = curves[0].spec.task.data_digest;
    let valid = score.split(score.selection);
    let best = (0..valid.len()).reduce(|best, i| if valid[i] < valid[best] { i } else { best });
    TaskSummary {
        name: score.task.clone(),
        parameters: curves[0].num_params,
        origin: score.origin,
        on_data: score.origin != Origin::Real || dataset.is_some() || digest.is_some(),
        dataset,
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
