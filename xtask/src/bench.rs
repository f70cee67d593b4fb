//! `cargo xtask bench`: microseconds a training step, measured in a release build; with `--peers` or
//! `--protocol` beside JAX and PyTorch.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{cargo, peers, run};

const BENCH: [&str; 5] = ["bench", "--package", "taskset-train", "--bench", "steps"];

/// The command; arguments filter the benchmarks.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    let has = |name: &str| args.iter().any(|arg| arg == name);
    if has("--same-loss") {
        return peers::same_loss(&peers::Options::parse(args)?, &executable()?);
    }
    if has("--peers") || has("--protocol") {
        let options = peers::Options::parse(args)?;
        return peers::compare(&options, &executable()?);
    }
    run(cargo().args(BENCH).arg("--").args(args))
}

/// Builds the benchmark and says where it lies.
fn executable() -> Result<PathBuf> {
    let arguments = ["--no-run", "--message-format", "json"];
    let output = cargo()
        .args(BENCH)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    anyhow::ensure!(output.status.success(), "cargo {} failed ({})", BENCH.join(" "), output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = messages
        .filter(|message| message["target"]["name"] == "steps")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    found.context("cargo names no executable of the benchmark `steps`")
}
