//! `cargo xtask probe …`: our losses and gradients beside those of another implementation; hands over to `src/bin/probe`.

use std::process::ExitCode;

use crate::hand_over::Program;

/// A program of its own with a feature of its own: the other commands need not be built with the libraries. Those that compute
/// are optimised in debug builds, too.
const PROBE: Program = Program {
    build: &["--package", "xtask", "--features", "probe", "--bin", "probe"],
    folder: "debug",
    name: "probe",
};

/// The command.
pub(crate) fn run(args: &[String]) -> ExitCode {
    PROBE.run(args)
}
