//! The same bits for any number of threads, any order of trials, any trials beside them.

use std::sync::atomic::AtomicBool;

use taskset_optim::{Mode, named};
use taskset_sweep::Directory;
use taskset_train::{Quiet, configure, run_trial};

use crate::support::{DATA, OPTIMIZERS, TASKS, bits, plan, run, stored, sweep};

#[test]
fn threads_and_order_change_no_bit() {
    let cancel = AtomicBool::new(false);
    let curves = |tasks: &[&str], jobs: usize| {
        let directory = tempfile::tempdir().unwrap();
        let sweep = sweep(plan(tasks));
        let store = Directory::at(directory.path());
        let outcome = run(&sweep, &store, jobs, &mut Quiet, &cancel);
        assert_eq!(outcome.trained, tasks.len() * OPTIMIZERS.len() * 2);
        assert!(!outcome.interrupted);
        bits(&stored(&store))
    };
    let alone = curves(&TASKS, 1);
    assert_eq!(alone, curves(&TASKS, 3));
    let mut reversed = TASKS;
    reversed.reverse();
    assert_eq!(alone, curves(&reversed, 2));
}

#[test]
fn a_trial_alone_is_the_trial_of_the_sweep() {
    let cancel = AtomicBool::new(false);
    let directory = tempfile::tempdir().unwrap();
    let sweep = sweep(plan(&TASKS));
    let store = Directory::at(directory.path());
    run(&sweep, &store, 2, &mut Quiet, &cancel);
    let protocol = plan(&TASKS).protocol;
    for curve in stored(&store) {
        let task = taskset_tasks::build(curve.task(), &DATA).unwrap();
        let named = named(curve.optimizer()).unwrap();
        let optimizer = configure(&named, Mode::Upstream, &protocol).unwrap();
        let alone = run_trial(&*task, &optimizer, curve.replica(), &protocol, &mut Quiet, &cancel).unwrap();
        assert_eq!(alone.id(), curve.id());
        assert_eq!(bits(&[alone]), bits(&[curve]));
    }
}
