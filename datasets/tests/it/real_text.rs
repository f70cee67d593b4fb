//! The real text files, where `TASKSET_DATA` says they are: in whole or in part.

use std::io::Write as _;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use taskset_datasets::files::{FilesState, inspect};
use taskset_datasets::prepared::{NoProgress, prepare_text};
use taskset_datasets::{Datasets, Source};
use taskset_names::{Origin, Split};
use tempfile::TempDir;

/// The data directory, if it holds this folder.
fn directory(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("TASKSET_DATA").filter(|value| value != "synthetic").map(PathBuf::from);
    let directory = named.filter(|directory| directory.join(name).is_dir());
    if directory.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: TASKSET_DATA names no directory with {name}");
    }
    directory
}

#[test]
fn imdb() {
    let Some(root) = directory("imdb") else { return };
    let data = Datasets::new(Source::Directory(root.clone()))
        .allow_partial(true)
        .text("imdb_reviews/bytes")
        .unwrap();
    let sizes = data.source_sizes();
    assert_eq!(sizes.train, 25_000);
    let whole = sizes.test == Some(25_000);
    assert_eq!(data.origin(), if whole { Origin::Real } else { Origin::Partial });
    let state = inspect(&root, None, "imdb_reviews").unwrap().state;
    assert_eq!(state, if whole { FilesState::Complete } else { FilesState::Partial });
    let positive = (0..25_000).filter(|&i| data.label(i) == 1).count();
    assert_eq!(positive, 12_500);
    // QUIRK-15: word language models hold out 20,000 of the 25,000.
    let splits = taskset_datasets::carve_text(&data, 10_000, None);
    assert_eq!(splits.get(Split::Train).len(), 5000);

    // The vocabulary is the original one: 8,185 ids, and byte for byte the file that TFDS 1.3.0 writes when it builds it
    // from these 25,000 reviews (made once, with the tokeniser described in `fixtures/subwords/README.md`).
    let cache = TempDir::new().unwrap();
    let prepared =
        prepare_text(&root, "imdb_reviews/subwords8k", cache.path(), true, &mut NoProgress).unwrap();
    assert_eq!(prepared.vocabulary, 8185);
    let vocabulary = std::fs::read(prepared.path.with_extension("subwords")).unwrap();
    let digest: String = Sha256::digest(vocabulary).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "f8426ab3ad68466b73db64af49301c412c75edb8704f58f4d462b75d1a2cd97f");
}

#[test]
fn lm1b() {
    let Some(root) = directory("lm1b") else { return };
    let data = Datasets::new(Source::Directory(root)).allow_partial(true).text("lm1b/bytes").unwrap();
    let sizes = (data.source_sizes().train, data.source_sizes().test);
    // The whole, or the four held-out shards of a well-known course.
    let expected = match data.origin() {
        Origin::Real => (30_301_028, Some(306_688)),
        _ => (12_216, Some(12_105)),
    };
    assert_eq!(sizes, expected);
}

#[test]
fn wikipedia() {
    let Some(root) = directory("wikipedia_en") else { return };
    let name = "tokenized_wikipedia/20190301.en_bytes";
    let data = Datasets::new(Source::Directory(root)).allow_partial(true).text(name).unwrap();
    let (train, test) = (data.source_sizes().train as f64, data.source_sizes().test.unwrap() as f64);
    assert!((train / (train + test) - 0.7).abs() < 0.03, "{train} of {}", train + test);
    let longest = (0..data.len() as u32).map(|i| data.tokens(i).len()).max().unwrap();
    assert!(longest > 1000 && (0..data.len() as u32).all(|i| data.tokens(i).len() > 5), "{longest}");
}
