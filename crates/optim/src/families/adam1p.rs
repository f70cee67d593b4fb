//! adam1p: Adam with a tuned learning rate.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use super::adam_search_ranges::LEARNING_RATE;
use crate::adam_update::Adam;
use crate::family_registry::FamilyMember;
use crate::schedule::Schedule;
use crate::unnamed_optimizer::Method;
use crate::{Dimension, Naming, Rule, Switches};

/// Adam with β₁ = 0.9, β₂ = 0.999, ε = 1e-8 (TensorFlow's form; see [`Adam4p`](crate::Adam4p)).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam1p {
    /// Learning rate α.
    pub learning_rate: f64,
}

/// TensorFlow's default Adam with this learning rate.
pub(super) fn default_adam(learning_rate: f64, switches: &Switches) -> Rule {
    Rule::adam(Schedule::constant(learning_rate), Adam::plain(0.9, 0.999, 1e-8, switches.epsilon), true)
}

impl FamilyMember for Adam1p {
    const NAME: &'static str = "adam1p";
    const PREFIX: &'static str = "adam1p_wide_grid";
    const NAMING: Naming = Naming::Seeds { set: "adam1p_wide_grid_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Adam; tuned: learning rate";
    const SPACE: &'static [Dimension] = &[LEARNING_RATE];

    fn member(seed: u32) -> Self {
        let mut rng = NumpyLegacy::new(seed.wrapping_add(4123));
        Self { learning_rate: LEARNING_RATE.draw(&mut rng) }
    }

    fn method(&self, switches: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(default_adam(self.learning_rate, switches))
    }
}
