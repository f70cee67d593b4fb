//! Evaluation: the mean losses of trials on the four splits. The losses of one split are in
//! [`Problem::mean_losses`](taskset_tasks::Problem::mean_losses).

use taskset_names::Split;

use crate::TrialError;
use crate::lockstep_state::Lockstep;

/// Mean losses of each trial over `batches` minibatches of each split, in the order of [`Split::ALL`]; NaN in one form. Of a
/// trial that has ended, all are NaN.
///
/// # Errors
/// [`TrialError::Cancelled`] if `stop` says so between two splits.
pub(crate) fn mean_losses(
    trials: &mut Lockstep<'_>,
    batches: u32,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<[f32; 4]>, TrialError> {
    let mut points = vec![[f32::NAN; 4]; trials.diverged_at.len()];
    let mut means = vec![0.0; trials.running.len()];
    trials.prepare_evaluation();
    for split in Split::ALL {
        if means.is_empty() {
            break;
        }
        if stop() {
            return Err(TrialError::Cancelled);
        }
        trials.mean_losses(split, batches, &mut means);
        for (trial, &mean) in trials.running.iter().zip(&means) {
            points[trial.trial][split.index()] = if mean.is_nan() { f32::NAN } else { mean as f32 };
        }
    }
    Ok(points)
}
