//! What can go wrong in a sweep. A diverged trial is a result, not an error.

/// Errors of planning and running sweeps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A task's name is unknown, or it cannot be built.
    #[error(transparent)]
    Task(#[from] taskset_tasks::Error),
    /// An optimizer's name is unknown.
    #[error(transparent)]
    Optimizer(#[from] taskset_optim::Error),
    /// Curves could not be written or read.
    #[error("the curves could not be stored; what was finished before is kept")]
    Store(#[from] taskset_curves::Error),
    /// The system refuses to start even one thread.
    #[error("no thread could be started to train on")]
    Thread(#[source] std::io::Error),
    /// The plan names no trial.
    #[error("the plan has no trial: {what} is empty")]
    EmptyPlan {
        /// Which of its lists is empty.
        what: &'static str,
    },
    /// Two optimizers of a sweep have one name, and are not the same.
    #[error(
        "two different optimizers are called `{name}`; curves are stored by name, so give them different ones"
    )]
    SameName {
        /// The name.
        name: String,
    },
    /// An optimizer cannot work with a task.
    #[error("a trial of {task} cannot start; what was finished before is kept")]
    Start {
        /// The task.
        task: String,
        /// Why.
        source: Box<taskset_optim::Error>,
    },
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
