//! Progress goes to observers: progress bars implement them elsewhere.

use taskset_train::Quiet;
use taskset_trial::TrialSpec;

/// What is known of a finished trial while the sweep runs.
#[derive(Clone, Debug)]
pub struct TrialReport<'a> {
    /// Which trial.
    pub trial: &'a TrialSpec,
    /// First step with a non-finite loss.
    pub diverged_at: Option<u32>,
    /// Whether an earlier run, which was stopped, had finished it.
    pub restored: bool,
    /// Its share of the work of this run, between 0 and 1, as estimated.
    pub share: f64,
}

/// How many trials of a task a run has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskCount {
    /// The task.
    pub task: String,
    /// All of them.
    pub total: u64,
    /// Those that are already stored.
    pub stored: u64,
}

/// Watches a sweep; called from the thread that runs it, never from workers.
pub trait SweepObserver {
    /// The tasks of the run, before it starts. Does nothing by default.
    fn tasks(&mut self, tasks: &[TaskCount]) {
        let _ = tasks;
    }
    /// The sweep starts. `total` counts the trials of this run, `stored` those of them that are already stored.
    fn started(&mut self, total: usize, stored: usize);
    /// A trial is finished, though not stored yet.
    fn finished(&mut self, report: &TrialReport<'_>);
    /// The curves of `count` more trials are on disk.
    fn stored(&mut self, count: usize);
    /// Another process has stored `count` trials, whose share of the work of this run is `share`. Does nothing by default.
    fn stored_elsewhere(&mut self, count: usize, share: f64) {
        let _ = (count, share);
    }
    /// No trial has finished for a while, because long trials are running. Does nothing by default.
    fn tick(&mut self) {}
    /// All shards that are left are in the hands of other workers, and this one waits. Does nothing by default.
    fn waiting(&mut self, shards: usize) {
        let _ = shards;
    }
    /// Something that a user should know, and that changes no result. Does nothing by default.
    fn note(&mut self, text: &str) {
        let _ = text;
    }
    /// The system refused to start `asked` threads; `started` threads train. Does nothing by default.
    fn fewer_threads(&mut self, started: usize, asked: usize) {
        let _ = (started, asked);
    }
}

impl SweepObserver for Quiet {
    fn started(&mut self, _total: usize, _stored: usize) {}
    fn finished(&mut self, _report: &TrialReport<'_>) {}
    fn stored(&mut self, _count: usize) {}
}
