//! adam6p: Adam with a linear and an exponential decay of its learning rate.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use super::adam_search_ranges::{BETA1, BETA2, EPSILON, EXPONENTIAL_DECAY, LEARNING_RATE, LINEAR_DECAY};
use super::adam8p::hand_written_adam;
use crate::family_registry::FamilyMember;
use crate::unnamed_optimizer::Method;
use crate::{Adam8p, Dimension, Naming, Switches};

/// [`Adam8p`] without its penalties. Unlike there, upstream's clock follows the given number of training steps.
///
/// Without decays this is not [`Adam4p`](crate::Adam4p): epsilon stands elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam6p {
    /// Learning rate α at step 0.
    pub learning_rate: f64,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Linear decay of the learning rate per tick of the clock.
    pub linear_decay: f64,
    /// Exponential decay of the learning rate per tick of the clock.
    pub exponential_decay: f64,
}

impl FamilyMember for Adam6p {
    const NAME: &'static str = "adam6p";
    const PREFIX: &'static str = "adam6p_wide_grid";
    const NAMING: Naming = Naming::Seeds { set: "adam6p_wide_grid_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str =
        "Adam; tuned: those of adam4p, linear and exponential decay of the learning rate";
    const SPACE: &'static [Dimension] =
        &[LEARNING_RATE, BETA1, BETA2, EPSILON, LINEAR_DECAY, EXPONENTIAL_DECAY];

    fn member(seed: u32) -> Self {
        let mut rng = NumpyLegacy::new(seed.wrapping_add(123_455));
        Self {
            learning_rate: LEARNING_RATE.draw(&mut rng),
            beta1: BETA1.draw(&mut rng),
            beta2: BETA2.draw(&mut rng),
            epsilon: EPSILON.draw(&mut rng),
            linear_decay: LINEAR_DECAY.draw(&mut rng),
            exponential_decay: EXPONENTIAL_DECAY.draw(&mut rng),
        }
    }

    fn method(&self, switches: &Switches, training_steps: u64) -> Arc<dyn Method> {
        let &Self { learning_rate, beta1, beta2, epsilon, linear_decay, exponential_decay } = self;
        let unpenalised = Adam8p {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            l1: 0.0,
            l2: 0.0,
            linear_decay,
            exponential_decay,
        };
        Arc::new(hand_written_adam(
            &unpenalised,
            switches,
            switches.adam6p_rescales_clock.then_some(training_steps),
        ))
    }
}
