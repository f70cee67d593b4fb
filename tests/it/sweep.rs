//! `sweep …`: plans, runs, growth, refusals, status, compacting.

use std::fs;
use std::path::Path;

use crate::support::{arg, fails, json, ok, program, run, skipped};

/// A plan of two blocks, small enough for a test.
const PLAN: &str = r#"
[[trials]]
tasks = ["TwoD_*", "quadratic_family_seed{0..1}"]
optimizers = ["adam_lr_-{1..2}.00", "adam8p_wide_grid_seed{0..2}"]
replicas = 2
steps = 40
eval_every = 20
eval_batches = 1
data = "synthetic"

[[trials]]
tasks = "mlp_family_seed131"
optimizers = "adam_lr_-3.00"
steps = 6
eval_every = 3
eval_batches = 1
data = "synthetic"
"#;
/// 8 two-dimensional tasks and 2 quadratics, 5 optimizers, 2 replicas; and 1.
const TRIALS: u64 = 101;

fn write_plan(directory: &Path, text: &str) -> String {
    let path = directory.join("plan.toml");
    fs::write(&path, text).unwrap();
    arg(&path)
}

/// The planned sweep `name` below a directory.
fn planned(directory: &Path, name: &str) -> String {
    let (plan, out) = (write_plan(directory, PLAN), arg(&directory.join(name)));
    let report = json(&["sweep", "plan", &plan, "--out", &out, "--json"]);
    assert_eq!(report["new_trials"], TRIALS);
    out
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_plan_is_estimated_run_and_found_complete() {
    let directory = tempfile::tempdir().unwrap();
    let out = planned(directory.path(), "sweep");
    let status = json(&["sweep", "status", &out, "--json"]);
    assert_eq!((&status["trials"]["done"], &status["trials"]["total"]), (&0.into(), &TRIALS.into()));
    assert!(status["core_hours_left"].as_f64().unwrap() > 0.0);
    let report = json(&["sweep", "run", &out, "--jobs", "2", "--json"]);
    assert_eq!((&report["trained"], &report["missing"]), (&TRIALS.into(), &0.into()));
    let status = json(&["sweep", "status", &out, "--json"]);
    assert_eq!(status["trials"]["done"], TRIALS);
    assert_eq!(status["tasks"].as_array().unwrap().len(), 11);
    assert!(status["workers"].as_array().unwrap().is_empty());
    for folder in ["claims", "checkpoints"] {
        assert!(names(&Path::new(&out).join(folder)).is_empty(), "{folder}");
    }
    // Nothing is trained twice.
    let again = json(&["sweep", "run", &out, "--json"]);
    assert_eq!((&again["trained"], &again["reused"]), (&0.into(), &TRIALS.into()));
    let info = json(&["curves", "info", &out, "--json"]);
    assert_eq!((&info["trials"], &info["rows"]), (&TRIALS.into(), &TRIALS.into()));
    assert!(ok(&["sweep", "status", &out]).starts_with("101 of 101 trials are stored"));
}

#[test]
fn parts_and_a_whole_run_give_the_same_curves_and_compact_to_the_same_files() {
    let directory = tempfile::tempdir().unwrap();
    let (whole, parts) = (planned(directory.path(), "whole"), planned(directory.path(), "parts"));
    ok(&["sweep", "run", &whole, "--jobs", "1"]);
    for part in ["2/3", "0/3", "1/3"] {
        ok(&["sweep", "run", &parts, "--shard", part, "--jobs", "2"]);
    }
    assert_eq!(names(&Path::new(&whole).join("shards")), names(&Path::new(&parts).join("shards")));
    ok(&["curves", "diff", &whole, &parts]);
    let compacted = |of: &str| {
        let to = arg(&directory.path().join("compacted").join(Path::new(of).file_name().unwrap()));
        let done = json(&["sweep", "compact", of, "--out", &to, "--json"]);
        assert_eq!((&done["files"], &done["trials"]), (&11.into(), &TRIALS.into()));
        // Again, over its own files.
        ok(&["sweep", "compact", of, "--out", &to]);
        to
    };
    let (one, other) = (compacted(&whole), compacted(&parts));
    assert_eq!(names(Path::new(&one)), names(Path::new(&other)));
    ok(&["curves", "diff", &whole, &one]);
    ok(&["curves", "diff", &one, &other]);
    fails(&["sweep", "compact", &whole, "--out", &whole], 1, &["a directory of their own"]);
    // Files of another sweep are not replaced.
    fs::copy(Path::new(&one).join("TwoD_Ackley.parquet"), Path::new(&other).join("mine.parquet")).unwrap();
    fails(&["sweep", "compact", &whole, "--out", &other], 1, &["mine.parquet", "no task of this sweep"]);
}

#[test]
fn a_plan_grows_by_what_is_new() {
    let directory = tempfile::tempdir().unwrap();
    let out = planned(directory.path(), "sweep");
    ok(&["sweep", "run", &out]);
    let more = PLAN.replace("replicas = 2", "replicas = 3");
    let plan = write_plan(directory.path(), &more);
    let grown = json(&["sweep", "plan", &plan, "--out", &out, "--json"]);
    assert_eq!((&grown["new_trials"], &grown["known_trials"]), (&50.into(), &101.into()));
    assert_eq!((&grown["trials"], &grown["other_blocks"]), (&151.into(), &1.into()));
    let report = json(&["sweep", "run", &out, "--json"]);
    assert_eq!((&report["trained"], &report["reused"]), (&50.into(), &TRIALS.into()));
    // The plan as it stands is nothing new.
    let kept = arg(&Path::new(&out).join("plan.toml"));
    let again = json(&["sweep", "plan", &kept, "--out", &out, "--json"]);
    assert_eq!(again["new_trials"], 0);
    // A lost manifest is made again, and nothing is trained again.
    fs::remove_file(Path::new(&out).join("manifest.json")).unwrap();
    fails(&["sweep", "run", &out], 1, &["manifest.json", "sweep plan"]);
    let again = json(&["sweep", "plan", &kept, "--out", &out, "--json"]);
    assert_eq!((&again["new_trials"], &again["known_trials"]), (&0.into(), &251.into()));
    let status = json(&["sweep", "status", &out, "--json"]);
    assert_eq!((&status["trials"]["done"], &status["other_files"]), (&151.into(), &0.into()));
    assert_eq!(json(&["sweep", "run", &out, "--json"])["trained"], 0);
    // The manifest remembers nothing that only the files know.
    let shards = Path::new(&out).join("shards");
    fs::remove_file(shards.join(&names(&shards)[0])).unwrap();
    assert!(json(&["sweep", "run", &out, "--json"])["trained"].as_u64().unwrap() > 0);
    assert_eq!(json(&["sweep", "status", &out, "--json"])["trials"]["done"], 151);
}

/// A name is not enough: a shard must be whole, and the one that its name says.
#[test]
fn shards_that_cannot_be_theirs_are_put_aside_and_trained_again() {
    let directory = tempfile::tempdir().unwrap();
    let (whole, out) = (planned(directory.path(), "whole"), planned(directory.path(), "sweep"));
    ok(&["sweep", "run", &whole]);
    ok(&["sweep", "run", &out]);
    let shards = Path::new(&out).join("shards");
    let files = names(&shards);
    let bytes = fs::read(shards.join(&files[0])).unwrap();
    fs::write(shards.join(&files[0]), &bytes[..bytes.len() / 2]).unwrap();
    fs::copy(shards.join(&files[2]), shards.join(&files[1])).unwrap();
    let status = json(&["sweep", "status", &out, "--json"]);
    assert_eq!(status["damaged"], 2);
    assert!(status["trials"]["done"].as_u64().unwrap() < TRIALS);
    fails(&["reproduce", "sec5", "--sweep", &out], 1, &["not complete"]);
    let ran = run(&["sweep", "run", &out]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("its trials are trained again").count(), 2, "{}", ran.stderr);
    ok(&["curves", "diff", &whole, &out]);
    assert_eq!(names(&shards).iter().filter(|name| name.ends_with(".damaged")).count(), 2);
}

#[test]
fn a_manifest_that_was_changed_by_hand_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let out = planned(directory.path(), "sweep");
    let path = Path::new(&out).join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["shards"].as_array_mut().unwrap().pop();
    fs::write(&path, manifest.to_string()).unwrap();
    for command in ["run", "status"] {
        fails(&["sweep", command, &out], 1, &["manifest.json", "not as it was written", "makes it again"]);
    }
    fs::write(&path, text).unwrap();
    fs::remove_file(Path::new(&out).join("plan.toml")).unwrap();
    let plan = arg(&directory.path().join("plan.toml"));
    fails(&["sweep", "plan", &plan, "--out", &out], 1, &["plan.toml", "remove", "manifest.json"]);
}

