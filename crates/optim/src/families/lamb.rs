//! lamb: Adam whose step is scaled to the norm of each tensor.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_params::Layout;
use taskset_rng::{NumpyLegacy, StreamId};
use taskset_simd::{Backend, Kernel};

use super::adam_search_ranges::or_zero;
use crate::family_registry::FamilyMember;
use crate::norm::norm;
use crate::optimizer::check_lengths;
use crate::unnamed_optimizer::Method;
use crate::update_rule::zero_in_f32;
use crate::{Dimension, Error, Facts, Naming, Real, Run, Slots, Step, Switches, real};

/// LAMB (You et al. 2020, algorithm 2) as in optax, for each tensor:
///
/// ```text
/// m = β₁ m + (1 - β₁) g;   v = β₂ v + (1 - β₂) g²
/// u = m̂ / (√v̂ + ε) + weight_decay p
/// p = p - learning_rate (‖p‖ / ‖u‖) u
/// ```
///
/// The ratio of the norms is 1 where either of them is 0, so tensors that start at 0 can leave it. Nothing bounds
/// ‖p‖: a tensor that grows takes ever longer steps. Weights that a task keeps at 0 count in ‖u‖.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lamb {
    /// Learning rate: the length of a step as a share of the tensor's norm.
    pub learning_rate: f64,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Weight decay, inside the direction whose norm is scaled.
    pub weight_decay: f64,
}

impl Lamb {
    /// The defaults of optax; it has none for the learning rate.
    pub const DEFAULT: Self =
        Self { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weight_decay: 0.0 };
}

const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 1e-4, 0.3);
const BETA1: Dimension = Dimension::one_minus_log("beta1", 5e-3, 0.5);
const BETA2: Dimension = Dimension::one_minus_log("beta2", 1e-4, 0.5);
const EPSILON: Dimension = Dimension::log("epsilon", 1e-10, 1e-3);
const WEIGHT_DECAY: Dimension = Dimension::log("weight_decay", 1e-4, 0.5).or_zero();

impl FamilyMember for Lamb {
    const NAME: &'static str = "lamb";
    const PREFIX: &'static str = "lamb";
    const NAMING: Naming = Naming::Seeds { set: "lamb_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Adam with the step scaled to the norm of each tensor; not in the paper";
    const SPACE: &'static [Dimension] = &[LEARNING_RATE, BETA1, BETA2, EPSILON, WEIGHT_DECAY];
    const HAS_MODES: bool = false;
    const NEEDS_HORIZON: bool = false;
    const DEFAULT: Option<Self> = Some(Self::DEFAULT);

    fn member(seed: u32) -> Self {
        let rng = &mut NumpyLegacy::new(seed.wrapping_add(203_001));
        Self {
            learning_rate: LEARNING_RATE.draw(rng),
            beta1: BETA1.draw(rng),
            beta2: BETA2.draw(rng),
            epsilon: EPSILON.draw(rng),
            weight_decay: or_zero(WEIGHT_DECAY, 1.0 / 3.0, rng),
        }
    }

    fn method(&self, _: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(*self)
    }

    fn divides_by(&self, _: &dyn Method) -> Option<(&'static str, f64)> {
        zero_in_f32("epsilon", self.epsilon)
    }
}

impl Lamb {
    fn run<T: Real>(&self, layout: &Arc<Layout>) -> Box<dyn Run<T>> {
        let zeros = || vec![T::zero(); layout.len()];
        Box::new(LambRun {
            rule: *self,
            layout: Arc::clone(layout),
            step: 0,
            m: zeros(),
            v: zeros(),
            direction: zeros(),
        })
    }
}

impl Method for Lamb {
    fn facts(&self) -> Facts {
        Facts { keeps_nan: true, moves_without_gradient: self.weight_decay != 0.0, ..Facts::default() }
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        3 * size_of::<f32>() * layout.len()
    }

    fn start(&self, layout: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(self.run(layout))
    }

