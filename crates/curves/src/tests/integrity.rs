//! Nothing that was changed is read.

use crate::testing::{curve, metadata};
use crate::{Error, read, write};

fn small_file() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("part.parquet");
    write(&path, &[curve("t", "o", 0), curve("t", "o2", 1), curve("u", "o", 0)], &metadata()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (dir, path, bytes)
}

#[test]
fn every_flipped_byte_is_noticed() {
    let (_dir, path, bytes) = small_file();
    let footer =
        bytes.len() - 8 - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let mut kinds = std::collections::BTreeMap::new();
    for i in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[i] ^= 1 << (i % 8);
        std::fs::write(&path, &flipped).unwrap();
        let error = read(&path).expect_err(&format!("byte {i} of {}", bytes.len()));
        let message = error.to_string();
        assert!(message.contains("part.parquet"), "{i}: {message}");
        let kind = match error {
            Error::Damaged { what, .. } => {
                assert_eq!(what == "its footer", i >= footer, "{i}: {what}");
                "damaged"
            }
            Error::NotParquet { .. } => "not Parquet",
            Error::Rewritten { .. } | Error::NotCurves { .. } | Error::SchemaVersion { .. } => "other",
            other => panic!("byte {i}: {other:?}"),
        };
        *kinds.entry(kind).or_insert(0) += 1;
        // Whatever looks into the file notices it, too: it may be any column.
        if i % 16 == 0 {
            assert!(crate::info(&path).is_err(), "{i}");
        }
    }
    assert!(kinds["damaged"] > bytes.len() * 9 / 10, "{kinds:?}");
}

#[test]
fn what_is_not_read_is_not_verified_and_verify_reads_all() {
    let (_dir, path, bytes) = small_file();
    let reader = crate::open(&path).unwrap();
    reader.verify().unwrap();
    // The last chunk is the clock's, which a query for names does not need; some byte before the footer belongs to it.
    let footer =
        bytes.len() - 8 - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let mut flipped = bytes;
    flipped[footer - 1] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    let reader = crate::open(&path).unwrap();
    assert_eq!(reader.tasks().unwrap().len(), 2);
    let message = reader.verify().unwrap_err().to_string();
    assert!(message.contains("column `eval_seconds` of row group 0"), "{message}");
}

#[test]
fn a_truncated_file_is_an_error_at_every_length() {
    let (_dir, path, bytes) = small_file();
    for length in (0..bytes.len()).step_by(7).chain(bytes.len() - 9..bytes.len()) {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("part.parquet"), "{length}: {message}");
    }
}

#[test]
fn an_exchanged_chunk_is_noticed() {
    // A valid chunk of another file in the place of one of the same length: only the digest tells.
    let (_dir, path, bytes) = small_file();
    let other = path.with_file_name("other.parquet");
    let mut changed = [curve("t", "o", 0), curve("t", "o2", 1), curve("u", "o", 0)];
    changed[0].num_params = 8;
    write(&other, &changed, &metadata()).unwrap();
    let other = std::fs::read(&other).unwrap();
    if other.len() == bytes.len() {
        let footer =
            bytes.len() - 8 - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
        let mixed = [&other[..footer], &bytes[footer..]].concat();
        std::fs::write(&path, mixed).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("digest"), "{message}");
    }
}

#[test]
fn bytes_without_a_digest_are_noticed() {
    let (_dir, path, bytes) = small_file();
    // The whole file behind itself: a decoder sees only the second.
    std::fs::write(&path, [&bytes[..], &bytes[..]].concat()).unwrap();
    assert!(read(&path).is_err());
    std::fs::write(&path, [&bytes[..4], &[0; 8], &bytes[4..]].concat()).unwrap();
    assert!(read(&path).is_err());
}
