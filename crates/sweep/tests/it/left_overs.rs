//! What killed processes leave is cleared away, and no process disturbs another by planning.

use std::fs;
use std::sync::atomic::AtomicBool;

use taskset_datasets::{Datasets, Source};
use taskset_sweep::{DataSources, Directory, PlanBlock, RunOptions};
use taskset_train::Quiet;

use crate::support::{DATA, stored};

fn block(steps: u32) -> PlanBlock {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    PlanBlock {
        steps,
        eval_every: 10,
        eval_batches: 1,
        data: Some("synthetic".to_owned()),
        ..PlanBlock::new(names(&["TwoD_Bowl1", "TwoD_Ackley"]), names(&["adam_lr_-1.00", "adam_lr_-2.00"]))
    }
}

fn plan(directory: &Directory, steps: u32) {
    let data = DataSources::new(Datasets::new(Source::Synthetic));
    directory.plan(&[block(steps)], &data, &AtomicBool::new(false)).unwrap().unwrap();
}

fn run(directory: &Directory) -> usize {
    let sweep = directory.load(|_| DATA.clone()).unwrap();
    let cancel = AtomicBool::new(false);
    directory.run(&sweep, &RunOptions::new(2), &mut Quiet, &cancel).unwrap().trained
}

#[test]
fn what_killed_processes_left_is_removed_by_the_next_run() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::at(place.path());
    plan(&directory, 20);
    assert_eq!(run(&directory), 4);
    let shards: Vec<String> = fs::read_dir(place.path().join("shards"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let curves = stored(&directory);
    // A worker that was killed between committing a shard and removing what it had saved, and a planner that was killed.
    for shard in &shards {
        fs::write(place.path().join("claims").join(shard.trim_end_matches(".parquet")), "{}").unwrap();
        fs::write(place.path().join("checkpoints").join(shard), "").unwrap();
    }
    for curve in &curves {
        fs::write(place.path().join(format!("checkpoints/{}.safetensors", curve.spec.id())), "").unwrap();
    }
    for left in
        ["claims/plan", ".writing-1", "shards/.writing-2", "claims/.writing-3", "checkpoints/.writing-4"]
    {
        fs::write(place.path().join(left), "").unwrap();
    }
    // What belongs to a trial of another plan stays.
    let other = format!("checkpoints/{}.safetensors", "0".repeat(64));
    fs::write(place.path().join(&other), "").unwrap();
    assert_eq!(run(&directory), 0);
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(place.path().join(folder)).unwrap();
        entries.map(|entry| format!("{folder}{}", entry.unwrap().file_name().to_str().unwrap())).collect()
    };
    assert_eq!(names("claims/"), [""; 0]);
    assert_eq!(names("checkpoints/"), [other]);
    let hidden = [names(""), names("shards/")].concat();
    assert!(!hidden.iter().any(|name| name.contains(".writing-")), "{hidden:?}");
    assert_eq!(stored(&directory).len(), 4);
}

#[test]
fn a_plan_can_be_read_while_it_grows() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::at(place.path());
    plan(&directory, 20);
    let mut most = 0;
    std::thread::scope(|scope| {
        let planner = scope.spawn(|| (1..20).for_each(|more| plan(&directory, 20 + more)));
        while !planner.is_finished() {
            let total = directory.status().unwrap().trials.total;
            assert!(total >= most);
            most = total;
            directory.load(|_| DATA.clone()).unwrap();
        }
        planner.join().unwrap();
    });
    assert!(most > 4);
    assert_eq!(directory.status().unwrap().trials.total, 80);
}
