//! adamw: Adam with decoupled weight decay, linear warm-up and cosine decay.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use super::adam_search_ranges::or_zero;
use crate::adam_update::Adam;
use crate::family_registry::FamilyMember;
use crate::schedule::Schedule;
use crate::unnamed_optimizer::Method;
use crate::{Dimension, EpsilonPlacement, Naming, Rule, Switches, WarmupRule};

/// AdamW (Loshchilov and Hutter 2019) as in PyTorch, with the schedule that most training uses:
///
/// ```text
/// m = β₁ m + (1 - β₁) g;   v = β₂ v + (1 - β₂) g²
/// p = p - α(t) weight_decay p - α(t) m̂ / (√v̂ + ε)
/// ```
///
/// The rate α(t) rises linearly from 0 at the first step over `warmup_fraction` of training, and then falls by half a cosine
/// to `min_learning_rate_mult * learning_rate`, which it would reach one step after the last. So a run of a single step
/// with a warm-up moves nothing. Without warm-up and with `min_learning_rate_mult` 1 it is
/// constant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamW {
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Fraction of training spent on warm-up.
    pub warmup_fraction: f64,
    /// Final learning rate as a multiple of the largest.
    pub min_learning_rate_mult: f64,
}

impl AdamW {
    /// The defaults of `torch.optim.AdamW`, which has a constant learning rate.
    pub const DEFAULT: Self = Self {
        learning_rate: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        warmup_fraction: 0.0,
        min_learning_rate_mult: 1.0,
    };
}

const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 1e-5, 0.3);
const BETA1: Dimension = Dimension::one_minus_log("beta1", 5e-3, 0.5);
const BETA2: Dimension = Dimension::one_minus_log("beta2", 1e-4, 0.5);
const EPSILON: Dimension = Dimension::log("epsilon", 1e-10, 1e-3);
const WEIGHT_DECAY: Dimension = Dimension::log("weight_decay", 1e-4, 0.5).or_zero();
const WARMUP: Dimension = Dimension::log("warmup_fraction", 1e-3, 0.1).or_zero().valid(0.0, 1.0);
const MIN_MULT: Dimension =
    Dimension::log("min_learning_rate_mult", 1e-3, 1.0).or_zero().valid(0.0, f64::MAX);

impl FamilyMember for AdamW {
    const NAME: &'static str = "adamw";
    const PREFIX: &'static str = "adamw";
    const NAMING: Naming = Naming::Seeds { set: "adamw_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str =
        "Adam with decoupled weight decay, linear warm-up and cosine decay; not in the paper";
    const SPACE: &'static [Dimension] =
        &[LEARNING_RATE, BETA1, BETA2, EPSILON, WEIGHT_DECAY, WARMUP, MIN_MULT];
    const HAS_MODES: bool = false;
    const DEFAULT: Option<Self> = Some(Self::DEFAULT);

    fn member(seed: u32) -> Self {
        let rng = &mut NumpyLegacy::new(seed.wrapping_add(202_001));
        Self {
            learning_rate: LEARNING_RATE.draw(rng),
            beta1: BETA1.draw(rng),
            beta2: BETA2.draw(rng),
            epsilon: EPSILON.draw(rng),
            weight_decay: or_zero(WEIGHT_DECAY, 1.0 / 3.0, rng),
            warmup_fraction: or_zero(WARMUP, 0.5, rng),
            min_learning_rate_mult: or_zero(MIN_MULT, 0.5, rng),
        }
    }

    fn method(&self, _: &Switches, training_steps: u64) -> Arc<dyn Method> {
        let schedule = Schedule::cosine(
            self.learning_rate,
            training_steps,
            self.warmup_fraction,
            self.warmup_fraction,
            self.min_learning_rate_mult,
            WarmupRule::Min,
        );
        let adam = Adam {
            weight_decay: self.weight_decay,
            ..Adam::plain(self.beta1, self.beta2, self.epsilon, EpsilonPlacement::Corrected)
        };
        Arc::new(Rule::adam(schedule, adam, true))
    }
}
