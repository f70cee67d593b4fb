//! `cargo xtask reproduce …`: hands over to the release binary, in the caller's directory.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::cargo;

/// The command: builds `taskset-rs` in release mode and becomes its `reproduce` with the same arguments.
pub(crate) fn run(args: &[String]) -> ExitCode {
    hand_over(args).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn hand_over(args: &[String]) -> Result<ExitCode> {
    crate::run(cargo().args(["build", "--release", "--package", "taskset", "--features", "cli"]))?;
    let mut command = Command::new(binary()?);
    command.arg("reproduce").args(args);
    become_it(command)
}

/// Where cargo put the binary, whatever chose the target directory.
fn binary() -> Result<PathBuf> {
    let metadata = crate::metadata(&["--no-deps"])?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(target).join("release").join(format!("taskset-rs{}", std::env::consts::EXE_SUFFIX)))
}

/// On Unix the process is replaced, so that Ctrl-C and the exit code are the binary's own.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("the release binary could not be started")
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<ExitCode> {
    let status = command.status().context("the release binary could not be started")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
