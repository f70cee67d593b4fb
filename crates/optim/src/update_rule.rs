//! A rule: the equations of one update, ready to run.

use std::sync::Arc;

use num_traits::Float;
use serde::{Deserialize, Serialize};
use taskset_params::Layout;
use taskset_rng::StreamId;
use taskset_simd::Backend;

use crate::adagrad_update::AdagradStep;
use crate::adam_update::Adam;
use crate::elementwise::FEW;
use crate::schedule::Schedule;
use crate::unnamed_optimizer::Method;
use crate::{Error, Facts, Real, Run, Slots, Step, real};

/// An update rule with its hyperparameters and schedule fixed; made by [`Config::rule`](crate::Config::rule).
///
/// A rule is a small value without memory: what an optimizer remembers is its [`State`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    schedule: Schedule,
    equations: Equations,
    applies_constraints: bool,
}

/// What an optimizer remembers between updates. Plain numbers: clone it, compare it, save it.
///
/// JSON has no NaN and no infinities; the state of a diverged run needs a format that has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State<T> {
    /// Number of updates done; the next one is step `step`, counted from 0.
    pub step: u64,
    /// First moments, one per parameter; empty for a family without them.
    pub m: Vec<T>,
    /// Second moments, or Adagrad's accumulators, one per parameter; empty for a family without them.
    pub v: Vec<T>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Equations {
    Adam(Adam),
    Adagrad { initial_accumulator: f64 },
    Zero,
}

/// A denominator's term by its name, if it is 0 in f32.
pub(crate) fn zero_in_f32(name: &'static str, value: f64) -> Option<(&'static str, f64)> {
    (value < f64::from(f32::MIN_POSITIVE)).then_some((name, value))
}

impl Rule {
    pub(crate) const fn adam(schedule: Schedule, adam: Adam, applies_constraints: bool) -> Self {
        Self { schedule, equations: Equations::Adam(adam), applies_constraints }
    }

    pub(crate) const fn adagrad(learning_rate: f64, initial_accumulator: f64) -> Self {
        Self {
            schedule: Schedule::constant(learning_rate),
            equations: Equations::Adagrad { initial_accumulator },
            applies_constraints: true,
        }
    }

    pub(crate) const fn zero() -> Self {
        Self { schedule: Schedule::constant(0.0), equations: Equations::Zero, applies_constraints: false }
    }

    /// The hyperparameter that is 0 (in f32 at least) although an update would divide by it where the gradient is 0.
    pub(crate) fn divides_by(&self) -> Option<(&'static str, f64)> {
        match self.equations {
            Equations::Adam(Adam { epsilon, root_epsilon: 0.0, .. }) => zero_in_f32("epsilon", epsilon),
            _ => None,
        }
    }

    /// The state before the first update of `n` parameters.
    pub fn init<T: Float>(&self, n: usize) -> State<T> {
        let (m, v) = match self.equations {
            Equations::Adam(_) => (vec![T::zero(); n], vec![T::zero(); n]),
            Equations::Adagrad { initial_accumulator } => (Vec::new(), vec![real(initial_accumulator); n]),
            Equations::Zero => (Vec::new(), Vec::new()),
        };
        State { step: 0, m, v }
    }

    /// Does one update in place: parameters, moments and step counter. One pass, no allocation. Infinite values
    /// and NaN are computed with as IEEE arithmetic does.
    ///
    /// # Panics
    /// If gradients, parameters and state are not of the same length: the caller has mixed up two problems.
    pub fn update<T: Float>(&self, gradients: &[T], params: &mut [T], state: &mut State<T>) {
        // Every instruction set gives the same bits. Few parameters do not fill wide vectors, and then the plain loop is faster.
        let backend = if params.len() < FEW { Backend::portable() } else { Backend::best() };
        self.update_with(backend, gradients, params, state);
    }

    fn update_with<T: Float>(
        &self,
        backend: Backend,
        gradients: &[T],
        params: &mut [T],
        state: &mut State<T>,
    ) {
        let n = params.len();
        let check = |what: &str, found: usize| assert!(found == n, "{found} {what} for {n} parameters");
        check("gradients", gradients.len());
        let State { step, m, v } = state;
        let rate = self.schedule.at(*step);
        match self.equations {
            Equations::Adam(adam) => {
                check("first moments", m.len());
                check("second moments", v.len());
                adam.update(backend, (*step, rate), gradients, params, [m, v]);
            }
            Equations::Adagrad { .. } => {
                check("accumulators", v.len());
                backend.run(AdagradStep { rate: real(rate), gradients, params, v });
            }
            Equations::Zero => params.iter_mut().for_each(|p| *p = *p * T::zero()),
        }
        *step += 1;
    }

    /// The scheduled learning rate of step `step` (from 0), before any bias correction; 0 for the family `zero`.
    pub fn learning_rate(&self, step: u64) -> f64 {
        self.schedule.at(step)
    }

    /// The learning rate that the schedule multiplies.
    pub fn base_learning_rate(&self) -> f64 {
        self.schedule.base
    }

    /// The same rule with another base learning rate; the shape of the schedule stays.
    #[must_use]
    pub fn with_base_learning_rate(mut self, base: f64) -> Self {
        self.schedule.base = base;
        self
    }

    /// Whether parameters move even if their gradient has always been zero: by weight decay, a penalty, or the rule
    /// `zero`.
    pub fn moves_without_gradient(&self) -> bool {
        match self.equations {
            Equations::Adam(adam) => adam.has_penalty() || adam.weight_decay != 0.0,
            Equations::Adagrad { .. } => false,
            Equations::Zero => true,
        }
    }

    /// Whether parameters are projected onto a task's constraint after every update: upstream's hand-written adam6p and
    /// adam8p do not, all others do.
    pub fn applies_constraints(&self) -> bool {
        self.applies_constraints
    }
}

