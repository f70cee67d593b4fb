//! Tests of the claims on made-up scores: which verdict each gets, and when none can be told.

use taskset_figures::Verdict;
use taskset_meta::ScoreMatrix;
use taskset_meta::learned_against_random::BoxTasks;
use taskset_optim::Family;

use super::*;
use crate::figures::fig3::{FAMILIES, analysis};

const RESAMPLINGS: usize = 20;

/// Scores of a configuration on a task: validation, test.
type Score = fn(task: usize, config: usize) -> (f64, f64);

/// The numbers of made-up scores of adam8p; the other families, of as many configurations, score 0.9 throughout.
fn numbers(tasks: usize, configs: usize, resamplings: usize, score: Score) -> Numbers {
    numbers_of(&FAMILIES, tasks, configs, resamplings, score)
}

fn numbers_of(
    families: &[Family],
    tasks: usize,
    configs: usize,
    resamplings: usize,
    score: Score,
) -> Numbers {
    let of_family = |family: &Family| {
        let (mut valid, mut test) = (Vec::new(), Vec::new());
        for (t, config) in (0..tasks).flat_map(|t| (0..configs).map(move |config| (t, config))) {
            let (v, s) = if *family == Family::Adam8p { score(t, config) } else { (0.9, 0.9) };
            valid.push(v);
            test.push(s);
        }
        let names = (0..tasks).map(|t| format!("t{t}")).collect();
        let configs = family.info().names().take(configs).collect();
        (*family, ScoreMatrix::new(names, configs, valid, test).unwrap())
    };
    let matrices: Vec<(Family, ScoreMatrix)> = families.iter().map(of_family).collect();
    analysis::numbers(&matrices, "default", resamplings, BoxTasks::All).unwrap()
}

/// A fixed irregular number in [0, 1).
fn noise(t: usize, c: usize) -> f64 {
    taskset_rng::StreamId::root("noise").index(t as u64).index(c as u64).stream().unit_f64()
}

/// One configuration is good everywhere, and each of twelve kinds of tasks has a better one of its own.
fn learnable(t: usize, c: usize) -> (f64, f64) {
    let score = if c == 12 {
        0.2
    } else if c == t % 12 {
        0.05
    } else {
        0.6 + 0.3 * noise(t, c)
    };
    (score, score)
}

/// The best configuration of each task is another one.
fn spread(t: usize, c: usize) -> (f64, f64) {
    let score = if c == t { 0.1 } else { 0.9 };
    (score, score)
}

/// Validation misleads: what looks best is worst.
fn misleading(_: usize, c: usize) -> (f64, f64) {
    (c as f64 / 1000.0, 1.0 - c as f64 / 1000.0)
}

fn only_one_is_best(_: usize, c: usize) -> (f64, f64) {
    let score = if c == 3 { 0.1 } else { 0.9 };
    (score, score)
}

fn words(claims: &[Claim]) -> Vec<&'static str> {
    claims.iter().map(|claim| claim.verdict.words()).collect()
}

fn check_reason(claim: &Claim, words: &str) {
    let reason = claim.verdict.reason().unwrap_or_else(|| panic!("{claim:?}"));
    assert!(reason.contains(words), "`{words}` is missing in: {reason}");
}

/// All four claims are open, the first two for this reason.
fn check_open(numbers: &Numbers, reason: &str) {
    let claims = check(numbers);
    assert_eq!(words(&claims), ["cannot tell"; 4], "{claims:?}");
    check_reason(&claims[0], reason);
    check_reason(&claims[1], reason);
}

#[test]
fn a_list_that_is_better_everywhere_holds() {
    let claims = check(&numbers(60, 200, RESAMPLINGS, learnable));
    assert_eq!(words(&claims)[..2], ["holds", "holds"], "{claims:?}");
    assert!(claims[0].measured[0].starts_with("k = 1: J 0."), "{:?}", claims[0].measured);
}

#[test]
fn a_list_that_is_worse_somewhere_does_not() {
    let claims = check(&numbers(60, 60, RESAMPLINGS, misleading));
    assert_eq!(words(&claims)[..2], ["does not hold", "does not hold"], "{claims:?}");
}

#[test]
fn from_noise_or_equal_scores_nobody_can_tell() {
    let claims = check(&numbers(40, 40, RESAMPLINGS, |t, c| (noise(t, c), noise(t, c + 100))));
    check_reason(&claims[0], "contains zero");
    let equal = check(&numbers(60, 60, RESAMPLINGS, |_, _| (0.9, 0.9)));
    check_reason(&equal[0], "at k = 1, 2, 5, 10, 20 the middle half");
    check_reason(&equal[1], "contains zero");
}

#[test]
fn too_little_of_anything_gives_no_verdict() {
    for configs in [1, 2, 5, 19] {
        check_open(&numbers(40, configs, RESAMPLINGS, learnable), "to choose from");
    }
    for tasks in [1, 2, 3, 19] {
        check_open(&numbers(tasks, 40, RESAMPLINGS, learnable), "others to test on");
    }
    for resamplings in [0, 1, 19] {
        check_open(&numbers(40, 40, resamplings, learnable), "number of resamplings");
    }
}

#[test]
fn a_family_that_is_missing_is_named() {
    let of = |families: &[Family]| numbers_of(families, 40, 40, RESAMPLINGS, learnable);
    let claims = check(&of(&[Family::Adam8p, Family::Adam4p]));
    assert_eq!(claims[0].verdict, Verdict::Holds);
    check_reason(&claims[1], "no curves of adam1p");
    check_open(&of(&[Family::Adam1p]), "no curves of adam8p");
    check_open(&of(&[]), "no curves of adam8p");
}

#[test]
fn a_min_max_box_is_judged_by_what_it_leaves_out() {
    let of = |tasks, configs, score| check(&numbers(tasks, configs, RESAMPLINGS, score)).remove(2);
    assert_eq!(of(50, 50, spread).verdict, Verdict::Holds);
    assert_eq!(of(152, 50, only_one_is_best).verdict, Verdict::DoesNotHold);
    check_reason(&of(151, 50, only_one_is_best), "grows with every task");
    check_reason(&of(49, 50, spread), "49 tasks");
    check_reason(&of(50, 49, spread), "49 configurations");
}

#[test]
fn a_percentile_box_is_judged_by_its_volume() {
    let of = |score| check(&numbers(60, 60, RESAMPLINGS, score)).remove(3);
    check_reason(&of(only_one_is_best), "1 configuration is the best on some task, and at least 50");
    assert_eq!(of(spread).verdict, Verdict::DoesNotHold);
    let mut small = numbers(60, 60, RESAMPLINGS, spread);
    small.boxes[1].resampled_volumes.fill(0.05);
    assert_eq!(percentile_box(&small).verdict, Verdict::Holds);
    small.distinct_best = 49;
    check_reason(&percentile_box(&small), "49 configurations are the best");
    let mut between = numbers(60, 60, RESAMPLINGS, spread);
    for (i, volume) in between.boxes[1].resampled_volumes.iter_mut().enumerate() {
        *volume = if i % 2 == 0 { 0.05 } else { 0.2 };
    }
    check_reason(&percentile_box(&between), "50 % of the resamplings");
    check_reason(&check(&numbers(49, 60, RESAMPLINGS, spread))[3], "49 tasks");
    check_reason(&check(&numbers(60, 60, 19, spread))[3], "number of resamplings is 19");
}
