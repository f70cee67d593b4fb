//! The crate gives what the plain implementation gives, bit for bit, on random scores with and without ties.

use proptest::prelude::*;
use taskset_meta::groups::{Groups, TrainJ};
use taskset_meta::learned_against_random::{BoxTasks, Family, SplitExperiment};
use taskset_meta::lists_from_other_scores::OtherScores;
use taskset_meta::{HyperparameterTable, SameTasks, ScoreMatrix, greedy, greedy_plain, rescale_columns};
use taskset_rng::StreamId;

use crate::plain::{self, Scores};

/// Scores for up to 40 tasks and 12 configurations. Sums of eighths are exact in any order, so ties are ties; scores of any
/// value have none.
fn scores(eighths: bool) -> impl Strategy<Value = Scores> {
    let value =
        move |v: u32| if eighths { f64::from(v % 9) / 8.0 } else { (f64::from(v) + 0.5) / 4294967296.0 };
    (2usize..40, 1usize..12, proptest::collection::vec(any::<u32>(), 2 * 40 * 12)).prop_map(
        move |(tasks, configs, numbers)| {
            let rows = |from: usize| {
                let start = move |t: usize| from + t * configs;
                (0..tasks)
                    .map(|t| numbers[start(t)..start(t) + configs].iter().map(|&v| value(v)).collect())
                    .collect()
            };
            Scores { valid: rows(0), test: rows(40 * 12) }
        },
    )
}

fn matrix(valid: &[Vec<f64>], test: &[Vec<f64>]) -> ScoreMatrix {
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect();
    ScoreMatrix::new(names("t", valid.len()), names("c", valid[0].len()), valid.concat(), test.concat())
        .unwrap()
}

/// Equal but for the order of a sum of two parts, or both NaN.
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12 || (found.is_nan() && expected.is_nan()), "{found} {expected}");
}

fn check(scores: &Scores, k: usize, seed: u64) {
    let m = matrix(&scores.valid, &scores.test);
    let (tasks, configs) = (m.tasks().len(), m.configs().len());
    let [all_tasks, all_configs] = [tasks, configs].map(|n| (0..n).collect::<Vec<usize>>());
    let id = StreamId::root("plain").index(seed);

    let expected = plain::list(&scores.valid, &all_tasks, &all_configs, k);
    assert_eq!(greedy(&m, &all_tasks, &all_configs, k), expected);
    assert_eq!(greedy_plain(&m, &all_tasks, &all_configs, k), expected);

    let family = Family { label: "a", matrix: &m };
    let table = HyperparameterTable::new(vec![], vec![], vec![vec![]; configs]).unwrap();
    let figure_3 = SplitExperiment {
        learned: family,
        table: &table,
        others: vec![],
        boxes: vec![],
        box_tasks: BoxTasks::All,
        resamplings: 3,
        k,
    };
    let found = figure_3.run(&id).unwrap();
    for r in 0..3 {
        let (learned, random) = plain::figure_3(scores, "a", k, r, &id);
        assert_eq!(found.curves[0].raw[r as usize], learned);
        assert_eq!(found.curves[1].raw[r as usize], random);
    }

    let groups: Vec<Vec<usize>> =
        (0..tasks.min(3)).map(|g| (0..tasks).filter(|t| t % 3 == g).collect()).collect();
    let experiment = Groups {
        matrix: &m,
        groups: &groups,
        same_group: SameTasks::Tested,
        mixture_tasks: 2,
        resamplings: 1,
        k,
    };
    let found = experiment.run(&id).unwrap();
    let expected = plain::groups(scores, &groups, k);
    assert_eq!(found.at(k), expected);
    assert_eq!(rescale_columns(&found.at(k)), plain::rescaled(&expected));
    let ratios = found.ratios(k, TrainJ::OfTestGroup);
    for (train, row) in ratios.iter().enumerate() {
        for (test, ratio) in row.iter().enumerate() {
            assert_eq!(ratio.to_bits(), (expected[test][test] / expected[train][test]).to_bits());
        }
    }

    let found = Groups { same_group: SameTasks::Halves, ..experiment }.run(&id).unwrap();
    let (own, mixture) = plain::groups_in_halves(scores, &groups, 2, k, 0, &id);
    for (g, own) in own.iter().enumerate() {
        // There is one resampling, so the median is its value.
        near(found.at(k)[g][g], *own);
        near(found.mixture_at(k)[0][g], mixture[g]);
    }

    // Other scores: the configurations in reverse order of merit on every third task.
    let other: Vec<Vec<f64>> = (0..tasks)
        .map(|t| scores.valid[t].iter().map(|v| if t % 3 == 0 { 2.0 - v } else { *v }).collect())
        .collect();
    let other_matrix = matrix(&other, &other);
    let learned = vec![Family { label: "b", matrix: &other_matrix }];
    let found = OtherScores { tested: family, learned, resamplings: 3, k }.run(&id).unwrap();
    for r in 0..3 {
        assert_eq!(found.curves[0].raw[r as usize], plain::figure_12(scores, &other, k, r, &id));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn with_many_ties(scores in scores(true), k in 1usize..14, seed in any::<u64>()) {
        check(&scores, k, seed);
    }

    #[test]
    fn with_any_numbers(scores in scores(false), k in 1usize..14, seed in any::<u64>()) {
        check(&scores, k, seed);
    }
}