#[test]
fn several_processes_may_start_the_same_grid_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let out = arg(&directory.path().join("grid"));
    let start = || {
        let mut command = program();
        command.args([
            "sweep",
            "run",
            "--tasks",
            "TwoD_*",
            "--optimizers",
            "adam_lr_*",
            "--steps",
            "100",
            "--data",
            "synthetic",
        ]);
        command.args(["--jobs", "1", "--out", &out]).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..3).map(|_| start()).collect();
    for child in children {
        let ran = child.wait_with_output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let info = json(&["curves", "info", &out, "--json"]);
    assert_eq!((&info["trials"], &info["rows"]), (&136.into(), &136.into()));
}

#[test]
fn a_grid_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let out = arg(&directory.path().join("grid"));
    let grid = |optimizers: &str| {
        let ran = run(&[
            "sweep",
            "run",
            "--tasks",
            "TwoD_Bowl*",
            "--optimizers",
            optimizers,
            "--replicas",
            "2",
            "--steps",
            "10",
            "--eval-every",
            "5",
            "--eval-batches",
            "1",
            "--data",
            "synthetic",
            "--out",
            &out,
            "--json",
        ]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        (report["trained"].as_u64().unwrap(), report["reused"].as_u64().unwrap())
    };
    let tasks = ok(&["tasks", "list", "TwoD_Bowl*"]).lines().count() as u64 - 1;
    assert_eq!(grid("adam_lr_-1.00"), (2 * tasks, 0));
    assert_eq!(grid("adam_lr_-1.00"), (0, 2 * tasks));
    assert_eq!(grid("adam_lr_-1.00,adam_lr_-2.00"), (2 * tasks, 2 * tasks));
}

