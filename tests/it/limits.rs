//! What happens where output cannot be written, where a signal comes, and where the system gives less than was asked for.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use taskset::curves;
use taskset::trial::Curve;

use crate::support::{Ran, arg, fails, json, ok, program, run, skipped};

/// Runs it by a shell with something done to its stdout, e.g. `>&-`.
fn redirected(redirection: &str, args: &[&str]) -> Ran {
    let program = program();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec \"$0\" \"$@\" {redirection}")).arg(program.get_program()).args(args);
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap().into()
}

const SHORT: [&str; 7] = ["train", "TwoD_Bowl1", "adam_lr_-1.00", "--steps", "20", "--eval-every", "10"];

#[test]
fn a_full_or_closed_stdout_is_reported_by_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let file = arg(&directory.path().join("a.parquet"));
    ok(&[&SHORT[..], &["--out", &file]].concat());
    let problem = arg(&directory.path().join("problem.json"));
    fs::write(&problem, r#"{"initial_params": [1], "grads": [[1]]}"#).unwrap();
    let commands: [&[&str]; 14] = [
        &["--help"],
        &["--version"],
        &["curves", "query", "--help"],
        &["tasks", "list", "TwoD_*"],
        &["tasks", "list", "TwoD_*", "--json"],
        &["tasks", "show", "TwoD_Bowl1"],
        &["tasks", "check", "TwoD_Bowl1"],
        &["optimizers", "list"],
        &["optimizers", "trace", "zero", "--problem", &problem],
        &["data", "list", "--data", "synthetic"],
        &SHORT,
        &["curves", "info", &file],
        &["curves", "query", &file],
        &["lists", "show", "published", "--json"],
    ];
    for command in commands {
        let mut redirections = vec![">&-"];
        if Path::new("/dev/full").exists() {
            redirections.push(">/dev/full");
        }
        for redirection in redirections {
            let ran = redirected(redirection, command);
            assert_eq!(ran.code, 1, "{command:?} {redirection}: {}", ran.stderr);
            assert!(ran.stderr.contains("could not be written to stdout"), "{command:?}: {}", ran.stderr);
        }
    }
    // What was asked for as a file is kept.
    let kept = arg(&directory.path().join("kept.parquet"));
    let ran = redirected(">&-", &[&SHORT[..], &["--out", &kept]].concat());
    assert_eq!(ran.code, 1);
    assert!(ok(&["curves", "diff", &file, &kept]).contains("trials: 1 equal"));
    // Nothing is said to a stdout that only goes nowhere.
    assert_eq!(redirected(">/dev/null", &["tasks", "list", "TwoD_*"]).code, 0);
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut child =
        program().args(["tasks", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("name"), "{line}");
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

/// Starts it, waits for a line on stderr that contains `sign`, and sends it a signal.
fn interrupted(args: &[&str], sign: &str, signal: &str) -> Ran {
    let mut child: Child =
        program().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(sign) {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{args:?} ended: {said}");
    }
    let kill = ["-s", signal, &child.id().to_string()].map(str::to_owned);
    assert!(Command::new("kill").args(kill).status().unwrap().success());
    stderr.read_to_string(&mut said).unwrap();
    let mut ran: Ran = child.wait_with_output().unwrap().into();
    ran.stderr = said;
    ran
}

#[test]
fn an_interrupted_trial_keeps_its_points_in_a_file_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = arg(&directory.path().join("a.parquet"));
    let long = ["train", "TwoD_Bowl1", "adam_lr_-1.00", "--steps", "4000000000", "--eval-every", "100000"];
    for signal in ["INT", "TERM"] {
        let ran = interrupted(
            &[&long[..], &["--eval-batches", "1", "--out", &file]].concat(),
            "valid_inner",
            signal,
        );
        assert_eq!(ran.code, 130, "{}", ran.stderr);
        assert!(ran.stderr.contains("interrupted") && ran.stderr.contains(&file), "{}", ran.stderr);
        let info = json(&["curves", "info", &file, "--json"]);
        assert!(info["slices"][0].as_str().unwrap().contains("interrupted"), "{info}");
        fails(&["lists", "learn", "--curves", &file, "--family", "adam_lr"], 1, &["parts of curves"]);
        // The second time the file is there: it is a part of the same trial and may be replaced.
    }
    let ran = interrupted(&long, "valid_inner", "INT");
    assert_eq!(ran.code, 130);
    assert!(ran.stderr.contains("nothing was written"), "{}", ran.stderr);
}

#[test]
fn an_interrupted_trial_with_checkpoints_goes_on_to_the_same_curve() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&directory.path().join(name));
    let (whole, parts) = (file("whole.parquet"), file("parts.parquet"));
    let trial = [
        "train",
        "TwoD_Rosenbrock",
        "adam8p_wide_grid_seed4",
        "--steps",
        "4000000",
        "--eval-every",
        "1000000",
        "--eval-batches",
        "1",
        "--out",
    ];
    let saved = [&trial[..], &[&parts, "--checkpoint-every", "0.0001"]].concat();
    let checkpoint = format!("{parts}.checkpoint");
    for _ in 0..2 {
        let ran = interrupted(&saved, "valid_inner", "INT");
        assert_eq!(ran.code, 130, "{}", ran.stderr);
        assert!(ran.stderr.contains("goes on from") && ran.stderr.contains(&checkpoint), "{}", ran.stderr);
        assert!(Path::new(&checkpoint).exists());
    }
    // Another trial does not take it.
    let other = [&saved[..], &["--replica", "1"]].concat();
    fs::remove_file(&parts).unwrap();
    fails(&other, 1, &[&checkpoint, "one of the trial", "remove it"]);
    let ran = run(&saved);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("going on after step"), "{}", ran.stderr);
    assert!(!Path::new(&checkpoint).exists());
    ok(&[&trial[..], &[&whole]].concat());
    assert!(ok(&["curves", "diff", &whole, &parts]).contains("trials: 1 equal"));
    // What is damaged is not gone on from.
    fs::write(&checkpoint, b"no checkpoint").unwrap();
    fails(&saved, 1, &[&checkpoint, "damaged"]);
}

