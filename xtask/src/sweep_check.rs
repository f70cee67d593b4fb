//! `cargo xtask sweep-check`: every feasible sampled task is built and takes three steps, in a release build.

use anyhow::Result;

use crate::{cargo, run};

/// The command; `--count N` takes some at random.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    run(cargo()
        .args(["run", "--release", "--package", "taskset-train", "--example", "sweep_check", "--"])
        .args(args))
}
