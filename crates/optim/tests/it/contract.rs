//! The contract tests on every family, and on optimizers that break the contract.

use proptest::prelude::*;
use proptest::test_runner::{Config as RunnerConfig, TestRunner};
use taskset_optim::contract::{self, ContractProblem, Real, Subject};
use taskset_optim::{Mode, families};

proptest! {
    #[test]
    fn every_family_keeps_the_contract(
        config in contract::configurations(),
        mode in prop::sample::select(Mode::ALL.to_vec()),
        steps in 1u64..20_000,
        problem in contract::problems(),
    ) {
        contract::all(&config.rule(mode, steps).unwrap(), &problem)?;
    }

    #[test]
    fn the_first_members_keep_the_contract(problem in contract::problems()) {
        for info in families() {
            let config = info.config(0).expect("every family has a first member");
            contract::all(&config.rule(Mode::Upstream, 100).unwrap(), &problem)?;
        }
    }
}

/// Ways to break the contract.
#[derive(Debug)]
enum Broken {
    /// Its state forgets when saved.
    Forgetful,
    /// Its first parameter is treated otherwise.
    Partial,
    /// It decays and does not say so.
    Decaying,
    /// It works in units that f32 does not have.
    Imprecise,
    /// Its result is not a number.
    NotANumber,
}

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Count {
    #[serde(skip)]
    updates: u32,
}

impl Subject for Broken {
    type State<T: Real> = Count;

    fn init<T: Real>(&self, _: usize) -> Count {
        Count { updates: 0 }
    }

    fn update<T: Real>(&self, gradients: &[T], params: &mut [T], state: &mut Count) {
        state.updates += 1;
        for (i, (p, &g)) in params.iter_mut().zip(gradients).enumerate() {
            let (rate, decay, offset) = match self {
                Self::Forgetful => (0.1 / f64::from(state.updates), 0.0, 0.0),
                Self::Partial => (if i == 0 { 0.1 } else { 0.2 }, 0.0, 0.0),
                Self::Decaying => (0.1, 0.1, 0.0),
                Self::Imprecise => (0.1, 0.0, 1e9),
                Self::NotANumber => (f64::NAN, 0.0, 0.0),
            };
            let offset = contract::real::<T>(offset);
            *p = (*p - contract::real::<T>(rate) * g - contract::real::<T>(decay) * *p + offset) - offset;
        }
    }
}

type Test = fn(&Broken, &ContractProblem) -> Result<(), TestCaseError>;

fn check_caught(broken: &Broken, test: Test) {
    // Failures are expected here: not recorded, not shrunk.
    let config = RunnerConfig { failure_persistence: None, max_shrink_iters: 0, ..RunnerConfig::default() };
    let result = TestRunner::new(config).run(&contract::problems(), |problem| test(broken, &problem));
    assert!(result.is_err(), "{broken:?} was not caught");
}

#[test]
fn each_test_catches_what_it_is_for() {
    check_caught(&Broken::Forgetful, contract::resuming_changes_nothing::<f64>);
    check_caught(&Broken::Partial, contract::order_of_parameters_does_not_matter::<f64>);
    check_caught(&Broken::Decaying, contract::zero_gradients_change_nothing);
    check_caught(&Broken::Imprecise, contract::single_precision_follows_double);
    check_caught(&Broken::NotANumber, contract::the_first_update_is_finite::<f32>);
    check_caught(&Broken::NotANumber, contract::the_first_update_is_finite::<f64>);
}
