//! What is printed of a case.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;
use taskset_names::{visible, visible_lines};
use taskset_nn::Backend;

use crate::compare::{Comparison, Precision};
use crate::format::Case;
use crate::run::Outcome;

/// A case in one precision, with one kind of kernels.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    task: Option<String>,
    case: Option<String>,
    precision: Option<Precision>,
    kernels: Option<&'static str>,
    passes: bool,
    /// Why nothing could be compared.
    error: Option<String>,
    outcome: Option<Outcome>,
}

impl Line {
    /// A case that has been computed.
    pub(crate) fn new(case: &Case, precision: Precision, kernels: Backend, outcome: Result<Outcome>) -> Self {
        let (outcome, error) = match outcome {
            Ok(outcome) => (Some(outcome), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        Self {
            task: Some(case.task.clone()),
            case: case.case.clone(),
            precision: Some(precision),
            kernels: Some(kernels.name()),
            passes: outcome.as_ref().is_some_and(Outcome::passes),
            error,
            outcome,
        }
    }

    /// A case of a task that we do not have.
    pub(crate) fn without_subject(case: &Case, error: &anyhow::Error) -> Self {
        Self { task: Some(case.task.clone()), case: case.case.clone(), ..Self::unreadable(error) }
    }

    /// A case that is not in the format.
    pub(crate) fn unreadable(error: &anyhow::Error) -> Self {
        Self {
            task: None,
            case: None,
            precision: None,
            kernels: None,
            passes: false,
            error: Some(format!("{error:#}")),
            outcome: None,
        }
    }

    /// Whether nothing differs by more than its limit.
    pub(crate) const fn passes(&self) -> bool {
        self.passes
    }

    /// Prints it, and the numbers of comparisons that failed, or of all.
    pub(crate) fn print(&self, out: &mut impl Write, verbose: bool, json: bool) -> io::Result<()> {
        if json {
            return writeln!(out, "{}", serde_json::to_string(self)?);
        }
        write!(out, "{}", if self.passes { "ok    " } else { "FAIL  " })?;
        if let (Some(precision), Some(kernels)) = (self.precision, self.kernels) {
            let precision = match precision {
                Precision::F64 => "f64",
                Precision::F32 => "f32",
            };
            write!(out, "{precision}  {kernels:<8}  ")?;
        }
        if let Some(outcome) = &self.outcome {
            write!(out, "loss {}  ", with_limit(&outcome.loss))?;
            if let Some(worst) = outcome.worst_gradient() {
                write!(out, "gradient {} at {}  ", with_limit(worst), visible(&worst.name))?;
            }
        }
        let case = self.case.as_ref().map(|case| format!(" ({case})"));
        let task = self.task.as_ref().map(|task| format!("{task}{}", case.unwrap_or_default()));
        let texts: Vec<&str> = [&task, &self.error].into_iter().flatten().map(String::as_str).collect();
        writeln!(out, "{}", visible_lines(&texts.join(": ")))?;
        let all = self.outcome.iter().flat_map(Outcome::all);
        for comparison in all.filter(|comparison| verbose || !comparison.passes()) {
            print_numbers(out, comparison)?;
        }
        Ok(())
    }
}

fn with_limit(comparison: &Comparison) -> String {
    format!("{:.1e} (limit {:.1e})", comparison.error, comparison.limit)
}

fn print_numbers(out: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    let verdict = if comparison.passes() { "ok  " } else { "FAIL" };
    let (name, own) = (visible(&comparison.name), visible(&comparison.own));
    writeln!(out, "      {verdict} {name}, ours {own}: error {}", with_limit(comparison))?;
    for number in &comparison.numbers {
        let (what, ours, theirs, error) = (&number.what, number.ours, number.theirs, number.error);
        writeln!(
            out,
            "           {what:<18} ours {ours:>24.16e}  theirs {theirs:>24.16e}  error {error:.1e}"
        )?;
    }
    Ok(())
}
