//! From an error to its message and exit code. Mistakes in the words of the command line itself are answered in `main.rs`, by clap.

use std::error::Error;
use std::process::ExitCode;

use taskset::names::visible;
use taskset::trial::Mixture;

use crate::commands::data::advice::advice;
use crate::options::SelectionOption;

/// Exit code 130: stopped by Ctrl-C; what was kept is part of the message.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "interrupted: {}", self.0)
    }
}

impl Error for Interrupted {}

/// Exit code 1: what was compared is not equal. The differences have been printed.
#[derive(Debug)]
pub(crate) struct Differences;

impl std::fmt::Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("they differ")
    }
}

impl Error for Differences {}

/// Exit code 2: an argument that parses but cannot be meant.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}

/// The message of an error that ends the program.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let text = with_advice(error);
    if error.is::<Interrupted>() { text } else { format!("error: {text}") }
}

/// The causes of an error and a way out, for a place that says what failed.
pub(crate) fn with_advice(error: &anyhow::Error) -> String {
    let mut text = in_full(error.as_ref());
    // Curves were to be compared that differ in a column.
    if let Some(Mixture { field, .. }) = find(error.as_ref()) {
        text += &SelectionOption::option_of(field).map_or_else(
            || "; no option chooses between these: read their files separately".to_owned(),
            |option| format!(" (`{option}`)"),
        );
    }
    if let Some(advice) = find(error.as_ref()).and_then(advice) {
        text += &format!("; {advice}");
    }
    visible(&text).into_owned()
}

/// The first error of this type among an error and its causes, also inside of transparent errors.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    anyhow::Chain::new(error)
        .flat_map(|cause| std::iter::successors(Some(cause), |error| inside(*error)))
        .find_map(|error| error.downcast_ref())
}

/// The error inside of a transparent error. A transparent error speaks with the words of the error that it wraps, and that
/// error is not among its causes.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    use taskset::{meta, normalize, repro, sweep, tasks, train};

    if let Some(tasks::Error::Data(data)) = error.downcast_ref() {
        return Some(data);
    }
    if let Some(train::Error::Task(task)) = error.downcast_ref() {
        return Some(task);
    }
    match error.downcast_ref() {
        Some(sweep::Error::Task(task)) => return Some(task),
        Some(sweep::Error::Optimizer(optimizer)) => return Some(optimizer),
        Some(sweep::Error::Train(training)) => return Some(&**training),
        Some(sweep::Error::Curves(curves)) => return Some(&**curves),
        _ => {}
    }
    if let Some(normalize::Error::Mixture(mixture)) = error.downcast_ref() {
        return Some(mixture);
    }
    if let Some(meta::Error::Mixture(mixture)) = error.downcast_ref() {
        return Some(mixture);
    }
    match error.downcast_ref()? {
        repro::Error::Data(data) => Some(data),
        repro::Error::Task(task) => Some(task),
        repro::Error::ReleasedTask { source, .. } => Some(&**source),
        repro::Error::Curves(curves) => Some(curves),
        repro::Error::Sweep(training) => Some(&**training),
        repro::Error::Normalize(scores) => Some(scores),
        repro::Error::Mixture(mixture) => Some(mixture),
        _ => None,
    }
}

/// The whole chain of causes, once.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in anyhow::Chain::new(error) {
        let cause = cause.to_string();
        // Transparent wrappers repeat their source's words.
        if text.ends_with(&cause) {
            continue;
        }
        text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
    }
    text
}

/// 130 interrupted, 2 wrong usage (unknown names and broken patterns included), else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let error_ref = error.as_ref();
    let usage = find::<Usage>(error_ref).is_some()
        || find(error_ref).is_some_and(is_task_name)
        || find(error_ref).is_some_and(is_optimizer_name)
        || matches!(find(error_ref), Some(taskset::datasets::Error::UnknownDataset { .. }))
        || find::<taskset::names::PatternError>(error_ref).is_some()
        || matches!(find(error_ref), Some(taskset::curves::Error::Pattern(_)))
        || matches!(
            find(error_ref),
            Some(
                taskset::sweep::Error::PlanFile { .. }
                    | taskset::sweep::Error::Infeasible { .. }
                    | taskset::sweep::Error::StandIns { .. }
                    | taskset::sweep::Error::AllLeftOut { .. }
                    | taskset::sweep::Error::TooManyTrials { .. }
            )
        )
        || find::<taskset::names::UnknownSplit>(error_ref).is_some();
    if error.is::<Interrupted>() {
        ExitCode::from(130)
    } else if usage {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

fn is_task_name(error: &taskset::tasks::Error) -> bool {
    use taskset::tasks::Error;
    matches!(error, Error::UnknownTask { .. } | Error::NoMatch { .. } | Error::Pattern(_))
}

fn is_optimizer_name(error: &taskset::optim::Error) -> bool {
    use taskset::optim::Error;
    matches!(
        error,
        Error::UnknownOptimizer { .. }
            | Error::NoMatch { .. }
            | Error::Pattern(_)
            | Error::UnknownMode(_)
            | Error::UnknownFamily(_)
    )
}

#[cfg(test)]
mod tests {
    use taskset::{meta, normalize, repro};

    use super::*;

    #[test]
    fn an_error_is_found_inside_of_transparent_errors() {
        let mixture = || Mixture {
            place: "on task `x`".to_owned(),
            field: "mode",
            first: "1".to_owned(),
            second: "2".to_owned(),
        };
        let check = |error: anyhow::Error| {
            assert_eq!(find::<Mixture>(error.as_ref()).map(|mixture| mixture.field), Some("mode"), "{error}");
            assert!(message(&error).ends_with("(`--mode MODE`)"), "{}", message(&error));
        };
        check(mixture().into());
        check(anyhow::Error::from(normalize::Error::from(mixture())).context("while reading"));
        check(meta::Error::from(mixture()).into());
        check(repro::Error::from(mixture()).into());
        check(repro::Error::from(normalize::Error::from(mixture())).into());
        assert!(find::<Mixture>(anyhow::anyhow!("something else").as_ref()).is_none());
    }
}
