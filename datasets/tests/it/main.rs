//! Tests of the crate from outside: what users of the data sets rely on.
//!
//! The modules carry `cfg(test)` because clippy's allowances for tests reach helper functions only so.

/// Stand-ins can be learned, but not trivially.
#[cfg(test)]
mod learnable;
/// Manifests agree with tables of shapes and sizes.
#[cfg(test)]
mod manifests;
/// Prepared copies of texts are found again, and never used when they are damaged.
#[cfg(test)]
mod prepared_texts;
/// The real files, where `TASKSET_DATA` says they are.
#[cfg(test)]
mod real_files;
/// The real text files, where `TASKSET_DATA` says they are.
#[cfg(test)]
mod real_text;
/// Vocabularies and encodings are those of TFDS.
#[cfg(test)]
mod subwords;
/// Text sources in their original formats, complete, partial and broken.
#[cfg(test)]
mod text_sources;
/// Text sources in miniature, for the tests of texts.
#[cfg(test)]
mod text_support;
