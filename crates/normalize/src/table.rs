//! The curves of one task as a checked table: every optimizer with the same replicas and points.

use std::collections::BTreeSet;

use taskset_curves::{Curve, optimizer_family};
use taskset_names::{Origin, Split};

use crate::Error;

/// Curves of one task by optimizer and replica.
pub(crate) struct Table<'a> {
    pub(crate) task: &'a str,
    /// Sorted.
    pub(crate) optimizers: Vec<&'a str>,
    /// `rows[i]` has the curves of `optimizers[i]`, one a replica, in the order of replicas.
    pub(crate) rows: Vec<Vec<&'a Curve>>,
    pub(crate) points: usize,
}

impl<'a> Table<'a> {
    /// Checks that all curves are of one task and have the same points on all splits, and that every optimizer has the
    /// same replicas, each once.
    pub(crate) fn new(curves: &'a [Curve]) -> Result<Self, Error> {
        let first = curves.first().ok_or(Error::NoCurves)?;
        let mut sorted: Vec<&Curve> = curves.iter().collect();
        sorted.sort_by(|a, b| (&a.optimizer, a.replica).cmp(&(&b.optimizer, b.replica)));
        let replicas: BTreeSet<u32> = curves.iter().map(|c| c.replica).collect();
        if let Some(curve) = sorted.iter().find(|curve| curve.steps.is_empty()) {
            return Err(Error::NoPoints {
                task: curve.task.clone(),
                optimizer: curve.optimizer.clone(),
                replica: curve.replica,
            });
        }
        let mut table =
            Self { task: &first.task, optimizers: Vec::new(), rows: Vec::new(), points: first.steps.len() };
        for curve in &sorted {
            if curve.task != first.task {
                return Err(Error::TwoTasks { first: first.task.clone(), second: curve.task.clone() });
            }
            check_points(first, curve)?;
        }
        for row in sorted.chunk_by(|a, b| a.optimizer == b.optimizer) {
            let (task, optimizer) = (first.task.clone(), row[0].optimizer.clone());
            if let Some(pair) = row.windows(2).find(|pair| pair[0].replica == pair[1].replica) {
                return Err(Error::Duplicate { task, optimizer, replica: pair[0].replica });
            }
            let here: BTreeSet<u32> = row.iter().map(|c| c.replica).collect();
            if let Some(&replica) = replicas.difference(&here).next() {
                return Err(Error::MissingReplica { task, optimizer, replica });
            }
            table.optimizers.push(&row[0].optimizer);
            table.rows.push(row.to_vec());
        }
        Ok(table)
    }

    pub(crate) fn families(&self) -> Vec<String> {
        let families: BTreeSet<&str> = self.optimizers.iter().map(|o| optimizer_family(o)).collect();
        families.into_iter().map(str::to_owned).collect()
    }

    /// Synthetic if any curve is.
    pub(crate) fn origin(&self) -> Origin {
        Origin::of_all(self.rows.iter().flatten().map(|curve| curve.origin))
    }

    /// Mean over replicas at each point, in f64.
    pub(crate) fn mean_curve(&self, optimizer: usize, split: Split) -> Vec<f64> {
        let row = &self.rows[optimizer];
        (0..self.points)
            .map(|k| row.iter().map(|c| f64::from(c.split(split)[k])).sum::<f64>() / row.len() as f64)
            .collect()
    }
}

fn check_points(first: &Curve, curve: &Curve) -> Result<(), Error> {
    for split in Split::ALL {
        let found = curve.split(split).len();
        if found == 0 || found != first.steps.len() || curve.steps != first.steps {
            return Err(Error::Points {
                task: curve.task.clone(),
                optimizer: curve.optimizer.clone(),
                replica: curve.replica,
                split,
                found,
                expected: first.steps.len(),
                reference: first.optimizer.clone(),
            });
        }
    }
    Ok(())
}
