//! Text data: tokens of bytes and subwords, their sources, splits and slices.

mod bytes;
mod carve;
mod data;
mod manifest;
mod slice;
mod stand_in;
mod subwords;

pub use bytes::{BYTE_VOCABULARY, decode_bytes, encode_bytes};
pub use carve::{carve_text, held_out_size};
pub use data::TextData;
pub use manifest::{
    Download, Encoding, Language, TextDecoder, TextFiles, TextInfo, TextManifest, text_info, text_infos,
    text_manifests,
};
pub use slice::slice;
pub(crate) use stand_in::stand_in;
pub use subwords::{SubwordEncoder, TokenCounts};

use std::path::Path;

/// Loads a data set from its original files.
pub(crate) fn load(_: &Path, info: &'static TextInfo) -> Result<TextData, crate::Error> {
    Err(crate::Error::NotYetReadable { name: info.name.clone() })
}
