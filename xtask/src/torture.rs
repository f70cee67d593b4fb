//! `cargo xtask torture`: kills the processes of a sweep at random moments, with the release binary, and checks that nothing is
//! lost.

use std::process::ExitCode;

use crate::hand_over::Program;
use crate::reproduce::TASKSET_RS;

const TORTURE: Program = Program {
    build: &["--release", "--package", "taskset-sweep", "--example", "torture"],
    folder: "release/examples",
    name: "torture",
};

/// The command; `--help` says what it takes.
pub(crate) fn run(args: &[String]) -> ExitCode {
    match TASKSET_RS.built() {
        Ok(path) => TORTURE.run(&[&["--program".to_owned(), path.display().to_string()], args].concat()),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
