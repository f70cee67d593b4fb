//! The contract tests on every family, and on optimizers that break the contract.

use std::sync::Arc;

use proptest::prelude::*;
use taskset_optim::contract::{self, Claims};
use taskset_optim::{
    Clipped, Config, Error, Facts, Lamb, Mode, Optimizer, OptimizerIdentity, Real, Run, ScheduleFreeAdamW,
    Sgd, Slots, Step, families, real,
};
use taskset_params::Layout;
use taskset_rng::StreamId;

proptest! {
    #[test]
    fn every_family_keeps_the_contract(
        config in contract::configurations(),
        mode in contract::modes(),
        horizon in contract::horizons(),
        problem in contract::problems(),
    ) {
        contract::all(&config.configured(mode, horizon).unwrap(), &claims(&config), &problem)?;
    }
}

/// What families claim.
fn claims(config: &Config) -> Claims {
    match config {
        Config::Sgd(_) => Claims { rotation: true, ..Claims::default() },
        _ => Claims::default(),
    }
}

#[test]
fn the_first_members_and_the_defaults_keep_the_contract() {
    for info in families() {
        let first = info.config(0).expect("every family has a first member");
        let default = info.default_config().map(|(_, config)| config);
        for config in std::iter::once(first).chain(default) {
            let horizons = if info.needs_horizon && !info.has_modes { &[1, 2, 100][..] } else { &[100] };
            for &horizon in horizons {
                let optimizer = config.configured(Mode::Upstream, horizon).unwrap();
                contract::check(&optimizer, &claims(&config)).unwrap_or_else(|broken| panic!("{broken}"));
            }
        }
    }
}

#[test]
fn clipped_optimizers_keep_the_contract() {
    let sgd = Config::from(Sgd { momentum: 0.9, ..Sgd::DEFAULT });
    let lamb = Config::from(Lamb { weight_decay: 0.1, ..Lamb::DEFAULT });
    let schedule_free = Config::from(ScheduleFreeAdamW { warmup_steps: 3, ..ScheduleFreeAdamW::DEFAULT });
    for config in [sgd, lamb, schedule_free] {
        let clipped = Clipped::new(config.configured(Mode::Upstream, 10).unwrap(), 1.5);
        contract::check(&clipped, &claims(&config)).unwrap_or_else(|broken| panic!("{broken}"));
    }
}

/// Ways to break the contract.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    /// Its state forgets when saved.
    Forgetful,
    /// Its runs share memory.
    Shared,
    /// Its first parameter is treated otherwise, and it says that it is elementwise.
    Partial,
    /// It decays and does not say so.
    Decaying,
    /// It divides by the norm of the gradient.
    Dividing,
    /// It turns NaN into a number, and says that it keeps NaN.
    Healing,
    /// It works in units that f32 does not have.
    Imprecise,
    /// Its result is not a number.
    NotANumber,
    /// It evaluates elsewhere and does not say so.
    Elsewhere,
    /// Gradient descent that claims to be scale invariant.
    Scaled,
    /// Sign descent that claims to keep rotations.
    Signs,
    /// Sign descent that claims to keep rotations of matrices.
    MatrixSigns,
}

/// Updates of all runs of [`Broken::Shared`].
static ALL_UPDATES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

struct BrokenRun {
    broken: Broken,
    updates: u32,
}

impl Optimizer for Broken {
    fn identity(&self) -> OptimizerIdentity {
        OptimizerIdentity::new("broken", "broken", [], 1)
    }

    fn facts(&self) -> Facts {
        Facts { elementwise: *self == Self::Partial, keeps_nan: *self == Self::Healing, ..Facts::default() }
    }

    fn start(&self, _: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(Box::new(BrokenRun { broken: *self, updates: 0 }))
    }

    fn start_f64(&self, _: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(Box::new(BrokenRun { broken: *self, updates: 0 }))
    }
}

