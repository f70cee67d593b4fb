//! From an error to its message and exit code.

use std::process::ExitCode;

use taskset::names::visible;
use taskset::trial::Mixture;

use crate::commands::data::advice;
use crate::options::SelectionOption;

/// Exit code 130: stopped by Ctrl-C; what was kept is part of the message.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "interrupted: {}", self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Exit code 1: what was compared is not equal. The differences have been printed.
#[derive(Debug)]
pub(crate) struct Differences;

impl std::fmt::Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("they differ")
    }
}

impl std::error::Error for Differences {}

/// Exit code 2: an argument that parses but cannot be meant.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The message of an error that ends the program.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut text = in_full(error.as_ref());
    if let Some(field) = mixture(error) {
        text += &SelectionOption::option_of(field).map_or_else(
            || "; no option chooses between these: read their files separately".to_owned(),
            |option| format!(" (`{option}`)"),
        );
    }
    if let Some(advice) = advice::cause(error.as_ref()).and_then(advice::advice) {
        text += &format!("; {advice}");
    }
    let text = visible(&text);
    if error.is::<Interrupted>() { text.into_owned() } else { format!("error: {text}") }
}

/// The column in which curves differ that were to be compared.
fn mixture(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        if let Some(mixture) = cause.downcast_ref::<Mixture>() {
            return Some(mixture.field);
        }
        // Transparent errors are no causes of their own.
        match (
            cause.downcast_ref::<taskset::normalize::Error>(),
            cause.downcast_ref::<taskset::meta::Error>(),
            cause.downcast_ref::<taskset::repro::Error>(),
        ) {
            (Some(taskset::normalize::Error::Mixture(mixture)), ..)
            | (_, Some(taskset::meta::Error::Mixture(mixture)), _)
            | (.., Some(taskset::repro::Error::Mixture(mixture)))
            | (.., Some(taskset::repro::Error::Normalize(taskset::normalize::Error::Mixture(mixture))))
            | (.., Some(taskset::repro::Error::Meta(taskset::meta::Error::Mixture(mixture)))) => {
                Some(mixture.field)
            }
            _ => None,
        }
    })
}

/// The whole chain of causes, once.
pub(crate) fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
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
    let usage = error.chain().any(|cause| {
        cause.is::<Usage>()
            || cause.downcast_ref::<taskset::tasks::Error>().is_some_and(is_task_name)
            || cause.downcast_ref::<taskset::optim::Error>().is_some_and(is_optimizer_name)
            || matches!(
                cause.downcast_ref::<taskset::datasets::Error>(),
                Some(taskset::datasets::Error::UnknownDataset { .. })
            )
            || cause.is::<taskset::names::PatternError>()
            || matches!(cause.downcast_ref(), Some(taskset::curves::Error::Pattern(_)))
            || cause.is::<taskset::names::UnknownSplit>()
    });
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
