//! What the figures with curves of J share.

use taskset_figures::{Color, Point, Series, Table};
use taskset_meta::ResampledCurve;

use crate::claims::{MIN_RESAMPLINGS, MIN_TASKS, few_resamplings};

/// Name of the vertical axis.
pub(super) const J: &str = "J on held-out tasks (lower is better)";

/// Name of the horizontal axis.
pub(super) const TRIED: &str = "optimizers tried (k)";

/// What J is, for captions.
pub(super) const J_IS: &str = "J is the mean over the tasks of the test score of the configuration that is best by validation \
                               score among the first k; 0 is the best loss that any configuration reached, 1 the loss at \
                               the start.";

/// Configurations that a family needs for claims: half of them are ten tries, so that the budgets 1, 2, 5 and 10 can be
/// compared.
pub(super) const MIN_CANDIDATES: usize = 20;

/// A curve with its band as a line of a chart.
pub(super) fn series(label: impl Into<String>, color: Color, curve: &ResampledCurve) -> Series {
    let points = curve.band.iter().enumerate().filter_map(|(i, at)| {
        let [lo, y, hi] = (*at)?;
        Some(Point { x: (i + 1) as f64, y, lo, hi })
    });
    Series::new(label, color, points.collect())
}

/// A table of curves: one row per curve and number of tries.
pub(super) struct CurveTable {
    table: Table,
    keys: usize,
}

impl CurveTable {
    /// With these columns that tell curves apart.
    pub(super) fn new(keys: &[&str]) -> Self {
        let header = keys.iter().copied().chain(["k", "p25", "median", "p75"]);
        Self { table: Table::new(header), keys: keys.len() }
    }

    /// Adds a curve.
    pub(super) fn push(&mut self, keys: &[String], curve: &ResampledCurve) {
        debug_assert_eq!(keys.len(), self.keys, "one value for each column");
        for (i, at) in curve.band.iter().enumerate() {
            let Some(quartiles) = at else { continue };
            let numbers = [(i + 1).to_string()].into_iter().chain(quartiles.iter().map(f64::to_string));
            self.table.push(keys.iter().cloned().chain(numbers));
        }
    }

    pub(super) fn table(self) -> Table {
        self.table
    }
}

/// What a comparison of lists lacks, in words; empty if nothing. `smaller` is the smaller number of tasks that lists are
/// learned on or tested on.
pub(super) fn shortages(family: &str, candidates: usize, smaller: usize, resamplings: usize) -> Vec<String> {
    let mut lacks = Vec::new();
    if candidates < MIN_CANDIDATES {
        lacks.push(format!(
            "{family} has {candidates} configurations, and at least {MIN_CANDIDATES} are needed"
        ));
    }
    if smaller < MIN_TASKS {
        lacks.push(format!(
            "lists are learned on or tested on {smaller} tasks, and at least {MIN_TASKS} are needed"
        ));
    }
    if resamplings < MIN_RESAMPLINGS {
        lacks.push(few_resamplings(resamplings));
    }
    lacks
}
