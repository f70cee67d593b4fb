//! Preparing a text data set: its texts are turned into tokens once, and a prepared copy is written.

use std::path::{Path, PathBuf};

use taskset_names::Origin;

use crate::Error;
use crate::splits::SourceSizes;
use crate::text::load::{Loaded, load_or_make};
use crate::text::text_info;

/// What preparing a data set is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrepareEvent {
    /// Reading examples for the vocabulary.
    Counting {
        /// Examples read.
        examples: u64,
        /// Files read to their end.
        files: usize,
        /// Files in all.
        of: usize,
    },
    /// A threshold of the vocabulary was tried.
    Tried {
        /// Least count of a subword.
        threshold: u64,
        /// Size of the vocabulary that it gave.
        vocabulary: usize,
    },
    /// Turning examples into tokens.
    Tokenising {
        /// Examples done.
        examples: u64,
        /// Files read to their end.
        files: usize,
        /// Files in all.
        of: usize,
    },
}

/// Who is told how preparing a data set goes on.
pub trait PrepareProgress {
    /// Something was done.
    fn event(&mut self, event: PrepareEvent);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl PrepareProgress for NoProgress {
    fn event(&mut self, _: PrepareEvent) {}
}

/// A data set in the cache.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreparedText {
    /// Its file.
    pub path: PathBuf,
    /// Whether it was there before.
    pub found: bool,
    /// Whether it is all of the source.
    pub origin: Origin,
    /// Number of ids.
    pub vocabulary: usize,
    /// Examples.
    pub sizes: SourceSizes,
    /// Tokens of all examples.
    pub tokens: usize,
}

/// Tokenises a text data set of the directory `root` and keeps the tokens in the directory `cache`, unless they are there
/// already. Of subwords, the vocabulary is kept beside them, in the format of TFDS.
///
/// What is kept is found again by the names, sizes and times of change of the original files, and by their contents where
/// these leave doubts. A copy of what lay in the same
/// folder before is removed when a new one is made. Several processes may
/// prepare the same data set at once: each writes a file of its own, and the last takes its place whole.
///
/// # Errors
/// [`Error::UnknownDataset`], [`Error::Partial`] unless `allow_partial`, and everything that can be wrong with files.
pub fn prepare_text(
    root: &Path,
    name: &str,
    cache: &Path,
    allow_partial: bool,
    progress: &mut dyn PrepareProgress,
) -> Result<PreparedText, Error> {
    let info = text_info(name)?;
    let Loaded { data, path, found } = load_or_make(root, info, allow_partial, Some(cache), true, progress)?;
    Ok(PreparedText {
        path,
        found,
        origin: data.origin(),
        vocabulary: data.vocabulary(),
        sizes: data.source_sizes(),
        tokens: data.all_tokens().len(),
    })
}
