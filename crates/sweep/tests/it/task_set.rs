//! The search for the set of tasks: the same list whatever the threads and interruptions, from the stored curves alone.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use taskset_sweep::RunOptions;
use taskset_sweep::choose_task_set::{FamilySearch, Search};
use taskset_tasks::families::TaskFamily;
use taskset_tasks::task_set::text;
use taskset_train::Quiet;

/// A cheap family.
fn family() -> &'static TaskFamily {
    taskset_tasks::families().iter().find(|family| family.name == "losg_tasks_family").unwrap()
}

/// A search for two tasks.
fn search(place: &Path, jobs: usize) -> Search {
    Search::new(place.to_owned(), RunOptions::new(jobs)).with_most(2)
}

fn to_the_end(search: &Search) -> FamilySearch {
    let mut found = search.start(family());
    while !found.is_complete() {
        assert!(search.advance(&mut found, Some(&mut Quiet), &AtomicBool::new(false)).unwrap());
    }
    found
}

#[test]
fn stored_curves_alone_give_the_list() {
    let place = tempfile::tempdir().unwrap();
    let found = to_the_end(&search(place.path(), 1));
    assert_eq!(found.kept(), 2);
    assert_eq!(search(place.path(), 1).stored().unwrap(), found.entries);

    // On other threads, somewhere else.
    let elsewhere = tempfile::tempdir().unwrap();
    let again = to_the_end(&search(elsewhere.path(), 2));
    assert_eq!(text(&again.entries), text(&found.entries));
}

#[test]
fn what_is_lost_is_not_listed_and_trained_again() {
    let place = tempfile::tempdir().unwrap();
    let found = to_the_end(&search(place.path(), 1));
    let shards = place.path().join(family().name).join("shards");
    let mut shorter = 0;
    for shard in std::fs::read_dir(shards).unwrap() {
        let file = shard.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let stored = search(place.path(), 1).stored().unwrap();
        assert!(found.entries.starts_with(&stored));
        shorter += usize::from(stored.len() < found.entries.len());
        std::fs::write(&file, bytes).unwrap();
    }
    // Each of the two has a trial for the loss before training, and one more at least.
    assert!(shorter >= 4, "{shorter}");
    assert_eq!(to_the_end(&search(place.path(), 1)).entries, found.entries);
}

#[test]
fn nothing_is_decided_by_a_search_that_is_stopped() {
    let place = tempfile::tempdir().unwrap();
    let search = search(place.path(), 1);
    let mut found = search.start(family());
    assert!(!search.advance(&mut found, Some(&mut Quiet), &AtomicBool::new(true)).unwrap());
    assert_eq!(found.kept(), 0);
    assert!(found.seconds_left().unwrap() > 0.0);
}
