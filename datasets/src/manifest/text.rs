//! Manifests of text sources: what each is, where it comes from, which files hold it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::splits::SourceSplit;

/// One text source, as `manifests/<name>.toml` describes it. Each gives two data sets, one of bytes and one of subwords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TextManifest {
    /// Name of the source, e.g. `wikipedia_en`.
    pub name: String,
    /// Name in words.
    pub title: String,
    /// Name in configurations of the data set of bytes.
    pub bytes: String,
    /// Name in configurations of the data set of subwords.
    pub subwords8k: String,
    /// Folder of the original files below the data directory.
    pub directory: String,
    /// Where the authors publish it.
    pub site: String,
    /// Licence, as far as the authors state one.
    pub licence: String,
    /// The publication to cite.
    pub citation: String,
    /// What is odd about this source, if anything.
    #[serde(default)]
    pub notes: Option<String>,
    /// How the original files are read.
    pub decoder: TextDecoder,
    /// Number of classes, if its examples have labels.
    #[serde(default)]
    pub classes: Option<usize>,
    /// Number of ids of the subword vocabulary: the real one where it is known, otherwise the target.
    pub vocabulary: usize,
    /// Language of the stand-in.
    pub language: Language,
    /// Articles of a complete copy of Wikipedia, of which the first 1,000,001 are read; where it is not known, every
    /// copy counts as partial.
    #[serde(default)]
    pub articles: Option<usize>,
    /// Training examples, where known.
    #[serde(default)]
    pub train: Option<usize>,
    /// Test examples, where known.
    #[serde(default)]
    pub test: Option<usize>,
    /// Rows of the whole table, where known: reviews of Amazon, some of which are in neither split.
    #[serde(default)]
    pub rows: Option<usize>,
    /// Bytes of all files of each split of a complete copy, where known.
    #[serde(default)]
    pub bytes_of_files: Option<BytesOfFiles>,
    /// The archives or files that the authors publish.
    pub downloads: Vec<Download>,
    /// What has to lie in the folder, if not the archive.
    pub files: Vec<TextFiles>,
    /// The copy on the Hugging Face hub, if there is a good one.
    #[serde(default)]
    pub hub: Option<TextHubCopy>,
}

/// Bytes of all files of each split together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BytesOfFiles {
    /// Of the training files.
    pub train: u64,
    /// Of the test files.
    pub test: u64,
}

/// A copy of a text source on the Hugging Face hub: Parquet files with a column `text`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TextHubCopy {
    /// The repository, `<owner>/<name>`.
    pub repository: String,
    /// The commit, in full.
    pub revision: String,
    /// The files' paths in the repository and below the source's folder, with `*` for the number of the file: five digits,
    /// from 0.
    pub files: String,
    /// How many files there are.
    pub count: usize,
}

impl TextHubCopy {
    /// The paths of the files, in order.
    pub fn names(&self) -> impl Iterator<Item = String> {
        (0..self.count).map(|number| self.files.replace('*', &format!("{number:05}")))
    }
}

/// How the original files of a text source are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TextDecoder {
    /// A review a file, below a folder a class.
    AclImdb,
    /// A sentence a line.
    Lm1b,
    /// Articles between `<doc …>` and `</doc>`, as WikiExtractor writes them; or the hub's Parquet files.
    WikiExtractor,
    /// Tab-separated columns, a review a line; or a JSON object a line.
    AmazonReviews,
}

/// The script and the look of a stand-in's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Language {
    /// Latin letters.
    English,
    /// Latin letters with diacritics.
    Sorbian,
    /// Cyrillic letters.
    Russian,
    /// Kanji and kana, no spaces.
    Japanese,
    /// Han characters, no spaces.
    Chinese,
}

/// A file as the authors publish it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Download {
    /// Address.
    pub url: String,
    /// Size in bytes, where known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// SHA-256 in hexadecimal, where known.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl Download {
    /// Name of the file.
    pub(crate) fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }
}

/// A group of files in the folder of a source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TextFiles {
    /// Source split that they belong to; none if examples are dealt out by a hash.
    #[serde(default)]
    pub split: Option<SourceSplit>,
    /// Paths below the source's folder, with `*` for any characters of a component. The first pattern that something
    /// matches is used.
    pub names: Vec<String>,
    /// How many there are in a complete copy, where known.
    #[serde(default)]
    pub count: Option<usize>,
    /// Label of their examples, if the path tells it.
    #[serde(default)]
    pub label: Option<u8>,
    /// Whether these are only a part of the source, or another edition of it; used if none of the others is there.
    #[serde(default)]
    pub partial: bool,
}

impl TextDecoder {
    /// Whether a file that fits a pattern of the manifest is one of the source, by its name. A review is named
    /// `<number>_<stars>.txt`; a `README.txt` beside reviews is none.
    pub(crate) fn takes(self, name: &str) -> bool {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_review = |name: &str| {
            let parts = name.strip_suffix(".txt").and_then(|stem| stem.split_once('_'));
            parts.is_some_and(|(number, stars)| is_number(number) && is_number(stars))
        };
        self != Self::AclImdb || is_review(name.rsplit('/').next().unwrap_or(name))
    }
}

impl TextManifest {
    /// The folder of this source's files below the data directory `root`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.directory)
    }

    /// What the authors publish under the name of this file.
    pub(crate) fn download(&self, path: &Path) -> Option<&Download> {
        self.downloads.iter().find(|download| path.file_name().is_some_and(|name| name == download.name()))
    }

    /// Name of the published archive, if there is one; it is read as it is.
    pub(crate) fn archive(&self) -> Option<&str> {
        self.downloads.iter().map(Download::name).find(|name| name.ends_with(".tar.gz"))
    }
}

/// The embedded manifests.
const TEXTS: [&str; 11] = [
    include_str!("../../manifests/imdb_reviews.toml"),
    include_str!("../../manifests/lm1b.toml"),
    include_str!("../../manifests/wikipedia_en.toml"),
    include_str!("../../manifests/wikipedia_hsb.toml"),
    include_str!("../../manifests/wikipedia_ja.toml"),
    include_str!("../../manifests/wikipedia_ru.toml"),
    include_str!("../../manifests/wikipedia_zh.toml"),
    include_str!("../../manifests/amazon_reviews_Books_v1_02.toml"),
    include_str!("../../manifests/amazon_reviews_Camera_v1_00.toml"),
    include_str!("../../manifests/amazon_reviews_Home_v1_00.toml"),
    include_str!("../../manifests/amazon_reviews_Video_v1_00.toml"),
];

/// All text sources.
#[expect(clippy::missing_panics_doc, reason = "the embedded manifests are constants, and a test parses them")]
pub fn text_manifests() -> &'static [TextManifest] {
    static MANIFESTS: OnceLock<Vec<TextManifest>> = OnceLock::new();
    MANIFESTS.get_or_init(|| {
        let parse = |text: &&str| toml::from_str(text).expect("embedded manifests parse, a test checks it");
        TEXTS.iter().map(parse).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_manifests_parse() {
        for text in TEXTS {
            let manifest: Result<TextManifest, _> = toml::from_str(text);
            assert!(manifest.is_ok(), "{}\n{text}", manifest.unwrap_err());
        }
    }
}
