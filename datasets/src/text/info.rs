//! What is known of a text data set without its files: encoding, vocabulary, classes and sizes.

use std::sync::OnceLock;

use crate::Error;
use crate::manifest::{TextManifest, text_manifests};

/// How texts become tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 bytes plus one.
    Bytes,
    /// Subwords of a vocabulary of about 8,192 ids.
    Subwords8k,
}

/// Everything about a text data set that is known without its files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TextInfo {
    /// Name in configurations, e.g. `tokenized_wikipedia/20190301.en_bytes`.
    pub name: String,
    /// How its texts become tokens.
    pub encoding: Encoding,
    /// Number of ids, padding included: 257 for bytes; of subwords the real number where it is known (`imdb_reviews`:
    /// 8185), otherwise the target of 8192, from which a vocabulary built from the files differs by about 1%.
    pub vocabulary: usize,
    /// Number of classes, if the source has labels.
    pub classes: Option<usize>,
    /// Training examples of the source, where known.
    pub train: Option<usize>,
    /// Test examples of the source, where known.
    pub test: Option<usize>,
    /// The source.
    pub manifest: &'static TextManifest,
}

/// All text data sets: each source as bytes and as subwords.
pub fn text_infos() -> &'static [TextInfo] {
    static INFOS: OnceLock<Vec<TextInfo>> = OnceLock::new();
    INFOS.get_or_init(|| {
        let both = |manifest: &'static TextManifest| {
            let info = |name: &String, encoding, vocabulary| TextInfo {
                name: name.clone(),
                encoding,
                vocabulary,
                classes: manifest.classes,
                train: manifest.train,
                test: manifest.test,
                manifest,
            };
            [
                info(&manifest.bytes, Encoding::Bytes, super::BYTE_VOCABULARY),
                info(&manifest.subwords8k, Encoding::Subwords8k, manifest.vocabulary),
            ]
        };
        text_manifests().iter().flat_map(both).collect()
    })
}

/// What is known of a text data set without its files.
///
/// # Errors
/// [`Error::UnknownDataset`] with the nearest known name.
pub fn text_info(name: &str) -> Result<&'static TextInfo, Error> {
    text_infos().iter().find(|info| info.name == name).ok_or_else(|| crate::manifest::unknown(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configurations() {
        // The sources of the paper's appendix G.1, sorted.
        let sorted = |encoding| {
            let mut names: Vec<&str> =
                text_infos().iter().filter(|i| i.encoding == encoding).map(|i| i.name.as_str()).collect();
            names.sort_unstable();
            names
        };
        let bytes = sorted(Encoding::Bytes);
        assert_eq!(
            bytes,
            [
                "imdb_reviews/bytes",
                "lm1b/bytes",
                "tokenized_amazon_reviews/Books_v1_02_bytes",
                "tokenized_amazon_reviews/Camera_v1_00_bytes",
                "tokenized_amazon_reviews/Home_v1_00_bytes",
                "tokenized_amazon_reviews/Video_v1_00_bytes",
                "tokenized_wikipedia/20190301.en_bytes",
                "tokenized_wikipedia/20190301.hsb_bytes",
                "tokenized_wikipedia/20190301.ja_bytes",
                "tokenized_wikipedia/20190301.ru_bytes",
                "tokenized_wikipedia/20190301.zh_bytes",
            ]
        );
        let subwords: Vec<String> = bytes.iter().map(|name| name.replace("bytes", "subwords8k")).collect();
        assert_eq!(sorted(Encoding::Subwords8k), subwords);
    }

    #[test]
    fn unknown_names_get_a_suggestion() {
        assert_eq!(text_info("imdb_reviews/subwords8k").unwrap().vocabulary, 8185);
        assert_eq!(text_info("lm1b/bytes").unwrap().train, Some(30_301_028));
        let message = text_info("lm1b/byte").unwrap_err().to_string();
        assert!(message.contains("did you mean `lm1b/bytes`"), "{message}");
    }
}
