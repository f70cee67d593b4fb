//! What every storage must keep to. The same tests run for a directory and for an object store.

use std::sync::Barrier;
use std::time::Duration;

use super::{CLAIMS, Claimant, SHARDS, Storage, claims_without_locks};

const HOUR: Duration = Duration::from_secs(3600);

fn claimant(process: u32) -> Claimant {
    Claimant { host: "here".to_owned(), process, since: "2026-11-30T12:00:00Z".to_owned(), job: None }
}

/// Checks all laws. `place` makes a new place, and what opens that place as another worker would.
pub(crate) fn check_all<S: Storage + Clone + 'static, W: Fn() -> S + Sync>(place: impl Fn() -> W) {
    files(&place()());
    a_race_has_one_winner(&place());
    claims(&place());
    a_lease_ends(&place());
    the_last_lease_counts(&place()());
}

fn files(storage: &dyn Storage) {
    storage.prepare().unwrap();
    let name = &format!("{SHARDS}/b.parquet");
    assert_eq!((storage.exists(name).unwrap(), storage.read(name).unwrap()), (false, None));
    assert!(storage.list(SHARDS).unwrap().is_empty());
    storage.remove(name).unwrap();

    assert!(storage.write_new(name, b"first").unwrap());
    assert!(!storage.write_new(name, b"second").unwrap());
    assert_eq!((storage.exists(name).unwrap(), storage.read(name).unwrap()), (true, Some(b"first".to_vec())));
    storage.write(name, b"third").unwrap();
    assert_eq!(storage.read(name).unwrap().unwrap(), b"third");
    storage.write("plan.toml", b"").unwrap();
    assert_eq!(storage.read("plan.toml").unwrap().unwrap(), b"");

    // Names of one folder, in order, and not what lies beside it. `cargo xtask object-store-check` has more than a page.
    for number in (0..50).rev() {
        storage.write(&format!("{SHARDS}/a{number:02}.parquet"), b"x").unwrap();
    }
    let names = storage.list(SHARDS).unwrap();
    assert_eq!((names.len(), &*names[0], &*names[50]), (51, "a00.parquet", "b.parquet"));
    assert!(names.is_sorted());
    assert!(storage.list(CLAIMS).unwrap().is_empty());

    storage.remove(name).unwrap();
    assert!(!storage.exists(name).unwrap());
    assert!(storage.write_new(name, b"again").unwrap());
    assert!(storage.place(name).contains("b.parquet"));
}

/// Every thread writes something else, so that it can be told who won.
fn a_race_has_one_winner<S: Storage>(worker: &(impl Fn() -> S + Sync)) {
    const THREADS: usize = 16;
    worker().prepare().unwrap();
    for round in 0..10 {
        let name = format!("{SHARDS}/{round}.parquet");
        let start = Barrier::new(THREADS);
        let won: Vec<bool> = std::thread::scope(|scope| {
            let race = |thread: usize| {
                let (name, start) = (&name, &start);
                scope.spawn(move || {
                    let storage = worker();
                    start.wait();
                    storage.write_new(name, format!("thread {thread}").as_bytes()).unwrap()
                })
            };
            let threads: Vec<_> = (0..THREADS).map(race).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winner = won.iter().position(|won| *won).unwrap();
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        assert_eq!(worker().read(&name).unwrap().unwrap(), format!("thread {winner}").into_bytes());
    }
}

fn claims<S: Storage>(worker: &impl Fn() -> S) {
    let (one, two) = (worker(), worker());
    one.prepare().unwrap();
    let claim = one.claim("a", &claimant(1), HOUR).unwrap().unwrap();
    let other = two.claim("b", &claimant(2), HOUR).unwrap().unwrap();
    assert!(two.claim("a", &claimant(2), HOUR).unwrap().is_none());
    let shards = |storage: &S| -> Vec<(String, u32)> {
        storage.claims().unwrap().into_iter().map(|(shard, who)| (shard, who.process)).collect()
    };
    assert_eq!(shards(&two), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    // Given up, and taken by the other one.
    drop(claim);
    assert_eq!(shards(&one), [("b".to_owned(), 2)]);
    let claim = two.claim("a", &claimant(2), HOUR).unwrap().unwrap();
    claim.done();
    other.done();
    assert!(shards(&one).is_empty());
    assert!(one.list(CLAIMS).unwrap().is_empty());
}

fn a_lease_ends<S: Storage + Clone + 'static>(worker: &impl Fn() -> S) {
    let (one, two) = (worker(), worker());
    one.prepare().unwrap();
    // Its end is past at once, as if the worker had died long ago.
    let died = claims_without_locks::claim(&one, "a", &claimant(1), Duration::ZERO).unwrap().unwrap();
    assert!(claims_without_locks::claims(&two).unwrap().is_empty());
    let taken = claims_without_locks::claim(&two, "a", &claimant(2), HOUR).unwrap().unwrap();
    assert_eq!(claims_without_locks::claims(&one).unwrap(), [("a".to_owned(), claimant(2))]);
    assert!(claims_without_locks::claim(&one, "a", &claimant(1), HOUR).unwrap().is_none());
    // The first worker lives after all, and gives up what it had: the claim of the second one stays.
    drop(died);
    assert_eq!(claims_without_locks::claims(&one).unwrap(), [("a".to_owned(), claimant(2))]);
    taken.done();
    assert!(one.list(CLAIMS).unwrap().is_empty());
}

fn the_last_lease_counts(storage: &dyn Storage) {
    storage.prepare().unwrap();
    let text = |process: u32, until: u64| {
        format!(r#"{{"host":"here","process":{process},"since":"2026-11-30T12:00:00Z","until":{until}}}"#)
    };
    let far = u64::MAX / 2;
    for (number, process, until) in [(2, 1, far), (10, 2, 1), (9, 3, far)] {
        let text = text(process, until);
        assert!(storage.write_new(&format!("{CLAIMS}/a.lease{number}"), text.as_bytes()).unwrap());
    }
    // Number 10 has ended, and it counts, not what comes last in the order of the names.
    assert!(claims_without_locks::claims(storage).unwrap().is_empty());
    // One that cannot be read counts as ended.
    storage.write(&format!("{CLAIMS}/b.lease1"), b"{").unwrap();
    assert!(claims_without_locks::claims(storage).unwrap().is_empty());
    assert!(storage.write_new(&format!("{CLAIMS}/a.lease11"), text(4, far).as_bytes()).unwrap());
    assert_eq!(claims_without_locks::claims(storage).unwrap(), [("a".to_owned(), claimant(4))]);
}
