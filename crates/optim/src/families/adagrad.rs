//! adagrad: Adagrad with a tuned learning rate and initial accumulator; not in the paper.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use super::adam_search_ranges::LEARNING_RATE;
use crate::family_registry::FamilyMember;
use crate::unnamed_optimizer::Method;
use crate::{Dimension, Naming, Rule, Switches};

/// Adagrad in TensorFlow's form (Duchi et al. 2011): `v = v + g²; p = p - α g / √v`, with `v` starting at
/// `initial_accumulator_value`. No epsilon, no decay; the same in all modes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adagrad {
    /// Learning rate α.
    pub learning_rate: f64,
    /// Initial value of the sum of squared gradients. It must be positive, in f32 too: with 0, a gradient of zero would
    /// give `0 / 0`.
    pub initial_accumulator_value: f64,
}

const INITIAL: Dimension =
    Dimension::log("initial_accumulator_value", 1e-10, 1e3).valid(f32::MIN_POSITIVE as f64, f64::MAX);

impl FamilyMember for Adagrad {
    const NAME: &'static str = "adagrad";
    const PREFIX: &'static str = "adagrad_wide_grid";
    const NAMING: Naming = Naming::Seeds { set: "adagrad_wide_grid_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Adagrad; tuned: learning rate, initial accumulator";
    const SPACE: &'static [Dimension] = &[LEARNING_RATE, INITIAL];

    fn member(seed: u32) -> Self {
        let mut rng = NumpyLegacy::new(seed);
        Self {
            learning_rate: LEARNING_RATE.draw(&mut rng),
            initial_accumulator_value: INITIAL.draw(&mut rng),
        }
    }

    fn method(&self, _: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(Rule::adagrad(self.learning_rate, self.initial_accumulator_value))
    }
}
