//! Tests of the claims on made-up scores: which verdict each gets, and when none can be told.

use std::path::Path;

use taskset_names::{Origin, Split};
use taskset_normalize::TaskScores;
use taskset_trial::Uniform;

use super::*;
use crate::sec5::analysis;

const RESAMPLINGS: usize = 20;

/// Scores of a configuration on a task: validation, test.
type Score = fn(task: usize, config: usize) -> (f64, f64);

/// The numbers of made-up scores of adam8p; the other families, of as many configurations, score 0.9 throughout.
fn numbers(tasks: usize, configs: usize, resamplings: usize, score: Score) -> Numbers {
    let scores: Vec<TaskScores> =
        (0..tasks).map(|t| task(t, configs, &["adam8p", "adam4p", "adam1p"], score)).collect();
    analysis::numbers(&scores, resamplings, Path::new("made-up")).unwrap()
}

fn task(t: usize, configs: usize, families: &[&str], score: Score) -> TaskScores {
    let mut optimizers = Vec::new();
    let (mut valid, mut test) = (Vec::new(), Vec::new());
    for family in families {
        for config in 0..configs {
            let (v, s) = if *family == "adam8p" { score(t, config) } else { (0.9, 0.9) };
            optimizers.push(format!("{family}_wide_grid_seed{config}"));
            valid.push(v);
            test.push(s);
        }
    }
    TaskScores {
        task: format!("t{t}"),
        optimizers,
        scores: [Vec::new(), Vec::new(), valid, test],
        selection: Split::ValidOuter,
        initial: 1.0,
        upper: 1.0,
        best: 0.0,
        degenerate: false,
        dropped: false,
        families: Vec::new(),
        origin: Origin::Real,
        shared: Uniform::default(),
    }
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
    let claims = check(numbers, None);
    assert_eq!(words(&claims), ["cannot tell"; 4], "{claims:?}");
    check_reason(&claims[0], reason);
    check_reason(&claims[1], reason);
}

#[test]
fn a_list_that_is_better_everywhere_holds() {
    let claims = check(&numbers(60, 200, RESAMPLINGS, learnable), None);
    assert_eq!(words(&claims)[..2], ["holds", "holds"], "{claims:?}");
    assert!(claims[0].measured[0].starts_with("k = 1: J 0."), "{:?}", claims[0].measured);
}

#[test]
fn a_list_that_is_worse_somewhere_does_not() {
    let claims = check(&numbers(60, 60, RESAMPLINGS, misleading), None);
    assert_eq!(words(&claims)[..2], ["does not hold", "does not hold"], "{claims:?}");
}

#[test]
fn from_noise_or_equal_scores_nobody_can_tell() {
    let claims = check(&numbers(40, 40, RESAMPLINGS, |t, c| (noise(t, c), noise(t, c + 100))), None);
    check_reason(&claims[0], "contains zero");
    let equal = check(&numbers(60, 60, RESAMPLINGS, |_, _| (0.9, 0.9)), None);
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
    let of = |families: &[&str]| {
        let scores: Vec<TaskScores> = (0..40).map(|t| task(t, 40, families, learnable)).collect();
        analysis::numbers(&scores, RESAMPLINGS, Path::new("made-up"))
    };
    let claims = check(&of(&["adam8p", "adam4p"]).unwrap(), None);
    assert_eq!(claims[0].verdict, Verdict::Holds);
    check_reason(&claims[1], "no curves of adam1p");
    check_open(&of(&["adam1p"]).unwrap(), "no curves of adam8p");
    let message = of(&["nadamw"]).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(message.contains("no curves of adam8p, adam4p, adam1p"), "{message}");
}

#[test]
fn where_nothing_learned_there_is_no_verdict() {
    let mut scores: Vec<TaskScores> = (0..40).map(|t| task(t, 40, &["adam8p"], learnable)).collect();
    scores.iter_mut().for_each(|task| task.dropped = true);
    check_open(&analysis::numbers(&scores, RESAMPLINGS, Path::new("made-up")).unwrap(), "0 tasks");
}

#[test]
fn a_min_max_box_is_judged_by_what_it_leaves_out() {
    let of = |tasks, configs, score| check(&numbers(tasks, configs, RESAMPLINGS, score), None).remove(2);
    assert_eq!(of(50, 50, spread).verdict, Verdict::Holds);
    assert_eq!(of(152, 50, only_one_is_best).verdict, Verdict::DoesNotHold);
    check_reason(&of(151, 50, only_one_is_best), "grows with every task");
    check_reason(&of(49, 50, spread), "49 tasks");
    check_reason(&of(50, 49, spread), "49 configurations");
}

#[test]
fn a_percentile_box_is_judged_by_its_volume() {
    let of = |score| check(&numbers(60, 60, RESAMPLINGS, score), None).remove(3);
    assert_eq!(of(only_one_is_best).verdict, Verdict::Holds);
    assert_eq!(of(spread).verdict, Verdict::DoesNotHold);
    let mut between = numbers(60, 60, RESAMPLINGS, spread);
    for (i, volume) in between.boxes[1].resampled_volumes.iter_mut().enumerate() {
        *volume = if i % 2 == 0 { 0.05 } else { 0.2 };
    }
    check_reason(&percentile_box(&between), "50 % of the resamplings");
    check_reason(&check(&numbers(49, 60, RESAMPLINGS, spread), None)[3], "49 tasks");
    check_reason(&check(&numbers(60, 60, 19, spread), None)[3], "number of resamplings is 19");
}

#[test]
fn a_scale_without_verdicts_gives_none() {
    let claims = check(&numbers(60, 200, RESAMPLINGS, learnable), Some("this is a trial run"));
    assert_eq!(words(&claims), ["cannot tell"; 4]);
    assert!(claims.iter().all(|claim| claim.verdict.reason() == Some("this is a trial run")));
}
