//! `cargo xtask bench`: microseconds a training step, measured in a release build.

use anyhow::Result;

use crate::{cargo, run};

/// The command; arguments filter the benchmarks.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    anyhow::ensure!(
        !args.iter().any(|arg| arg == "--peers"),
        "timing against JAX and PyTorch is not built yet; `cargo xtask bench` times our own steps"
    );
    run(cargo().args(["bench", "--package", "taskset-train", "--bench", "steps", "--"]).args(args))
}
