//! schedule_free_adamw: AdamW that averages its iterates instead of lowering its learning rate.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_params::Layout;
use taskset_rng::{NumpyLegacy, StreamId};
use taskset_simd::{Backend, Kernel};

use super::adam_search_ranges::or_zero;
use crate::family_registry::FamilyMember;
use crate::optimizer::check_lengths;
use crate::unnamed_optimizer::Method;
use crate::update_rule::zero_in_f32;
use crate::{Dimension, Error, Facts, Naming, Real, Run, Slots, Step, Switches, real};

/// Schedule-free AdamW (Defazio et al. 2024) as in the authors' package. Three points belong to each parameter: `z` moves
/// as AdamW does, `x` is a weighted mean of all `z`, and gradients are taken between them, at `y`. The parameters that the
/// trainer holds are `y`; **the loss is evaluated at `x`**. With t = 1, 2, … for the number of the update:
///
/// ```text
/// α = learning_rate min(1, t / warmup_steps);   αmax = max of all α so far
/// w = t^r αmax^weight_lr_power;   c = w / (sum of all w so far)
/// v = β₂ v + (1 - β₂) g²
/// u = g / (√v̂ + ε)                  or, with inner_momentum > 0, its bias-corrected mean m̂ in place of g
/// z = z - α (u + weight_decay y)
/// x = (1 - c) x + c z
/// y = β₁ x + (1 - β₁) z
/// ```
///
/// Only `y`, `z` and `v` are kept: `x = y + (1 - 1/β₁) (z - y)`, so β₁ must be at least 0.01: below that, rounding in f32
/// would show. Exponents are at most 10, so that no weight leaves the range of f64.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleFreeAdamW {
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Where gradients are taken between `z` (0) and `x` (1), in `[0.01, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Decoupled weight decay, taken at `y`.
    pub weight_decay: f64,
    /// Updates over which the learning rate rises linearly; 0 for none.
    pub warmup_steps: u64,
    /// Exponent of the number of the update in the weights of the mean, 0 to 10.
    pub r: f64,
    /// Exponent of the largest learning rate in the weights of the mean, 0 to 10.
    pub weight_lr_power: f64,
    /// Decay of a mean of gradients inside the update, in `[0, 1)`; 0 for none.
    pub inner_momentum: f64,
}

impl ScheduleFreeAdamW {
    /// The authors' defaults.
    pub const DEFAULT: Self = Self {
        learning_rate: 0.0025,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        warmup_steps: 0,
        r: 0.0,
        weight_lr_power: 2.0,
        inner_momentum: 0.0,
    };
}

const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 3e-4, 1.0);
const BETA1: Dimension = Dimension::one_minus_log("beta1", 0.02, 0.2).valid(0.01, 1.0_f64.next_down());
const BETA2: Dimension = Dimension::one_minus_log("beta2", 1e-4, 0.3);
const EPSILON: Dimension = Dimension::log("epsilon", 1e-10, 1e-3);
const WEIGHT_DECAY: Dimension = Dimension::log("weight_decay", 1e-3, 0.3).or_zero();
const WARMUP: Dimension = Dimension::log("warmup_steps", 50.0, 1000.0);
const R: Dimension = Dimension::fixed("r", 0.0, 0.0, 10.0);
const POWER: Dimension = Dimension::fixed("weight_lr_power", 2.0, 0.0, 10.0);
const INNER: Dimension = Dimension::fixed("inner_momentum", 0.0, 0.0, 1.0_f64.next_down());

impl FamilyMember for ScheduleFreeAdamW {
    const NAME: &'static str = "schedule_free_adamw";
    const PREFIX: &'static str = "schedule_free_adamw";
    const NAMING: Naming = Naming::Seeds { set: "schedule_free_adamw_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str =
        "AdamW that is evaluated at a mean of its iterates, without a decaying rate; not in the paper";
    const SPACE: &'static [Dimension] =
        &[LEARNING_RATE, BETA1, BETA2, EPSILON, WEIGHT_DECAY, WARMUP, R, POWER, INNER];
    const HAS_MODES: bool = false;
    const NEEDS_HORIZON: bool = false;
    const DEFAULT: Option<Self> = Some(Self::DEFAULT);

    /// The warm-up is drawn as 0.5 to 10 % of 10,000 steps.
    fn member(seed: u32) -> Self {
        let rng = &mut NumpyLegacy::new(seed.wrapping_add(204_001));
        Self {
            learning_rate: LEARNING_RATE.draw(rng),
            beta1: BETA1.draw(rng),
            beta2: BETA2.draw(rng),
            epsilon: EPSILON.draw(rng),
            weight_decay: or_zero(WEIGHT_DECAY, 1.0 / 3.0, rng),
            warmup_steps: WARMUP.draw(rng).round() as u64,
            ..Self::DEFAULT
        }
    }

    fn method(&self, _: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(*self)
    }

    fn divides_by(&self, _: &dyn Method) -> Option<(&'static str, f64)> {
        zero_in_f32("epsilon", self.epsilon)
    }
}

impl ScheduleFreeAdamW {
    fn run<T: Real>(&self, params: &[T]) -> Box<dyn Run<T>> {
        let means = if self.inner_momentum > 0.0 { params.len() } else { 0 };
        Box::new(ScheduleFreeRun {
            rule: *self,
            step: 0,
            largest_rate: -1.0,
            weights: 0.0,
            z: params.to_vec(),
            v: vec![T::zero(); params.len()],
            m: vec![T::zero(); means],
        })
    }

    /// The rate of the update after `step` updates.
    fn rate(&self, step: u64) -> f64 {
        let t = (step + 1) as f64;
        let warmup = self.warmup_steps as f64;
        if t < warmup { self.learning_rate * (t / warmup) } else { self.learning_rate }
    }
}

impl Method for ScheduleFreeAdamW {
    fn facts(&self) -> Facts {
        Facts {
            keeps_nan: true,
            elementwise: true,
            evaluates_elsewhere: true,
            moves_without_gradient: self.weight_decay != 0.0,
            ..Facts::default()
        }
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        let vectors = if self.inner_momentum > 0.0 { 3 } else { 2 };
        vectors * size_of::<f32>() * layout.len()
    }

    fn start(&self, _: &Arc<Layout>, params: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(self.run(params))
    }

    fn start_f64(&self, _: &Arc<Layout>, params: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(self.run(params))
    }
}

struct ScheduleFreeRun<T> {
    rule: ScheduleFreeAdamW,
    step: u64,
    /// The largest rate so far; -1 before the first update.
    largest_rate: f64,
    /// The sum of all weights so far.
    weights: f64,
    z: Vec<T>,
    v: Vec<T>,
    /// Means of gradients; empty without inner momentum.
    m: Vec<T>,
}

impl<T: Real> ScheduleFreeRun<T> {
    /// Counts an update; its rate, and the share `c` of the new `z` in the mean.
    fn count(&mut self) -> (f64, f64) {
        let rate = self.rule.rate(self.step);
        self.step += 1;
        self.largest_rate = self.largest_rate.max(rate);
        let t = self.step as f64;
        let weight = libm::pow(t, self.rule.r) * libm::pow(self.largest_rate, self.rule.weight_lr_power);
        self.weights += weight;
        let share = if self.weights == 0.0 { 0.0 } else { weight / self.weights };
        (rate, share)
    }
}

impl<T: Real> Run<T> for ScheduleFreeRun<T> {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        check_lengths(step.gradients, params, self.z.len());
        let (rate, share) = self.count();
        let ScheduleFreeAdamW { beta1, beta2, epsilon, weight_decay, inner_momentum, .. } = self.rule;
        let t = self.step as f64;
        let numbers = Numbers {
            share: real(share),
            rate: real(rate),
            // What the step of z adds to y.
            y_rate: real(rate * (beta1 * (1.0 - share) - 1.0)),
            beta2: real(beta2),
            fresh2: real(1.0 - beta2),
            correction2: real(1.0 / (1.0 - libm::pow(beta2, t))),
            epsilon: real(epsilon),
            weight_decay: real(weight_decay),
            momentum: real(inner_momentum),
            fresh: real(1.0 - inner_momentum),
            correction: real(1.0 / (1.0 - libm::pow(inner_momentum, t))),
        };
        let (y, z, v) = (params, &mut self.z[..], &mut self.v[..]);
        let backend = Backend::best();
        if self.m.is_empty() {
            backend.run(Update::<_, false> { numbers, gradients: step.gradients, y, z, v, m: &mut [] });
        } else {
            backend.run(Update::<_, true> { numbers, gradients: step.gradients, y, z, v, m: &mut self.m });
        }
    }

    fn evaluation_params(&self, params: &[T], out: &mut [T]) {
        let towards_x = real::<T>(1.0 - 1.0 / self.rule.beta1);
        for ((x, &y), &z) in out.iter_mut().zip(params).zip(&self.z) {
            *x = y + towards_x * (z - y);
        }
    }

    fn skip(&mut self) {
        self.count();
    }

    fn learning_rate(&self) -> Option<f64> {
        Some(self.rule.rate(self.step))
    }

    fn base_learning_rate(&self) -> Option<f64> {
        Some(self.rule.learning_rate)
    }

    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        self.rule.learning_rate = base;
        true
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        let slots = Slots::new(self.step).with("z", &self.z).with("v", &self.v);
        let slots = if self.m.is_empty() { slots } else { slots.with("m", &self.m) };
        Ok(slots.with_scalar("largest_rate", self.largest_rate).with_scalar("weights", self.weights))
    }

    fn restore(&mut self, slots: &Slots<T>) -> Result<(), Error> {
        let Self { step, largest_rate, weights, z, v, m, .. } = self;
        let mut places: Vec<(&str, &mut [T])> = vec![("z", z), ("v", v)];
        if !m.is_empty() {
            places.push(("m", m));
        }
        slots.load(&mut places, &mut [("largest_rate", largest_rate), ("weights", weights)])?;
        *step = slots.step;
        Ok(())
    }
}

/// The numbers of one update.
#[derive(Clone, Copy)]
struct Numbers<T> {
    share: T,
    rate: T,
    y_rate: T,
    beta2: T,
    fresh2: T,
    correction2: T,
    epsilon: T,
    weight_decay: T,
    momentum: T,
    fresh: T,
    correction: T,
}

/// One update of all parameters; with `MEANS` the gradient is averaged first.
struct Update<'a, T, const MEANS: bool> {
    numbers: Numbers<T>,
    gradients: &'a [T],
    y: &'a mut [T],
    z: &'a mut [T],
    v: &'a mut [T],
    m: &'a mut [T],
}

impl<T: Real, const MEANS: bool> Kernel for Update<'_, T, MEANS> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let s = self.numbers;
        let n = self.y.len();
        let (gradients, y, z, v) =
            (&self.gradients[..n], &mut self.y[..n], &mut self.z[..n], &mut self.v[..n]);
        let m = if MEANS { &mut self.m[..n] } else { self.m };
        for i in 0..n {
            let (g, old_y, old_z) = (gradients[i], y[i], z[i]);
            let new_v = s.beta2 * v[i] + s.fresh2 * (g * g);
            let numerator = if MEANS {
                let new_m = s.momentum * m[i] + s.fresh * g;
                m[i] = new_m;
                new_m * s.correction
            } else {
                g
            };
            let step = numerator / ((new_v * s.correction2).sqrt() + s.epsilon) + s.weight_decay * old_y;
            v[i] = new_v;
            y[i] = (old_y + s.share * (old_z - old_y)) + s.y_rate * step;
            z[i] = old_z - s.rate * step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_mean_needs_a_vector_more() {
        let bytes = |inner_momentum| {
            let optimizer = ScheduleFreeAdamW { inner_momentum, ..ScheduleFreeAdamW::DEFAULT };
            Method::state_bytes(&optimizer, &Layout::flat(10))
        };
        assert_eq!([0.0, 0.5].map(bytes), [80, 120]);
    }

    /// The equations in the documentation, with all three points of each parameter.
    #[test]
    fn updates_are_those_of_the_equations() {
        let plain =
            ScheduleFreeAdamW { learning_rate: 0.02, weight_decay: 0.1, ..ScheduleFreeAdamW::DEFAULT };
        let weighted = ScheduleFreeAdamW { warmup_steps: 3, r: 1.5, weight_lr_power: 1.0, ..plain };
        for rule in [plain, weighted, ScheduleFreeAdamW { inner_momentum: 0.8, beta1: 0.7, ..weighted }] {
            let start = [0.5, -1.0];
            let mut run = rule.run::<f64>(&start);
            let mut params = start;
            let (mut x, mut y, mut z, mut m, mut v) = (start, start, start, [0.0; 2], [0.0; 2]);
            let (mut largest, mut weights) = (0.0, 0.0);
            for t in 1..=8 {
                let n = f64::from(t);
                let gradients = [libm::sin(1.3 * n), 0.1 + libm::cos(0.7 * n)];
                let warmup = if rule.warmup_steps > 0 { n / rule.warmup_steps as f64 } else { 1.0 };
                let alpha = rule.learning_rate * warmup.min(1.0);
                assert!((run.learning_rate().unwrap() - alpha).abs() < 1e-16, "update {t}");
                run.update(Step::new(&gradients), &mut params);
                largest = alpha.max(largest);
                let weight = n.powf(rule.r) * largest.powf(rule.weight_lr_power);
                weights += weight;
                let c = weight / weights;
                for i in 0..2 {
                    v[i] = rule.beta2 * v[i] + (1.0 - rule.beta2) * gradients[i].powi(2);
                    m[i] = rule.inner_momentum * m[i] + (1.0 - rule.inner_momentum) * gradients[i];
                    let numerator = m[i] / (1.0 - rule.inner_momentum.powf(n));
                    let v_hat = v[i] / (1.0 - rule.beta2.powf(n));
                    let u = numerator / (v_hat.sqrt() + rule.epsilon);
                    z[i] -= alpha * (u + rule.weight_decay * y[i]);
                    x[i] = (1.0 - c) * x[i] + c * z[i];
                    y[i] = rule.beta1 * x[i] + (1.0 - rule.beta1) * z[i];
                }
                let mut evaluated = [0.0; 2];
                run.evaluation_params(&params, &mut evaluated);
                for (found, expected) in params.iter().zip(y).chain(evaluated.iter().zip(x)) {
                    assert!((found - expected).abs() < 1e-13, "update {t}: {found}, not {expected}");
                }
            }
        }
    }
}
