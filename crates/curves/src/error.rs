//! What can go wrong with curve files.

use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use taskset_names::PatternError;
use taskset_trial::InvalidCurve;

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
    /// The file is not Parquet, or only a part of a Parquet file.
    #[error("{} is not a whole Parquet file: {reason}", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// What is missing or different.
        reason: String,
    },
    /// The file's bytes are not those that were written.
    #[error(
        "{} is damaged: {what} does not have the digest that was stored with it; take a good copy of the file, or put this \
         one aside and run its trials again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        what: String,
    },
    /// Another program wrote the file anew: its digests say nothing of its bytes.
    #[error(
        "{} was written by `{writer}`, which does not keep the digests of a curve file, so nobody can tell whether its numbers \
         are those that were trained; use the file that taskset-rs wrote", path.display()
    )]
    Rewritten {
        /// The file.
        path: PathBuf,
        /// What wrote it, by its own word.
        writer: String,
    },
    /// The file is whole, but the decoder cannot read it.
    #[error("{} has the bytes that were written, but cannot be decoded", path.display())]
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
        "{} has schema version {found}; this program reads version {supported}.{} Use another directory for new curves, and \
         the program that wrote this file (its metadata has the version) to read it", path.display(), why_not(*found)
    )]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// The version that is read.
        supported: u32,
    },
    /// The file holds slices of curves where whole ones are needed.
    #[error(
        "{} holds parts of curves ({slice}); whole trials are needed here", path.display()
    )]
    Slice {
        /// The file.
        path: PathBuf,
        /// What was kept, e.g. `steps 0..200`.
        slice: String,
    },
    /// There is no curve file at this place.
    #[error("{} holds no curve file (*.parquet){}", path.display(), left_out_words(left_out))]
    Empty {
        /// The directory.
        path: PathBuf,
        /// What has the ending and is no regular file.
        left_out: Vec<(PathBuf, &'static str)>,
    },
    /// A curve in a file whose parts do not fit together.
    #[error("{}: {source}", path.display())]
    InvalidRow {
        /// The file.
        path: PathBuf,
        /// The curve, and what does not fit.
        source: Box<InvalidCurve>,
    },
    /// A curve that cannot be written because its parts do not fit together.
    #[error(transparent)]
    InvalidCurve(#[from] InvalidCurve),
    /// The same trial is there twice, with different results.
    #[error(
        "{} and {} both hold the trial {trial}, and differ in {field}: one of them is wrong; train the trial again to see \
         which, and move the other file away", first.display(), second.display()
    )]
    Conflict {
        /// The one file.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
        /// The trial in words: optimizer, task, replica, the first digits of its identity.
        trial: String,
        /// The first column in which they differ.
        field: &'static str,
    },
    /// A file of released curves (`.npz`) that cannot be used.
    #[error("{}: {what}: {reason}", path.display())]
    Released {
        /// The file.
        path: PathBuf,
        /// The array, or `the archive`.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Curves that do not fit into memory were put into a temporary file, and that failed.
    #[error(
        "curves that are not sorted by task are put into a temporary file in {}, as large as all that are read, and that failed; \
         the environment variable TMPDIR names another directory", directory.display()
    )]
    Temporary {
        /// The directory of temporary files.
        directory: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A pattern of a query cannot be expanded.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// Why curves of an older schema are not read.
fn why_not(version: u32) -> &'static str {
    match version {
        1 => {
            " Version 1 did not record mode, schedule, data and arithmetic of its trials, so they cannot be told apart and are \
             not used again."
        }
        _ => "",
    }
}

fn left_out_words(left_out: &[(PathBuf, &'static str)]) -> String {
    left_out.first().map_or_else(String::new, |(path, what)| {
        format!("; {} is {what}", path.file_name().unwrap_or_default().display())
    })
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

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}
