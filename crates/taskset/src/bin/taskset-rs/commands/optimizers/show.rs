//! `optimizers show`: hyperparameters of one optimizer as lines, of many as a table.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;
use taskset::curves::{Column, DataTable};
use taskset::optim::{self, Named, Scale};

use crate::commands::table_file::TableFile;
use crate::output;

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    family: &'static str,
    hyperparameters: optim::Config,
}

impl<'a> Shown<'a> {
    fn of(named: &'a Named) -> Self {
        Self { name: &named.name, family: named.family.info().name, hyperparameters: named.config }
    }
}

pub(super) fn run(patterns: &[String], out: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let out = out.map(TableFile::check).transpose()?;
    let chosen: Vec<Named> =
        optim::select(patterns)?.iter().map(|name| optim::named(name)).collect::<Result<_, _>>()?;
    // One name asks for one optimizer; a pattern asks for a list, also of one.
    let single = chosen.first().filter(|named| *patterns == [named.name.as_str()]);
    if let Some(out) = out {
        out.write(&table(&chosen)).context("the table of hyperparameters was not written")?;
        let count =
            if chosen.len() == 1 { "1 optimizer".to_owned() } else { format!("{} optimizers", chosen.len()) };
        say!("{count} written to {}", out.path().display());
        return Ok(());
    }
    match single {
        Some(named) if json => output::json(&Shown::of(named)),
        Some(named) => lines(named),
        None if json => output::json(&chosen.iter().map(Shown::of).collect::<Vec<_>>()),
        None => print(&chosen),
    }
}

fn lines(named: &Named) -> anyhow::Result<()> {
    let hyperparameters = serde_json::to_value(named.config)?;
    let values = hyperparameters
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("    {key:<24} {}", word(value)));
    let family = named.family.info().name;
    output::lines([format!("name    {}", named.name), format!("family  {family}")].into_iter().chain(values))
}

/// A value as it is printed: texts without quotes.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The hyperparameters of all of these optimizers: names in the order of the families' own lists, with the scale of each.
fn columns(chosen: &[Named]) -> Vec<(&'static str, Scale)> {
    let mut columns: Vec<(&'static str, Scale)> = Vec::new();
    for named in chosen {
        for dimension in named.family.info().space {
            if !columns.iter().any(|(name, _)| *name == dimension.name) {
                columns.push((dimension.name, dimension.scale));
            }
        }
    }
    columns
}

fn print(chosen: &[Named]) -> anyhow::Result<()> {
    let columns = columns(chosen);
    let rows: Vec<Vec<String>> = chosen
        .iter()
        .map(|named| {
            let values = serde_json::to_value(named.config).unwrap_or_default();
            let cell = |(name, _): &(&str, Scale)| match values.get(*name) {
                None => "-".to_owned(),
                Some(Value::Number(number)) if !number.is_u64() => {
                    output::short(number.as_f64().unwrap_or(f64::NAN))
                }
                Some(other) => word(other),
            };
            std::iter::once(named.name.clone()).chain(columns.iter().map(cell)).collect()
        })
        .collect();
    let header: Vec<&str> = std::iter::once("name").chain(columns.iter().map(|(name, _)| *name)).collect();
    let right: Vec<bool> = (0..header.len()).map(|column| column > 0).collect();
    output::table(&header, &right, &rows)
}

/// One row per optimizer; a hyperparameter that a family lacks is empty.
fn table(chosen: &[Named]) -> DataTable {
    let mut table = DataTable::default();
    let texts = |text: &dyn Fn(&Named) -> String| {
        Column::Text(chosen.iter().map(|named| Some(text(named))).collect())
    };
    table.push("name", texts(&|named| named.name.clone()));
    table.push("family", texts(&|named| named.family.info().name.to_owned()));
    for (name, scale) in columns(chosen) {
        let values = chosen.iter().map(|named| named.config.value(name));
        let column = match scale {
            Scale::Switch => Column::Flag(values.map(|value| value.map(|value| value > 0.5)).collect()),
            // The value of a choice is the place of its word.
            Scale::Choice(words) => {
                let word = |place: f64| words.get(place as usize).map(|word| (*word).to_owned());
                Column::Text(values.map(|value| value.and_then(word)).collect())
            }
            _ => Column::Number(values.collect()),
        };
        table.push(name, column);
    }
    table.describe("taskset.program_version", env!("CARGO_PKG_VERSION"));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_column_for_each_hyperparameter_of_any_family() {
        let names = ["adam_lr_-3.00", "nadamw_grid_seed3", "zero"];
        let chosen: Vec<Named> = names.iter().map(|name| optim::named(name).unwrap()).collect();
        let csv = table(&chosen).csv();
        let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(lines[0][..4], ["name", "family", "learning_rate", "beta1"]);
        let nesterov = lines[0].iter().position(|name| *name == "use_nesterov").unwrap();
        assert!(["true", "false"].contains(&lines[2][nesterov]) && lines[1][nesterov].is_empty());
        for (line, named) in lines[1..].iter().zip(&chosen) {
            for (name, cell) in lines[0][2..].iter().zip(&line[2..]) {
                let written = cell
                    .parse::<f64>()
                    .ok()
                    .or_else(|| Some(f64::from(u8::from(cell.parse::<bool>().ok()?))));
                assert_eq!(written.map(f64::to_bits), named.config.value(name).map(f64::to_bits), "{name}");
            }
        }
    }

    #[test]
    fn words_are_a_column_of_texts() {
        let names = ["muon_default", "zero"];
        let chosen: Vec<Named> = names.iter().map(|name| optim::named(name).unwrap()).collect();
        let csv = table(&chosen).csv();
        let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let cell = |row: usize, name: &str| lines[row][lines[0].iter().position(|n| *n == name).unwrap()];
        assert_eq!(
            [cell(1, "scale"), cell(1, "tensors"), cell(1, "nesterov")],
            ["original", "hidden", "true"]
        );
        assert_eq!([cell(2, "scale"), cell(2, "nesterov")], ["", ""]);
    }
}