#[test]
fn the_whole_trial_replaces_its_part_and_no_part_replaces_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&directory.path().join(name));
    let (whole, part) = (file("whole.parquet"), file("part.parquet"));
    ok(&[&SHORT[..], &["--out", &whole]].concat());
    ok(&["curves", "query", &whole, "--steps", "0..10", "--out", &part]);
    ok(&[&SHORT[..], &["--out", &part]].concat());
    assert!(ok(&["curves", "diff", &whole, &part]).contains("trials: 1 equal"));
    // A part with other losses is another result.
    let (mut metadata, mut wrong) = curves::read(Path::new(&whole)).unwrap();
    metadata.slice = Some("steps 0..20".to_owned());
    wrong[0].losses[3][1] += 1.0;
    curves::write(Path::new(&part), &wrong, &metadata).unwrap();
    fails_after_training(&[&SHORT[..], &["--out", &part]].concat(), &["test differs", "is not replaced"]);
}

/// Expects an error after the trial, whose curve is printed all the same.
fn fails_after_training(args: &[&str], words: &[&str]) {
    let ran = run(args);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(words.iter().all(|word| ran.stderr.contains(word)), "{}", ran.stderr);
    assert!(ran.stdout.contains("valid_inner"));
}

#[test]
fn work_that_keeps_nothing_ends_at_once() {
    let check = ["tasks", "check", "TwoD_Bowl1", "nosuch*"];
    fails(&check, 2, &["nosuch"]);
    let directory = tempfile::tempdir().unwrap();
    let out = arg(&directory.path().join("report"));
    let sweep = ["reproduce", "sec5", "--jobs", "1", "--out", &out];
    let ran = interrupted(&sweep, "training", "TERM");
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(ran.stderr.contains("the same command continues"), "{}", ran.stderr);
}

