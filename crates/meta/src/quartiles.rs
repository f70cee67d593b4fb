//! Medians and quartiles over resamplings.

use taskset_normalize::quantile;

/// The 25th, 50th and 75th percentile over resamplings, one entry per number k of optimizers tried, k = 1 first. An entry is
/// none if some resampling has no value for this k, and if there are no resamplings.
pub type Band = Vec<Option<[f64; 3]>>;

/// The quartiles of `raw[r][k - 1]` over the resamplings r, for the first `k` columns. If a column contains a NaN, its
/// three quartiles are NaN. They interpolate as [`quantile`] does.
pub fn quartiles(raw: &[Vec<f64>], k: usize) -> Band {
    (0..k).map(|i| column(raw, i).map(|c| [0.25, 0.5, 0.75].map(|q| quantile(&c, q)))).collect()
}

/// Column `i` of the resamplings. None if a resampling has fewer columns, and if there are no resamplings.
pub(crate) fn column(raw: &[Vec<f64>], i: usize) -> Option<Vec<f64>> {
    let column: Option<Vec<f64>> = raw.iter().map(|row| row.get(i).copied()).collect();
    column.filter(|column| !column.is_empty())
}

/// The reported score J against the number of optimizers tried, over resamplings.
#[derive(Clone, Debug, PartialEq)]
pub struct ResampledCurve {
    /// `raw[r][k - 1]` is J after k tries in resampling r. A row ends where there are no more configurations to try.
    pub raw: Vec<Vec<f64>>,
    /// The quartiles over the resamplings (see [`quartiles`]).
    pub band: Band,
}

impl ResampledCurve {
    /// A curve from its values in each resampling, with quartiles for up to `k` tries.
    pub fn new(raw: Vec<Vec<f64>>, k: usize) -> Self {
        let band = quartiles(&raw, k);
        Self { raw, band }
    }

    /// The quartiles after `k` tries. None for `k = 0`, and where [`band`](Self::band) has no entry.
    pub fn at(&self, k: usize) -> Option<[f64; 3]> {
        *self.band.get(k.checked_sub(1)?)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_by_hand() {
        let curve = ResampledCurve::new(vec![vec![3.0, 1.0], vec![1.0, 1.0, 9.0], vec![2.0, f64::NAN]], 4);
        assert_eq!(curve.at(1), Some([1.5, 2.0, 2.5]));
        assert!(curve.at(2).unwrap().iter().all(|q| q.is_nan()));
        // Two resamplings have ended before the third try.
        assert_eq!((curve.at(3), curve.at(4), curve.at(5), curve.at(0)), (None, None, None, None));
        assert_eq!(curve.band.len(), 4);
    }

    #[test]
    fn one_resampling_is_its_own_quartiles_and_none_has_no_quartiles() {
        assert_eq!(quartiles(&[vec![0.25]], 1), [Some([0.25; 3])]);
        assert_eq!(quartiles(&[], 2), [None, None]);
        assert!(quartiles(&[vec![0.25]], 0).is_empty());
    }
}
