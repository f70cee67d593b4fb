//! Every experiment against `reference/reference.json`, which `reference/make_reference.py` computed with NumPy, SciPy and
//! scikit-learn. The script draws the same splits, because it has an implementation of the random streams too.

use std::sync::LazyLock;

use serde::Deserialize;
use taskset_meta::bootstrap::bootstrap;
use taskset_meta::candidate_counts::{Candidates, TunedOn};
use taskset_meta::correlation::{group_correlations, pearson, spearman};
use taskset_meta::groups::{Groups, TrainJ};
use taskset_meta::learned_against_random::{BoxTasks, Family, SplitExperiment};
use taskset_meta::lists_from_other_scores::{OtherScores, paired_scores};
use taskset_meta::training_task_counts::{TaskNumbers, TestTasks};
use taskset_meta::transfer::Transfer;
use taskset_meta::tsne::{Tsne, joint_probabilities, kl_divergence};
use taskset_meta::{HyperparameterTable, SameTasks, ScoreMatrix, greedy, rescale_columns};
use taskset_rng::StreamId;

type Rows = Vec<Vec<f64>>;

#[derive(Deserialize)]
struct Reference {
    valid: Rows,
    test: Rows,
    table: Rows,
    resamplings: u64,
    k: usize,
    greedy: Vec<usize>,
    figure_3: Figure3,
    figure_4: Sizes,
    figure_5: Figure5,
    figures_6_and_13: GroupsReference,
    figure_12: Figure12,
    figure_15: Sizes,
    correlations: Correlations,
    bootstrap: BootstrapReference,
    tsne: TsneReference,
}

#[derive(Deserialize)]
struct Figure3 {
    boxes: Vec<(f64, f64)>,
    inside: Vec<usize>,
    raw: Vec<Rows>,
}

#[derive(Deserialize)]
struct Sizes {
    sizes: Vec<usize>,
    raw: Vec<Rows>,
}

#[derive(Deserialize)]
struct Figure5 {
    target: Vec<usize>,
    train_tasks: usize,
    other_types: Rows,
    best_case: Vec<f64>,
}

#[derive(Deserialize)]
struct GroupsReference {
    groups: Vec<Vec<usize>>,
    k: usize,
    mixture_tasks: usize,
    j: Rows,
    ratios_of_test_group: Rows,
    ratios_of_train_group: Rows,
    mixture: Rows,
    rescaled: Rows,
}

#[derive(Deserialize)]
struct Figure12 {
    valid: Rows,
    tasks: Vec<usize>,
    raw: Rows,
    pearson: f64,
}

#[derive(Deserialize)]
struct Correlations {
    rounded: Rows,
    spearman: Rows,
    mean: Rows,
}

#[derive(Deserialize)]
struct BootstrapReference {
    values: Vec<f64>,
    clusters: Vec<usize>,
    replicates: Vec<f64>,
}

#[derive(Deserialize)]
struct TsneReference {
    perplexity: f64,
    joint_probabilities: Vec<f64>,
    map: Vec<[f64; 2]>,
    kl_divergence: f64,
    lowest_divergence: f64,
}

static REFERENCE: LazyLock<Reference> =
    LazyLock::new(|| serde_json::from_str(include_str!("../reference/reference.json")).unwrap());
static MATRIX: LazyLock<ScoreMatrix> = LazyLock::new(|| {
    let tasks: Vec<usize> = (0..REFERENCE.valid.len()).collect();
    matrix(&tasks, &REFERENCE.valid, &REFERENCE.test)
});

fn matrix(tasks: &[usize], valid: &[Vec<f64>], test: &[Vec<f64>]) -> ScoreMatrix {
    let configs = (0..valid[0].len()).map(|c| format!("config {c}")).collect();
    let tasks = tasks.iter().map(|t| format!("task {t}")).collect();
    ScoreMatrix::new(tasks, configs, valid.concat(), test.concat()).unwrap()
}

fn family() -> Family<'static> {
    Family { label: "a", matrix: &MATRIX }
}

fn id() -> StreamId {
    StreamId::root("reference")
}

/// Python adds numbers exactly and rounds once; a sum of 12 numbers below 1 differs by less than this.
const ROUNDING: f64 = 1e-12;

fn check(found: &[Vec<f64>], expected: &[Vec<f64>]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        check_row(found, expected, ROUNDING);
    }
}

fn check_row(found: &[f64], expected: &[f64], tolerance: f64) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < tolerance || (a.is_nan() && b.is_nan());
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(near), "{found:?}\n{expected:?}");
}

#[test]
fn the_greedy_list() {
    let indices = |n: usize| (0..n).collect::<Vec<usize>>();
    assert_eq!(greedy(&MATRIX, &indices(12), &indices(15), 15), REFERENCE.greedy);
}

#[test]
fn figure_3() {
    let expected = &REFERENCE.figure_3;
    let table =
        HyperparameterTable::new(vec!["a".into(), "b".into()], vec![true, false], REFERENCE.table.clone())
            .unwrap();
    let experiment = SplitExperiment {
        learned: family(),
        table: &table,
        others: vec![],
        boxes: expected.boxes.clone(),
        box_tasks: BoxTasks::All,
        resamplings: REFERENCE.resamplings,
        k: REFERENCE.k,
    };
    let result = experiment.run(&id()).unwrap();
    assert_eq!(result.curves.len(), expected.raw.len());
    for (curve, raw) in result.curves.iter().zip(&expected.raw) {
        check(&curve.raw, raw);
    }
    let inside: Vec<usize> = result.curves[2..].iter().map(|curve| curve.candidates[0]).collect();
    assert_eq!(inside, expected.inside);
}

