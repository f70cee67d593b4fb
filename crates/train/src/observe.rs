//! Progress goes to observers: training knows only these traits; progress bars implement them elsewhere.

use taskset_trial::{Curve, TrialSpec};

/// Watches one trial.
pub trait TrialObserver {
    /// An evaluation is done. `curve` is the curve so far: [`steps`](Curve::steps) has all steps of the protocol, the
    /// losses end with this evaluation, and the seconds are those until the evaluation began.
    fn evaluated(&mut self, curve: &Curve);
}

/// What is known of a finished trial while the sweep runs.
#[derive(Clone, Debug)]
pub struct TrialReport<'a> {
    /// Which trial.
    pub trial: &'a TrialSpec,
    /// First step with a non-finite loss.
    pub diverged_at: Option<u32>,
    /// Its share of the sweep's estimated work, between 0 and 1.
    pub share: f64,
}

/// Watches a sweep; called from the thread that runs it, never from workers.
pub trait SweepObserver {
    /// The sweep starts. `total` counts all trials, `stored` those that are already stored.
    fn started(&mut self, total: usize, stored: usize);
    /// A trial is finished, though not stored yet.
    fn finished(&mut self, report: &TrialReport<'_>);
    /// The curves of `count` more trials are on disk.
    fn stored(&mut self, count: usize);
    /// No trial has finished for a while, because long trials are running. Does nothing by default.
    fn tick(&mut self) {}
    /// The system refused to start `asked` threads; `started` threads train. Does nothing by default.
    fn fewer_threads(&mut self, started: usize, asked: usize) {
        let _ = (started, asked);
    }
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl TrialObserver for Quiet {
    fn evaluated(&mut self, _curve: &Curve) {}
}

impl SweepObserver for Quiet {
    fn started(&mut self, _total: usize, _stored: usize) {}
    fn finished(&mut self, _report: &TrialReport<'_>) {}
    fn stored(&mut self, _count: usize) {}
}
