//! Where a trial stands between two steps, and how it goes on from there with the same bits.

mod file;

use std::time::Duration;

use taskset_optim::Slots;
use taskset_trial::Curve;

/// A trial between two steps: what it needs to go on with the same bits, alone or in any company, on any machine with the
/// same class of arithmetic.
///
/// Minibatches and noise are not saved. They come from streams that do not depend on the parameters, so a new problem of the
/// same replica draws the same ones again and leaves out those that were used: as many of training as there were steps, and
/// as many of each split as there were evaluations.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u32,
    /// The curve so far: the losses of the evaluations that are done. Its seconds are those of training and evaluating until
    /// now.
    pub curve: Curve,
    /// What training needs; `None` if the trial has ended before, because all of its parameters are NaN.
    pub state: Option<TrialState>,
}

/// Parameters and the optimizer's state.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialState {
    /// The parameters, in the order of the task's layout.
    pub params: Vec<f32>,
    /// What the optimizer remembers.
    pub slots: Slots<f32>,
}

/// Why a trial cannot go on from a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint is not one of this trial: {reason}")]
pub struct InvalidCheckpoint {
    /// What does not fit.
    pub reason: String,
}

impl Checkpoint {
    /// Evaluations done.
    pub(crate) fn evaluations(&self) -> usize {
        self.curve.losses[0].len()
    }

    /// Whether it can be one of a trial with this curve, of which only the specification and the steps are looked at.
    pub(crate) fn check(&self, fresh: &Curve) -> Result<(), InvalidCheckpoint> {
        let refuse = |reason: String| Err(InvalidCheckpoint { reason });
        if let Some(difference) = fresh.spec.first_difference(&self.curve.spec) {
            return refuse(format!("the {} differs", difference.field));
        }
        if self.curve.num_params != fresh.num_params {
            return refuse(format!(
                "{} parameters, and the task has {}",
                self.curve.num_params, fresh.num_params
            ));
        }
        let (evaluations, steps) = (self.evaluations(), &fresh.steps);
        if self.curve.losses.iter().any(|losses| losses.len() != evaluations) {
            return refuse("its splits have different numbers of losses".to_owned());
        }
        if evaluations > steps.len() {
            return refuse(format!("{evaluations} evaluations, and the protocol has {}", steps.len()));
        }
        let earliest = evaluations.checked_sub(1).map_or(0, |last| steps[last]);
        let latest = steps.get(evaluations).copied().unwrap_or(earliest);
        if !(earliest..=latest).contains(&self.step) {
            return refuse(format!("{evaluations} evaluations after {} steps", self.step));
        }
        match &self.state {
            Some(state) if state.params.len() as u64 != fresh.num_params => {
                refuse(format!("{} numbers for {} parameters", state.params.len(), fresh.num_params))
            }
            _ => Ok(()),
        }
    }
}

/// How a trial saves itself while it runs.
pub struct Saving<'a> {
    /// Time between two checkpoints, at least. With 0 there is one after every step. A trial that is stopped on request makes
    /// one more.
    pub every: Duration,
    /// Takes a checkpoint. What fails to be written is the caller's to tell; the trial goes on.
    pub save: &'a mut dyn FnMut(Checkpoint),
}

impl std::fmt::Debug for Saving<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saving").field("every", &self.every).finish_non_exhaustive()
    }
}
