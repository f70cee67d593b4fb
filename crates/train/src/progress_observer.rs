//! Progress goes to observers: training knows only these traits; progress bars implement them elsewhere.

use taskset_trial::Curve;

/// Watches one trial.
pub trait TrialObserver {
    /// An evaluation is done. `curve` is the curve so far: [`steps`](Curve::steps) has all steps of the protocol, the
    /// losses end with this evaluation, and the seconds are those until the evaluation began.
    fn evaluated(&mut self, curve: &Curve);
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl TrialObserver for Quiet {
    fn evaluated(&mut self, _curve: &Curve) {}
}