impl<T: Real> Run<T> for BrokenRun {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        self.updates += 1;
        let all = ALL_UPDATES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let square: T = step.gradients.iter().fold(T::zero(), |sum, &g| sum + g * g);
        for (i, (p, &g)) in params.iter_mut().zip(step.gradients).enumerate() {
            let (rate, decay, offset) = match self.broken {
                Broken::Forgetful => (0.1 / f64::from(self.updates), 0.0, 0.0),
                Broken::Shared => (0.1 / f64::from(all + 1), 0.0, 0.0),
                Broken::Partial => (if i == 0 { 0.1 } else { 0.2 }, 0.0, 0.0),
                Broken::Decaying => (0.1, 0.1, 0.0),
                Broken::Imprecise => (0.1, 0.0, 1e9),
                Broken::NotANumber => (f64::NAN, 0.0, 0.0),
                _ => (0.1, 0.0, 0.0),
            };
            let g = match self.broken {
                Broken::Signs | Broken::MatrixSigns if g != T::zero() => g.signum(),
                Broken::Dividing => g / square.sqrt(),
                Broken::Healing if g.is_nan() => T::zero(),
                _ => g,
            };
            if self.broken == Broken::Healing && p.is_nan() {
                *p = T::zero();
            }
            let offset = real::<T>(offset);
            *p = (*p - real::<T>(rate) * g - real::<T>(decay) * *p + offset) - offset;
            if self.broken == Broken::Healing && step.gradients[i].is_nan() {
                *p = T::nan();
            }
        }
    }

    fn evaluation_params(&self, params: &[T], out: &mut [T]) {
        let factor = if self.broken == Broken::Elsewhere { 0.5 } else { 1.0 };
        params.iter().zip(out).for_each(|(&p, out)| *out = p * real(factor));
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        Ok(Slots::new(0))
    }

    fn restore(&mut self, _: &Slots<T>) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn each_law_catches_what_it_is_for_and_says_so() {
    let check = |broken: Broken, law: &str| {
        let claims = Claims {
            scale_invariant: broken == Broken::Scaled,
            rotation: broken == Broken::Signs,
            matrix_rotation: broken == Broken::MatrixSigns,
            ..Claims::default()
        };
        let found = contract::check(&broken, &claims).expect_err("it breaks the contract");
        assert!(found.reason.starts_with(&format!("law `{law}` is broken by broken")), "{broken:?}: {found}");
        // Shrinking ends at few parameters.
        assert!(found.problem.is_some_and(|problem| problem.params.len() <= 6), "{broken:?}");
    };
    check(Broken::Forgetful, "resuming changes nothing");
    check(Broken::Shared, "resuming changes nothing");
    check(Broken::Partial, "the order of parameters does not matter");
    check(Broken::Decaying, "zero gradients are harmless");
    check(Broken::Dividing, "zero gradients are harmless");
    check(Broken::Healing, "a broken gradient is survived");
    check(Broken::Imprecise, "single precision follows double");
    check(Broken::NotANumber, "zero gradients are harmless");
    check(Broken::Elsewhere, "zero gradients are harmless");
    check(Broken::Scaled, "the scale of gradients does not matter");
    check(Broken::Signs, "rotations are kept");
    check(Broken::MatrixSigns, "rotations of matrices are kept");
}

#[test]
fn laws_that_another_law_would_hide_are_caught_alone() {
    use taskset_optim::contract::{ContractProblem, laws};
    type Law = fn(&dyn Optimizer, &ContractProblem) -> Result<(), TestCaseError>;
    let check = |broken: Broken, law: Law| {
        let config = proptest::test_runner::Config {
            failure_persistence: None,
            max_shrink_iters: 0,
            ..Default::default()
        };
        let result = proptest::test_runner::TestRunner::new(config)
            .run(&contract::problems(), |problem| law(&broken, &problem));
        assert!(result.is_err(), "{broken:?} was not caught");
    };
    check(Broken::Shared, laws::starting_changes_nothing::<f32>);
    check(Broken::NotANumber, laws::the_first_update_is_finite::<f64>);
    check(Broken::Elsewhere, laws::evaluation_is_where_it_is_said_to_be);
}