#[test]
fn figure_4() {
    let expected = &REFERENCE.figure_4;
    let experiment = TaskNumbers {
        matrix: &MATRIX,
        sizes: &expected.sizes,
        test_tasks: TestTasks::Remaining,
        resamplings: REFERENCE.resamplings,
        k: REFERENCE.k,
    };
    for (curve, raw) in experiment.run(&id()).unwrap().curves.iter().zip(&expected.raw) {
        check(&curve.raw, raw);
    }
}

#[test]
fn figure_5() {
    let expected = &REFERENCE.figure_5;
    let experiment = Transfer {
        learned: family(),
        target: &expected.target,
        train_tasks: expected.train_tasks,
        best_case: SameTasks::Tested,
        random: vec![],
        resamplings: REFERENCE.resamplings,
        k: REFERENCE.k,
    };
    let result = experiment.run(&id()).unwrap();
    check(&result.other_types.raw, &expected.other_types);
    check(&result.best_case.raw[..1], std::slice::from_ref(&expected.best_case));
}

#[test]
fn figures_6_and_13() {
    let expected = &REFERENCE.figures_6_and_13;
    let experiment = Groups {
        matrix: &MATRIX,
        groups: &expected.groups,
        same_group: SameTasks::Tested,
        mixture_tasks: expected.mixture_tasks,
        resamplings: REFERENCE.resamplings,
        k: expected.k,
    };
    let result = experiment.run(&id()).unwrap();
    check(&result.at(expected.k), &expected.j);
    check(&result.ratios(expected.k, TrainJ::OfTestGroup), &expected.ratios_of_test_group);
    check(&result.ratios(expected.k, TrainJ::OfTrainGroup), &expected.ratios_of_train_group);
    check(&result.mixture_at(expected.k), &expected.mixture);
    check(&rescale_columns(&result.at(expected.k)), &expected.rescaled);
}

#[test]
fn figure_12() {
    let expected = &REFERENCE.figure_12;
    let other = matrix(&expected.tasks, &expected.valid, &expected.valid);
    let other = Family { label: "other", matrix: &other };
    let experiment = OtherScores {
        tested: family(),
        learned: vec![other],
        resamplings: REFERENCE.resamplings,
        k: REFERENCE.k,
    };
    check(&experiment.run(&id()).unwrap().curves[0].raw, &expected.raw);
    let [a, b] = paired_scores(&family(), &other).unwrap();
    assert!((pearson(&a, &b) - expected.pearson).abs() < ROUNDING);
}

#[test]
fn figure_15() {
    let expected = &REFERENCE.figure_15;
    let experiment = Candidates {
        learned: family(),
        sizes: &expected.sizes,
        tuned: None,
        tuned_on: TunedOn::Train,
        resamplings: REFERENCE.resamplings,
        k: REFERENCE.k,
    };
    for (curve, raw) in experiment.run(&id()).unwrap().curves.iter().zip(&expected.raw) {
        check(&curve.raw, raw);
    }
}

#[test]
fn rank_correlations_with_ties() {
    let expected = &REFERENCE.correlations;
    let rows = &expected.rounded;
    let found: Rows = rows.iter().map(|a| rows.iter().map(|b| spearman(a, b)).collect()).collect();
    check(&found, &expected.spearman);
    let tasks: Vec<usize> = (0..rows.len()).collect();
    check(
        &group_correlations(&matrix(&tasks, rows, rows), &REFERENCE.figures_6_and_13.groups),
        &expected.mean,
    );
}

#[test]
fn the_bootstrap() {
    let expected = &REFERENCE.bootstrap;
    let replicates = expected.replicates.len() as u64;
    let found = bootstrap(&expected.values, &expected.clusters, replicates, &id()).unwrap();
    check_row(&found.replicates, &expected.replicates, ROUNDING);
}

#[test]
fn probabilities_and_divergence_of_t_sne() {
    let expected = &REFERENCE.tsne;
    let points: Vec<&[f64]> = REFERENCE.valid.iter().map(Vec::as_slice).collect();
    let (found, perplexity) = joint_probabilities(&points, expected.perplexity).unwrap();
    assert!((perplexity - expected.perplexity).abs() < ROUNDING);
    // scikit-learn has distances in single precision and stops at an entropy that is wrong by up to 1e-5.
    check_row(&found, &expected.joint_probabilities, 1e-6);
    let divergence = kl_divergence(&expected.joint_probabilities, &expected.map);
    assert!((divergence - expected.kl_divergence).abs() < 1e-10, "{divergence}");
}

#[test]
fn maps_of_t_sne_are_as_good_as_those_of_scikit_learn() {
    let expected = &REFERENCE.tsne;
    let points: Vec<&[f64]> = REFERENCE.valid.iter().map(Vec::as_slice).collect();
    let settings = Tsne { perplexity: expected.perplexity, ..Tsne::default() };
    let divergence = |start: u64| settings.embed(&points, &id().index(start)).unwrap().kl_divergence;
    let lowest = (0..12).map(divergence).fold(f64::INFINITY, f64::min);
    // Both stop after 1,000 iterations, when the third digit no longer changes.
    assert!((lowest - expected.lowest_divergence).abs() < 2e-3, "{lowest} {}", expected.lowest_divergence);
}
