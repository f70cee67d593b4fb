//! The curves of one task as a checked table: every optimizer with the same replicas and points.

use std::collections::BTreeSet;

use taskset_names::{Origin, Split};
use taskset_trial::{Curve, Uniform};

use crate::Error;

/// The curves of one task by optimizer and replica, checked once, so that several normalisers can score them
/// ([`Normalizer::scores_of`](crate::Normalizer::scores_of)).
#[derive(Clone, Debug)]
pub struct TaskCurves<'a> {
    pub(crate) task: &'a str,
    /// Sorted.
    pub(crate) optimizers: Vec<&'a str>,
    /// `rows[i]` has the curves of `optimizers[i]`, one per replica, in the order of replicas.
    pub(crate) rows: Vec<Vec<&'a Curve>>,
    /// How many points of each curve count.
    pub(crate) points: usize,
    /// What all of the trials share.
    pub(crate) shared: Uniform,
}

impl<'a> TaskCurves<'a> {
    /// Checks that all curves are of one task and may be compared, have the same points on all splits, and that every
    /// optimizer has the same replicas, each once.
    ///
    /// # Errors
    /// [`Error`] if there are no curves, they are of several tasks, they come from trials that differ in more than the
    /// optimizer and the replica, were evaluated at different steps, or an optimizer lacks a replica that another has.
    pub fn new(curves: &'a [Curve]) -> Result<Self, Error> {
        let first = curves.first().ok_or(Error::NoCurves)?;
        let mut sorted: Vec<&Curve> = curves.iter().collect();
        sorted.sort_by(|a, b| (a.optimizer(), a.replica()).cmp(&(b.optimizer(), b.replica())));
        let replicas: BTreeSet<u32> = curves.iter().map(Curve::replica).collect();
        if let Some(curve) = sorted.iter().find(|curve| curve.steps.is_empty()) {
            return Err(Error::NoPoints {
                task: curve.task().to_owned(),
                optimizer: curve.optimizer().to_owned(),
                replica: curve.replica(),
            });
        }
        if let Some(other) = sorted.iter().find(|curve| curve.task() != first.task()) {
            return Err(Error::TwoTasks { first: first.task().to_owned(), second: other.task().to_owned() });
        }
        let mut table = Self {
            task: first.task(),
            optimizers: Vec::new(),
            rows: Vec::new(),
            points: first.steps.len(),
            shared: Uniform::of_task(sorted.iter().map(|curve| &curve.spec))?,
        };
        for curve in &sorted {
            check_points(first, curve)?;
        }
        for row in sorted.chunk_by(|a, b| a.optimizer() == b.optimizer()) {
            let (task, optimizer) = (first.task().to_owned(), row[0].optimizer().to_owned());
            if let Some(pair) = row.windows(2).find(|pair| pair[0].replica() == pair[1].replica()) {
                return Err(Error::Duplicate { task, optimizer, replica: pair[0].replica() });
            }
            let here: BTreeSet<u32> = row.iter().map(|c| c.replica()).collect();
            if let Some(&replica) = replicas.difference(&here).next() {
                return Err(Error::MissingReplica { task, optimizer, replica });
            }
            table.optimizers.push(row[0].optimizer());
            table.rows.push(row.to_vec());
        }
        Ok(table)
    }

    /// The same curves, cut: only the points up to this step count, as if training had ended there (Appendix A.3). The
    /// first point always counts.
    #[must_use]
    pub fn until(&self, step: u32) -> Self {
        let steps = &self.rows[0][0].steps;
        Self { points: steps.partition_point(|&s| s <= step).max(1), ..self.clone() }
    }

    /// The losses of a curve that count; none where the split is absent.
    pub(crate) fn losses<'c>(&self, curve: &'c Curve, split: Split) -> &'c [f32] {
        let losses = curve.split(split);
        &losses[..self.points.min(losses.len())]
    }

    pub(crate) fn families(&self) -> Vec<String> {
        let families: BTreeSet<&str> =
            self.rows.iter().flatten().map(|curve| curve.spec.optimizer.family.as_str()).collect();
        families.into_iter().map(str::to_owned).collect()
    }

    /// Synthetic if any curve is.
    pub(crate) fn origin(&self) -> Origin {
        Origin::of_all(self.rows.iter().flatten().map(|curve| curve.origin()))
    }

    /// Mean over replicas at each point, in f64. The replicas are added in their order.
    pub(crate) fn mean_curve(&self, optimizer: usize, split: Split) -> Vec<f64> {
        let row = &self.rows[optimizer];
        // The neutral element of a sum of floats.
        let mut sums = vec![-0.0; self.points];
        for curve in row {
            for (sum, &loss) in sums.iter_mut().zip(self.losses(curve, split)) {
                *sum += f64::from(loss);
            }
        }
        sums.iter_mut().for_each(|sum| *sum /= row.len() as f64);
        sums
    }
}

fn check_points(first: &Curve, curve: &Curve) -> Result<(), Error> {
    for split in Split::ALL {
        // A split that the source lacks, or that was not read, is absent in all.
        let (found, expected) = (curve.split(split).len(), first.split(split).len());
        if found != expected || expected != 0 && expected != first.steps.len() || curve.steps != first.steps {
            return Err(Error::Points {
                task: curve.task().to_owned(),
                optimizer: curve.optimizer().to_owned(),
                replica: curve.replica(),
                split,
                found,
                expected: first.steps.len(),
                reference: first.optimizer().to_owned(),
            });
        }
    }
    Ok(())
}
