//! Tasks by the order of magnitude of their parameters.

use std::collections::BTreeMap;

use taskset_figures::count;
use taskset_meta::{ScoreMatrix, quantile};

use crate::figures::Context;

/// Tasks that a size needs to be judged.
pub(super) const MIN_IN_GROUP: usize = 5;

/// Tasks of one order of magnitude of parameters.
pub(super) struct Size {
    /// 10 to this power, up to the next power.
    pub(super) exponent: u32,
    pub(super) tasks: Vec<usize>,
    /// Median number of parameters.
    pub(super) parameters: f64,
}

impl Size {
    pub(super) fn words(&self) -> String {
        format!("{} to {} parameters ({})", power(self.exponent), power(self.exponent + 1), self.tasks.len())
    }
}

/// A power of ten: `10,000`.
pub(super) fn power(exponent: u32) -> String {
    10_u64.checked_pow(exponent).map_or_else(|| format!("1e{exponent}"), count)
}

/// The tasks of a matrix by the order of magnitude of their parameters, smallest first.
pub(super) fn sizes(context: &Context<'_>, matrix: &ScoreMatrix) -> Vec<Size> {
    let mut by_exponent: BTreeMap<u32, Vec<(usize, u64)>> = BTreeMap::new();
    for (place, name) in matrix.tasks().iter().enumerate() {
        if let Some(task) = context.study.task(name) {
            by_exponent.entry(task.parameters.max(1).ilog10()).or_default().push((place, task.parameters));
        }
    }
    let size = |(exponent, tasks): (u32, Vec<(usize, u64)>)| Size {
        exponent,
        parameters: quantile(&tasks.iter().map(|(_, n)| *n as f64).collect::<Vec<_>>(), 0.5),
        tasks: tasks.into_iter().map(|(place, _)| place).collect(),
    };
    by_exponent.into_iter().map(size).collect()
}

/// The places of the sizes with enough tasks.
pub(super) fn large(sizes: &[Size]) -> Vec<usize> {
    (0..sizes.len()).filter(|&i| sizes[i].tasks.len() >= MIN_IN_GROUP).collect()
}
