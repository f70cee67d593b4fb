//! The update that all of the Adam families share.

use num_traits::Float;

use super::Kernel;

/// The scalars of one step, already rounded to the type of the parameters:
///
/// ```text
/// G = g + l1 sign(p) + l2 p                                     (PENALTY; else G = g)
/// m = β₁ m + (1 - β₁) G;   v = β₂ v + (1 - β₂) G²
/// p = p - (momentum m + current G) / (√(v_scale v + root) + ε) - decay p
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamCoefficients<T> {
    pub(crate) l1: T,
    pub(crate) l2: T,
    pub(crate) beta1: T,
    pub(crate) one_minus_beta1: T,
    pub(crate) beta2: T,
    pub(crate) one_minus_beta2: T,
    pub(crate) momentum: T,
    pub(crate) current: T,
    pub(crate) v_scale: T,
    pub(crate) root: T,
    pub(crate) epsilon: T,
    pub(crate) decay: T,
}

/// One step of Adam over all parameters. `PENALTY` and `DECAY` leave their terms out entirely when false: without penalties
/// and decay no zero coefficient turns an infinite parameter into NaN (`0 · ∞`) or -0 into 0. With one of the two
/// penalties the other's zero coefficient still does.
pub(crate) struct AdamStep<'a, T, const PENALTY: bool, const DECAY: bool> {
    pub(crate) coefficients: AdamCoefficients<T>,
    pub(crate) gradients: &'a [T],
    pub(crate) params: &'a mut [T],
    pub(crate) m: &'a mut [T],
    pub(crate) v: &'a mut [T],
}

impl<T: Float, const PENALTY: bool, const DECAY: bool> Kernel for AdamStep<'_, T, PENALTY, DECAY> {
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
