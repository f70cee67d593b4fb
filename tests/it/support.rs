//! Running the binary and looking at what it says.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// The binary, without data from the environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskset-rs"));
    command.env_remove("TASKSET_DATA").env("XDG_CACHE_HOME", "/nonexistent-cache");
    command
}

/// What a run left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs it with these arguments.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Ran {
    program().args(args).output().unwrap().into()
}

/// Runs it and expects success; its stdout.
pub(crate) fn ok<S: AsRef<std::ffi::OsStr> + std::fmt::Debug>(args: &[S]) -> String {
    let ran = run(args);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
    ran.stdout
}

/// Runs it and expects one JSON document on stdout.
pub(crate) fn json<S: AsRef<std::ffi::OsStr> + std::fmt::Debug>(args: &[S]) -> serde_json::Value {
    serde_json::from_str(&ok(args)).unwrap()
}

/// Runs it and expects this exit code, nothing on stdout, and words on stderr.
pub(crate) fn fails<S: AsRef<std::ffi::OsStr> + std::fmt::Debug>(args: &[S], code: i32, words: &[&str]) {
    let ran = run(args);
    assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
    assert_eq!(ran.stdout, "", "{args:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{args:?}: `{word}` is missing in: {}", ran.stderr);
    }
}

/// Says why a test tests nothing here. Not by a macro, whose output the test harness keeps to itself.
pub(crate) fn skipped(reason: &str) {
    drop(writeln!(std::io::stderr(), "skipped: {reason}"));
}

/// A path as an argument.
pub(crate) fn arg(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
