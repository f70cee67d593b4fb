//! The subword tokeniser of TFDS: encoder, builder of vocabularies, vocabulary files.

mod builder;
mod encoder;
mod file;
mod tokenize;
mod trie;
mod word_chars;

pub use builder::TokenCounts;
pub use encoder::SubwordEncoder;
