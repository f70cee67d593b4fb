//! From curves to the numbers of figure 3.

use std::collections::{BTreeMap, BTreeSet};

use taskset_meta::learned_against_random::{BoxTasks, Family as Searched, SplitExperiment, SplitResult};
use taskset_meta::{HyperparameterList, HyperparameterTable, ScoreMatrix, constrained_box, inside};
use taskset_optim::{Dimension, Family, Scale};
use taskset_rng::StreamId;

use super::{FAMILIES, SHOWN};
use crate::figures::Lack;

/// Quantiles of the two boxes: all of the best configurations' range, and without its outer twentieths.
pub(crate) const BOXES: [(f64, f64); 2] = [(0.0, 1.0), (0.05, 0.95)];

/// Name of the stream of the splits and draws.
pub(super) const STREAM: &str = "taskset-rs/sec5/figure3";

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
    /// Different configurations that are the best on some task.
    pub(crate) distinct_best: usize,
    /// The list learned on all tasks: what a practitioner would try.
    pub(crate) list: HyperparameterList,
    pub(crate) resamplings: usize,
}

impl Numbers {
    /// The numbers of no scores.
    pub(crate) fn none(resamplings: usize) -> Self {
        Self {
            result: None,
            tasks: 0,
            configurations: BTreeMap::new(),
            boxes: Vec::new(),
            distinct_best: 0,
            list: HyperparameterList::new(FAMILIES[0].info().name, "", 0, "", Vec::new()),
            resamplings,
        }
    }

    /// Configurations of a family.
    pub(crate) fn candidates(&self, family: &str) -> usize {
        self.configurations.get(family).copied().unwrap_or(0)
    }
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

/// The experiment on the scores of all tasks.
///
/// Scores that cannot carry it (a family that is missing, fewer than two tasks on which something learned) are no error:
/// what they lack is for the claims to say.
///
/// # Errors
/// Only if configurations are unknown.
pub(crate) fn numbers(
    matrices: &[(Family, ScoreMatrix)],
    normalizer: &str,
    resamplings: usize,
    box_tasks: BoxTasks,
) -> Result<Numbers, Lack> {
    let learned = FAMILIES[0].info();
    let mut numbers = Numbers {
        tasks: matrices.first().map_or(0, |(_, matrix)| matrix.tasks().len()),
        configurations: matrices
            .iter()
            .map(|(family, matrix)| (family.info().name.to_owned(), matrix.configs().len()))
            .collect(),
        ..Numbers::none(resamplings)
    };
    let matrix = match matrices {
        [(family, matrix), ..] if *family == FAMILIES[0] && matrix.tasks().len() >= 2 => matrix,
        _ => return Ok(numbers),
    };
    let table = hyperparameter_table(matrix.configs(), learned.space)?;
    let experiment = SplitExperiment {
        learned: Searched { label: learned.name, matrix },
        table: &table,
        others: matrices[1..]
            .iter()
            .map(|(family, matrix)| Searched { label: family.info().name, matrix })
            .collect(),
        boxes: BOXES.to_vec(),
        box_tasks,
        resamplings: resamplings as u64,
        k: matrix.configs().len(),
    };
    numbers.result = Some(experiment.run(&StreamId::root(STREAM))?);
    numbers.boxes = boxes(matrix, &table, learned.space, resamplings)?;
    numbers.distinct_best = distinct_best(matrix);
    numbers.list = HyperparameterList::ordered(matrix, SHOWN, learned.name, normalizer, "reproduce");
    Ok(numbers)
}

/// Different configurations that are the best on some task, by validation score; ties go to the first, as in the boxes.
fn distinct_best(matrix: &ScoreMatrix) -> usize {
    let best = |task: usize| {
        let scores = matrix.valid(task).iter().enumerate();
        scores.min_by(|a, b| a.1.total_cmp(b.1)).map(|(config, _)| config)
    };
    (0..matrix.tasks().len()).filter_map(best).collect::<BTreeSet<usize>>().len()
}

/// The boxes around the best configurations of all tasks.
fn boxes(
    matrix: &ScoreMatrix,
    table: &HyperparameterTable,
    space: &[Dimension],
    resamplings: usize,
) -> Result<Vec<BoxSummary>, Lack> {
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

/// The hyperparameters as they were sampled: `1 - beta` for the betas, so that their scale is logarithmic.
fn hyperparameter_table(configs: &[String], space: &[Dimension]) -> Result<HyperparameterTable, Lack> {
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
        .collect::<Result<_, Lack>>()?;
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
