//! A worker process: it says `ready VERSION`, then answers `WORKLOAD STEPS` line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

/// A running worker. It ends when its input closes, at the latest when this is dropped.
pub(super) struct Worker {
    pub(super) name: String,
    /// What it said of itself.
    pub(super) version: String,
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What a step of a workload took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) wall_micros: f64,
    pub(super) cpu_micros: f64,
    /// Floating-point operations of a step; NaN where the worker does not count them.
    pub(super) flops: f64,
}

impl Answer {
    /// `wall_us cpu_us steps loss [flops]`, or `error REASON`.
    fn parse(line: &str) -> Result<Self> {
        if let Some(reason) = line.strip_prefix("error ") {
            anyhow::bail!("{}", reason.trim());
        }
        let fields: Vec<f64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        match fields[..] {
            [wall_micros, cpu_micros, _steps, _loss] => Ok(Self { wall_micros, cpu_micros, flops: f64::NAN }),
            [wall_micros, cpu_micros, _steps, _loss, flops] => Ok(Self { wall_micros, cpu_micros, flops }),
            _ => anyhow::bail!("`{}` is no answer", line.trim()),
        }
    }
}

impl Worker {
    /// Starts a worker and waits until it is ready.
    pub(super) fn start(
        name: &str,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("the worker has no output")?);
        let mut worker = Self { name: name.to_owned(), version: String::new(), child, questions, answers };
        let first = worker.read()?;
        let version =
            first.strip_prefix("ready").with_context(|| format!("`{}` instead of `ready`", first.trim()))?;
        worker.version = version.trim().to_owned();
        Ok(worker)
    }

    /// Asks for a number of steps of a workload.
    ///
    /// # Errors
    /// If the worker has no such workload, or is gone.
    pub(super) fn ask(&mut self, workload: &str, steps: u64) -> Result<Answer> {
        self.tell(&format!("{workload} {steps}"))?;
        Answer::parse(&self.read()?)
    }

    /// The size of a minibatch of a task and the description of its network.
    ///
    /// # Errors
    /// If this is not our worker, or the task no network.
    pub(super) fn describe(&mut self, task: &str) -> Result<String> {
        self.tell(&format!("describe {task}"))?;
        let answer = self.read()?;
        match answer.strip_prefix("error ") {
            Some(reason) => anyhow::bail!("{}", reason.trim()),
            None => Ok(answer.trim().to_owned()),
        }
    }

    /// Sends a line.
    ///
    /// # Errors
    /// If the worker is gone.
    pub(super) fn tell(&mut self, line: &str) -> Result<()> {
        let questions = self.questions.as_mut().context("the worker takes no questions")?;
        writeln!(questions, "{line}")
            .and_then(|()| questions.flush())
            .with_context(|| format!("the worker {} is gone", self.name))
    }

    fn read(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .with_context(|| format!("the worker {} cannot be read", self.name))?;
        anyhow::ensure!(!line.is_empty(), "the worker {} ended without an answer", self.name);
        Ok(line)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its input ends it; it is waited for, so that no process is left behind.
        drop(self.questions.take());
        if let Err(error) = self.child.wait() {
            eprintln!("the worker {} did not end: {error}", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_parsed() {
        let answer = Answer::parse("12.5 12.25 100 2.3\n").unwrap();
        assert_eq!(
            (answer.wall_micros.to_bits(), answer.cpu_micros.to_bits()),
            (12.5f64.to_bits(), 12.25f64.to_bits())
        );
        assert!(answer.flops.is_nan());
        assert!(Answer::parse("1 1 1 nan 64").unwrap().flops > 63.0);
        assert_eq!(Answer::parse("error no workload W9\n").unwrap_err().to_string(), "no workload W9");
        for wrong in ["", "1 2 3", "ready", "1 2 3 4 5 6"] {
            assert!(Answer::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