#[test]
fn what_cannot_be_planned_or_run_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let out = arg(&directory.path().join("sweep"));
    let plan = |text: &str| write_plan(directory.path(), text);
    let block = |tasks: &str, more: &str| {
        format!(
            "[[trials]]\ntasks = [{tasks}]\noptimizers = ['adam_lr_-1.00']\nsteps = 2\ndata = 'synthetic'\n{more}\n"
        )
    };
    let refused = |text: &str, code: i32, words: &[&str]| {
        fails(&["sweep", "plan", &plan(text), "--out", &out], code, words);
    };
    refused(&block("'mlp_famly_seed3'", ""), 2, &["mlp_famly_seed3", "did you mean"]);
    refused(
        &block("'conv_fc_family_seed25'", ""),
        2,
        &["conv_fc_family_seed25 cannot be built", "by a range or pattern"],
    );
    refused(&block("'TwoD_*'", "step = 3"), 2, &["plan.toml", "unknown field `step`"]);
    refused("", 2, &["no [[trials]]"]);
    refused(&block("'mlp_family_seed131'", "").replace("'synthetic'", "'real'"), 1, &["--data"]);
    refused(&block("'TwoD_Bowl1'", "max_minutes = 1e-12"), 2, &["left out", "TwoD_Bowl1"]);
    refused(&block("'TwoD_*'", "replicas = 4294967295"), 2, &["at most 100000000"]);
    let real = plan(&block("'mlp_family_seed131'", "").replace("'synthetic'", "'real'"));
    fails(&["sweep", "plan", &real, "--out", &out, "--data", "synthetic"], 2, &["asks for real data"]);
    assert!(!Path::new(&out).exists(), "a plan that fails makes nothing");
    fails(&["sweep", "plan", "/nonexistent/p.toml", "--out", &out], 2, &["/nonexistent/p.toml"]);
    fails(&["sweep", "run", &out], 1, &["plan.toml", "sweep plan"]);
    fails(&["sweep", "run"], 2, &["DIR"]);
    fails(&["sweep", "run", ""], 1, &["the name is empty"]);
    // Nothing was planned by all that; infeasible tasks of a range are left out.
    let report =
        json(&["sweep", "plan", &plan(&block("'conv_fc_family_seed{24..25}'", "")), "--out", &out, "--json"]);
    assert_eq!((&report["new_trials"], report["left_out"].as_array().unwrap().len()), (&1.into(), 1));
    for (shard, words) in [("3/3", "--array=0-2"), ("/3", "SLURM_ARRAY_TASK_ID"), ("x/3", "whole numbers")] {
        fails(&["sweep", "run", &out, "--shard", shard], 2, &[words]);
    }
    // A changed block is noticed.
    let path = Path::new(&out).join("plan.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("steps = 2", "steps = 4")).unwrap();
    for command in ["run", "status"] {
        fails(&["sweep", command, &out], 1, &["number 1 was changed"]);
    }
    fs::write(&path, format!("{text}\n{}", block("'TwoD_Bowl1'", ""))).unwrap();
    fails(&["sweep", "run", &out], 1, &["not planned yet", "sweep plan"]);
    let grown = json(&["sweep", "plan", &arg(&path), "--out", &out, "--json"]);
    assert_eq!((&grown["new_trials"], &grown["trials"]), (&1.into(), &2.into()));
}

