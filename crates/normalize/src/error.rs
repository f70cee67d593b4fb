//! What can be wrong with the curves of a task.

/// Curves that cannot be scored, or a normaliser that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No normaliser has this name.
    #[error("there is no normaliser `{name}`{}; they are: {}", did_you_mean(name), crate::names().join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
    },
    /// The curves come from trials that may not be compared: another mode, data set, protocol, …
    #[error(transparent)]
    Mixture(#[from] taskset_trial::Mixture),
    /// There is nothing to score.
    #[error("there are no curves to score")]
    NoCurves,
    /// Curves of different tasks were given as one task's.
    #[error("curves of `{first}` and of `{second}` cannot be scored together: scores are per task")]
    TwoTasks {
        /// Task of the first curve.
        first: String,
        /// Another task.
        second: String,
    },
    /// A curve was evaluated nowhere.
    #[error("task `{task}`, optimizer `{optimizer}`, replica {replica}: the curve has no points")]
    NoPoints {
        /// The task.
        task: String,
        /// Optimizer of the curve.
        optimizer: String,
        /// Its replica.
        replica: u32,
    },
    /// A curve was not evaluated at the steps of the others, or has no losses on a split.
    #[error(
        "`{task}`, `{optimizer}`, replica {replica}: {found} points on {split}, but the task's curves have {expected} at \
         the steps of `{reference}`; score curves of one protocol, with this split read"
    )]
    Points {
        /// The task.
        task: String,
        /// Optimizer of the curve that differs.
        optimizer: String,
        /// Its replica.
        replica: u32,
        /// The split.
        split: taskset_names::Split,
        /// Its number of points.
        found: usize,
        /// Points of the first curve.
        expected: usize,
        /// Optimizer of the first curve.
        reference: String,
    },
    /// A table of losses does not have one for each optimizer, replica and step.
    #[error("`{task}`: {found} losses on {split}, and {expected} are needed: optimizers × replicas × steps")]
    TableSize {
        /// The task.
        task: String,
        /// The split.
        split: taskset_names::Split,
        /// Its number of losses.
        found: usize,
        /// What there should be.
        expected: usize,
    },
    /// The curves have no losses on the split that sets the scale.
    #[error("the curves of `{task}` have no losses on {split}, on which this normaliser chooses")]
    NoSplit {
        /// The task.
        task: String,
        /// The split.
        split: taskset_names::Split,
    },
    /// A trial that other optimizers of the task have is not there.
    #[error(
        "`{task}`, `{optimizer}`: replica {replica} is missing, and other optimizers of the task have it; train it, or leave \
         this replica out for all"
    )]
    MissingReplica {
        /// The task.
        task: String,
        /// The optimizer.
        optimizer: String,
        /// The replica.
        replica: u32,
    },
    /// A trial is there twice.
    #[error("`{task}`, `{optimizer}`: replica {replica} is there twice")]
    Duplicate {
        /// The task.
        task: String,
        /// The optimizer.
        optimizer: String,
        /// The replica.
        replica: u32,
    },
}

fn did_you_mean(name: &str) -> String {
    taskset_names::closest(name, crate::names())
        .map(|near| format!(" (did you mean `{near}`?)"))
        .unwrap_or_default()
}
