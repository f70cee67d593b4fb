//! A sweep whose processes are killed at random moments. `cargo xtask torture` does the same for half an hour.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use taskset::curves;

use crate::support::{arg, json, ok, program};

const PLAN: &str = r#"
[[trials]]
tasks = ["TwoD_*", "quadratic_family_seed{2..5}", "losg_tasks_family_seed3"]
optimizers = ["adam_lr_*"]
steps = 2000
eval_every = 1000
eval_batches = 2

[[trials]]
tasks = ["TwoD_Rosenbrock"]
optimizers = ["adam8p_wide_grid_seed4"]
steps = 4000000
eval_every = 1000000
eval_batches = 1
"#;

/// Milliseconds between two kills.
const PAUSES: [u64; 8] = [350, 120, 600, 240, 800, 50, 500, 400];

fn worker(directory: &str, number: usize) -> Child {
    let slice = format!("{number}/2");
    let mut args = vec!["sweep", "run", directory, "--jobs", "1", "--checkpoint-every", "0.002"];
    // The first one has a part of its own; the second one takes whatever nobody has.
    if number == 0 {
        args.extend(["--shard", &slice]);
    }
    program().args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Names of the files of a folder, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn killed_workers_lose_and_repeat_nothing() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&place.path().join(name));
    let (plan, killed, whole) = (file("plan.toml"), file("killed"), file("whole"));
    fs::write(&plan, PLAN).unwrap();
    for directory in [&killed, &whole] {
        ok(&["sweep", "plan", &plan, "--out", directory, "--data", "synthetic"]);
    }
    let status = || json(&["sweep", "status", &killed, "--json"]);
    let mut workers = [worker(&killed, 0), worker(&killed, 1)];
    let (mut stored, mut checkpoints) = (0, 0);
    for (number, pause) in PAUSES.into_iter().enumerate() {
        std::thread::sleep(Duration::from_millis(pause));
        let one = number % 2;
        workers[one].kill().unwrap();
        workers[one].wait().unwrap();
        let now = status();
        let done = now["trials"]["done"].as_u64().unwrap();
        assert!(done >= stored, "{now}");
        stored = done;
        checkpoints = checkpoints.max(now["checkpoints"].as_u64().unwrap());
        workers[one] = worker(&killed, one);
    }
    for worker in &mut workers {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    assert!(checkpoints > 0, "the long trial left no checkpoint");
    ok(&["sweep", "run", &killed]);
    let now = status();
    assert_eq!(now["trials"]["done"], now["trials"]["total"]);
    let folder = |name: &str| names(&Path::new(&killed).join(name));
    assert_eq!([folder("claims"), folder("checkpoints")].concat(), [""; 0]);
    let all = [folder(""), folder("shards")].concat();
    assert!(!all.iter().any(|name| name.starts_with('.')), "{all:?}");

    ok(&["sweep", "run", &whole]);
    ok(&["curves", "diff", &whole, &killed]);
    let reader = curves::open(Path::new(&killed)).unwrap();
    assert_eq!(reader.rows(), reader.ids().unwrap().len() as u64);
    // What is compacted does not depend on the history, but for the clocks.
    let compacted = [&killed, &whole].map(|directory| {
        let out = format!("{directory}-compacted");
        ok(&["sweep", "compact", directory, "--out", &out]);
        out
    });
    let parquet = |directory: &str| {
        let mut names = names(Path::new(directory));
        names.sort();
        names
    };
    assert_eq!(parquet(&compacted[0]), parquet(&compacted[1]));
    ok(&["curves", "diff", &compacted[0], &compacted[1]]);
}
