//! Two hundred sampled tasks, chosen at random once: each is built and takes three steps.

use taskset_optim::{Mode, named};
use taskset_rng::StreamId;
use taskset_tasks::Description;
use taskset_train::{Error, check_operations, check_steps};

use crate::support::DATA;

const TASKS: usize = 200;
const STEPS: usize = 3;
/// Operations beyond which a task is replaced by the next of the same random order, for the sake of the suite's time.
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
    let mut replaced = 0;
    let fits = |task: &Description| {
        let fits = check_operations(task, STEPS) <= MOST_OPERATIONS;
        replaced += usize::from(!fits);
        fits
    };
    let tasks: Vec<Description> = feasible.filter(fits).take(TASKS).collect();
    assert_eq!(tasks.len(), TASKS);

    let rule = named("adam_lr_-3.00").unwrap().config.rule(Mode::Upstream, 10_000).unwrap();
    let (mut checked, mut not_yet, mut diverged) = (0, 0, 0);
    for task in &tasks {
        match check_steps(task, &DATA, &rule, STEPS) {
            Ok(check) => {
                assert_eq!(check.problem(), None, "{}", task.name);
                checked += 1;
                diverged += usize::from(check.diverged_at.is_some());
            }
            Err(Error::Task(taskset_tasks::Error::NotTrainableYet { .. })) => not_yet += 1,
            Err(error) => panic!("{}: {error}", task.name),
        }
    }
    println!(
        "{checked} checked, {diverged} of them diverged, {not_yet} not trainable yet; {replaced} dearer than \
         {MOST_OPERATIONS:e} operations were replaced"
    );
    assert!(checked > 20 && diverged < checked / 10);
}
