//! Stopped sweeps keep what is finished and continue to the same result.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use taskset_optim::Mode;
use taskset_sweep::{Directory, RunOptions, SweepObserver, TrialReport};
use taskset_train::Quiet;
use taskset_trial::Protocol;

use crate::support::{Names, OPTIMIZERS, TASKS, bits, plan, run, stored, sweep};

/// Asks for a stop after some trials.
struct StopAfter<'a> {
    left: usize,
    cancel: &'a AtomicBool,
    stored: usize,
}

impl SweepObserver for StopAfter<'_> {
    fn started(&mut self, _total: usize, _stored: usize) {}

    fn finished(&mut self, report: &TrialReport<'_>) {
        self.left = self.left.saturating_sub(usize::from(!report.restored));
        if self.left == 0 {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }

    fn stored(&mut self, count: usize) {
        self.stored += count;
    }
}

#[test]
fn an_interrupted_sweep_continues_to_the_same_bits() {
    let total = TASKS.len() * OPTIMIZERS.len() * 2;
    let whole = {
        let directory = tempfile::tempdir().unwrap();
        let sweep = sweep(plan(&TASKS));
        let store = Directory::at(directory.path());
        run(&sweep, &store, 2, &mut Quiet, &AtomicBool::new(false));
        bits(&stored(&store))
    };
    let directory = tempfile::tempdir().unwrap();
    let mut kept = 0;
    for _ in 0..100 {
        let cancel = AtomicBool::new(false);
        let sweep = sweep(plan(&TASKS));
        let store = Directory::at(directory.path());
        let mut observer = StopAfter { left: 11, cancel: &cancel, stored: 0 };
        let outcome = run(&sweep, &store, 2, &mut observer, &cancel);
        assert_eq!(outcome.reused, kept);
        assert_eq!(outcome.trained, observer.stored);
        kept += outcome.trained;
        assert_eq!(outcome.interrupted, kept < total);
        if !outcome.interrupted {
            assert_eq!(bits(&stored(&store)), whole);
            return;
        }
    }
    panic!("not finished after 100 continuations; {kept} of {total} kept");
}

#[test]
fn a_finished_sweep_trains_nothing() {
    let cancel = AtomicBool::new(false);
    let directory = tempfile::tempdir().unwrap();
    let sweep = sweep(plan(&TASKS[..2]));
    let store = Directory::at(directory.path());
    let first = run(&sweep, &store, 2, &mut Quiet, &cancel);
    let again = run(&sweep, &store, 2, &mut Quiet, &cancel);
    assert_eq!((again.trained, again.reused, again.interrupted), (0, first.trained, false));
}

#[test]
fn a_plan_that_grows_trains_only_what_is_new() {
    let cancel = AtomicBool::new(false);
    let directory = tempfile::tempdir().unwrap();
    let store = Directory::at(directory.path());
    let mut small = plan(&TASKS[..2]);
    small.optimizers.truncate(2);
    small.replicas = 1;
    let trained = |plan: &Names| {
        let outcome = run(&sweep(plan.clone()), &store, 2, &mut Quiet, &cancel);
        assert_eq!(outcome.trained + outcome.reused, outcome.total);
        outcome.trained
    };
    assert_eq!(trained(&small), 4);
    let more_optimizers = Names { optimizers: plan(&TASKS).optimizers, ..small.clone() };
    assert_eq!(trained(&more_optimizers), 4, "two more optimizers on two tasks");
    let more_tasks = Names { tasks: plan(&TASKS[..3]).tasks, ..more_optimizers };
    assert_eq!(trained(&more_tasks), 4, "one more task");
    let more_replicas = Names { replicas: 2, ..more_tasks };
    assert_eq!(trained(&more_replicas), 12, "one more replica");
    // Trials that differ are trained, and both are kept.
    assert_eq!(trained(&Names { mode: Mode::Paper, ..small.clone() }), 4);
    let longer = Protocol { steps: 30, ..small.protocol };
    assert_eq!(trained(&Names { protocol: longer, ..small.clone() }), 4);
    assert_eq!(trained(&small), 0);
    assert_eq!(stored(&store).len(), 32);
    let twice = Names { tasks: [small.tasks.clone(), small.tasks.clone()].concat(), ..small };
    let outcome = run(&sweep(twice), &store, 1, &mut Quiet, &cancel);
    assert_eq!((outcome.total, outcome.trained), (4, 0), "a trial that is named twice is one");
}

/// Panics at the first tick.
struct Panics;

impl SweepObserver for Panics {
    fn started(&mut self, _total: usize, _stored: usize) {}
    fn finished(&mut self, _report: &TrialReport<'_>) {}
    fn stored(&mut self, _count: usize) {}
    fn tick(&mut self) {
        panic!("a broken display");
    }
}

#[test]
fn an_observer_that_panics_stops_the_workers() {
    // A trial that would take an hour: a worker that did not stop would keep this test from ending.
    let protocol = Protocol { steps: u32::MAX, eval_every: u32::MAX, eval_batches: 1 };
    let sweep = sweep(Names { protocol, ..plan(&["quadratic_family_seed3"]) });
    let directory = tempfile::tempdir().unwrap();
    let store = Directory::at(directory.path());
    let cancel = AtomicBool::new(false);
    let ended =
        catch_unwind(AssertUnwindSafe(|| store.run(&sweep, &RunOptions::new(2), &mut Panics, &cancel)));
    let reason = ended.unwrap_err();
    assert_eq!(reason.downcast_ref::<&str>(), Some(&"a broken display"));
}
