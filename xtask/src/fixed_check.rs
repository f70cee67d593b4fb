//! `cargo xtask fixed-check`: the fixed tasks train and learn, and estimates of time are compared, in a release build.

use anyhow::Result;

use crate::{cargo, run};

/// The command; `--help` says what it takes.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    run(cargo()
        .args(["run", "--release", "--package", "taskset-train", "--example", "fixed_check", "--"])
        .args(args))
}
