//! Prepared copies: images that were decoded and resized once, and texts that were tokenised once, each in one file that is
//! mapped into memory.
//!
//! [`prepare_images`] and [`prepare_text`] make copies, and [`inspect_prepared`] tells which copies are on disk.
//! [`Datasets`](crate::Datasets) uses a copy only if it was made from the original files that are there now, or if there are
//! none.

pub(crate) mod image_file;
pub(crate) mod look;
pub(crate) mod make_images;
mod make_texts;
pub(crate) mod open_images;
pub(crate) mod originals;
pub(crate) mod sealed;
pub(crate) mod text_file;

pub use look::{PreparedCopy, PreparedState, inspect_prepared};
pub use make_images::{Preparation, PreparedImages, prepare_images};
pub use make_texts::{NoProgress, PrepareEvent, PrepareProgress, PreparedText, prepare_text};

/// Folder of prepared copies in the data directory, unless another is named.
pub(crate) const FOLDER: &str = "prepared";
