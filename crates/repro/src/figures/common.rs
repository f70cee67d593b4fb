//! What the figures with curves of J share.

use taskset_figures::{Color, Point, Series, Table, counted};
use taskset_meta::ResampledCurve;
use taskset_names::Origin;

use crate::claim_thresholds::{MIN_RESAMPLINGS, MIN_TASKS, few_resamplings};

/// Name of the vertical axis.
pub(super) const J: &str = "J on held-out tasks (lower is better)";

/// Name of the horizontal axis.
pub(super) const TRIED: &str = "optimizers tried (k)";

/// What J is, for captions.
pub(super) const J_IS: &str = "J is the mean over the tasks of the test score of the configuration that is best by validation \
                               score among the first k. The section “How” says how losses become scores; lower is better.";

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
    data: String,
}

impl CurveTable {
    /// With these columns that tell curves apart; the origin of the data stands in each row.
    pub(super) fn new(keys: &[&str], data: Origin) -> Self {
        let header = keys.iter().copied().chain(["data", "k", "p25", "median", "p75"]);
        Self { table: Table::new(header), keys: keys.len(), data: data.to_string() }
    }

    /// Adds a curve.
    pub(super) fn push(&mut self, keys: &[String], curve: &ResampledCurve) {
        debug_assert_eq!(keys.len(), self.keys, "one value for each column");
        for (i, at) in curve.band.iter().enumerate() {
            let Some(quartiles) = at else { continue };
            let numbers = [self.data.clone(), (i + 1).to_string()]
                .into_iter()
                .chain(quartiles.iter().map(f64::to_string));
            self.table.push(keys.iter().cloned().chain(numbers));
        }
    }

    pub(super) fn table(self) -> Table {
        self.table
    }
}

/// That a family has too few configurations, in words; none if it has enough.
fn few_candidates(family: &str, candidates: usize) -> Option<String> {
    (candidates < MIN_CANDIDATES).then(|| {
        let found = counted(candidates as u64, "configuration");
        format!("{family} has {found}, and at least {MIN_CANDIDATES} are needed")
    })
}

/// What makes lists of `k` entries alike whatever they are learned on, in words; empty if nothing. Lists of all
/// configurations are the same set, so from half of them on a comparison says less and less.
pub(super) fn alike(family: &str, candidates: usize, k: usize) -> Vec<String> {
    let mut lacks: Vec<String> = few_candidates(family, candidates).into_iter().collect();
    if k * 2 > candidates {
        lacks.push(format!(
            "k = {k} is more than half of the {}, so that all lists have most of them in common",
            counted(candidates as u64, "configuration")
        ));
    }
    lacks
}

/// What a comparison of lists lacks, in words; empty if nothing. `smaller` is the smaller number of tasks that lists are
/// learned on or tested on.
pub(super) fn shortages(family: &str, candidates: usize, smaller: usize, resamplings: usize) -> Vec<String> {
    let mut lacks: Vec<String> = few_candidates(family, candidates).into_iter().collect();
    if smaller < MIN_TASKS {
        lacks.push(format!(
            "lists are learned on or tested on {}, and at least {MIN_TASKS} are needed",
            counted(smaller as u64, "task")
        ));
    }
    if resamplings < MIN_RESAMPLINGS {
        lacks.push(few_resamplings(resamplings));
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_more_than_half_of_the_configurations_are_alike() {
        assert!(alike("adam8p", 20, 10).is_empty());
        assert!(alike("adam8p", 20, 11)[0].contains("k = 11 is more than half of the 20 configurations"));
        assert!(alike("adam8p", 19, 1)[0].contains("19 configurations, and at least 20"));
    }
}
