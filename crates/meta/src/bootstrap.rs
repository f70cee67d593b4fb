//! How sure a mean over tasks is: the bootstrap (Efron 1979) that draws whole families of tasks.
//!
//! Tasks of one family are alike, so they are not independent observations. Drawing single tasks would therefore give
//! intervals that are too narrow. Here whole clusters are drawn.

use std::collections::BTreeMap;

use taskset_rng::StreamId;

use crate::resampling::resample;
use crate::{Error, quantile};

/// Means of bootstrap replicates.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// The mean over all tasks as they are.
    pub mean: f64,
    /// The means of the replicates, in ascending order.
    pub replicates: Vec<f64>,
    /// Number of clusters. With few of them (below about 10) the interval is only a rough one.
    pub clusters: usize,
}

/// Bootstraps the mean of `values`, of which `clusters` gives the cluster (the family) of each.
///
/// Each replicate draws as many clusters as there are, with replacement. Its mean is that over all tasks of the drawn
/// clusters, in which a cluster counts as often as it was drawn. For a comparison of two methods, give the difference of
/// their scores on each task. Replicate b draws from the stream `id/b`; clusters are numbered in ascending order.
///
/// # Errors
/// [`Error::Size`] if there is not one cluster per value, [`Error::NoTasks`] without values, [`Error::NotANumber`] for a
/// value that is NaN or infinite.
pub fn bootstrap<C: Ord>(
    values: &[f64],
    clusters: &[C],
    replicates: u64,
    id: &StreamId,
) -> Result<Bootstrap, Error> {
    let (found, expected) = (clusters.len(), values.len());
    if found != expected {
        return Err(Error::Size { what: "clusters of tasks", found, expected });
    }
    if values.is_empty() {
        return Err(Error::NoTasks { what: "tasks to take a mean over" });
    }
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::NotANumber { what: "value of task", index, value: values[index] });
    }
    let mut sums: BTreeMap<&C, (f64, usize)> = BTreeMap::new();
    for (value, cluster) in values.iter().zip(clusters) {
        let entry = sums.entry(cluster).or_default();
        *entry = (entry.0 + value, entry.1 + 1);
    }
    let sums: Vec<(f64, usize)> = sums.into_values().collect();
    let mut replicates = resample(replicates, |b| {
        let mut stream = id.index(b).stream();
        mean((0..sums.len()).map(|_| sums[stream.below(sums.len() as u64) as usize]))
    });
    replicates.sort_by(f64::total_cmp);
    Ok(Bootstrap { mean: mean(sums.iter().copied()), replicates, clusters: sums.len() })
}

fn mean(clusters: impl Iterator<Item = (f64, usize)>) -> f64 {
    let (sum, tasks) = clusters.fold((0.0, 0), |(sum, tasks), (s, n)| (sum + s, tasks + n));
    sum / tasks as f64
}

impl Bootstrap {
    /// The percentile interval: the middle `level` of the replicates, for example 0.95. NaN without replicates.
    pub fn interval(&self, level: f64) -> [f64; 2] {
        let tail = (1.0 - level) / 2.0;
        [tail, 1.0 - tail].map(|q| quantile(&self.replicates, q))
    }

    /// The fraction of the replicates that are below a value. Of differences, the fraction below 0 says in how many
    /// replicates the first method is better. NaN without replicates.
    pub fn fraction_below(&self, value: f64) -> f64 {
        self.replicates.partition_point(|&mean| mean < value) as f64 / self.replicates.len() as f64
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "means of small whole numbers are exact")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(values: &[f64], clusters: &[&str]) -> Result<Bootstrap, Error> {
        bootstrap(values, clusters, 2000, &StreamId::root("t"))
    }

    #[test]
    fn replicates_are_means_over_drawn_clusters() {
        let result = run(&[1.0, 1.0, 1.0, 5.0], &["a", "a", "a", "b"]).unwrap();
        assert_eq!((result.mean, result.clusters, result.replicates.len()), (2.0, 2, 2000));
        // Drawn: a a, a b or b a, b b. These have the means 1, 2 and 5.
        let count = |mean: f64| result.replicates.iter().filter(|&&m| m == mean).count();
        assert_eq!(count(1.0) + count(2.0) + count(5.0), 2000);
        // Expected 500, 1000, 500; five standard deviations are 97 and 112.
        assert!(count(1.0).abs_diff(500) < 97 && count(2.0).abs_diff(1000) < 112, "{result:?}");
        assert_eq!((result.interval(0.95), result.interval(0.0)), ([1.0, 5.0], [2.0, 2.0]));
        assert_eq!(result.fraction_below(2.0), count(1.0) as f64 / 2000.0);
        assert_eq!(result, run(&[1.0, 1.0, 1.0, 5.0], &["a", "a", "a", "b"]).unwrap());
    }

    #[test]
    fn clusters_make_the_interval_wider_than_single_tasks() {
        // In each of 6 clusters, 20 tasks have the same value.
        let values: Vec<f64> = (0..120).map(|i| f64::from(i / 20)).collect();
        let width = |clusters: Vec<usize>| {
            let [low, high] = bootstrap(&values, &clusters, 500, &StreamId::root("t")).unwrap().interval(0.9);
            high - low
        };
        assert!(width((0..120).map(|i| i / 20).collect()) > 3.0 * width((0..120).collect()));
    }

    #[test]
    fn one_cluster_varies_not_at_all_and_no_replicates_have_no_interval() {
        let one = run(&[1.0, 4.0], &["a", "a"]).unwrap();
        assert_eq!(one.interval(0.95), [2.5, 2.5]);
        let none = bootstrap(&[1.0], &["a"], 0, &StreamId::root("t")).unwrap();
        assert!(none.interval(0.5)[0].is_nan() && none.fraction_below(0.0).is_nan() && none.mean == 1.0);
    }

    #[test]
    fn values_without_a_mean_are_refused() {
        let check = |result: Result<Bootstrap, Error>, words: &str| {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(run(&[], &[]), "no tasks");
        check(run(&[1.0], &["a", "b"]), "2 where 1");
        check(run(&[1.0, f64::NAN], &["a", "b"]), "value of task 1 is NaN");
    }

    proptest! {
        #[test]
        fn replicates_lie_between_the_extreme_means_of_clusters(
            values in proptest::collection::vec(-8i8..8, 1..30), seed in any::<u64>(),
        ) {
            let clusters: Vec<usize> = (0..values.len()).map(|i| i % 4).collect();
            let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
            let result = bootstrap(&values, &clusters, 20, &StreamId::root("p").index(seed)).unwrap();
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(result.replicates.iter().all(|m| (lowest..=highest).contains(m)));
            prop_assert!(result.replicates.windows(2).all(|w| w[0] <= w[1]));
        }
    }
}