    fn start_f64(&self, layout: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(self.run(layout))
    }
}

struct LambRun<T> {
    rule: Lamb,
    layout: Arc<Layout>,
    step: u64,
    m: Vec<T>,
    v: Vec<T>,
    /// The direction `u` of the current update; no state.
    direction: Vec<T>,
}

impl<T: Real> Run<T> for LambRun<T> {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        check_lengths(step.gradients, params, self.m.len());
        let Lamb { learning_rate, beta1, beta2, epsilon, weight_decay } = self.rule;
        let n = (self.step + 1) as f64;
        let correction = |beta: f64| 1.0 / (1.0 - libm::pow(beta, n));
        let backend = Backend::best();
        backend.run(Direction {
            decay: [beta1, beta2].map(real),
            fresh: [1.0 - beta1, 1.0 - beta2].map(real),
            correction: [correction(beta1), correction(beta2)].map(real),
            epsilon: real(epsilon),
            weight_decay: real(weight_decay),
            gradients: step.gradients,
            params,
            moments: [&mut self.m, &mut self.v],
            direction: &mut self.direction,
        });
        for tensor in self.layout.tensors() {
            let (params, direction) = (&mut params[tensor.range()], &self.direction[tensor.range()]);
            let (size, length) = (norm(params), norm(direction));
            let ratio = if size == 0.0 || length == 0.0 { 1.0 } else { size / length };
            backend.run(Move { rate: real(learning_rate * ratio), direction, params });
        }
        self.step += 1;
    }

    fn skip(&mut self) {
        self.step += 1;
    }

    fn learning_rate(&self) -> Option<f64> {
        Some(self.rule.learning_rate)
    }

    fn base_learning_rate(&self) -> Option<f64> {
        Some(self.rule.learning_rate)
    }

    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        self.rule.learning_rate = base;
        true
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        Ok(Slots::new(self.step).with("m", &self.m).with("v", &self.v))
    }

    fn restore(&mut self, slots: &Slots<T>) -> Result<(), Error> {
        slots.load(&mut [("m", &mut self.m), ("v", &mut self.v)], &mut [])?;
        self.step = slots.step;
        Ok(())
    }
}

/// Moments and directions of all parameters.
struct Direction<'a, T> {
    decay: [T; 2],
    fresh: [T; 2],
    correction: [T; 2],
    epsilon: T,
    weight_decay: T,
    gradients: &'a [T],
    params: &'a [T],
    moments: [&'a mut [T]; 2],
    direction: &'a mut [T],
}

impl<T: Real> Kernel for Direction<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [m, v] = self.moments;
        let inputs = self.gradients.iter().zip(self.params);
        for (((&g, &p), (m, v)), u) in inputs.zip(m.iter_mut().zip(v)).zip(self.direction) {
            let new_m = self.decay[0] * *m + self.fresh[0] * g;
            let new_v = self.decay[1] * *v + self.fresh[1] * (g * g);
            let adam = new_m * self.correction[0] / ((new_v * self.correction[1]).sqrt() + self.epsilon);
            (*m, *v) = (new_m, new_v);
            *u = adam + self.weight_decay * p;
        }
    }
}

/// One step of a tensor along its direction.
struct Move<'a, T> {
    rate: T,
    direction: &'a [T],
    params: &'a mut [T],
}

impl<T: Real> Kernel for Move<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (p, &u) in self.params.iter_mut().zip(self.direction) {
            *p = *p - self.rate * u;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The equations in the documentation, without regard to speed.
    #[test]
    fn updates_are_those_of_the_equations() {
        let rule = Lamb { weight_decay: 0.1, beta2: 0.99, ..Lamb::DEFAULT };
        let mut layout = Layout::default();
        layout.push("w", &[3, 2]);
        layout.push("b", &[1, 2]);
        let mut run = rule.run::<f64>(&Arc::new(layout));
        // The second tensor starts at 0, and takes a step of Adam.
        let mut params = [0.3, -0.2, 0.5, 1.0, -1.5, 0.7, 0.0, 0.0];
        let (mut m, mut v, mut expected) = ([0.0; 8], [0.0; 8], params);
        for t in 1..=5 {
            let gradients: [f64; 8] = std::array::from_fn(|i| libm::sin(f64::from(t) * (i as f64 + 0.7)));
            run.update(Step::new(&gradients), &mut params);
            let n = f64::from(t);
            for tensor in [0..6, 6..8] {
                let u: Vec<f64> = tensor
                    .clone()
                    .map(|i| {
                        m[i] = rule.beta1 * m[i] + (1.0 - rule.beta1) * gradients[i];
                        v[i] = rule.beta2 * v[i] + (1.0 - rule.beta2) * gradients[i].powi(2);
                        let m_hat = m[i] / (1.0 - rule.beta1.powf(n));
                        let v_hat = v[i] / (1.0 - rule.beta2.powf(n));
                        m_hat / (v_hat.sqrt() + rule.epsilon) + rule.weight_decay * expected[i]
                    })
                    .collect();
                let length = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
                let (size, step) = (length(&expected[tensor.clone()]), length(&u));
                let ratio = if size > 0.0 { size / step } else { 1.0 };
                for (p, u) in expected[tensor].iter_mut().zip(u) {
                    *p -= rule.learning_rate * ratio * u;
                }
            }
            for (found, expected) in params.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-14, "update {t}: {found}, not {expected}");
            }
        }
    }
}
