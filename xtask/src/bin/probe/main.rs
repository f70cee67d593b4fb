//! `cargo xtask probe`: our losses and gradients beside those of another implementation, from files of cases.
#![expect(clippy::print_stderr, reason = "a command-line program")]

mod compare;
mod format;
mod formulas;
mod inputs;
mod noise;
mod report;
mod run;
mod tensors;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use taskset_nn::Backend;

use compare::Precision;
use report::Line;
use run::Subject;

/// Compares our losses and gradients with those of another implementation, at the same parameters, minibatch and random
/// numbers.
#[derive(Parser)]
#[command(
    name = "probe",
    bin_name = "cargo xtask probe",
    after_help = "A file has cases with stated formulas for parameters, minibatch and random numbers (docs/testing.md).\n\n\
                  Example:\n  cargo xtask probe xtask/tests/fixtures/tensorflow_cases.json --task 'FixedMLP_*'\n\n\
                  Exit codes: 0 nothing differs by more than its limit, 1 something does or cannot be compared, \
                  2 wrong usage."
)]
struct Arguments {
    /// Files of cases.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only the cases of these tasks: a name, or a pattern in which `*` stands for anything.
    #[arg(long, value_name = "PATTERN")]
    task: Option<String>,
    /// Only this precision [default: both].
    #[arg(long)]
    precision: Option<Precision>,
    /// Kernels: portable, avx2, avx512, or all that this machine has [default: the best of this machine].
    #[arg(long, value_name = "NAME", value_parser = Kernels::named)]
    kernels: Option<Kernels>,
    /// Show every number that was compared, not only those of comparisons that fail.
    #[arg(long, conflicts_with = "json")]
    verbose: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Kinds of kernels to compute with.
#[derive(Clone, Debug)]
struct Kernels(Vec<Backend>);

impl Kernels {
    /// Those that a name stands for.
    fn named(name: &str) -> Result<Self, taskset_nn::UnknownBackend> {
        match name {
            "all" => Ok(Self(Backend::available())),
            name => Backend::named(name).map(|backend| Self(vec![backend])),
        }
    }
}

fn main() -> ExitCode {
    match probe(&Arguments::parse(), &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the cases and prints a line for each; returns whether all of them pass.
fn probe(arguments: &Arguments, out: &mut impl Write) -> Result<bool> {
    let precisions = arguments.precision.map_or(vec![Precision::F64, Precision::F32], |one| vec![one]);
    let Kernels(backends) = arguments.kernels.clone().unwrap_or_else(|| Kernels(vec![Backend::detect()]));
    let mut lines = 0;
    let mut failed = 0;
    for file in &arguments.files {
        for case in format::read(file)? {
            let asked = |task: &str| arguments.task.as_ref().is_none_or(|p| taskset_names::matches(p, task));
            let selected = case.as_ref().map_or(arguments.task.is_none(), |case| asked(&case.task));
            if !selected {
                continue;
            }
            for line in run_case(&case, &precisions, &backends) {
                lines += 1;
                failed += usize::from(!line.passes());
                line.print(out, arguments.verbose, arguments.json)
                    .context("the results cannot be written")?;
            }
        }
    }
    ensure!(lines > 0, "no case of the given files was run");
    eprintln!("{lines} comparisons, {failed} failed");
    Ok(failed == 0)
}

/// The lines of a case: one for each precision and backend, or one if there is nothing to compute.
fn run_case(case: &Result<format::Case>, precisions: &[Precision], backends: &[Backend]) -> Vec<Line> {
    let case = match case {
        Ok(case) => case,
        Err(error) => return vec![Line::unreadable(error)],
    };
    let subject = match Subject::named(&case.task) {
        Ok(subject) => subject,
        Err(error) => return vec![Line::without_subject(case, &error)],
    };
    let mut lines = Vec::new();
    for &precision in precisions {
        for &backend in backends {
            let outcome = subject.run(case, precision, backend);
            lines.push(Line::new(case, precision, backend, outcome));
        }
    }
    lines
}
