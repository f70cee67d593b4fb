//! One trial, alone: the group of one of `run_lockstep.rs`.

use std::sync::atomic::{AtomicBool, Ordering};

use taskset_optim::{Configured, Mode, Named, Optimizer, UPSTREAM_TRAINING_STEPS};
use taskset_tasks::Task;
use taskset_trial::{Curve, Protocol};

use crate::checkpoint::{Checkpoint, Saving};
use crate::{Group, TrialError, TrialObserver};

/// The number of steps over which schedules run: in mode `upstream` always 10,000, because upstream's training script
/// never tells its optimizers how long it trains; in the others it is the protocol's.
pub fn schedule_steps(mode: Mode, protocol: &Protocol) -> u64 {
    match mode {
        Mode::Upstream => UPSTREAM_TRAINING_STEPS,
        _ => u64::from(protocol.steps),
    }
}

/// An optimizer of the registry for trials under a protocol: with schedules over [`schedule_steps`], and over the steps of
/// the protocol where its family has no modes.
///
/// # Errors
/// As [`Named::configured`].
pub fn configure(named: &Named, mode: Mode, protocol: &Protocol) -> Result<Configured, taskset_optim::Error> {
    let has_modes = named.family.info().has_modes;
    let steps = if has_modes { schedule_steps(mode, protocol) } else { u64::from(protocol.steps) };
    named.configured(mode, steps)
}

/// Trains one trial in f32 on the calling thread and returns its curve (paper, section 3.3).
///
/// The loss on each split is evaluated at step 0, before any update, then every `eval_every` steps, and at the last
/// step. Denormal numbers are flushed to zero while it runs: once units die, they would make training several times
/// slower. A loss that
/// is not a number is stored as [`f32::NAN`], whatever its sign and payload.
///
/// Where the task says that a trial whose parameters are all NaN cannot recover
/// ([`nan_is_absorbing`](taskset_tasks::Capabilities::nan_is_absorbing)) and the optimizer that it
/// [keeps NaN](taskset_optim::Facts::keeps_nan), such a trial ends there, and the rest of its curve is NaN, as in a full run.
///
/// The optimizer need not know of a task's constraint: parameters are projected after every update, unless the optimizer says
/// that it is [not projected](taskset_optim::Facts::projects).
///
/// Unlike upstream, no extra update follows the last evaluation (QUIRK-34: it had no effect on curves).
///
/// # Errors
/// [`TrialError::Cancelled`] as soon as `cancel` is seen to be true; [`TrialError::Optimizer`] if the optimizer cannot work
/// with the task's parameters.
pub fn run_trial(
    task: &dyn Task,
    optimizer: &dyn Optimizer,
    replica: u32,
    protocol: &Protocol,
    observer: &mut dyn TrialObserver,
    cancel: &AtomicBool,
) -> Result<Curve, TrialError> {
    continue_trial(task, optimizer, replica, protocol, None, None, observer, cancel)
}

/// As [`run_trial`], but goes on from a checkpoint, if there is one, and makes checkpoints, if that is wanted. The curve has
/// the bits that it has without any interruption, however often the trial was stopped. Its seconds are those of all parts
/// together.
///
/// Going on costs as much time as drawing the minibatches that were used before.
///
/// # Errors
/// As [`run_trial`]; [`TrialError::Checkpoint`] if the checkpoint is not one of this trial.
#[expect(
    clippy::too_many_arguments,
    reason = "those of `run_trial` and two more; a struct would be taken apart at once"
)]
pub fn continue_trial(
    task: &dyn Task,
    optimizer: &dyn Optimizer,
    replica: u32,
    protocol: &Protocol,
    from: Option<&Checkpoint>,
    saving: Option<Saving<'_>>,
    observer: &mut dyn TrialObserver,
    cancel: &AtomicBool,
) -> Result<Curve, TrialError> {
    let stop = || cancel.load(Ordering::Relaxed);
    let from = from.as_ref().map(std::slice::from_ref);
    let evaluated = &mut |curve: &Curve| observer.evaluated(curve);
    let group = Group::of(task, &[optimizer], replica, protocol);
    Ok(group.train_observed(from, saving, evaluated, &stop)?.swap_remove(0))
}
