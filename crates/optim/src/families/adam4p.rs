//! adam4p: Adam with all four of its hyperparameters tuned.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use super::adam_search_ranges::{BETA1, BETA2, EPSILON, LEARNING_RATE};
use crate::adam_update::Adam;
use crate::family_registry::FamilyMember;
use crate::schedule::Schedule;
use crate::unnamed_optimizer::Method;
use crate::{Dimension, Naming, Rule, Switches};

/// Adam in TensorFlow's form (Kingma and Ba 2015, end of section 2), in the modes `upstream` and `opt_list`:
///
/// ```text
/// m = β₁ m + (1 - β₁) g;   v = β₂ v + (1 - β₂) g²
/// p = p - α √(1 - β₂ᵗ⁺¹) / (1 - β₁ᵗ⁺¹) · m / (√v + ε)
/// ```
///
/// In the mode `paper` the textbook's: `p = p - α m̂ / (√v̂ + ε)`.
///
/// Seed `i` has the same values as the first four of [`Adam8p`](crate::Adam8p)'s seed `i`: upstream seeded both alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam4p {
    /// Learning rate α.
    pub learning_rate: f64,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
}

impl FamilyMember for Adam4p {
    const NAME: &'static str = "adam4p";
    const PREFIX: &'static str = "adam4p_wide_grid";
    const NAMING: Naming = Naming::Seeds { set: "adam4p_wide_grid_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Adam; tuned: learning rate, both betas, epsilon";
    const SPACE: &'static [Dimension] = &[LEARNING_RATE, BETA1, BETA2, EPSILON];

    fn member(seed: u32) -> Self {
        let mut rng = NumpyLegacy::new(seed);
        Self {
            learning_rate: LEARNING_RATE.draw(&mut rng),
            beta1: BETA1.draw(&mut rng),
            beta2: BETA2.draw(&mut rng),
            epsilon: EPSILON.draw(&mut rng),
        }
    }

    fn method(&self, switches: &Switches, _: u64) -> Arc<dyn Method> {
        let adam = Adam::plain(self.beta1, self.beta2, self.epsilon, switches.epsilon);
        Arc::new(Rule::adam(Schedule::constant(self.learning_rate), adam, true))
    }
}
