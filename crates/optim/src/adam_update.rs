//! Adam's equations, for every family that is Adam with more terms: hyperparameters, the scalars of a step, the loop.

use num_traits::Float;
use taskset_simd::{Backend, Kernel};

use crate::{EpsilonPlacement, real};

/// Everything in which the Adam families differ, except for the schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adam {
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    pub(crate) placement: EpsilonPlacement,
    /// Added to the corrected second moment under the root.
    pub(crate) root_epsilon: f64,
    /// Coefficient of `sign(p)` in the gradient.
    pub(crate) l1: f64,
    /// Coefficient of `p` in the gradient.
    pub(crate) l2: f64,
    pub(crate) momentum: Momentum,
    /// Decoupled weight decay.
    pub(crate) weight_decay: f64,
    pub(crate) correct_weight_decay: bool,
}

/// The numerator of Adam's update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Momentum {
    /// `m̂`
    HeavyBall,
    /// `(β₁ m + (1 - β₁) G) / (1 - β₁ᵗ⁺¹)`
    NesterovCorrected,
    /// `β₁ m̂ + (1 - β₁) G`
    NesterovPlain,
}

impl Adam {
    /// Adam without penalties and decay, heavy ball.
    pub(crate) const fn plain(beta1: f64, beta2: f64, epsilon: f64, placement: EpsilonPlacement) -> Self {
        Self {
            beta1,
            beta2,
            epsilon,
            placement,
            root_epsilon: 0.0,
            l1: 0.0,
            l2: 0.0,
            momentum: Momentum::HeavyBall,
            weight_decay: 0.0,
            correct_weight_decay: false,
        }
    }

    /// The scalars of step `t` (from 0) at learning rate `rate`.
    fn coefficients<T: Float>(&self, t: u64, rate: f64) -> Coefficients<T> {
        let powers = powers([self.beta1, self.beta2], t.saturating_add(1));
        let [correction1, correction2] = powers.map(|power| 1.0 - power);
        // With epsilon beside the uncorrected root, √v̂ is pulled out of the denominator into the rate.
        let (scale, v_scale) = match self.placement {
            EpsilonPlacement::Hat => (rate * correction2.sqrt(), 1.0),
            EpsilonPlacement::Corrected => (rate, 1.0 / correction2),
        };
        let (momentum, current) = match self.momentum {
            Momentum::HeavyBall => (scale / correction1, 0.0),
            Momentum::NesterovCorrected => {
                (scale * self.beta1 / correction1, scale * (1.0 - self.beta1) / correction1)
            }
            Momentum::NesterovPlain => (scale * self.beta1 / correction1, scale * (1.0 - self.beta1)),
        };
        let decay_correction = if self.correct_weight_decay { correction2.sqrt() / correction1 } else { 1.0 };
        Coefficients {
            l1: real(self.l1),
            l2: real(self.l2),
            beta1: real(self.beta1),
            one_minus_beta1: real(1.0 - self.beta1),
            beta2: real(self.beta2),
            one_minus_beta2: real(1.0 - self.beta2),
            momentum: real(momentum),
            current: real(current),
            v_scale: real(v_scale),
            root: real(self.root_epsilon),
            epsilon: real(self.epsilon),
            decay: real(rate * decay_correction * self.weight_decay),
        }
    }

    /// Does step `t` (from 0) at learning rate `rate`: updates all parameters and both of their moments. All slices have
    /// the same length.
    pub(crate) fn update<T: Float>(
        &self,
        backend: Backend,
        (t, rate): (u64, f64),
        gradients: &[T],
        params: &mut [T],
        [m, v]: [&mut [T]; 2],
    ) {
        let coefficients = self.coefficients(t, rate);
        macro_rules! run {
            ($penalty:literal, $decay:literal) => {
                backend.run(AdamStep::<T, $penalty, $decay> { coefficients, gradients, params, m, v })
            };
        }
        match (self.has_penalty(), self.weight_decay != 0.0) {
            (false, false) => run!(false, false),
            (false, true) => run!(false, true),
            (true, false) => run!(true, false),
            (true, true) => run!(true, true),
        }
    }

