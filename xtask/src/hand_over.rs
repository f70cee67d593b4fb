//! Commands that hand over to a program of this checkout, in the caller's directory.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::cargo;

/// A program of this checkout.
pub(crate) struct Program {
    /// Arguments of `cargo build`.
    pub(crate) build: &'static [&'static str],
    /// Where cargo puts it in the target directory.
    pub(crate) folder: &'static str,
    /// Its name, without an extension.
    pub(crate) name: &'static str,
}

impl Program {
    /// Builds the program and becomes it, with these arguments.
    pub(crate) fn run(&self, args: &[String]) -> ExitCode {
        self.hand_over(args).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        })
    }

    /// Builds the program. Returns where it lies.
    pub(crate) fn built(&self) -> Result<PathBuf> {
        crate::run(cargo().arg("build").args(self.build))?;
        self.path()
    }

    fn hand_over(&self, args: &[String]) -> Result<ExitCode> {
        let mut command = Command::new(self.built()?);
        command.args(args);
        self.become_it(command)
    }

    /// Where cargo puts the program, whatever chose the target directory.
    fn path(&self) -> Result<PathBuf> {
        let metadata = crate::metadata(&["--no-deps"])?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        let file = format!("{}{}", self.name, std::env::consts::EXE_SUFFIX);
        Ok(PathBuf::from(target).join(self.folder).join(file))
    }

    /// On Unix the process is replaced, so that Ctrl-C and the exit code are the program's own.
    #[cfg(unix)]
    fn become_it(&self, mut command: Command) -> Result<ExitCode> {
        use std::os::unix::process::CommandExt;
        Err(command.exec()).with_context(|| format!("{} could not be started", self.name))
    }

    #[cfg(not(unix))]
    fn become_it(&self, mut command: Command) -> Result<ExitCode> {
        let status = command.status().with_context(|| format!("{} could not be started", self.name))?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