/// The same names on other arithmetic are other trials; they are not mixed into a directory.
#[test]
fn what_contradicts_stored_curves_is_refused_with_the_difference() {
    let directory = tempfile::tempdir().unwrap();
    let out = planned(directory.path(), "sweep");
    let manifest = fs::read_to_string(Path::new(&out).join("manifest.json")).unwrap();
    if !manifest.contains(r#""arithmetic":"fma""#) {
        return skipped("this machine has no fused multiply-add, so there is only one class of arithmetic");
    }
    ok(&["sweep", "run", &out, "--shard", "0/2"]);
    let more = write_plan(directory.path(), &PLAN.replace("replicas = 2", "replicas = 3"));
    let words = ["arithmetic", "`fma` there, `portable` now", "another directory"];
    fails(&["sweep", "plan", &more, "--out", &out, "--kernels", "portable"], 1, &words);
    fails(&["sweep", "run", &out, "--kernels", "portable"], 1, &["fma arithmetic", "portable"]);
    // Without the manifest the stored curves themselves say it.
    fs::remove_file(Path::new(&out).join("manifest.json")).unwrap();
    let words = ["is stored in", "`fma` there, `portable` now"];
    fails(&["sweep", "plan", &more, "--out", &out, "--kernels", "portable"], 1, &words);
    // On the machine's own kernels it goes on.
    ok(&["sweep", "plan", &more, "--out", &out]);
    ok(&["sweep", "run", &out]);
}

#[test]
fn each_shard_records_its_environment() {
    let directory = tempfile::tempdir().unwrap();
    let out = arg(&directory.path().join("sweep"));
    ok(&[
        "sweep",
        "run",
        "--tasks",
        "TwoD_Bowl1",
        "--optimizers",
        "adam_lr_-1.00",
        "--steps",
        "2",
        "--data",
        "synthetic",
        "--out",
        &out,
    ]);
    let shards = Path::new(&out).join("shards");
    let name = &names(&shards)[0];
    let file = shards.join(name);
    let bytes = fs::read(&file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let at = text.find("{\"shard\"").unwrap();
    let record: serde_json::Value =
        serde_json::Deserializer::from_str(&text[at..]).into_iter().next().unwrap().unwrap();
    for key in [
        "commit",
        "features",
        "processor",
        "kernels",
        "threads",
        "host",
        "process",
        "data",
        "started",
        "ended",
    ] {
        assert!(record.get(key).is_some(), "{key}: {record}");
    }
    assert_eq!(record["shard"].as_str(), name.strip_suffix(".parquet"));
    assert!(record["started"].as_str().unwrap().ends_with('Z'));
}
