//! What a sweep was asked to train: `plan.toml`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use taskset_names::Origin;
use taskset_optim::Mode;
use taskset_trial::{Digest, Protocol};

use crate::Error;

/// Tasks × optimizers × replicas under one protocol, one mode and one kind of data: one `[[trials]]` of a plan file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanBlock {
    /// Task names, ranges, patterns and families.
    #[serde(deserialize_with = "one_or_many")]
    pub tasks: Vec<String>,
    /// Optimizer names, ranges, patterns, sets and families.
    #[serde(deserialize_with = "one_or_many")]
    pub optimizers: Vec<String>,
    /// Replicas of each: 0, 1, … up to this number.
    #[serde(default = "one")]
    pub replicas: u32,
    /// Training steps.
    #[serde(default = "steps")]
    pub steps: u32,
    /// Steps between evaluations.
    #[serde(default = "eval_every")]
    pub eval_every: u32,
    /// Minibatches averaged per split at each evaluation.
    #[serde(default = "eval_batches")]
    pub eval_batches: u32,
    /// `upstream`, `opt_list` or `paper`, for the families that have modes.
    #[serde(default = "upstream")]
    pub mode: String,
    /// Steps over which schedules run, where that is not what the mode says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_steps: Option<u64>,
    /// `real`, `partial` or `synthetic`. None in a file: as the command line says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Tasks whose trials are estimated to take longer on one core are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_minutes: Option<f64>,
}

/// A plan file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// Its blocks, in order.
    #[serde(default)]
    pub trials: Vec<PlanBlock>,
}

fn one() -> u32 {
    1
}

fn steps() -> u32 {
    Protocol::PAPER.steps
}

fn eval_every() -> u32 {
    Protocol::PAPER.eval_every
}

fn eval_batches() -> u32 {
    Protocol::PAPER.eval_batches
}

fn upstream() -> String {
    Mode::Upstream.to_string()
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a name or a list of names")]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    })
}

const HEADER: &str = "# What this sweep was asked to train. `sweep plan FILE.toml --out DIRECTORY` adds to it; each block is kept as it was
# planned. Do not change a block here: its trials are planned, and some may be stored.
";

impl PlanBlock {
    /// A block of tasks and optimizers under the paper's protocol, in mode `upstream`, with one replica.
    pub fn new(tasks: Vec<String>, optimizers: Vec<String>) -> Self {
        Self {
            tasks,
            optimizers,
            replicas: 1,
            steps: steps(),
            eval_every: eval_every(),
            eval_batches: eval_batches(),
            mode: upstream(),
            schedule_steps: None,
            data: None,
            max_minutes: None,
        }
    }

    /// Steps and evaluations.
    pub fn protocol(&self) -> Protocol {
        Protocol { steps: self.steps, eval_every: self.eval_every, eval_batches: self.eval_batches }
    }

    /// The kind of data that is asked for; real where nothing is said.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.data.as_deref().map_or(Some(Origin::Real), Origin::from_name)
    }

    pub(crate) fn mode(&self) -> Result<Mode, Error> {
        Ok(self.mode.parse()?)
    }

    /// What the manifest knows it by.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(toml::to_string(self).unwrap_or_default().as_bytes())
    }

    /// Whether its values can be.
    fn check(&self) -> Result<(), String> {
        let empty = |what: &str, is_empty: bool| {
            if is_empty { Err(format!("`{what}` is empty, so there is nothing to train")) } else { Ok(()) }
        };
        empty("tasks", self.tasks.is_empty())?;
        empty("optimizers", self.optimizers.is_empty())?;
        if self.replicas == 0 {
            return Err("`replicas` is 0, so there is nothing to train".to_owned());
        }
        if self.origin().is_none() {
            let data = self.data.as_deref().unwrap_or_default();
            return Err(format!("`data` is `{data}`; write real, partial or synthetic"));
        }
        if self.schedule_steps == Some(0) {
            return Err("`schedule_steps` is 0; schedules run over at least one step".to_owned());
        }
        if self.max_minutes.is_some_and(|minutes| minutes.is_nan() || minutes <= 0.0) {
            return Err("`max_minutes` must be above 0".to_owned());
        }
        self.mode().map_err(|e| e.to_string())?;
        taskset_train::check_protocol(&self.protocol()).map_err(|e| e.to_string())
    }
}

impl PlanFile {
    /// Understands the text of a plan file, which is named in errors.
    ///
    /// # Errors
    /// [`Error::PlanFile`] with the line and field that is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::PlanFile { path: path.to_owned(), reason };
        let plan: Self = toml::from_str(text).map_err(|e| wrong(in_one_line(text, &e)))?;
        for (number, block) in plan.trials.iter().enumerate() {
            block.check().map_err(|reason| wrong(format!("[[trials]] number {}: {reason}", number + 1)))?;
        }
        Ok(plan)
    }

    /// Reads a plan file.
    ///
    /// # Errors
    /// [`Error::PlanFile`] if it cannot be read or understood, or has no block.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::PlanFile { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(format!("it cannot be read: {e}")))?;
        let plan = Self::parse(&text, path)?;
        if plan.trials.is_empty() {
            return Err(wrong("it has no [[trials]]; `sweep plan --help` has an example".to_owned()));
        }
        Ok(plan)
    }

    /// The text that [`PlanFile::parse`] understands.
    pub(crate) fn text(&self) -> String {
        format!("{HEADER}\n{}", toml::to_string(self).unwrap_or_default())
    }
}

/// The parser's answer with its place, without the picture of the line that it draws over several lines.
fn in_one_line(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim().replace('\n', " ");
    // The parser names types of Rust.
    let message = message.replace("expected u32", "expected a whole number from 0");
    let message = message.replace("expected u64", "expected a whole number from 0");
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            format!("line {line}, column {column}: {message}")
        }
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PlanFile, String> {
        PlanFile::parse(text, Path::new("p.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_block_has_the_protocol_of_the_paper_unless_told() {
        let plan = parse("[[trials]]\ntasks = 'TwoD_*'\noptimizers = ['adam8p', 'adam_lr_*']\n").unwrap();
        let [block] = &plan.trials[..] else { panic!("{plan:?}") };
        assert_eq!((block.protocol(), block.replicas, &*block.mode), (Protocol::PAPER, 1, "upstream"));
        assert_eq!(block.tasks, ["TwoD_*"]);
        assert_eq!(parse(&plan.text()).unwrap(), plan, "{}", plan.text());
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let block = |line: &str| format!("[[trials]]\ntasks = ['a']\noptimizers = ['b']\n{line}\n");
        for (line, expected) in [
            ("step = 5", "unknown field `step`"),
            ("steps = -1", "line 4"),
            ("steps = 'many'", "line 4"),
            ("replicas = 0", "`replicas` is 0"),
            ("eval_every = 0", "eval_every must be at least 1"),
            ("data = 'fake'", "write real, partial or synthetic"),
            ("mode = 'best'", "best"),
            ("schedule_steps = 0", "at least one step"),
            ("max_minutes = 0.0", "above 0"),
            ("steps = 4294967295\neval_every = 1", "evaluate less often"),
        ] {
            let message = parse(&block(line)).unwrap_err();
            assert!(message.contains(expected) && message.starts_with("p.toml: "), "{line}: {message}");
        }
        assert!(parse("[[trial]]").unwrap_err().contains("unknown field `trial`"));
        assert!(
            parse("[[trials]]\ntasks = []\noptimizers = ['b']").unwrap_err().contains("`tasks` is empty")
        );
        assert!(parse("[[trials]]\ntasks = 5\noptimizers = ['b']").unwrap_err().contains("list of names"));
    }
}
