//! Fixed tasks learn: the cheap ones, for 100 steps on stand-ins. `cargo xtask fixed-check` trains all of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use taskset_optim::{Mode, named};
use taskset_tasks::{Description, describe, select};
use taskset_train::{Protocol, Quiet, configure, run_trial};

use crate::recording_task::Recorded;
use crate::support::DATA;
use crate::verdict::{EXCEPTIONS, Mean, exception, learnt};

const PROTOCOL: Protocol = Protocol { steps: 100, eval_every: 100, eval_batches: 5 };
/// Tasks of more operations a step are left to the command, to keep the test short.
const MOST_FLOPS: f64 = 0.61e9;
const THREADS: usize = 2;

fn cheap() -> Vec<Description> {
    let all = select(&["fixed"]).unwrap();
    let tasks = all.iter().map(|name| describe(name).unwrap());
    tasks.filter(|task| task.flops_per_step <= MOST_FLOPS).collect()
}

/// What is wrong with a task, if anything.
fn check(task: &Description) -> Option<String> {
    let adam = configure(&named("adam_lr_-3.00").unwrap(), Mode::Upstream, &PROTOCOL).unwrap();
    let recorded = Recorded::new(taskset_tasks::build(&task.name, &DATA).unwrap());
    let never = AtomicBool::new(false);
    run_trial(&recorded, &adam, 0, &PROTOCOL, &mut Quiet, &never).unwrap();
    let (first, last) = recorded.notes().first_and_last();
    let last = last.unwrap_or_default();
    let good = learnt(&first, &last) || exception(&task.name).is_some();
    (!good).then(|| format!("{}: {first:?}, then {last:?}", task.name))
}

#[test]
fn cheap_fixed_tasks_learn_or_have_a_reason_not_to() {
    let tasks = cheap();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wrong.lock().unwrap().extend(check(task));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn exceptions_are_fixed_tasks() {
    let names = select(&["fixed"]).unwrap();
    assert!(
        EXCEPTIONS.iter().all(|(name, reason)| names.iter().any(|task| task == name) && !reason.is_empty())
    );
}

#[test]
fn a_loss_has_fallen_if_chance_does_not_explain_it() {
    let mean = |mean: f64, error: f64| [Mean { mean: Some(mean), error: Some(error) }; 4];
    // Over four splits the standard errors halve; that of the difference is 0.05 sqrt(2).
    assert!(learnt(&mean(1.0, 0.1), &mean(0.78, 0.1)));
    assert!(!learnt(&mean(1.0, 0.1), &mean(0.80, 0.1)));
    assert!(learnt(&mean(1.0, 0.0), &mean(0.9999, 0.0)));
    assert!(!learnt(&mean(1.0, 0.0), &mean(1.0, 0.0)));
    assert!(!learnt(&mean(1.0, 0.0), &[Mean::of(&[f64::NAN, 0.5]); 4]));
    let losses = Mean::of(&[1.0, 2.0, 3.0]);
    assert!(
        (losses.mean.unwrap() - 2.0).abs() < 1e-12
            && (losses.error.unwrap() - (1.0_f64 / 3.0).sqrt()).abs() < 1e-12
    );
}
