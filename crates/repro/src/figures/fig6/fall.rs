//! Whether lists get worse with the distance in size: a permutation test.

use taskset_meta::correlation::spearman;
use taskset_meta::groups::{Groups, TrainJ};
use taskset_meta::{SameTasks, ScoreMatrix};
use taskset_rng::StreamId;

use super::sizes::{Size, large};
use crate::figures::Lack;

/// Sizes that the claims need.
pub(super) const MIN_GROUPS: usize = 4;

/// How often sizes are shuffled among the tasks. The 5th percentile then stands on ten shuffles.
pub(super) const SHUFFLES: u64 = 200;

/// Splits into halves of which the own J of each size is the median, in the measurement and in each shuffle. Each split tests
/// every task once, and each costs as much time as all lists of a shuffle.
const HALVINGS: u64 = 2;

/// Ratios that differ by less are equal: sums in another order differ by more than nothing.
pub(super) const TIE: f64 = 1e-9;

/// How the ratio falls with the distance of two sizes.
pub(super) struct Fall {
    /// Spearman's correlation of distance and ratio; NaN if there is none.
    pub(super) observed: f64,
    /// The same with the sizes shuffled among the tasks, where there is one.
    pub(super) shuffled: Vec<f64>,
    /// Pairs of sizes.
    pub(super) pairs: usize,
}

impl Fall {
    /// Lists of `k` entries are learned anew for each shuffle, so that the shuffles differ from the measurement only in
    /// which tasks have which size.
    pub(super) fn new(matrix: &ScoreMatrix, sizes: &[Size], k: usize, id: &StreamId) -> Result<Self, Lack> {
        let large = large(sizes);
        let exponents: Vec<u32> = large.iter().map(|&i| sizes[i].exponent).collect();
        let tasks: Vec<usize> = large.iter().flat_map(|&i| sizes[i].tasks.iter().copied()).collect();
        let of = |order: &[usize]| {
            let mut rest = order;
            let groups: Vec<Vec<usize>> = large
                .iter()
                .map(|&i| {
                    let (group, after) = rest.split_at(sizes[i].tasks.len());
                    rest = after;
                    group.to_vec()
                })
                .collect();
            correlation(matrix, &exponents, &groups, k, &id.child("fall"))
        };
        if large.len() < MIN_GROUPS || k * 2 > matrix.configs().len() {
            return Ok(Self { observed: f64::NAN, shuffled: Vec::new(), pairs: 0 });
        }
        let observed = of(&tasks)?;
        let mut shuffled = Vec::new();
        // Where nothing can be compared, shuffles cannot help.
        for shuffle in 0..if observed.is_nan() { 0 } else { SHUFFLES } {
            let mut order = tasks.clone();
            id.child("shuffle").index(shuffle).stream().shuffle(&mut order);
            shuffled.extend(Some(of(&order)?).filter(|r| !r.is_nan()));
        }
        Ok(Self { observed, shuffled, pairs: large.len() * (large.len() - 1) })
    }
}

/// Spearman's correlation of the distance of two groups and the ratio of the list of one on the other, over all pairs of
/// different groups.
fn correlation(
    matrix: &ScoreMatrix,
    exponents: &[u32],
    groups: &[Vec<usize>],
    k: usize,
    id: &StreamId,
) -> Result<f64, Lack> {
    // The mixture is not used, so it is as small as it can be.
    let experiment =
        Groups { matrix, groups, same_group: SameTasks::Halves, mixture_tasks: 1, resamplings: HALVINGS, k };
    let ratios = experiment.run(id)?.ratios(k, TrainJ::OfTestGroup);
    let (mut distances, mut values) = (Vec::new(), Vec::new());
    for (train, row) in ratios.iter().enumerate() {
        for (test, ratio) in row.iter().enumerate() {
            if train != test && ratio.is_finite() {
                distances.push(f64::from(exponents[train].abs_diff(exponents[test])));
                values.push((ratio / TIE).round());
            }
        }
    }
    Ok(spearman(&distances, &values))
}
