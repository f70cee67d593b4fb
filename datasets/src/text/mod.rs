//! Texts: data sets of tokens, what is known of them without their files, their tokenisers, and the readers of their
//! original files.
//!
//! [`Datasets::text`](crate::Datasets::text) loads a data set as [`TextData`]; [`text_info`] tells its vocabulary, classes and
//! sizes without any file. Each source is two data sets: one of bytes, and one of subwords of the TFDS encoder
//! ([`SubwordEncoder`]). [`slice()`] cuts a window out of an example.

pub(crate) mod amazon;
mod archive;
mod bytes;
mod collect_tokens;
pub(crate) mod data;
pub(crate) mod example_visitor;
mod hash_split;
mod info;
pub(crate) mod lines;
pub(crate) mod load;
pub(crate) mod on_disk;
mod random_slice;
mod read_originals;
pub(crate) mod source;
mod stand_in;
mod subwords;
mod tokenise;
pub(crate) mod wikipedia;

pub use bytes::{BYTE_VOCABULARY, decode_bytes, encode_bytes};
pub use data::TextData;
#[cfg(test)]
pub(crate) use data::Texts;
pub use info::{Encoding, TextInfo, text_info, text_infos};
pub(crate) use load::load;
pub use random_slice::slice;
pub(crate) use stand_in::stand_in;
pub use subwords::{SubwordEncoder, TokenCounts};
