//! nadamw: Adam with nesterov momentum, two kinds of weight decay, warm-up and cosine decay (paper, appendix C.2).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use crate::adam_update::{Adam, Momentum};
use crate::family_registry::FamilyMember;
use crate::schedule::Schedule;
use crate::unnamed_optimizer::Method;
use crate::{Dimension, Naming, Nesterov, Rule, Switches};

/// NAdamW as released:
///
/// ```text
/// G = g - l2_weight_decay p                                     (minus: upstream's sign error)
/// m = β₁ m + (1 - β₁) G;   v = β₂ v + (1 - β₂) G²
/// c = α(t) √(1 - β₂ᵗ⁺¹) / (1 - β₁ᵗ⁺¹)
/// u = β₁ m + (1 - β₁) G if nesterov, else m
/// p = p - c u / (√v + ε) - c adamw_weight_decay p
/// ```
///
/// In the mode `upstream` `use_nesterov` does nothing, as in the runs that made the published curves. In the mode
/// `paper` `G = g + 2 l2_weight_decay p`, ε stands beside the corrected root, the decoupled decay is not multiplied by
/// the bias correction, and nesterov's current gradient is not divided by it.
///
/// The rate α(t) rises linearly from 0 over the warm-up, is held until `constant_fraction` of training, and falls by half
/// a cosine to `min_learning_rate_mult * learning_rate`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nadamw {
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Whether momentum is Nesterov's.
    pub use_nesterov: bool,
    /// Decoupled weight decay.
    pub adamw_weight_decay: f64,
    /// Weight decay through the gradient.
    pub l2_weight_decay: f64,
    /// Fraction of training spent on warm-up.
    pub warmup_fraction: f64,
    /// Final learning rate as a multiple of the largest.
    pub min_learning_rate_mult: f64,
    /// Fraction of training after which the cosine begins.
    pub constant_fraction: f64,
}

const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 1e-5, 1.0);
const BETA1: Dimension = Dimension::one_minus_log("beta1", 1e-3, 1.0);
const BETA2: Dimension = Dimension::one_minus_log("beta2", 1e-5, 1.0);
const EPSILON: Dimension = Dimension::log("epsilon", 1e-8, 1e4);
const USE_NESTEROV: Dimension = Dimension::switch("use_nesterov");
const ADAMW: Dimension = Dimension::log("adamw_weight_decay", 1e-5, 1e-1).or_zero();
const L2: Dimension = Dimension::log("l2_weight_decay", 1e-5, 1e-1).or_zero();
const WARMUP: Dimension = Dimension::log("warmup_fraction", 1e-5, 1e-1).or_zero().valid(0.0, 1.0);
const MIN_MULT: Dimension =
    Dimension::log("min_learning_rate_mult", 1e-5, 1.0).or_zero().valid(0.0, f64::MAX);
const CONSTANT: Dimension = Dimension::linear("constant_fraction", 0.0, 1.0);

impl FamilyMember for Nadamw {
    const NAME: &'static str = "nadamw";
    const PREFIX: &'static str = "nadamw_grid";
    const NAMING: Naming = Naming::Seeds { set: "nadamw_grid_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Adam with Nesterov momentum; tuned: those of adam4p, Nesterov or not, two weight decays, warm-up, cosine decay";
    const SPACE: &'static [Dimension] =
        &[LEARNING_RATE, BETA1, BETA2, EPSILON, USE_NESTEROV, ADAMW, L2, WARMUP, MIN_MULT, CONSTANT];

    fn member(seed: u32) -> Self {
        let rng = &mut NumpyLegacy::new(seed.wrapping_add(14358));
        let learning_rate = LEARNING_RATE.draw(rng);
        let beta1 = BETA1.draw(rng);
        let beta2 = BETA2.draw(rng);
        let epsilon = EPSILON.draw(rng);
        let use_nesterov = rng.unit() > 0.5;
        let which = rng.unit();
        let (adamw_weight_decay, l2_weight_decay) = if which < 0.3333 {
            (ADAMW.draw(rng), 0.0)
        } else if which < 0.6666 {
            (0.0, L2.draw(rng))
        } else {
            (ADAMW.draw(rng), L2.draw(rng))
        };
        let warmup_fraction = if rng.unit() > 0.5 { WARMUP.draw(rng) } else { 0.0 };
        let min_learning_rate_mult = if rng.unit() > 0.5 { 0.0 } else { MIN_MULT.draw(rng) };
        let constant_fraction = CONSTANT.draw(rng);
        Self {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            use_nesterov,
            adamw_weight_decay,
            l2_weight_decay,
            warmup_fraction,
            min_learning_rate_mult,
            constant_fraction,
        }
    }

    fn method(&self, switches: &Switches, training_steps: u64) -> Arc<dyn Method> {
        let schedule = Schedule::cosine(
            self.learning_rate,
            training_steps,
            self.constant_fraction,
            self.warmup_fraction,
            self.min_learning_rate_mult,
            switches.warmup,
        );
        let momentum = match switches.nesterov {
            Nesterov::Corrected if self.use_nesterov => Momentum::NesterovCorrected,
            Nesterov::Plain if self.use_nesterov => Momentum::NesterovPlain,
            _ => Momentum::HeavyBall,
        };
        let adam = Adam {
            l2: switches.l2_multiplier * self.l2_weight_decay,
            momentum,
            weight_decay: self.adamw_weight_decay,
            correct_weight_decay: switches.correct_weight_decay,
            ..Adam::plain(self.beta1, self.beta2, self.epsilon, switches.epsilon)
        };
        Arc::new(Rule::adam(schedule, adam, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thousand_seeds_have_the_published_shares() {
        let all: Vec<Nadamw> = (0..1000).map(Nadamw::member).collect();
        let count = |yes: fn(&Nadamw) -> bool| all.iter().filter(|c| yes(c)).count();
        assert_eq!(count(|c| c.use_nesterov), 502);
        assert_eq!(count(|c| c.l2_weight_decay == 0.0), 359);
        assert_eq!(count(|c| c.adamw_weight_decay == 0.0), 314);
        assert_eq!(count(|c| c.warmup_fraction > 0.0), 516);
        assert_eq!(count(|c| c.min_learning_rate_mult == 0.0), 491);
        assert_eq!(count(|c| c.warmup_fraction > c.constant_fraction), 3);
    }
}
