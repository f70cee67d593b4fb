//! A directory that grows loses nothing.

use std::path::Path;

use taskset_trial::Curve;

use crate::testing::{curve, in_mode, metadata, slice_metadata};
use crate::{CurveStore, Error, Metadata, Query, write};

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_was_appended_is_finished_and_read_sorted() {
    let dir = tempfile::tempdir().unwrap();
    let store = CurveStore::open(&dir.path().join("new/store"), &metadata()).unwrap();
    assert!(store.finished().unwrap().is_empty() && store.read_all().unwrap().is_empty());
    store.append(&[curve("b", "o", 0), curve("a", "o", 1)]).unwrap();
    store.append(&[]).unwrap();
    store.append(&[curve("a", "o", 0), curve("b", "o", 0)]).unwrap();
    store.append(&[curve("a", "o", 0), curve("b", "o", 0)]).unwrap();
    assert_eq!(names(store.directory()).len(), 2, "equal parts are one file");
    let again = CurveStore::open(store.directory(), &metadata()).unwrap();
    let all = again.read_all().unwrap();
    let keys: Vec<_> = all.iter().map(|c| (c.task(), c.replica())).collect();
    assert_eq!(keys, [("a", 0), ("a", 1), ("b", 0)]);
    assert_eq!(again.finished().unwrap(), all.iter().map(Curve::id).collect());
    let q = Query { replicas: vec![1], ..Query::default() };
    assert_eq!(again.query(&q).unwrap().len(), 1);
}

#[test]
fn different_trials_of_the_same_names_live_in_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = CurveStore::open(dir.path(), &metadata()).unwrap();
    let base = curve("a", "o", 0);
    store.append(std::slice::from_ref(&base)).unwrap();
    let other = in_mode(&base, "paper");
    assert!(!store.finished().unwrap().contains(&other.id()));
    // Another machine, another program: the same store.
    let elsewhere = Metadata { machine: "m2".into(), threads: 9, program_version: "9".into(), ..metadata() };
    CurveStore::open(dir.path(), &elsewhere).unwrap().append(&[other]).unwrap();
    assert_eq!(store.read_all().unwrap().len(), 2);
}

#[test]
fn old_schemas_and_slices_are_not_taken_into_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema_1.parquet");
    std::fs::copy(fixture, dir.path().join("part-old.parquet")).unwrap();
    let message = CurveStore::open(dir.path(), &metadata()).unwrap_err().to_string();
    let words = ["part-old.parquet", "schema version 1", "not used again", "another directory"];
    assert!(words.iter().all(|word| message.contains(word)), "{message}");

    let dir = tempfile::tempdir().unwrap();
    let store = CurveStore::open(dir.path(), &metadata()).unwrap();
    store.append(&[curve("a", "o", 0)]).unwrap();
    let cut = store.query(&Query { steps: Some(10..=20), ..Query::default() }).unwrap();
    write(&dir.path().join("cut.parquet"), &cut, &slice_metadata("steps 10..20")).unwrap();
    for result in [
        store.finished().map(drop),
        store.read_all().map(drop),
        CurveStore::open(dir.path(), &metadata()).map(drop),
    ] {
        assert!(matches!(result, Err(Error::Slice { .. })), "{result:?}");
    }
}

#[test]
fn stores_that_append_to_one_directory_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let append = |task: &'static str| {
        let directory = dir.path();
        move || {
            for replica in 0..20 {
                // Opened anew each time: that is when left-overs are removed.
                let store = CurveStore::open(directory, &metadata()).unwrap();
                store.append(&[curve(task, "o", replica)]).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(append("a"));
        scope.spawn(append("b"));
    });
    let store = CurveStore::open(dir.path(), &metadata()).unwrap();
    assert_eq!(store.finished().unwrap().len(), 40);
    assert_eq!(names(dir.path()).len(), 40);
}

#[test]
fn stray_folders_do_not_stop_a_store() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("part.parquet")).unwrap();
    let store = CurveStore::open(dir.path(), &metadata()).unwrap();
    store.append(&[curve("a", "o", 0)]).unwrap();
    assert_eq!(store.finished().unwrap().len(), 1);
}

#[test]
fn left_overs_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = CurveStore::open(dir.path(), &metadata()).unwrap();
    store.append(&[curve("a", "o", 0)]).unwrap();
    std::fs::write(dir.path().join(".writing-dead"), b"PAR1").unwrap();
    assert_eq!(store.finished().unwrap().len(), 1);
    CurveStore::open(dir.path(), &metadata()).unwrap();
    assert_eq!(names(dir.path()).len(), 1);
}

#[test]
fn a_truncated_or_foreign_part_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = CurveStore::open(dir.path(), &metadata()).unwrap();
    store.append(&[curve("a", "o", 0)]).unwrap();
    for content in [&b"not parquet"[..], b""] {
        std::fs::write(dir.path().join("zzz.parquet"), content).unwrap();
        for message in [
            CurveStore::open(dir.path(), &metadata()).unwrap_err().to_string(),
            store.finished().unwrap_err().to_string(),
            store.read_all().unwrap_err().to_string(),
        ] {
            assert!(message.contains("zzz.parquet") && message.contains("not a whole Parquet"), "{message}");
        }
    }
}
