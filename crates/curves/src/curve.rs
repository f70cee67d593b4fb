//! One training curve.

use taskset_names::{Origin, Split};

use crate::Error;

/// The name of a trial within a protocol: task, optimizer, replica. Results are ordered by it.
pub type TrialKey = (String, String, u32);

/// The losses of one trial on the four splits.
///
/// A diverged trial is a result: its non-finite losses are kept as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Name of the task.
    pub task: String,
    /// Name of the optimizer configuration.
    pub optimizer: String,
    /// Number of the random initialisation, from 0.
    pub replica: u32,
    /// Steps at which the loss was evaluated, rising.
    pub steps: Vec<u32>,
    /// Losses at `steps`, one vector a split in the order of [`Split::ALL`]. A curve read by a
    /// [`Query`](crate::Query) for some splits has empty vectors for the others.
    pub losses: [Vec<f32>; 4],
    /// First step with a non-finite loss, if any.
    pub diverged_at: Option<u32>,
    /// Number of parameters of the task.
    pub num_params: u64,
    /// Seconds spent in optimizer updates.
    pub train_seconds: f64,
    /// Seconds spent in evaluations.
    pub eval_seconds: f64,
    /// Whether a stand-in took the place of the real data.
    pub origin: Origin,
}

impl Curve {
    /// The losses on one split.
    pub fn split(&self, split: Split) -> &[f32] {
        &self.losses[split.index()]
    }

    /// Task, optimizer and replica, copied.
    pub fn key(&self) -> TrialKey {
        (self.task.clone(), self.optimizer.clone(), self.replica)
    }

    /// The order of results: by task, then optimizer, then replica.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        (&self.task, &self.optimizer, self.replica).cmp(&(&other.task, &other.optimizer, other.replica))
    }

    /// Checks what a written curve must fulfil: rising steps, and one loss a step on every split.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let invalid = |reason: String| Error::InvalidCurve {
            task: self.task.clone(),
            optimizer: self.optimizer.clone(),
            replica: self.replica,
            reason,
        };
        if let Some(w) = self.steps.windows(2).find(|w| w[0] >= w[1]) {
            return Err(invalid(format!("step {} is followed by step {}; steps must rise", w[0], w[1])));
        }
        for split in Split::ALL {
            let (points, losses) = (self.steps.len(), self.split(split).len());
            if points != losses {
                return Err(invalid(format!("{points} steps but {losses} losses on {split}")));
            }
        }
        Ok(())
    }
}

/// Sorts by trial and keeps the first curve of each.
pub(crate) fn sort_and_deduplicate(curves: &mut Vec<Curve>) {
    curves.sort_by(Curve::order);
    curves.dedup_by(|later, earlier| later.order(earlier).is_eq());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::curve;

    #[test]
    fn curves_that_do_not_fit_their_steps_are_refused() {
        let check = |change: &dyn Fn(&mut Curve), words: &str| {
            let mut c = curve("t", "o", 0);
            assert!(c.check().is_ok());
            change(&mut c);
            let message = c.check().unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("`t`"), "{message}");
        };
        check(&|c| c.steps[1] = 0, "must rise");
        check(&|c| c.steps.push(99), "losses on train");
        check(&|c| c.losses[3].clear(), "0 losses on test");
    }

    #[test]
    fn the_first_of_equal_trials_is_kept() {
        let mut curves = vec![curve("b", "o", 0), curve("a", "o", 1), curve("a", "o", 0), curve("a", "o", 1)];
        curves[1].num_params = 1;
        curves[3].num_params = 2;
        sort_and_deduplicate(&mut curves);
        let keys: Vec<_> = curves.iter().map(|c| (c.task.as_str(), c.replica, c.num_params)).collect();
        assert_eq!(keys, [("a", 0, 7), ("a", 1, 1), ("b", 0, 7)]);
    }
}
