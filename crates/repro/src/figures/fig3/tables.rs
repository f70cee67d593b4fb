//! The tables behind figure 3, for programs: all digits.

use taskset_figures::Table;

use taskset_names::Origin;

use super::analysis::Numbers;
use super::claims::label;
use super::{curves, quartiles};

/// The numbers behind the figure, one row per curve and budget.
pub(crate) fn table(numbers: &Numbers, origin: Origin) -> Table {
    let mut table = Table::new(["curve", "family", "data", "k", "p25", "median", "p75", "learned_is_better"]);
    for curve in curves(numbers) {
        for (k, [lo, median, hi]) in quartiles(curve) {
            let wins = curve.learned_is_better.get(k - 1).copied().flatten();
            table.push([
                label(curve),
                curve.family.clone(),
                origin.to_string(),
                k.to_string(),
                lo.to_string(),
                median.to_string(),
                hi.to_string(),
                wins.map(|w| w.to_string()).unwrap_or_default(),
            ]);
        }
    }
    table
}

/// Every resampling: one row per curve, resampling and budget.
pub(crate) fn resamplings_table(numbers: &Numbers, origin: Origin) -> Table {
    let mut table = Table::new(["curve", "data", "resampling", "k", "j"]);
    for curve in curves(numbers) {
        for (resampling, row) in curve.raw.iter().enumerate() {
            for (i, j) in row.iter().enumerate() {
                table.push([
                    label(curve),
                    origin.to_string(),
                    resampling.to_string(),
                    (i + 1).to_string(),
                    j.to_string(),
                ]);
            }
        }
    }
    table
}

/// The list learned on all tasks.
pub(crate) fn list_table(numbers: &Numbers, origin: Origin) -> Table {
    let mut table = Table::new(["entry", "name", "data", "mean_score_so_far"]);
    for (i, entry) in numbers.list.entries.iter().enumerate() {
        let score = entry.train_score_after.map(|s| s.to_string()).unwrap_or_default();
        table.push([i.to_string(), entry.name.clone(), origin.to_string(), score]);
    }
    table
}
