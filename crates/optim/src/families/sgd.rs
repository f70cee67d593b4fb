//! sgd: stochastic gradient descent, plain, with heavy-ball momentum, or with Nesterov's.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_rng::NumpyLegacy;

use crate::family_registry::FamilyMember;
use crate::unnamed_optimizer::{ByElement, Method};
use crate::{Dimension, Elementwise, Facts, Naming, Real, Switches, real};

/// SGD as in PyTorch and optax:
///
/// ```text
/// m = g + momentum m
/// p = p - learning_rate (g + momentum m)     with Nesterov's momentum
/// p = p - learning_rate m                    otherwise
/// ```
///
/// Momentum 0 is plain gradient descent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of the last step's direction that is kept, in `[0, 1)`.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
}

impl Sgd {
    /// Plain gradient descent.
    pub const DEFAULT: Self = Self { learning_rate: 0.01, momentum: 0.0, nesterov: false };
}

const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 1e-4, 3.0);
const MOMENTUM: Dimension = Dimension::one_minus_log("momentum", 1e-3, 0.5);
const NESTEROV: Dimension = Dimension::switch("nesterov");

impl FamilyMember for Sgd {
    const NAME: &'static str = "sgd";
    const PREFIX: &'static str = "sgd";
    const NAMING: Naming = Naming::Seeds { set: "sgd_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Gradient descent with heavy-ball or Nesterov momentum; not in the paper";
    const SPACE: &'static [Dimension] = &[LEARNING_RATE, MOMENTUM, NESTEROV];
    const HAS_MODES: bool = false;
    const NEEDS_HORIZON: bool = false;
    const DEFAULT: Option<Self> = Some(Self::DEFAULT);

    fn member(seed: u32) -> Self {
        let rng = &mut NumpyLegacy::new(seed.wrapping_add(201_001));
        let learning_rate = LEARNING_RATE.draw(rng);
        let momentum = MOMENTUM.draw(rng);
        Self { learning_rate, momentum, nesterov: NESTEROV.draw(rng) > 0.5 }
    }

    fn method(&self, _: &Switches, _: u64) -> Arc<dyn Method> {
        let facts = Facts { keeps_nan: true, ..Facts::default() };
        if self.nesterov {
            ByElement::method(Nesterov(*self), facts)
        } else {
            ByElement::method(*self, facts)
        }
    }
}

impl Elementwise<1> for Sgd {
    const STATE: [&'static str; 1] = ["m"];
    /// Learning rate and momentum.
    type Numbers<T: Real> = [T; 2];

    fn numbers<T: Real>(&self, _: u64) -> [T; 2] {
        [real(self.learning_rate), real(self.momentum)]
    }

    #[inline(always)]
    fn element<T: Real>(&[rate, momentum]: &[T; 2], g: T, p: T, [m]: [T; 1]) -> (T, [T; 1]) {
        let m = g + momentum * m;
        (p - rate * m, [m])
    }

    fn learning_rate(&self, _: u64) -> Option<f64> {
        Some(self.learning_rate)
    }

    fn base_learning_rate(&mut self) -> Option<&mut f64> {
        Some(&mut self.learning_rate)
    }
}

/// The variant with Nesterov's momentum.
#[derive(Clone, Copy, Debug)]
struct Nesterov(Sgd);

impl Elementwise<1> for Nesterov {
    const STATE: [&'static str; 1] = ["m"];
    type Numbers<T: Real> = [T; 2];

    fn numbers<T: Real>(&self, step: u64) -> [T; 2] {
        self.0.numbers(step)
    }

    #[inline(always)]
    fn element<T: Real>(&[rate, momentum]: &[T; 2], g: T, p: T, [m]: [T; 1]) -> (T, [T; 1]) {
        let m = g + momentum * m;
        (p - rate * (g + momentum * m), [m])
    }

    fn learning_rate(&self, step: u64) -> Option<f64> {
        self.0.learning_rate(step)
    }

    fn base_learning_rate(&mut self) -> Option<&mut f64> {
        self.0.base_learning_rate()
    }
}

#[cfg(test)]
mod tests {
    use taskset_params::Layout;

    use super::*;
    use crate::elementwise::elementwise;
    use crate::{Run, Step};

    /// With a learning rate of 0.5 and a momentum of 0.5.
    #[test]
    fn momentum_starts_at_zero() {
        let rule = Sgd { learning_rate: 0.5, momentum: 0.5, nesterov: false };
        let check = |mut run: Box<dyn Run<f64>>, expected: [f64; 2]| {
            let mut params = [4.0];
            let after = [2.0, 1.0].map(|g| {
                run.update(Step::new(&[g]), &mut params);
                params[0].to_bits()
            });
            assert_eq!(after, expected.map(f64::to_bits));
        };
        // m = 2, then 1 + 2 / 2 = 2.
        check(elementwise(rule, &Layout::flat(1)), [3.0, 2.0]);
        // Moves by half of 2 + 2 / 2, then of 1 + 2 / 2.
        check(elementwise(Nesterov(rule), &Layout::flat(1)), [2.5, 1.5]);
    }
}
