//! What unfinished shards and long trials save is used by the next run, in any company, and does no harm if it is damaged.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use taskset_sweep::{Directory, RunOptions, SweepObserver, TrialReport};
use taskset_train::Quiet;
use taskset_trial::Protocol;

use crate::support::{bits, names, run, stored, sweep};

/// Asks for a stop at the first tick, which comes while long trials run; keeps the notes.
struct StopAtTick<'a> {
    cancel: &'a AtomicBool,
    notes: Vec<String>,
}

impl SweepObserver for StopAtTick<'_> {
    fn started(&mut self, _total: usize, _stored: usize) {}
    fn finished(&mut self, _report: &TrialReport<'_>) {}
    fn stored(&mut self, _count: usize) {}
    fn tick(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }
}

/// Trials of a second or more: six of them in a group.
fn long() -> crate::support::Names {
    let optimizers =
        ["adam_lr_-2.00", "adam_lr_-3.00", "adam8p_wide_grid_seed0", "sgd_seed3", "zero", "lamb_default"];
    names(
        &["mlp_family_seed131"],
        &optimizers,
        1,
        Protocol { steps: 3000, eval_every: 1000, eval_batches: 2 },
    )
}

fn files(directory: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory.join("checkpoints")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

/// One run with these groups, which is stopped at the first tick: its notes, and whether it came to the end.
fn stopped(directory: &Directory, group_size: usize) -> (Vec<String>, bool) {
    let cancel = AtomicBool::new(false);
    let mut observer = StopAtTick { cancel: &cancel, notes: Vec::new() };
    let options = RunOptions { checkpoint_every: Duration::from_millis(20), ..RunOptions::new(1) };
    let sweep = sweep(long()).with_group_size(group_size);
    let outcome = directory.run(&sweep, &options, &mut observer, &cancel).unwrap();
    (observer.notes, !outcome.interrupted)
}

#[test]
fn long_trials_go_on_from_where_they_were_in_other_company() {
    let whole = {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::at(place.path());
        run(&sweep(long()), &directory, 1, &mut Quiet, &AtomicBool::new(false));
        bits(&stored(&directory))
    };
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::at(place.path());
    for (stops, size) in [6, 2, 1, 3, 4, 5].into_iter().cycle().take(200).enumerate() {
        let (notes, ended) = stopped(&directory, size);
        assert_eq!(notes, Vec::<String>::new());
        if ended {
            assert!(stops > 0, "the trials are too short for this test");
            assert_eq!(bits(&stored(&directory)), whole);
            assert!(
                files(place.path(), "safetensors").is_empty() && files(place.path(), "parquet").is_empty()
            );
            return;
        }
    }
    panic!("not finished after 200 continuations");
}

#[test]
fn damaged_files_are_noted_and_their_trials_start_again() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::at(place.path());
    // Until something is saved.
    for _ in 0..200 {
        if stopped(&directory, 6).1 || !files(place.path(), "safetensors").is_empty() {
            break;
        }
    }
    let checkpoints = files(place.path(), "safetensors");
    assert!(!checkpoints.is_empty(), "the trials are too short for this test");
    for checkpoint in &checkpoints {
        let bytes = std::fs::read(checkpoint).unwrap();
        std::fs::write(checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    }
    for partial in files(place.path(), "parquet") {
        std::fs::write(partial, "no Parquet").unwrap();
    }
    let (notes, _) = stopped(&directory, 6);
    assert!(
        !notes.is_empty()
            && notes.iter().all(|note| note.contains("start again") || note.contains("starts again")),
        "{notes:?}"
    );
    run(&sweep(long()), &directory, 2, &mut Quiet, &AtomicBool::new(false));
    assert_eq!(stored(&directory).len(), 6);
}
