//! What can go wrong in a reproduction.

use std::path::PathBuf;

/// Errors of reproductions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No scale has this name.
    #[error("there is no scale `{0}`; the scales are smoke, quick, small and paper")]
    UnknownScale(String),
    /// Training the curves failed.
    #[error(transparent)]
    Sweep(Box<taskset_sweep::Error>),
    /// A task could not be chosen or described.
    #[error(transparent)]
    Task(#[from] taskset_tasks::Error),
    /// The data that the tasks are on could not be read.
    #[error(transparent)]
    Data(#[from] taskset_datasets::Error),
    /// An optimizer could not be chosen or described.
    #[error(transparent)]
    Optimizer(#[from] taskset_optim::Error),
    /// Curves could not be read.
    #[error(transparent)]
    Curves(#[from] taskset_curves::Error),
    /// Curves could not be scored.
    #[error(transparent)]
    Normalize(#[from] taskset_normalize::Error),
    /// A figure could not be drawn.
    #[error(transparent)]
    Figures(#[from] taskset_figures::Error),
    /// The curves come from trials that may not be compared.
    #[error(transparent)]
    Mixture(#[from] taskset_trial::Mixture),
    /// A path has no released curves.
    #[error(
        "{}: there is no released file here (TASK/SET_STEPS_replicaN.npz, with the task as its folder)",
        path.display()
    )]
    NotReleased {
        /// The file or folder.
        path: PathBuf,
    },
    /// A folder could not be listed.
    #[error("{} cannot be listed", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// An array of a released file cannot be taken over.
    #[error("{}: array `{array}`: {reason}", path.display())]
    Released {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// Why not.
        reason: String,
    },
    /// The task of a released file is not known.
    #[error("{}", path.display())]
    ReleasedTask {
        /// The file.
        path: PathBuf,
        /// Which tasks there are.
        source: Box<taskset_tasks::Error>,
    },
    /// There are no curves.
    #[error("there are no curves in {}", path.display())]
    NoCurves {
        /// Where they should lie.
        path: PathBuf,
    },
    /// An option of a figure cannot be meant.
    #[error("the option `{text}` cannot be meant: {reason}")]
    Option {
        /// What was given.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A result could not be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl From<taskset_sweep::Error> for Error {
    fn from(error: taskset_sweep::Error) -> Self {
        Self::Sweep(Box::new(error))
    }
}
