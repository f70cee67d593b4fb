//! What every optimizer must do, as property tests that any optimizer can run, yours too.
//!
//! [`check`] tries an optimizer on many small problems, and returns the law that it breaks with the smallest problem that
//! shows it:
//!
//! ```
//! use taskset_optim::{Clipped, Config, Mode, Sgd, contract};
//!
//! let sgd = Config::from(Sgd { momentum: 0.9, ..Sgd::DEFAULT }).configured(Mode::default(), 100)?;
//! // Clipping by the global norm makes parameters depend on each other, but keeps rotations.
//! let clipped = Clipped::new(sgd, 0.5);
//! contract::check(&clipped, &contract::Claims { rotation: true, ..Default::default() }).unwrap();
//! # Ok::<(), taskset_optim::Error>(())
//! ```
//!
//! In a `proptest!` of your own, [`all`] tries one optimizer on one problem, so that hyperparameters can be drawn, too:
//!
//! ```
//! use proptest::prelude::*;
//! use taskset_optim::contract::{self, Claims};
//! use taskset_optim::{Config, Mode, Sgd};
//!
//! proptest! {
//!     // In a test file, with `#[test]` here.
//!     fn sgd_keeps_the_contract(learning_rate in 1e-4..1.0, problem in contract::problems()) {
//!         let sgd = Config::from(Sgd { learning_rate, ..Sgd::DEFAULT });
//!         contract::all(&sgd.configured(Mode::default(), 1).unwrap(), &Claims::default(), &problem)?;
//!     }
//! }
//! # sgd_keeps_the_contract();
//! ```
//!
//! The laws are the public functions of [`laws`].

pub mod laws;
mod problem;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config as RunnerConfig, TestCaseResult, TestError, TestRunner};

pub use problem::{ContractProblem, problems};

use crate::{Config, Mode, Optimizer, families};

/// What an optimizer claims beyond [its facts](crate::Facts), and is then tested for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claims {
    /// Gradients that are all multiplied by the same positive number give the same updates.
    pub scale_invariant: bool,
    /// Rotating the vector of all parameters, and the gradients with it, rotates the result.
    pub rotation: bool,
    /// Rotating the inputs and the outputs of the tensors with two axes or more, and their gradients with them, rotates the
    /// result.
    pub matrix_rotation: bool,
    /// How far an update in f32 may lie from that in f64, as a share of the parameter's size and the longest step. The
    /// default, 2e-4, is some 1,700 times the rounding of f32: enough for a badly conditioned update, but not for a wrong
    /// constant.
    pub precision: f64,
}

impl Default for Claims {
    fn default() -> Self {
        Self { scale_invariant: false, rotation: false, matrix_rotation: false, precision: 2e-4 }
    }
}

/// A law that an optimizer broke, and the smallest problem on which it did.
#[derive(Debug, thiserror::Error)]
#[error("{reason}\nThe smallest problem that shows it: {problem:#?}")]
pub struct Broken {
    /// The law and what was found.
    pub reason: String,
    /// The problem; `None` if the optimizer failed before any problem was found.
    pub problem: Option<Arc<ContractProblem>>,
}

/// Tries an optimizer on 128 problems, always the same ones.
///
/// # Errors
/// The law that is broken, and the smallest problem that was found for it.
pub fn check(optimizer: &dyn Optimizer, claims: &Claims) -> Result<(), Broken> {
    let config = RunnerConfig { cases: 128, failure_persistence: None, ..RunnerConfig::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    runner.run(&problems(), |problem| all(optimizer, claims, &problem)).map_err(|error| match error {
        TestError::Fail(reason, problem) => {
            Broken { reason: reason.message().to_owned(), problem: Some(Arc::new(problem)) }
        }
        TestError::Abort(reason) => Broken { reason: reason.message().to_owned(), problem: None },
    })
}

/// All laws that hold for every optimizer, and those that it claims, on one problem.
///
/// # Errors
/// The failure of the first law that is broken. The message begins with the name of the law.
pub fn all(optimizer: &dyn Optimizer, claims: &Claims, problem: &ContractProblem) -> TestCaseResult {
    let law = |name: &str, result: TestCaseResult| {
        result.map_err(|error| match error {
            TestCaseError::Fail(reason) => {
                let identity = optimizer.identity();
                TestCaseError::fail(format!(
                    "law `{name}` is broken by {}: {}",
                    identity.name,
                    reason.message()
                ))
            }
            reject => reject,
        })
    };
    let facts = optimizer.facts();
    law("resuming changes nothing", laws::resuming_changes_nothing::<f32>(optimizer, problem))?;
    law("resuming changes nothing", laws::resuming_changes_nothing::<f64>(optimizer, problem))?;
    law("starting changes nothing", laws::starting_changes_nothing::<f32>(optimizer, problem))?;
    law("zero gradients are harmless", laws::zero_gradients_are_harmless(optimizer, problem))?;
    law("a broken gradient is survived", laws::a_broken_gradient_is_survived(optimizer, problem))?;
    law("the first update is finite", laws::the_first_update_is_finite::<f32>(optimizer, problem))?;
    law("the first update is finite", laws::the_first_update_is_finite::<f64>(optimizer, problem))?;
    law(
        "evaluation is where it is said to be",
        laws::evaluation_is_where_it_is_said_to_be(optimizer, problem),
    )?;
    let precision = claims.precision;
    law(
        "single precision follows double",
        laws::single_precision_follows_double(optimizer, precision, problem),
    )?;
    if facts.elementwise {
        let name = "the order of parameters does not matter";
        law(name, laws::order_of_parameters_does_not_matter::<f32>(optimizer, problem))?;
        law(name, laws::order_of_parameters_does_not_matter::<f64>(optimizer, problem))?;
    }
    if claims.scale_invariant {
        let name = "the scale of gradients does not matter";
        law(name, laws::the_scale_of_gradients_does_not_matter(optimizer, precision, problem))?;
    }
    if claims.rotation {
        law("rotations are kept", laws::rotations_are_kept(optimizer, problem))?;
    }
    if claims.matrix_rotation {
        law("rotations of matrices are kept", laws::rotations_of_matrices_are_kept(optimizer, problem))?;
    }
    Ok(())
}

/// Configurations of every registered family: of the published ones, defaults, and seeds beyond.
pub fn configurations() -> impl Strategy<Value = Config> {
    (0..families().len(), any::<u32>(), any::<bool>()).prop_map(|(family, index, default)| {
        let info = &families()[family];
        info.default_config()
            .filter(|_| default)
            .map_or_else(|| info.config_wrapped(index), |(_, config)| config)
    })
}

/// Numbers of training steps for schedules to run over. 1 and 2, where many schedules divide by 0, are frequent.
pub fn horizons() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1u64), Just(2), 3u64..20_000]
}

/// Any mode.
pub fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(Mode::ALL.to_vec())
}