    /// Whether the gradient has an L1 or L2 term.
    pub(crate) fn has_penalty(&self) -> bool {
        self.l1 != 0.0 || self.l2 != 0.0
    }
}

/// `base^n` of both bases by repeated squaring, within `n` roundings. `libm::pow` took an eighth of a step of the smallest
/// tasks; this takes a fraction of that. It does not branch on the binary digits of `n`, because no processor can predict
/// them.
fn powers(bases: [f64; 2], mut n: u64) -> [f64; 2] {
    let (mut results, mut squares) = ([1.0; 2], bases);
    while n > 0 {
        // All bits are 1 where the digit is 1.
        let digit = (n & 1).wrapping_neg();
        for (result, square) in results.iter_mut().zip(&mut squares) {
            *result *= f64::from_bits(square.to_bits() & digit | 1f64.to_bits() & !digit);
            *square *= *square;
        }
        n >>= 1;
    }
    results
}

/// The scalars of one step, already rounded to the type of the parameters:
///
/// ```text
/// G = g + l1 sign(p) + l2 p                                     (PENALTY; else G = g)
/// m = β₁ m + (1 - β₁) G;   v = β₂ v + (1 - β₂) G²
/// p = p - (momentum m + current G) / (√(v_scale v + root) + ε) - decay p
/// ```
#[derive(Clone, Copy, Debug)]
struct Coefficients<T> {
    l1: T,
    l2: T,
    beta1: T,
    one_minus_beta1: T,
    beta2: T,
    one_minus_beta2: T,
    momentum: T,
    current: T,
    v_scale: T,
    root: T,
    epsilon: T,
    decay: T,
}

/// One step of Adam over all parameters. Where `PENALTY` or `DECAY` is false, its terms are left out entirely. A
/// coefficient of zero would not do: it turns an infinite parameter into NaN (`0 · ∞`), and -0 into 0. If only one of the
/// two penalties is used, the zero coefficient of the other one does this all the same.
struct AdamStep<'a, T, const PENALTY: bool, const DECAY: bool> {
    coefficients: Coefficients<T>,
    gradients: &'a [T],
    params: &'a mut [T],
    m: &'a mut [T],
    v: &'a mut [T],
}

impl<T: Float, const PENALTY: bool, const DECAY: bool> Kernel for AdamStep<'_, T, PENALTY, DECAY> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let c = self.coefficients;
        let zero = T::zero();
        let moments = self.m.iter_mut().zip(self.v);
        for ((p, &g), (m, v)) in self.params.iter_mut().zip(self.gradients).zip(moments) {
            // Load before storing. Long slices mostly begin at the same offset in a page, and Zen 4 suffers 4K aliasing: a load
            // waits for an earlier store to the same offset of another page. The other order takes twice the time.
            let (old, old_m, old_v) = (*p, *m, *v);
            let mut gradient = g;
            if PENALTY {
                let l1 = if old > zero {
                    c.l1
                } else if old < zero {
                    -c.l1
                } else {
                    zero
                };
                gradient = gradient + l1 + c.l2 * old;
            }
            let new_m = c.beta1 * old_m + c.one_minus_beta1 * gradient;
            let new_v = c.beta2 * old_v + c.one_minus_beta2 * (gradient * gradient);
            let numerator = c.momentum * new_m + c.current * gradient;
            let denominator = (c.v_scale * new_v + c.root).sqrt() + c.epsilon;
            let mut new = old - numerator / denominator;
            if DECAY {
                new = new - c.decay * old;
            }
            (*m, *v) = (new_m, new_v);
            *p = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_libm() {
        for bases in [[0.0, 0.1], [0.9, 0.999], [1.0 - 1e-6, 1.0]] {
            for n in (0..40).chain([9_999, 10_000, 123_457]) {
                for (base, found) in bases.into_iter().zip(powers(bases, n)) {
                    let exact = libm::pow(base, n as f64);
                    // Each later square doubles the error of rounding a square; underflow may be flushed to zero.
                    let bound = exact * f64::EPSILON * n as f64 + f64::MIN_POSITIVE;
                    assert!((found - exact).abs() <= bound, "{base}^{n}: {found}, not {exact}");
                }
            }
        }
    }
}
