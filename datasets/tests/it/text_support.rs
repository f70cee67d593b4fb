//! Text sources in miniature: their files, and how they are loaded.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use taskset_datasets::text::decode_bytes;
use taskset_datasets::{Datasets, Error, Source, TextData};
use taskset_names::Origin;

pub(crate) fn put(root: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn load(root: &Path, name: &str) -> Result<std::sync::Arc<TextData>, Error> {
    Datasets::new(Source::Directory(root.to_owned())).allow_partial(true).text(name)
}

/// The texts of a source, read as bytes: training and test examples.
pub(crate) fn texts(root: &Path, name: &str) -> [Vec<String>; 2] {
    let data = load(root, name).unwrap();
    assert_eq!(data.origin(), Origin::Partial);
    let train = data.source_sizes().train as u32;
    let decode = |range: std::ops::Range<u32>| range.map(|i| decode_bytes(data.tokens(i)).unwrap()).collect();
    [decode(0..train), decode(train..data.len() as u32)]
}

pub(crate) fn fails(root: &Path, name: &str, words: &[&str]) {
    let message = load(root, name).unwrap_err().to_string();
    words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is not in: {message}"));
}

pub(crate) const IMDB: &str = "imdb_reviews/bytes";

pub(crate) fn imdb(root: &Path) {
    let review = |name: &str, text: &str| put(root, &format!("imdb/aclImdb/{name}.txt"), text);
    review("train/pos/0_9", "Great.\n");
    review("train/pos/10_8", "A  fine \u{a0}film\u{a0}");
    review("train/neg/2_1", " Bad.<br /><br />Very. ");
    review("train/unsup/0_0", "not used");
    review("test/neg/0_2", "Poor.");
    review("test/pos/0_7", "");
}
