//! The subword tokeniser of TFDS: encoder, builder of vocabularies, vocabulary files.

mod builder;
mod encoder;
mod file;
mod split_words;
mod trie;
mod word_chars;

pub use builder::TokenCounts;
pub use encoder::SubwordEncoder;
