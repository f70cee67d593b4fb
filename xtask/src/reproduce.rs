//! `cargo xtask reproduce …`: hands over to the release binary, in the caller's directory.

use std::process::{Command, ExitCode};

use crate::{cargo, root};

/// Builds `taskset-rs` in release mode and runs its `reproduce` with the same arguments; its exit code is ours.
fn run_binary(args: &[String]) -> anyhow::Result<ExitCode> {
    crate::run(cargo().args(["build", "--release", "--package", "taskset", "--features", "cli"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let binary = target.join("release").join(format!("taskset-rs{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(&binary).arg("reproduce").args(args).status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The command.
pub(crate) fn run(args: &[String]) -> ExitCode {
    run_binary(args).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
