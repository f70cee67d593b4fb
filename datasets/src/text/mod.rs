//! Text data: tokens of bytes and subwords, their sources, splits and slices.

pub(crate) mod amazon;
mod archive;
mod bytes;
pub(crate) mod cache;
mod carve;
mod collect;
mod data;
mod hash_split;
pub(crate) mod inspect;
mod lines;
mod manifest;
mod prepare;
mod slice;
pub(crate) mod source;
mod stand_in;
mod subwords;
pub(crate) mod visit;
pub(crate) mod wikipedia;

pub use bytes::{BYTE_VOCABULARY, decode_bytes, encode_bytes};
pub use carve::{carve_text, held_out_size};
pub use data::TextData;
#[cfg(test)]
pub(crate) use data::Texts;
pub use manifest::{
    BytesOfFiles, Download, Encoding, Language, TextDecoder, TextFiles, TextHubCopy, TextInfo, TextManifest,
    text_info, text_infos, text_manifests,
};
pub(crate) use prepare::load;
pub use prepare::{PrepareEvent, PrepareProgress, PreparedText, Quiet, prepare_text};
pub use slice::slice;
pub(crate) use stand_in::stand_in;
pub use subwords::{SubwordEncoder, TokenCounts};