impl Method for Rule {
    fn facts(&self) -> Facts {
        Facts {
            projects: self.applies_constraints,
            // NaN times 0 is NaN, so even the rule `zero` keeps it.
            keeps_nan: true,
            elementwise: true,
            evaluates_elsewhere: false,
            moves_without_gradient: self.moves_without_gradient(),
        }
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        let vectors = match self.equations {
            Equations::Adam(_) => 2,
            Equations::Adagrad { .. } => 1,
            Equations::Zero => 0,
        };
        vectors * size_of::<f32>() * layout.len()
    }

    fn start(&self, layout: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(Box::new(RuleRun { rule: *self, state: self.init(layout.len()) }))
    }

    fn start_f64(&self, layout: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(Box::new(RuleRun { rule: *self, state: self.init(layout.len()) }))
    }

    fn as_rule(&self) -> Option<&Rule> {
        Some(self)
    }
}

/// A rule at work on one vector of parameters.
struct RuleRun<T> {
    rule: Rule,
    state: State<T>,
}

impl<T: Real> Run<T> for RuleRun<T> {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        self.rule.update(step.gradients, params, &mut self.state);
    }

    fn skip(&mut self) {
        self.state.step += 1;
    }

    fn learning_rate(&self) -> Option<f64> {
        Some(self.rule.learning_rate(self.state.step))
    }

    fn base_learning_rate(&self) -> Option<f64> {
        Some(self.rule.base_learning_rate())
    }

    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        self.rule = self.rule.with_base_learning_rate(base);
        true
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        let mut slots = Slots::new(self.state.step);
        for (name, values) in [("m", &self.state.m), ("v", &self.state.v)] {
            if !values.is_empty() {
                slots = slots.with(name, values);
            }
        }
        Ok(slots)
    }

    fn restore(&mut self, slots: &Slots<T>) -> Result<(), Error> {
        let State { step, m, v } = &mut self.state;
        let mut places: Vec<(&str, &mut [T])> = vec![("m", m), ("v", v)];
        places.retain(|(_, values)| !values.is_empty());
        slots.load(&mut places, &mut [])?;
        *step = slots.step;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, named};
    use taskset_rng::StreamId;

    fn run<T: Float>(rule: &Rule, backend: Backend, n: usize, steps: u64) -> (Vec<T>, State<T>) {
        let mut stream = StreamId::root("optim").child("rule").stream();
        let mut draw = |n: usize| (0..n).map(|_| real(stream.normal())).collect::<Vec<T>>();
        let mut params = draw(n);
        let mut state = rule.init(n);
        for _ in 0..steps {
            let gradients = draw(n);
            rule.update_with(backend, &gradients, &mut params, &mut state);
        }
        (params, state)
    }

    #[test]
    fn the_smallest_normal_number_is_not_zero() {
        let smallest = f64::from(f32::MIN_POSITIVE);
        assert_eq!(zero_in_f32("epsilon", smallest), None);
        assert_eq!(zero_in_f32("epsilon", smallest.next_down()), Some(("epsilon", smallest.next_down())));
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        // Together these run every loop; 67 parameters leave a remainder for every vector width.
        for name in [
            "adam1p_wide_grid_seed1",
            "adam6p_wide_grid_seed0",
            "adam8p_wide_grid_seed0",
            "nadamw_grid_seed0",
            "nadamw_grid_seed107",
            "adagrad_wide_grid_seed0",
            "zero",
        ] {
            let rule = named(name).unwrap().config.rule(Mode::OptList, 20).unwrap();
            for backend in Backend::available() {
                assert_eq!(
                    run::<f32>(&rule, backend, 67, 9),
                    run(&rule, Backend::portable(), 67, 9),
                    "{name} {}",
                    backend.name()
                );
                assert_eq!(
                    run::<f64>(&rule, backend, 67, 9),
                    run(&rule, Backend::portable(), 67, 9),
                    "{name} {}",
                    backend.name()
                );
            }
        }
    }

    #[test]
    fn zero_keeps_nan_and_nothing_else() {
        let rule = named("zero").unwrap().config.rule(Mode::Upstream, 1).unwrap();
        let mut params = [1.0f32, -2.0, f32::NAN, f32::INFINITY];
        rule.update(&[1.0; 4], &mut params, &mut rule.init(4));
        assert_eq!(params.map(|p| p.is_nan()), [false, false, true, true]);
        assert_eq!(params[..2], [0.0, 0.0]);
    }

    #[test]
    fn sign_of_zero_is_zero() {
        let crate::Config::Adam8p(base) = named("adam8p_wide_grid_seed0").unwrap().config else {
            unreachable!()
        };
        let config = crate::Adam8p { l1: 1.0, l2: 0.0, ..base };
        let rule = crate::Config::from(config).rule(Mode::Upstream, 1).unwrap();
        let mut params = [0.0f64, 1.0, -1.0];
        let mut state = rule.init(3);
        rule.update(&[0.0; 3], &mut params, &mut state);
        assert_eq!(params[0].to_bits(), 0.0f64.to_bits());
        assert!(state.m[1] > 0.0 && state.m[2] < 0.0);
    }

    #[test]
    fn lengths_that_differ_are_refused() {
        let rule = named("adam_lr_-3.00").unwrap().config.rule(Mode::Upstream, 1).unwrap();
        let refused = |gradients: usize, state: usize| {
            let result = std::panic::catch_unwind(|| {
                rule.update(&vec![0.0f32; gradients], &mut [0.0; 2], &mut rule.init(state));
            });
            result.is_err()
        };
        assert!(!refused(2, 2));
        assert!(refused(3, 2));
        assert!(refused(2, 1));
    }
}
