//! `curves diff`: two sets of curves, trial by trial.

use std::path::Path;

use taskset::curves;

use super::{note_left_out, open};
use crate::failure::Differences;
use crate::output;

pub(super) fn run(first: &Path, second: &Path, examples: usize, json: bool) -> anyhow::Result<()> {
    for path in [first, second] {
        note_left_out(&open(path)?);
    }
    let found = curves::diff(first, second, examples)?;
    if json {
        output::json(&found)?;
    } else {
        let mut lines: Vec<String> = found
            .examples
            .iter()
            .map(|e| format!("{} {} {} [{}]: {}", e.task, e.optimizer, e.replica, e.trial, e.what))
            .collect();
        let shown = found.examples.len() as u64;
        let all = found.different + found.only_first + found.only_second;
        if all > shown {
            lines.push(format!("… and {} more", all - shown));
        }
        lines.push(format!(
            "trials: {} equal, {} different, {} only in the first, {} only in the second",
            found.equal, found.different, found.only_first, found.only_second
        ));
        output::lines(lines)?;
    }
    if found.is_equal() { Ok(()) } else { Err(Differences.into()) }
}
