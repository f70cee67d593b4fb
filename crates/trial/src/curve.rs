//! One training curve.

use std::cmp::Ordering;
use std::sync::Arc;

use taskset_names::{Origin, Split};

use crate::{TrialId, TrialSpec};

/// The losses of one trial on the four splits.
///
/// A diverged trial is a result: its non-finite losses are kept as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Which trial.
    pub spec: TrialSpec,
    /// Steps at which the loss was evaluated, rising.
    pub steps: Arc<[u32]>,
    /// Losses at `steps`, one vector per split, in the order of [`Split::ALL`]. Empty for a split that the source of the curve
    /// lacks, or that was not read.
    pub losses: [Vec<f32>; 4],
    /// First step with a non-finite loss, if any.
    pub diverged_at: Option<u32>,
    /// Number of parameters of the task.
    pub num_params: u64,
    /// Seconds spent in optimizer updates.
    pub train_seconds: f64,
    /// Seconds spent in evaluations.
    pub eval_seconds: f64,
}

impl Curve {
    /// Name of the task.
    pub fn task(&self) -> &str {
        &self.spec.task.name
    }

    /// Name of the optimizer configuration.
    pub fn optimizer(&self) -> &str {
        &self.spec.optimizer.name
    }

    /// Number of the random initialisation, from 0.
    pub fn replica(&self) -> u32 {
        self.spec.replica
    }

    /// How much of the task's data is real.
    pub fn origin(&self) -> Origin {
        self.spec.task.origin
    }

    /// The identity of the trial. Computed at every call.
    pub fn id(&self) -> TrialId {
        self.spec.id()
    }

    /// The losses on one split; empty if the curve has none.
    pub fn split(&self, split: Split) -> &[f32] {
        &self.losses[split.index()]
    }

    /// The order of results: by task, then optimizer, then replica. Different trials with the same names count as equal.
    pub fn order(&self, other: &Self) -> Ordering {
        // Most curves of a list share their task, and then names need not be compared.
        let (a, b) = (&self.spec, &other.spec);
        let tasks =
            if Arc::ptr_eq(&a.task, &b.task) { Ordering::Equal } else { a.task.name.cmp(&b.task.name) };
        tasks
            .then_with(|| match Arc::ptr_eq(&a.optimizer, &b.optimizer) {
                true => Ordering::Equal,
                false => a.optimizer.name.cmp(&b.optimizer.name),
            })
            .then_with(|| a.replica.cmp(&b.replica))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::curve;

    #[test]
    fn curves_are_ordered_by_task_then_optimizer_then_replica() {
        let named = |task: &str, optimizer: &str, replica: u32| {
            let mut c = curve();
            Arc::make_mut(&mut c.spec.task).name = task.into();
            Arc::make_mut(&mut c.spec.optimizer).name = optimizer.into();
            c.spec.replica = replica;
            c
        };
        let sorted = [named("a", "o", 1), named("a", "p", 0), named("a", "p", 2), named("b", "o", 0)];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(a.order(b), i.cmp(&j), "{i} and {j}");
            }
        }
        // What is shared need not be compared.
        let mut same = sorted[0].clone();
        assert_eq!(same.order(&sorted[0]), Ordering::Equal);
        same.spec.replica = 0;
        assert_eq!(same.order(&sorted[0]), Ordering::Less);
        same.spec.optimizer = Arc::clone(&sorted[1].spec.optimizer);
        assert_eq!(same.order(&sorted[0]), Ordering::Greater);
    }

    #[test]
    fn a_curve_says_what_its_specification_says() {
        let c = curve();
        assert_eq!((c.task(), c.optimizer(), c.replica()), ("mlp_family_seed12", "adam_7", 4));
        assert_eq!((c.origin(), c.id()), (Origin::Synthetic, c.spec.id()));
        assert_eq!(
            Split::ALL.map(|split| c.split(split)[0].to_bits()),
            [1.0f32, 2.0, 3.0, 4.0].map(f32::to_bits)
        );
    }
}
