//! `lists normalizers`, and the option `--normalize` of other commands.

use clap::builder::{PossibleValue, PossibleValuesParser};
use taskset::normalize;

use crate::output;

/// The names of the normalisers, each with its line for `--help`.
pub(crate) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(normalize::NAMED.iter().map(|row| PossibleValue::new(row.name).help(row.doc)))
}

pub(super) fn run(json: bool) -> anyhow::Result<()> {
    if json {
        let rows = normalize::NAMED.iter().map(|row| serde_json::json!({"name": row.name, "doc": row.doc}));
        return output::json(&rows.collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> =
        normalize::NAMED.iter().map(|row| vec![row.name.to_owned(), row.doc.to_owned()]).collect();
    output::table(
        &["name", "how curves become scores (everything else is as in default)"],
        &[false, false],
        &rows,
    )
}
