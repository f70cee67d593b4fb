//! Counts the tests that were skipped: what `skipped: …` lines of a command's stderr give as reasons.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// What a test writes before the reason.
const MARK: &str = "skipped: ";

/// Reasons, and how many tests gave each of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped(BTreeMap<String, usize>);

impl Skipped {
    /// One more test with this reason.
    pub(crate) fn add(&mut self, reason: &str) {
        *self.0.entry(reason.trim().to_owned()).or_default() += 1;
    }

    /// Runs a command of cargo that must succeed, passes its stderr on line by line, and counts what was skipped.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        // Cargo would take the pipe for a reason to write without colours.
        if std::io::stderr().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        eprintln!("$ cargo {}", crate::arguments(command));
        let mut child = command.stderr(Stdio::piped()).spawn().context("cargo could not be started")?;
        let mut stderr = BufReader::new(child.stderr.take().context("cargo has no stderr")?);
        let mut line = Vec::new();
        while stderr.read_until(b'\n', &mut line).context("cargo's stderr cannot be read")? > 0 {
            // A closed stderr must not keep the command from ending.
            drop(std::io::stderr().write_all(&line));
            self.read(&String::from_utf8_lossy(&line));
            line.clear();
        }
        crate::succeeded(command, child.wait().context("cargo cannot be waited for")?)
    }

    /// Counts a line if it says that a test was skipped.
    fn read(&mut self, line: &str) {
        if let Some((_, reason)) = line.split_once(MARK) {
            self.add(reason);
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.values().sum::<usize>() {
            0 => write!(f, "no test was skipped")?,
            1 => write!(f, "1 test was skipped:")?,
            all => write!(f, "{all} tests were skipped:")?,
        }
        self.0.iter().try_for_each(|(reason, count)| write!(f, "\n  {count} × {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted() {
        let check = |lines: &[&str], expected: &str| {
            let mut skipped = Skipped::default();
            lines.iter().for_each(|line| skipped.read(line));
            assert_eq!(skipped.to_string(), expected);
        };
        check(&["   Compiling taskset v0.1.0\n"], "no test was skipped");
        check(&["skipped: there is no mnist\n"], "1 test was skipped:\n  1 × there is no mnist");
        check(
            &["skipped: no data\n", "a line\n", "readers: skipped: no Python\n", "skipped: no data\r\n"],
            "3 tests were skipped:\n  1 × no Python\n  2 × no data",
        );
    }

    #[test]
    fn a_failed_command_is_an_error() {
        let error = Skipped::default().run(crate::cargo().arg("no-such-command")).unwrap_err();
        assert!(error.to_string().contains("cargo no-such-command failed"), "{error}");
    }
}
