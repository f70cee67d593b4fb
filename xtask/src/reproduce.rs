//! `cargo xtask reproduce …`: hands over to the release binary, in the caller's directory.

use std::process::ExitCode;

use crate::hand_over::Program;

/// The release binary.
pub(crate) const TASKSET_RS: Program = Program {
    build: &["--release", "--package", "taskset", "--features", "cli"],
    folder: "release",
    name: "taskset-rs",
};

/// The command: builds `taskset-rs` in release mode and becomes its `reproduce` with the same arguments.
pub(crate) fn run(args: &[String]) -> ExitCode {
    TASKSET_RS.run(&[&["reproduce".to_owned()], args].concat())
}
