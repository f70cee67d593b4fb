//! The binary, and where it works.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::Failure;

/// The release binary `taskset-rs`, and a directory with everything that it reads and writes here.
pub(crate) struct Program {
    path: PathBuf,
    place: PathBuf,
}

impl Program {
    pub(crate) fn new(path: &Path, place: &Path) -> Result<Self, Failure> {
        let program = Self { path: path.canonicalize()?, place: place.to_owned() };
        std::fs::create_dir(program.logs())?;
        Ok(program)
    }

    /// The directory of the sweep whose processes are killed.
    pub(crate) fn tortured(&self) -> PathBuf {
        self.place.join("tortured")
    }

    /// Another place for files.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// What workers have said on stderr.
    pub(crate) fn logs(&self) -> PathBuf {
        self.place.join("logs")
    }

    fn command(&self, args: &[String]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(args).env_remove("TASKSET_DATA").stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn output(&self, args: &[String]) -> Result<Output, Failure> {
        Ok(self.command(args).output()?)
    }

    /// Runs it to its end, which must be a success. Returns what it printed on stdout.
    pub(crate) fn ok(&self, args: &[String]) -> Result<String, Failure> {
        let output = self.output(args)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(
                format!("`taskset-rs {}` ended with {}: {said}", args.join(" "), output.status).into()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts it. What it says on stderr is added to a file.
    pub(crate) fn start(&self, args: &[String], log: &Path) -> Result<Child, Failure> {
        let log: File = OpenOptions::new().create(true).append(true).open(log)?;
        Ok(self.command(args).stdout(Stdio::null()).stderr(log).spawn()?)
    }

    /// `sweep plan` of a plan file of this number, into a directory.
    pub(crate) fn planning(&self, number: u32, directory: &Path) -> Vec<String> {
        let plan = self.plan_file(number);
        words(&["sweep", "plan", &shown(&plan), "--out", &shown(directory), "--data", "synthetic"])
    }

    pub(crate) fn plan_file(&self, number: u32) -> PathBuf {
        self.place.join(format!("plan-{number}.toml"))
    }
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
