//! How a trial is run: number of steps, and when and how well the loss is evaluated.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The protocol of a trial (paper section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Number of optimizer updates.
    pub steps: u32,
    /// Updates between two evaluations; 0 evaluates only before the first and after the last update.
    pub eval_every: u32,
    /// Minibatches averaged per split at each evaluation.
    pub eval_batches: u32,
}

impl Protocol {
    /// The paper's protocol: 10,000 steps, evaluated every 200 on 50 minibatches of each split.
    pub const PAPER: Self = Self { steps: 10_000, eval_every: 200, eval_batches: 50 };

    /// The steps at which the loss is evaluated: 0 (before any update), every `eval_every`, and always the last.
    ///
    /// ```
    /// let short = taskset_trial::Protocol { steps: 500, eval_every: 200, eval_batches: 1 };
    /// assert_eq!(short.eval_steps(), [0, 200, 400, 500]);
    /// assert_eq!(taskset_trial::Protocol::PAPER.eval_steps().len(), 51);
    /// ```
    pub fn eval_steps(&self) -> Vec<u32> {
        self.each_eval_step().collect()
    }

    /// The same one after the other: a protocol from a file may have more than memory can hold.
    pub fn each_eval_step(&self) -> impl Iterator<Item = u32> + use<> {
        let every = if self.eval_every == 0 { self.steps.max(1) } else { self.eval_every };
        let last = (!self.steps.is_multiple_of(every)).then_some(self.steps);
        (0..=self.steps).step_by(every as usize).chain(last)
    }

    /// The number of evaluations.
    pub fn evaluations(&self) -> u64 {
        let every = if self.eval_every == 0 { self.steps.max(1) } else { self.eval_every };
        u64::from(self.steps.div_ceil(every)) + 1
    }
}

/// In words: `10000 steps, evaluated every 200 on 50 minibatches of each split`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, eval_every, eval_batches } = self;
        write!(f, "{steps} steps, evaluated every {eval_every} on {eval_batches} minibatches of each split")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_step_is_always_evaluated() {
        let check = |steps, eval_every, expected: &[u32]| {
            assert_eq!(Protocol { steps, eval_every, eval_batches: 1 }.eval_steps(), expected);
        };
        check(0, 200, &[0]);
        check(0, 0, &[0]);
        check(7, 0, &[0, 7]);
        check(7, 100, &[0, 7]);
        check(6, 3, &[0, 3, 6]);
        check(7, 3, &[0, 3, 6, 7]);
        check(u32::MAX, u32::MAX, &[0, u32::MAX]);
    }

    proptest! {
        #[test]
        fn steps_rise_from_zero_to_the_last(steps in 0u32..5000, eval_every in 0u32..300) {
            let points = Protocol { steps, eval_every, eval_batches: 1 }.eval_steps();
            prop_assert_eq!(points.len() as u64, Protocol { steps, eval_every, eval_batches: 1 }.evaluations());
            prop_assert_eq!(points[0], 0);
            prop_assert_eq!(*points.last().unwrap(), steps);
            prop_assert!(points.windows(2).all(|w| w[0] < w[1]));
        }
    }
}
