//! The same bits for any number of threads, any order of trials, any company.

use std::sync::atomic::AtomicBool;

use taskset_curves::Protocol;
use taskset_datasets::{Datasets, Source};
use taskset_optim::{Mode, named};
use taskset_train::{Quiet, run_trial, schedule_steps};

use crate::support::{OPTIMIZERS, TASKS, bits, plan, run, store, sweep};

#[test]
fn threads_and_order_change_no_bit() {
    let cancel = AtomicBool::new(false);
    let curves = |tasks: &[&str], jobs: usize| {
        let directory = tempfile::tempdir().unwrap();
        let sweep = sweep(plan(tasks));
        let store = store(directory.path(), sweep.plan());
        let outcome = run(&sweep, &store, jobs, &mut Quiet, &cancel);
        assert_eq!(outcome.trained, tasks.len() * OPTIMIZERS.len() * 2);
        assert!(!outcome.interrupted);
        bits(&store.read_all().unwrap())
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
    let store = store(directory.path(), sweep.plan());
    run(&sweep, &store, 2, &mut Quiet, &cancel);
    let protocol = sweep.plan().protocol;
    let data = Datasets::new(Source::Synthetic);
    for curve in store.read_all().unwrap() {
        let task = taskset_tasks::build(&curve.task, &data).unwrap();
        let steps = schedule_steps(Mode::Upstream, &protocol);
        let rule = named(&curve.optimizer).unwrap().config.rule(Mode::Upstream, steps);
        let trial = (curve.optimizer.as_str(), &rule);
        let alone = run_trial(&*task, trial, curve.replica, &protocol, &mut Quiet, &cancel).unwrap();
        assert_eq!(bits(&[alone]), bits(&[curve]));
    }
}

#[test]
fn optimizers_share_starts_and_replicas_do_not() {
    let cancel = AtomicBool::new(false);
    let protocol = Protocol { steps: 0, eval_every: 1, eval_batches: 3 };
    for task in ["mlp_family_seed21", "losg_tasks_family_seed0", "quadratic_family_seed3"] {
        let task = taskset_tasks::build(task, &Datasets::new(Source::Synthetic)).unwrap();
        let start = |optimizer: &str, replica| {
            let rule = named(optimizer).unwrap().config.rule(Mode::Upstream, 10_000);
            let curve =
                run_trial(&*task, (optimizer, &rule), replica, &protocol, &mut Quiet, &cancel).unwrap();
            curve.losses.map(|split| split[0].to_bits())
        };
        assert_eq!(start(OPTIMIZERS[0], 0), start(OPTIMIZERS[1], 0), "{}", task.name());
    }
    let task = taskset_tasks::build("mlp_family_seed21", &Datasets::new(Source::Synthetic)).unwrap();
    let rule = named("zero").unwrap().config.rule(Mode::Upstream, 1);
    let first =
        |replica| run_trial(&*task, ("zero", &rule), replica, &protocol, &mut Quiet, &cancel).unwrap().losses;
    assert_ne!(first(0), first(1));
}

#[test]
fn evaluating_more_often_does_not_change_training() {
    let cancel = AtomicBool::new(false);
    for name in TASKS {
        let task = taskset_tasks::build(name, &Datasets::new(Source::Synthetic)).unwrap();
        let rule = named(OPTIMIZERS[0]).unwrap().config.rule(Mode::Upstream, 10_000);
        let last = |eval_every| {
            let protocol = Protocol { steps: 12, eval_every, eval_batches: 1 };
            let mut losses = Vec::new();
            struct Keep<'a>(&'a mut Vec<[f32; 4]>);
            impl taskset_train::TrialObserver for Keep<'_> {
                fn evaluated(&mut self, _step: u32, losses: [f32; 4]) {
                    self.0.push(losses);
                }
            }
            let trial = (OPTIMIZERS[0], &rule);
            let curve = run_trial(&*task, trial, 0, &protocol, &mut Keep(&mut losses), &cancel).unwrap();
            assert_eq!(losses.len(), curve.steps.len());
            curve
        };
        // The deterministic tasks show it in the loss; the others through the evaluations' own streams: the first
        // evaluation is the same, and training was, so only the number of evaluation batches drawn differs.
        let (often, seldom) = (last(3), last(12));
        assert_eq!(often.losses[0][0].to_bits(), seldom.losses[0][0].to_bits());
        if name.starts_with("TwoD") {
            assert_eq!(often.losses[3].last(), seldom.losses[3].last());
        }
    }
}
