//! adam8p: Adam with learning rate decays and l1 and l2 penalties (paper, appendix C.1).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use super::adam_search_ranges::{BETA1, BETA2, EPSILON, EXPONENTIAL_DECAY, LEARNING_RATE, LINEAR_DECAY};
use crate::adam_update::Adam;
use crate::family_registry::FamilyMember;
use crate::schedule::Schedule;
use crate::unnamed_optimizer::Method;
use crate::{Dimension, EpsilonPlacement, Naming, Rule, Switches, UPSTREAM_TRAINING_STEPS};

/// Upstream's hand-written Adam:
///
/// ```text
/// G = g + l1 sign(p) + 2 l2 p                                   (sign(0) = 0)
/// m = β₁ m + (1 - β₁) G;   v = β₂ v + (1 - β₂) G²
/// m̂ = m / (1 - β₁ᵗ⁺¹);     v̂ = v / (1 - β₂ᵗ⁺¹)
/// p = p - α max(1 - linear_decay τ, 0) exp(-exponential_decay τ) · m̂ / (√(v̂ + 1e-10) + ε)
/// ```
///
/// The clock τ is the step number t; in the mode `opt_list` it is `10000 t / training_steps`. The paper has no 1e-10
/// under the root. The penalties act on every parameter, and never on the reported loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam8p {
    /// Learning rate α at step 0.
    pub learning_rate: f64,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Coefficient of the sum of absolute parameters in the training loss.
    pub l1: f64,
    /// Coefficient of the sum of squared parameters in the training loss.
    pub l2: f64,
    /// Linear decay of the learning rate per tick of the clock.
    pub linear_decay: f64,
    /// Exponential decay of the learning rate per tick of the clock.
    pub exponential_decay: f64,
}

const L1: Dimension = Dimension::log("l1", 1e-8, 1e1);
const L2: Dimension = Dimension::log("l2", 1e-8, 1e1);

/// The rule of adam8p and, without penalties, of adam6p; without `clock_steps` the clock ticks once per step.
pub(super) fn hand_written_adam(c: &Adam8p, switches: &Switches, clock_steps: Option<u64>) -> Rule {
    let ticks_per_step =
        clock_steps.map_or(1.0, |steps| UPSTREAM_TRAINING_STEPS as f64 / steps.max(1) as f64);
    let schedule = Schedule::decay(c.learning_rate, c.linear_decay, c.exponential_decay, ticks_per_step);
    let adam = Adam {
        root_epsilon: switches.root_epsilon,
        l1: c.l1,
        l2: 2.0 * c.l2,
        ..Adam::plain(c.beta1, c.beta2, c.epsilon, EpsilonPlacement::Corrected)
    };
    Rule::adam(schedule, adam, false)
}

impl FamilyMember for Adam8p {
    const NAME: &'static str = "adam8p";
    const PREFIX: &'static str = "adam8p_wide_grid";
    const NAMING: Naming = Naming::Seeds { set: "adam8p_wide_grid_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Adam; tuned: those of adam6p, L1 and L2 penalties";
    const SPACE: &'static [Dimension] =
        &[LEARNING_RATE, BETA1, BETA2, EPSILON, L1, L2, LINEAR_DECAY, EXPONENTIAL_DECAY];

    fn member(seed: u32) -> Self {
        let mut rng = NumpyLegacy::new(seed);
        Self {
            learning_rate: LEARNING_RATE.draw(&mut rng),
            beta1: BETA1.draw(&mut rng),
            beta2: BETA2.draw(&mut rng),
            epsilon: EPSILON.draw(&mut rng),
            l1: L1.draw(&mut rng),
            l2: L2.draw(&mut rng),
            linear_decay: LINEAR_DECAY.draw(&mut rng),
            exponential_decay: EXPONENTIAL_DECAY.draw(&mut rng),
        }
    }

    fn method(&self, switches: &Switches, training_steps: u64) -> Arc<dyn Method> {
        Arc::new(hand_written_adam(self, switches, switches.adam8p_rescales_clock.then_some(training_steps)))
    }
}