#[test]
fn fewer_threads_than_asked_for_do() {
    let directory = tempfile::tempdir().unwrap();
    let out = arg(&directory.path().join("report"));
    let sweep = ["reproduce", "sec5", "--scale", "smoke", "--jobs", "1000", "--out", &out];
    let quoted = sweep.map(|word| format!("'{word}'")).join(" ");
    let uid = Command::new("id").arg("-u").output().unwrap().stdout;
    if uid.starts_with(b"0\n") {
        // The limit does not hold for root.
        skipped("fewer_threads_than_asked_for_do needs a user that is not root");
        return;
    }
    let line = format!("ulimit -u 30; exec '{}' {quoted}", program().get_program().to_str().unwrap());
    let ran: Ran = Command::new("sh").arg("-c").arg(line).output().unwrap().into();
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(ran.code == 0 || ran.stderr.contains("thread"), "{}", ran.stderr);
}

#[test]
fn names_from_files_do_not_reach_the_terminal_raw() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.parquet");
    ok(&[&SHORT[..], &["--out", &arg(&file)]].concat());
    let (metadata, curve) = curves::read(&file).unwrap();
    let named = |task: &str, optimizer: &str| -> Curve {
        let mut curve = curve[0].clone();
        std::sync::Arc::make_mut(&mut curve.spec.task).name = task.to_owned();
        std::sync::Arc::make_mut(&mut curve.spec.optimizer).name = optimizer.to_owned();
        curve
    };
    let hostile = [named("a\u{1b}[2Jb\nc", "=1+1"), named("-2+3", "x\u{202e}y\r")];
    curves::write(&file, &hostile, &metadata).unwrap();
    let path = arg(&file);
    let commands: [&[&str]; 3] =
        [&["curves", "info", &path], &["curves", "query", &path], &["curves", "recheck", &path]];
    for command in commands {
        let ran = run(command);
        let raw = |text: &str| text.contains(['\u{1b}', '\u{202e}', '\r']) || text.contains("b\nc");
        assert!(!raw(&ran.stdout) && !raw(&ran.stderr), "{command:?}: {:?} {:?}", ran.stdout, ran.stderr);
    }
    let csv = ok(&["curves", "query", &path, "--split", "test", "--steps", "0..0"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines.iter().any(|line| line.starts_with("'-2+3,")), "{csv}");
    assert!(lines.iter().any(|line| line.contains(",'=1+1,")), "{csv}");
}

#[test]
fn a_failure_is_not_lost_with_the_reader() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&directory.path().join(name));
    ok(&[&SHORT[..], &["--out", &file("a.parquet")]].concat());
    ok(&[&SHORT[..], &["--mode", "paper", "--out", &file("b.parquet")]].concat());
    let diff = ["curves", "diff", &file("a.parquet"), &file("b.parquet")];
    // The reader is gone before anything is written.
    let mut child = program().args(diff).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
}

#[test]
fn a_place_where_nothing_can_be_written_is_known_before_training() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("a.parquet");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let long = ["train", "TwoD_Bowl1", "adam_lr_-1.00", "--steps", "4000000000", "--eval-every", "100000"];
    fails(&[&long[..], &["--out", &arg(&link)]].concat(), 1, &["a.parquet", "leads nowhere"]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn asking_a_command_for_help_gives_help() {
    let help = ok(&["train", "--help"]);
    for args in [&["train", "help"][..], &["help", "train"]] {
        assert_eq!(ok(args), help);
    }
    assert_eq!(ok(&["curves", "plot", "help"]), ok(&["curves", "plot", "--help"]));
    assert_eq!(ok(&["curves", "help"]), ok(&["curves", "--help"]));
    // A name is a name.
    fails(&["tasks", "show", "help", "--json"], 2, &["no task `help`"]);
}
