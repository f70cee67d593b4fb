//! What can go wrong with curve files.

use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use taskset_names::PatternError;

/// A curve file or store that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, e.g. `open`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is not readable Parquet: truncated, damaged or something else.
    #[error("{} is not a readable Parquet file; if it is a damaged part, remove it and run its trials again", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The decoder's answer.
        source: ParquetError,
    },
    /// The file is Parquet, but not one of curves.
    #[error("{} is not a file of training curves: {reason}", path.display())]
    NotCurves {
        /// The file.
        path: PathBuf,
        /// What is missing or different, with the column or key.
        reason: String,
    },
    /// The file was written under another version of the schema.
    #[error(
        "{} has schema version {found}; this program reads version {supported}: read it with the program that wrote it \
         (its metadata has the version), or write the curves again", path.display()
    )]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// The version that is read.
        supported: u32,
    },
    /// The directory holds curves of another sweep.
    #[error(
        "{} was written under another {field}: it has {found}, this run has {expected}; choose another directory, or \
         run the plan that it belongs to", path.display()
    )]
    OtherPlan {
        /// The part that differs.
        path: PathBuf,
        /// What differs, as closely as it is known.
        field: &'static str,
        /// What the part has.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// A sweep's directory holds a curve that was not evaluated at the sweep's steps.
    #[error(
        "{} does not belong to this sweep: `{task}`, `{optimizer}`, replica {replica} has {found} of {expected} points or \
         other steps (a selection of steps, say); move the file out of the sweep's directory", path.display()
    )]
    OtherSteps {
        /// The file.
        path: PathBuf,
        /// Task of the curve.
        task: String,
        /// Its optimizer.
        optimizer: String,
        /// Its replica.
        replica: u32,
        /// Its number of points.
        found: usize,
        /// Points of the protocol.
        expected: usize,
    },
    /// There is no curve file at this place.
    #[error("{} holds no curve file (*.parquet); curves are made by a sweep or by an import", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// A curve whose parts do not fit together.
    #[error("curve of `{optimizer}` on `{task}`, replica {replica}: {reason}")]
    InvalidCurve {
        /// Its task.
        task: String,
        /// Its optimizer.
        optimizer: String,
        /// Its replica.
        replica: u32,
        /// What does not fit.
        reason: String,
    },
    /// A pattern of a query cannot be expanded.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn parquet<E: Into<ParquetError>>(path: &Path) -> impl FnOnce(E) -> Self + use<E> {
        let path = path.to_owned();
        move |source| Self::Parquet { path, source: source.into() }
    }

    pub(crate) fn not_curves(path: &Path, reason: impl Into<String>) -> Self {
        Self::NotCurves { path: path.to_owned(), reason: reason.into() }
    }
}
