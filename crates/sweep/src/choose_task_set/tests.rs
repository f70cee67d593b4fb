//! Tests of the rule, on curves with made-up losses.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use taskset_datasets::{Datasets, Source};
use taskset_optim::{Mode, named};
use taskset_tasks::task_set::{self, Reason, Verdict};
use taskset_train::{Quiet, run_trial};
use taskset_trial::{Curve, Protocol};

use super::rule::{self, Initial, OPTIMIZERS, PARTS, by_curves, by_description, lowest_loss};

/// A curve of which only the losses are replaced.
static CURVE: LazyLock<Curve> = LazyLock::new(|| {
    let task = taskset_tasks::build("TwoD_Bowl1", &Datasets::new(Source::Synthetic)).unwrap();
    let adam = named("adam_lr_-1.00").unwrap().configured(Mode::Upstream, 1).unwrap();
    let protocol = Protocol { steps: 1, eval_every: 1, eval_batches: 1 };
    run_trial(&*task, &adam, 0, &protocol, &mut Quiet, &AtomicBool::new(false)).unwrap()
});

fn curve(losses: &[f32]) -> Curve {
    let losses = [const { Vec::new() }; 4].map(|_: Vec<f32>| losses.to_vec());
    Curve { losses, ..CURVE.clone() }
}

/// 21 minibatches with mean 2 and a standard deviation of 1: ten of 1, one of 2, ten of 3, so the variance is 20 / 20.
fn initial() -> Curve {
    curve(&[[1.0; 10].as_slice(), &[2.0], &[3.0; 10]].concat())
}

/// The same but that one of the minibatches has a loss far below.
fn with_one_far_below() -> Curve {
    curve(&[[1.0; 9].as_slice(), &[-1.0, 2.0], &[3.0; 10]].concat())
}

#[test]
fn the_loss_has_to_fall_by_four_standard_errors() {
    let initial = Initial::of(&with_one_far_below()).unwrap();
    assert_eq!(initial.minibatches, 21);
    let error = initial.deviation * (1.0f64 / 21.0 + 1.0 / 10.0).sqrt();
    let needed = initial.mean - 4.0 * error;
    assert!(needed > initial.smallest && (initial.needed() - needed).abs() < 1e-12);
}

#[test]
fn a_loss_below_that_of_every_minibatch_before_training_is_enough() {
    let initial = Initial::of(&initial()).unwrap();
    assert!((initial.mean - 2.0).abs() < 1e-12 && (initial.deviation - 1.0).abs() < 1e-12);
    // Four standard errors would be 1.54, so the limit would be 0.46.
    assert!((initial.needed() - 1.0).abs() < 1e-12);
}

#[test]
fn without_noise_one_per_cent_is_asked_for() {
    let check = |mean: f32, needed: f64| {
        let initial = Initial::of(&curve(&[mean; 21])).unwrap();
        assert!((initial.needed() - needed).abs() < 1e-9, "{mean}");
    };
    check(2.0, 1.98);
    // The sign of a loss does not matter.
    check(-2.0, -2.02);
    check(0.0, 0.0);
}

#[test]
fn every_loss_before_training_must_be_finite() {
    for loss in [f32::NAN, f32::INFINITY] {
        let mut curve = initial();
        // On another split and not at the beginning.
        curve.losses[3][20] = loss;
        assert_eq!(Initial::of(&curve), None);
    }
}

#[test]
fn the_lowest_loss_does_not_count_what_was_before_training() {
    let check = |losses: &[f32], lowest: f64| {
        assert_eq!(lowest_loss(&curve(losses)).total_cmp(&lowest), std::cmp::Ordering::Equal);
    };
    check(&[0.0, 3.0, 1.0, 2.0], 1.0);
    check(&[0.0, 3.0, f32::NAN, f32::NAN], 3.0);
    check(&[0.0, f32::NAN, f32::NAN, f32::NAN], f64::INFINITY);
    check(&[0.0, f32::NEG_INFINITY, 1.0, 1.0], 1.0);
}

/// Decides a task of which these configurations have this lowest loss.
fn decide(trials: &[(usize, f32)]) -> Result<task_set::Entry, usize> {
    let trials: HashMap<&str, Curve> =
        trials.iter().map(|&(number, loss)| (OPTIMIZERS[number], curve(&[2.0, loss, 2.0, 2.0]))).collect();
    by_curves("a_seed0", 1.0, &initial(), |optimizer| trials.get(optimizer))
}

#[test]
fn the_first_configuration_that_is_enough_counts() {
    let entry = decide(&[(0, 1.9), (1, 0.1), (2, 0.0)]).unwrap();
    assert_eq!(entry.verdict, Verdict::Kept);
    assert_eq!(entry.optimizer.as_deref(), Some(OPTIMIZERS[1]));
    assert!(entry.lowest_loss.is_some_and(|loss| (loss - 0.1).abs() < 1e-6));
}

#[test]
fn what_is_missing_is_asked_for_and_all_sixteen_must_fail() {
    assert_eq!(decide(&[]), Err(0));
    assert_eq!(decide(&[(0, 1.9)]), Err(1));
    // One that would be enough does not count before those in front of it are known.
    assert_eq!(decide(&[(0, 1.9), (2, 0.1)]), Err(1));
    let all: Vec<(usize, f32)> = (0..16).map(|number| (number, 1.9 - number as f32 / 100.0)).collect();
    let entry = decide(&all).unwrap();
    assert_eq!((entry.verdict, entry.optimizer), (Verdict::Rejected(Reason::NotOptimised), None));
    assert!(entry.lowest_loss.is_some_and(|loss| (loss - 1.75).abs() < 1e-6));
}

#[test]
fn a_loss_that_is_not_finite_before_training_needs_no_trial() {
    let entry = by_curves("a_seed0", 1.0, &curve(&[f32::NAN; 21]), |_| None).unwrap();
    assert_eq!(entry.verdict, Verdict::Rejected(Reason::InitialLoss));
}

#[test]
fn the_configurations_exist_and_their_parts_cover_them() {
    let covered: Vec<usize> = PARTS.into_iter().flatten().collect();
    assert_eq!(covered, (0..OPTIMIZERS.len()).collect::<Vec<_>>());
    for name in OPTIMIZERS.into_iter().chain([rule::INITIAL_OPTIMIZER]) {
        assert!(named(name).is_ok(), "{name}");
        assert_eq!(
            OPTIMIZERS.iter().filter(|other| **other == name).count() > 0,
            name != rule::INITIAL_OPTIMIZER
        );
    }
}

/// What the list says of a name's description is what the code says now.
#[test]
fn the_list_agrees_with_the_descriptions() {
    for entry in task_set::entries() {
        let now = by_description(&taskset_tasks::describe(&entry.name).unwrap());
        let verdict = match &now {
            Ok(_) => None,
            Err(rejected) => Some(rejected.verdict),
        };
        let minutes = match &now {
            Ok(minutes) => Some(*minutes),
            Err(rejected) => rejected.minutes,
        };
        let by_description = matches!(entry.verdict, Verdict::Rejected(Reason::Infeasible | Reason::TooSlow))
            .then_some(entry.verdict);
        assert_eq!(verdict, by_description, "{}", entry.name);
        let close = |a: f64, b: f64| (a - b).abs() <= 0.001;
        assert!(minutes.zip(entry.minutes).is_none_or(|(a, b)| close(a, b)), "{} {minutes:?}", entry.name);
        assert_eq!(minutes.is_some(), entry.minutes.is_some(), "{}", entry.name);
    }
}
