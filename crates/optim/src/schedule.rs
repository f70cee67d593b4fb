//! Learning rates as functions of the step number (paper, appendix C).

use crate::WarmupRule;

/// A learning rate at step 0, 1, …: a base rate times a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) base: f64,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Constant,
    Decay { linear: f64, exponential: f64, ticks_per_step: f64 },
    Cosine { steps: f64, hold_until: f64, warmup_until: f64, floor: f64 },
}

impl Schedule {
    pub(crate) const fn constant(base: f64) -> Self {
        Self { base, shape: Shape::Constant }
    }

    /// `base * max(1 - linear τ, 0) * exp(-exponential τ)` with the clock `τ = ticks_per_step * t`.
    pub(crate) const fn decay(base: f64, linear: f64, exponential: f64, ticks_per_step: f64) -> Self {
        Self { base, shape: Shape::Decay { linear, exponential, ticks_per_step } }
    }

    /// Linear warm-up from 0, then `base`, then from `constant * steps` on half a cosine down to `floor * base` at
    /// `steps`, where it stays. The warm-up takes precedence; if there is one, the first step has rate 0.
    pub(crate) fn cosine(
        base: f64,
        steps: u64,
        constant: f64,
        warmup: f64,
        floor: f64,
        rule: WarmupRule,
    ) -> Self {
        let steps = steps.max(1) as f64;
        let warmup_until = match rule {
            _ if warmup <= 0.0 => 0.0,
            WarmupRule::Min => steps * warmup.min(constant),
            WarmupRule::Max => steps * warmup.max(constant),
        };
        Self { base, shape: Shape::Cosine { steps, hold_until: steps * constant, warmup_until, floor } }
    }

    pub(crate) fn at(&self, step: u64) -> f64 {
        let t = step as f64;
        match self.shape {
            Shape::Constant => self.base,
            Shape::Decay { linear, exponential, ticks_per_step } => {
                let tau = t * ticks_per_step;
                self.base * (1.0 - linear * tau).max(0.0) * libm::exp(-exponential * tau)
            }
            Shape::Cosine { steps, hold_until, warmup_until, floor } => {
                let s = t.min(steps);
                if s < warmup_until {
                    self.base * s / warmup_until
                } else if s <= hold_until {
                    // This also covers a rate that is constant for the whole training, where upstream divides 0 by 0.
                    self.base
                } else {
                    let low = floor * self.base;
                    let angle = std::f64::consts::PI * (s - hold_until) / (steps - hold_until);
                    low + (self.base - low) * (0.5 + 0.5 * libm::cos(angle))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(schedule: Schedule, expected: &[(u64, f64)]) {
        for &(step, rate) in expected {
            let found = schedule.at(step);
            assert!((found - rate).abs() < 1e-15, "step {step}: {found}, not {rate}");
        }
    }

    #[test]
    fn the_corners_of_the_cosine() {
        let cosine = |constant, warmup, rule| Schedule::cosine(2.0, 100, constant, warmup, 0.1, rule);
        check(cosine(0.5, 0.0, WarmupRule::Max), &[(0, 2.0), (50, 2.0), (75, 1.1), (100, 0.2), (1000, 0.2)]);
        check(cosine(0.5, 0.1, WarmupRule::Min), &[(0, 0.0), (5, 1.0), (10, 2.0), (50, 2.0)]);
        check(cosine(0.5, 0.1, WarmupRule::Max), &[(0, 0.0), (25, 1.0), (50, 2.0), (100, 0.2)]);
        check(cosine(1.0, 0.0, WarmupRule::Min), &[(0, 2.0), (100, 2.0), (200, 2.0)]);
    }

    #[test]
    fn the_decays_multiply() {
        check(Schedule::decay(2.0, 0.01, 0.0, 1.0), &[(0, 2.0), (50, 1.0), (100, 0.0), (200, 0.0)]);
        check(Schedule::decay(2.0, 0.0, 0.01, 10.0), &[(0, 2.0), (10, 2.0 * (-1f64).exp())]);
    }

    proptest! {
        #[test]
        fn rates_stay_between_zero_and_base(
            base in 1e-8f64..10.0, constant in 0.0f64..=1.0, warmup in 0.0f64..=1.0, floor in 0.0f64..=1.0,
            steps in 0u64..20_000, step in 0u64..30_000, max in any::<bool>(),
        ) {
            let rule = if max { WarmupRule::Max } else { WarmupRule::Min };
            let cosine = Schedule::cosine(base, steps, constant, warmup, floor, rule);
            let decay = Schedule::decay(base, 1e-4 * warmup, 1e-3 * floor, 1.0);
            for rate in [cosine.at(step), decay.at(step)] {
                prop_assert!((0.0..=base * (1.0 + 1e-15)).contains(&rate), "{rate}");
            }
        }
    }
}
