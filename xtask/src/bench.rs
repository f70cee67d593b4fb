//! `cargo xtask bench`: microseconds a training step, measured in a release build.

use anyhow::Result;

use crate::{cargo, run};

/// The command; arguments filter the benchmarks.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    run(cargo().args(["bench", "--package", "taskset-train", "--bench", "steps", "--"]).args(args))
}
