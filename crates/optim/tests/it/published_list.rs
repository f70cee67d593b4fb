//! The published list against its table, the paper's appendix F and the original file.

use std::io::Write as _;
use std::path::PathBuf;

use taskset_optim::{Config, named, published_list};

const TOP: &str = include_str!("../fixtures/opt_list_top50.csv");
const APPENDIX_F: &str = include_str!("../fixtures/appendix_f.csv");

/// Calls `check` on every row of a table, as pairs of column and cell; returns how many rows there were.
fn for_each_row(table: &str, mut check: impl FnMut(&[(&str, &str)])) -> usize {
    let mut lines = table.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let row: Vec<_> = header.iter().copied().zip(line.split(',')).collect();
            assert_eq!(row.len(), header.len());
            check(&row);
        })
        .count()
}

fn cell<'a>(row: &[(&str, &'a str)], column: &str) -> &'a str {
    row.iter().find(|(name, _)| *name == column).unwrap().1
}

/// For example 1e-5 of `1.24e-3`.
fn unit_of_last_digit(number: &str) -> f64 {
    let (digits, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    10f64.powi(exponent.parse::<i32>().unwrap() - decimals as i32)
}

/// Whether every hyperparameter printed in the row agrees with the configuration to half a unit of its last digit.
fn check_printed(row: &[(&str, &str)], config: &Config) {
    let mut compared = 0;
    for &(column, text) in row {
        let Some(value) = config.value(column) else { continue };
        let (printed, unit) = match text {
            "true" => (1.0, 0.0),
            "false" | "0" => (0.0, 0.0),
            number => (number.parse().unwrap(), unit_of_last_digit(number)),
        };
        assert!((value - printed).abs() <= 0.5001 * unit, "{column}: {value}, printed {text}");
        compared += 1;
    }
    assert_eq!(compared, 10);
}

#[test]
fn the_first_fifty_entries() {
    let rows = for_each_row(TOP, |row| {
        let entry = published_list::entry(cell(row, "idx").parse().unwrap()).unwrap();
        assert_eq!(entry.name, format!("nadamw_grid_seed{}", cell(row, "seed")));
        check_printed(row, &entry.config);
    });
    assert_eq!(rows, 50);
}

#[test]
fn every_row_of_appendix_f() {
    let mut at_the_same_row = 0;
    let rows = for_each_row(APPENDIX_F, |row| {
        let seed = cell(row, "seed");
        let index: usize = cell(row, "opt_list_idx").parse().unwrap();
        check_printed(row, &named(&format!("nadamw_grid_seed{seed}")).unwrap().config);
        assert_eq!(published_list::published()[index].to_string(), seed);
        at_the_same_row += usize::from(cell(row, "row") == index.to_string());
    });
    assert_eq!((rows, at_the_same_row), (50, 1));
}

#[test]
fn the_whole_original_file() {
    let Some(directory) = std::env::var_os("TASKSET_SPEC") else {
        // Not by a macro, whose output the test harness keeps to itself.
        let _ = writeln!(std::io::stderr(), "skipped: TASKSET_SPEC names no directory with opt_list.json");
        return;
    };
    let text = std::fs::read_to_string(PathBuf::from(directory).join("opt_list.json")).unwrap();
    let original: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&text).unwrap();
    assert_eq!(original.len(), 1000);
    for (index, object) in original.iter().enumerate() {
        let config = published_list::entry(index).unwrap().config;
        assert_eq!(object.len(), 10);
        for (name, value) in object {
            let expected = value.as_f64().unwrap_or_else(|| f64::from(u8::from(value.as_bool().unwrap())));
            let found = config.value(name).unwrap();
            // NumPy took exp and log from another libm: the last digits may differ.
            assert!(
                (found - expected).abs() <= 1e-14 * expected.abs(),
                "{index} {name}: {found}, not {expected}"
            );
        }
    }
}
