//! `cargo xtask task-set`: finds the sampled tasks of the set, in a release build.

use anyhow::Result;

use crate::{cargo, run};

/// The command; `--help` says what it takes.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    run(cargo()
        .args(["run", "--release", "--package", "taskset-sweep", "--example", "task_set", "--"])
        .args(args))
}
