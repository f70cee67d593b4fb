//! What can go wrong around training. A diverged trial is a result, not an error.

use crate::checkpoint::InvalidCheckpoint;

/// Errors of preparing trials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A task's name is unknown, or it cannot be built.
    #[error(transparent)]
    Task(#[from] taskset_tasks::Error),
    /// An optimizer's name is unknown.
    #[error(transparent)]
    Optimizer(#[from] taskset_optim::Error),
    /// A protocol field is outside its range.
    #[error("protocol: {field} must be at least 1")]
    Protocol {
        /// The field's name.
        field: &'static str,
    },
    /// A protocol evaluates so often that its curves would fill the memory.
    #[error(
        "protocol: {steps} steps evaluated every {eval_every} are {evaluations} evaluations, and at most {limit} can be \
         kept; evaluate less often (eval_every)"
    )]
    TooManyEvaluations {
        /// Steps of the protocol.
        steps: u32,
        /// Steps between its evaluations.
        eval_every: u32,
        /// Evaluations after the one at step 0.
        evaluations: u32,
        /// [`MAX_EVALUATIONS`](crate::MAX_EVALUATIONS).
        limit: u32,
    },
}

/// Why a trial has no whole curve. A diverged trial has one: it is a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// It was stopped on request before its end. Its observer was told every evaluation until then.
    #[error("stopped on request before the trial was finished")]
    Cancelled,
    /// The optimizer cannot work with the task's parameters, or its state cannot be saved.
    #[error(transparent)]
    Optimizer(#[from] taskset_optim::Error),
    /// It cannot go on from the checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] InvalidCheckpoint),
}
