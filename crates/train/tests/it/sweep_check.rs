//! Two hundred sampled tasks of all families, chosen at random once: each is built and takes three steps.

use std::collections::BTreeSet;

use taskset_optim::{Mode, named};
use taskset_rng::StreamId;
use taskset_tasks::Description;
use taskset_train::{check_operations, check_steps};

use crate::support::DATA;

const TASKS: usize = 200;
const STEPS: usize = 3;
/// Tasks of more operations are replaced by the next ones of the same random order, to keep the test short.
const MOST_OPERATIONS: f64 = 2e9;

#[test]
fn two_hundred_sampled_tasks_take_steps() {
    let mut names: Vec<String> = taskset_tasks::families()
        .iter()
        .flat_map(|family| taskset_tasks::select(&[family.name]).unwrap())
        .collect();
    StreamId::root("two hundred tasks").stream().shuffle(&mut names);
    let feasible =
        names.iter().map(|name| taskset_tasks::describe(name).unwrap()).filter(|task| task.feasible);
    let fits = |task: &Description| check_operations(task, STEPS) <= MOST_OPERATIONS;
    let tasks: Vec<Description> = feasible.filter(fits).take(TASKS).collect();
    assert_eq!(tasks.len(), TASKS);
    let families: BTreeSet<&str> = tasks.iter().map(|task| task.family.as_str()).collect();
    assert_eq!(families.len(), taskset_tasks::families().len(), "{families:?}");

    let adam = named("adam_lr_-3.00").unwrap().configured(Mode::Upstream, 10_000).unwrap();
    let mut diverged = 0;
    for task in &tasks {
        let check =
            check_steps(task, &DATA, &adam, STEPS).unwrap_or_else(|error| panic!("{}: {error}", task.name));
        assert_eq!(check.problem(), None, "{}", task.name);
        assert_eq!(check.losses.len(), STEPS, "{}", task.name);
        diverged += usize::from(check.diverged_at.is_some());
    }
    // Some losg problems start where their loss is not finite.
    assert!(diverged < TASKS / 10, "{diverged} of {TASKS} diverged");
}
