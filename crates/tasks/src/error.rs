//! What can go wrong between a task's name and a task that can be started.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No task has this name.
    #[error(
        "there is no task `{name}`{}; `tasks list` shows all names",
        suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default()
    )]
    UnknownTask {
        /// The name asked for.
        name: String,
        /// The nearest name that exists, if one is near.
        suggestion: Option<String>,
    },
    /// A pattern matches no task.
    #[error("the pattern `{pattern}` matches no task; `tasks list` shows all names")]
    NoMatch {
        /// The pattern asked for.
        pattern: String,
    },
    /// A pattern that cannot be expanded, or a seed outside 0 to 999.
    #[error(transparent)]
    Pattern(#[from] taskset_names::PatternError),
    /// The configuration of this name describes a model that cannot be built (upstream stores such names too), or the
    /// parts of a task of the caller's own do not fit together.
    #[error("the task `{name}` cannot be built: {reason}")]
    Infeasible {
        /// The task.
        name: String,
        /// What in its configuration makes it impossible.
        reason: String,
    },
    /// Candle could not compute a [`CandleTask`](crate::CandleTask).
    #[cfg(feature = "candle")]
    #[error("the task `{name}` failed while {doing}: {source}")]
    Candle {
        /// The task.
        name: String,
        /// What was being done.
        doing: &'static str,
        /// What candle says.
        source: Box<candle_core::Error>,
    },
    /// The task's data cannot be loaded.
    #[error(transparent)]
    Data(#[from] taskset_datasets::Error),
}
