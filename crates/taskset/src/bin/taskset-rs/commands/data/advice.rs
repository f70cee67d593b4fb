//! What a user of the program can do about an error of data sets: the library knows no options and no commands.

use taskset::datasets::Error;

/// The way out of an error, in words that follow its message; none where the message says it.
pub(crate) fn advice(error: &Error) -> Option<String> {
    Some(match error {
        Error::UnknownDataset { suggestion: None, .. } => "`taskset-rs data list` lists them".to_owned(),
        Error::NotYetReadable { .. } => {
            "`--data synthetic` uses the built-in stand-in of the same shape".to_owned()
        }
        Error::MissingFile { .. } => {
            "put them there, name another directory (`--data DIR` or TASKSET_DATA), or use \
             `--data synthetic` for the built-in stand-ins"
                .to_owned()
        }
        Error::NotPrepared { name, .. } => format!(
            "run `taskset-rs data prepare {name}` once, or use `--data synthetic` for the built-in stand-in"
        ),
        Error::LostCopy { name, .. } => format!(
            "`taskset-rs data fetch {name}` downloads them, where their authors allow it; or put them there, or use \
             `--data synthetic` for the built-in stand-in"
        ),
        Error::Cache { name, .. } => {
            format!("`taskset-rs data prepare {name}` makes a new copy in its place")
        }
        Error::Partial { .. } => {
            "`--allow-partial` accepts the part, and labels every result as partial".to_owned()
        }
        Error::Write { .. } => {
            "`--data DIR` and `--cache DIR` name directories that can be written to and have space".to_owned()
        }
        Error::AccessDenied { .. } => {
            "the access token of the Hugging Face hub is taken from the variable HF_TOKEN".to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_found_through_other_errors() {
        let partial = || Error::NotPrepared { name: "mnist".to_owned(), why: "why".to_owned() };
        let check = |error: anyhow::Error| {
            let message = crate::failure::message(&error);
            assert!(message.ends_with("use `--data synthetic` for the built-in stand-in"), "{message}");
            assert!(message.contains("`taskset-rs data prepare mnist`"), "{message}");
        };
        check(partial().into());
        check(anyhow::Error::from(partial()).context("while training"));
        check(taskset::tasks::Error::from(partial()).into());
        check(taskset::train::Error::from(taskset::tasks::Error::from(partial())).into());
        check(taskset::repro::Error::from(partial()).into());
        check(taskset::repro::Error::from(taskset::tasks::Error::from(partial())).into());
        let other = crate::failure::message(&anyhow::anyhow!("something else"));
        assert_eq!(other, "error: something else");
    }
}
