//! What can go wrong in a sweep. A diverged trial is a result, not an error.

use std::path::{Path, PathBuf};

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
    /// A protocol that no trial can have.
    #[error(transparent)]
    Train(Box<taskset_train::Error>),
    /// Curves could not be encoded or read.
    #[error(transparent)]
    Curves(Box<taskset_curves::Error>),
    /// A file of the sweep could not be read or written. What was committed before is whole.
    #[error("cannot {action} {place}")]
    Storage {
        /// What was tried, e.g. `write`.
        action: &'static str,
        /// The file or folder.
        place: String,
        /// The answer of the system or of the object store.
        source: std::io::Error,
    },
    /// The system refuses to start even one thread.
    #[error("no thread could be started to train on")]
    Thread(#[source] std::io::Error),
    /// The plan names no trial.
    #[error("the plan has no trial: {what} is empty")]
    EmptyPlan {
        /// Which of its lists is empty.
        what: &'static str,
    },
    /// Every task that a block names is left out.
    #[error("all {tasks} tasks of a block are left out, so it has no trial; for example {example}")]
    AllLeftOut {
        /// How many.
        tasks: usize,
        /// The first one, with the reason.
        example: String,
    },
    /// A block asks for files, and the caller for stand-ins.
    #[error(
        "the plan asks for {origin} data for {tasks}, and `--data synthetic` for stand-ins; name a data directory, or write \
         data = \"synthetic\" in the plan"
    )]
    StandIns {
        /// What the block asks for.
        origin: taskset_names::Origin,
        /// Its tasks, as they were asked for.
        tasks: String,
    },
    /// A plan beyond all memory.
    #[error(
        "the plan has {trials} trials, and at most {limit} can be planned at once; ask for fewer replicas, tasks or optimizers"
    )]
    TooManyTrials {
        /// Trials of the plan.
        trials: u64,
        /// The most that are allowed.
        limit: u64,
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
    #[error("a trial of {task} cannot start; what was stored before is kept")]
    Start {
        /// The task.
        task: String,
        /// Why.
        source: Box<taskset_optim::Error>,
    },
    /// A plan file that cannot be understood.
    #[error("{}: {reason}", path.display())]
    PlanFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where the parser says it.
        reason: String,
    },
    /// Tasks that were named one by one and cannot be built.
    #[error("{}", infeasible_words(tasks))]
    Infeasible {
        /// Name and reason of each.
        tasks: Vec<(String, String)>,
    },
    /// What is planned now contradicts what is stored or planned.
    #[error(transparent)]
    Contradiction(#[from] Box<Contradiction>),
    /// There is no plan at this place.
    #[error(
        "{place} is not the directory of a sweep: it has no plan.toml; `sweep plan PLAN.toml --out {place}` makes one"
    )]
    NoPlan {
        /// The directory.
        place: String,
    },
    /// `plan.toml` is not the plan that the shards were made of.
    #[error("{place}: {reason}")]
    PlanChanged {
        /// The file.
        place: String,
        /// What differs, and the way out.
        reason: String,
    },
    /// A process is planning there right now.
    #[error("another process ({who}) is planning in {place} right now; try again when it is done")]
    Planning {
        /// The directory.
        place: String,
        /// Host and process.
        who: String,
    },
    /// Not every trial is stored.
    #[error(
        "{place} is not complete: {missing} of {total} trials are missing; `sweep run {place}` trains them"
    )]
    Incomplete {
        /// The directory.
        place: String,
        /// Trials that are missing.
        missing: u64,
        /// Trials of the plan.
        total: u64,
    },
    /// The place cannot be used.
    #[error("{place}: {reason}")]
    Place {
        /// The place as it was named.
        place: String,
        /// Why.
        reason: String,
    },
    /// A scheduler cannot be used.
    #[error("{scheduler}: {reason}")]
    Scheduler {
        /// Which.
        scheduler: &'static str,
        /// What went wrong, with the way out.
        reason: String,
    },
}

/// Something planned or stored, and the same by name now, that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{trial} is {known} with another {field}: `{before}` there, `{now}` now. Both would be mixed, so nothing was changed; use \
     another directory for the new trials"
)]
pub struct Contradiction {
    /// The trial or task in words.
    pub trial: String,
    /// `planned`, or `stored in` a place.
    pub known: String,
    /// What differs.
    pub field: &'static str,
    /// The value that is known.
    pub before: String,
    /// The value now.
    pub now: String,
}

impl From<taskset_train::Error> for Error {
    fn from(error: taskset_train::Error) -> Self {
        Self::Train(Box::new(error))
    }
}

impl From<taskset_curves::Error> for Error {
    fn from(error: taskset_curves::Error) -> Self {
        Self::Curves(Box::new(error))
    }
}

impl Error {
    /// The same as [`Error::storage`], for a file or folder of the file system.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        Self::storage(action, path.display().to_string())
    }

    pub(crate) fn storage(
        action: &'static str,
        place: impl Into<String>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let place = place.into();
        move |source| Self::Storage { action, place, source }
    }
}

fn infeasible_words(tasks: &[(String, String)]) -> String {
    let lines: Vec<String> =
        tasks.iter().map(|(name, reason)| format!("{name} cannot be built: {reason}")).collect();
    format!("{}; leave them out, or name them by a range or pattern, which skips them", lines.join("; "))
}
