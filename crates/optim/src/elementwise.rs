//! Runs of elementwise rules: one equation per parameter, compiled for every instruction set.

use std::fmt::Debug;

use taskset_params::Layout;
use taskset_simd::{Backend, Kernel};

use crate::optimizer::check_lengths;
use crate::{Error, Real, Run, Slots, Step};

/// Fewer parameters than this do not fill wide vectors.
pub(crate) const FEW: usize = 16;

/// An elementwise rule: how one parameter is updated from its own gradient and its own `N` numbers of state.
///
/// [`elementwise`] makes a run of it. The equation is compiled for each instruction set, and gives the same bits with each: it
/// must not use fused multiply-add by hand. An example is in the documentation of [`Optimizer`](crate::Optimizer).
pub trait Elementwise<const N: usize>: Clone + Debug + Send + 'static {
    /// The names of the numbers of state, for example `["m", "v"]`.
    const STATE: [&'static str; N];

    /// The numbers that all parameters share in one update: rates after the schedule, bias corrections.
    type Numbers<T: Real>;

    /// The shared numbers of update `step`, counted from 0. Compute them in f64 and round them once.
    fn numbers<T: Real>(&self, step: u64) -> Self::Numbers<T>;

    /// The new parameter and its new state. Mark it `#[inline(always)]`: only then is it compiled with the best instructions.
    fn element<T: Real>(numbers: &Self::Numbers<T>, gradient: T, p: T, state: [T; N]) -> (T, [T; N]);

    /// The state before the first update: 0 by default.
    fn initial_state(&self) -> [f64; N] {
        [0.0; N]
    }

    /// See [`Run::learning_rate`].
    fn learning_rate(&self, step: u64) -> Option<f64> {
        let _ = step;
        None
    }

    /// A place for the learning rate that the schedule multiplies, if the rule has one; see
    /// [`Run::set_base_learning_rate`].
    fn base_learning_rate(&mut self) -> Option<&mut f64> {
        None
    }
}

/// A run of an elementwise rule over all parameters of a layout, before its first update.
pub fn elementwise<T: Real, E: Elementwise<N>, const N: usize>(rule: E, layout: &Layout) -> Box<dyn Run<T>> {
    let state = rule.initial_state().map(|start| vec![crate::real(start); layout.len()]);
    Box::new(ElementwiseRun { rule, n: layout.len(), step: 0, state })
}

struct ElementwiseRun<T, E, const N: usize> {
    rule: E,
    n: usize,
    step: u64,
    state: [Vec<T>; N],
}

impl<T: Real, E: Elementwise<N>, const N: usize> Run<T> for ElementwiseRun<T, E, N> {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        check_lengths(step.gradients, params, self.n);
        let backend = if params.len() < FEW { Backend::portable() } else { Backend::best() };
        let numbers = self.rule.numbers::<T>(self.step);
        let state = self.state.each_mut().map(|values| &mut values[..]);
        backend.run(Elements::<T, E, N> { numbers, gradients: step.gradients, params, state });
        self.step += 1;
    }

    fn skip(&mut self) {
        self.step += 1;
    }

    fn learning_rate(&self) -> Option<f64> {
        self.rule.learning_rate(self.step)
    }

    fn base_learning_rate(&self) -> Option<f64> {
        self.rule.clone().base_learning_rate().copied()
    }

    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        match self.rule.base_learning_rate() {
            Some(place) => {
                *place = base;
                true
            }
            None => false,
        }
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        let slots = Slots::new(self.step);
        Ok(E::STATE.iter().zip(&self.state).fold(slots, |slots, (name, values)| slots.with(name, values)))
    }

    fn restore(&mut self, slots: &Slots<T>) -> Result<(), Error> {
        let places = E::STATE.iter().zip(&mut self.state).map(|(name, values)| (*name, &mut values[..]));
        slots.load(&mut places.collect::<Vec<_>>(), &mut [])?;
        self.step = slots.step;
        Ok(())
    }
}

/// One update of all parameters.
struct Elements<'a, T: Real, E: Elementwise<N>, const N: usize> {
    numbers: E::Numbers<T>,
    gradients: &'a [T],
    params: &'a mut [T],
    state: [&'a mut [T]; N],
}

impl<T: Real, E: Elementwise<N>, const N: usize> Kernel for Elements<'_, T, E, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { numbers, gradients, params, mut state } = self;
        let n = params.len();
        // Told once, so that the loop has no checks.
        let gradients = &gradients[..n];
        for values in &mut state {
            let whole = std::mem::take(values);
            *values = &mut whole[..n];
        }
        for i in 0..n {
            let old: [T; N] = std::array::from_fn(|k| state[k][i]);
            let (p, new) = E::element(&numbers, gradients[i], params[i], old);
            for k in 0..N {
                state[k][i] = new[k];
            }
            params[i] = p;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `p − g`, which has nothing but an equation.
    #[derive(Clone, Debug)]
    struct Plain;

    impl Elementwise<0> for Plain {
        const STATE: [&'static str; 0] = [];
        type Numbers<T: Real> = ();

        fn numbers<T: Real>(&self, _: u64) {}

        #[inline(always)]
        fn element<T: Real>((): &(), gradient: T, p: T, state: [T; 0]) -> (T, [T; 0]) {
            (p - gradient, state)
        }
    }

    #[test]
    fn a_rule_without_a_learning_rate_names_none() {
        let mut run = elementwise::<f64, _, 0>(Plain, &Layout::flat(1));
        let mut params = [3.0];
        run.update(Step::new(&[1.0]), &mut params);
        assert_eq!(params.map(f64::to_bits), [2.0f64.to_bits()]);
        assert_eq!((run.learning_rate(), run.base_learning_rate()), (None, None));
        assert!(!run.set_base_learning_rate(0.1));
    }
}
