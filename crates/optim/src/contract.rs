//! What every optimizer must do, as property tests that any optimizer can run, yours too.
//!
//! Implement [`Subject`] for your optimizer and call [`all`] on many [`problems`]:
//!
//! ```
//! use proptest::prelude::*;
//! use taskset_optim::contract::{self, Real, Subject};
//!
//! #[derive(Debug)]
//! struct Sgd { rate: f64 }
//!
//! impl Subject for Sgd {
//!     type State<T: Real> = ();
//!     fn init<T: Real>(&self, _: usize) {}
//!     fn update<T: Real>(&self, gradients: &[T], params: &mut [T], _: &mut ()) {
//!         let rate = contract::real::<T>(self.rate);
//!         params.iter_mut().zip(gradients).for_each(|(p, &g)| *p = *p - rate * g);
//!     }
//! }
//!
//! proptest! {
//!     // In a test file, with `#[test]` here.
//!     fn sgd_keeps_the_contract(rate in 1e-4..1.0, problem in contract::problems()) {
//!         contract::all(&Sgd { rate }, &problem)?;
//!     }
//! }
//! # sgd_keeps_the_contract();
//! ```

use std::fmt::Debug;

use num_traits::Float;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Config, Rule, State, families};

/// The number types of the contract: f32 and f64.
pub trait Real: Float + Debug + Serialize + DeserializeOwned + 'static {}

impl Real for f32 {}
impl Real for f64 {}

/// Rounds a number to the type of the parameters.
pub fn real<T: Real>(x: f64) -> T {
    T::from(x).unwrap_or_else(T::nan)
}

/// An optimizer under test: a rule, and a state that can be saved.
pub trait Subject: Debug {
    /// What it remembers between updates.
    type State<T: Real>: Clone + Debug + Serialize + DeserializeOwned;

    /// The state before the first update of `n` parameters.
    fn init<T: Real>(&self, n: usize) -> Self::State<T>;

    /// One update in place.
    fn update<T: Real>(&self, gradients: &[T], params: &mut [T], state: &mut Self::State<T>);

    /// Whether it moves parameters whose gradient has always been zero: weight decay, penalties.
    fn decays(&self) -> bool {
        false
    }
}

impl Subject for Rule {
    type State<T: Real> = State<T>;

    fn init<T: Real>(&self, n: usize) -> State<T> {
        Self::init(self, n)
    }

    fn update<T: Real>(&self, gradients: &[T], params: &mut [T], state: &mut State<T>) {
        Self::update(self, gradients, params, state);
    }

    fn decays(&self) -> bool {
        self.moves_without_gradient()
    }
}

/// Parameters and a sequence of gradients; all numbers are exact in f32.
#[derive(Clone, Debug)]
pub struct ContractProblem {
    /// Initial parameters, 1 to 40, some of them zero.
    pub params: Vec<f64>,
    /// 2 to 12 gradients, some of whose entries are zero.
    pub gradients: Vec<Vec<f64>>,
    /// After how many updates to save and load; at least 1, fewer than there are gradients.
    pub saved_after: usize,
    /// An order of the parameters.
    pub permutation: Vec<usize>,
}

/// Problems for the contract tests.
pub fn problems() -> impl Strategy<Value = ContractProblem> {
    (1usize..=40, 2usize..=12).prop_flat_map(|(n, steps)| {
        (
            prop::collection::vec(numbers(), n),
            prop::collection::vec(prop::collection::vec(numbers(), n), steps),
            any::<Index>(),
            Just((0..n).collect::<Vec<_>>()).prop_shuffle(),
        )
            .prop_map(move |(params, gradients, cut, permutation)| ContractProblem {
                params,
                gradients,
                saved_after: 1 + cut.index(steps - 1),
                permutation,
            })
    })
}

/// Numbers of either sign between 0.001 and 10 in size, and zero; exact in f32.
fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (any::<bool>(), -3.0f64..1.0).prop_map(|(negative, exponent)| {
            let size = libm::pow(10.0, exponent);
            f64::from(if negative { -size } else { size } as f32)
        }),
        1 => Just(0.0),
    ]
}

/// Configurations of every registered family: of the published ones, and of seeds beyond.
pub fn configurations() -> impl Strategy<Value = Config> {
    (0..families().len(), any::<u32>()).prop_map(|(family, index)| families()[family].config_wrapped(index))
}

/// All of the tests below.
///
/// # Errors
/// The failure of the first that fails.
pub fn all(subject: &impl Subject, problem: &ContractProblem) -> TestCaseResult {
    resuming_changes_nothing::<f32>(subject, problem)?;
    resuming_changes_nothing::<f64>(subject, problem)?;
    order_of_parameters_does_not_matter::<f32>(subject, problem)?;
    order_of_parameters_does_not_matter::<f64>(subject, problem)?;
    zero_gradients_change_nothing(subject, problem)?;
    the_first_update_is_finite::<f32>(subject, problem)?;
    the_first_update_is_finite::<f64>(subject, problem)?;
    single_precision_follows_double(subject, problem)
}

/// `n + m` updates in one run give the same bits as `n` updates, saving the state as JSON, loading it, and `m` more.
///
/// # Errors
/// If the parameters differ, or the state cannot be saved and loaded.
pub fn resuming_changes_nothing<T: Real>(
    subject: &impl Subject,
    problem: &ContractProblem,
) -> TestCaseResult {
    let mut whole = numbers_of::<T>(&problem.params);
    let mut resumed = whole.clone();
    let mut state = subject.init::<T>(whole.len());
    let mut saved = subject.init::<T>(whole.len());
    for (step, gradient) in problem.gradients.iter().enumerate() {
        let gradient = numbers_of::<T>(gradient);
        if step == problem.saved_after {
            saved = through_json(&saved)?;
        }
        subject.update(&gradient, &mut whole, &mut state);
        subject.update(&gradient, &mut resumed, &mut saved);
        if !is_finite(&whole) {
            break; // JSON has no infinities.
        }
        prop_assert!(whole == resumed, "step {step}: {whole:?} is not {resumed:?}, resumed with {subject:?}");
    }
    Ok(())
}

/// Reordering parameters and gradients reorders the result, bit for bit: no parameter depends on another one.
///
/// # Errors
/// If the results differ by more than the order.
pub fn order_of_parameters_does_not_matter<T: Real>(
    subject: &impl Subject,
    problem: &ContractProblem,
) -> TestCaseResult {
    let reorder = |values: &[T]| problem.permutation.iter().map(|&i| values[i]).collect::<Vec<T>>();
    let mut params = numbers_of::<T>(&problem.params);
    let mut reordered = reorder(&params);
    let mut state = subject.init::<T>(params.len());
    let mut other = subject.init::<T>(params.len());
    for (step, gradient) in problem.gradients.iter().enumerate() {
        let gradient = numbers_of::<T>(gradient);
        subject.update(&gradient, &mut params, &mut state);
        subject.update(&reorder(&gradient), &mut reordered, &mut other);
        let expected = reorder(&params);
        let same = expected.iter().zip(&reordered).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
        prop_assert!(same, "step {step}: {expected:?} is not {reordered:?} with {subject:?}");
    }
    Ok(())
}

/// Zero gradients from the first step on leave every parameter as it is, unless the optimizer [decays](Subject::decays).
///
/// # Errors
/// If a parameter moves.
pub fn zero_gradients_change_nothing(subject: &impl Subject, problem: &ContractProblem) -> TestCaseResult {
    if subject.decays() {
        return Ok(());
    }
    let mut params = problem.params.clone();
    let mut state = subject.init::<f64>(params.len());
    let zeros = vec![0.0; params.len()];
    for _ in &problem.gradients {
        subject.update(&zeros, &mut params, &mut state);
    }
    prop_assert!(params == problem.params, "{params:?} is not {:?} with {subject:?}", problem.params);
    Ok(())
}

/// The first update of moderate numbers, as [`problems`] gives them, leaves all parameters finite.
///
/// Only the first: an optimizer may well diverge later.
///
/// # Errors
/// If a parameter is infinite or not a number.
pub fn the_first_update_is_finite<T: Real>(
    subject: &impl Subject,
    problem: &ContractProblem,
) -> TestCaseResult {
    let mut params = numbers_of::<T>(&problem.params);
    let mut state = subject.init::<T>(params.len());
    if let Some(gradient) = problem.gradients.first() {
        subject.update(&numbers_of::<T>(gradient), &mut params, &mut state);
    }
    prop_assert!(is_finite(&params), "{params:?} is not finite with {subject:?}");
    Ok(())
}

/// The bound of [`single_precision_follows_double`], about 1,700 times the rounding of f32. That is enough for a badly
/// conditioned update, but not for a wrong constant.
pub const PRECISION_BOUND: f64 = 2e-4;

/// Each single update in f32, from the same state rounded to f32 (through JSON), differs from that in f64 by at most
/// [`PRECISION_BOUND`] times the sum of the parameter's size and the longest step so far of any parameter.
///
/// Updates are compared one by one because trajectories of two precisions may part for good reasons (a penalty's sign
/// at zero). The comparison ends where the numbers leave the range in which f32 can follow.
///
/// # Errors
/// If an update differs by more.
pub fn single_precision_follows_double(subject: &impl Subject, problem: &ContractProblem) -> TestCaseResult {
    let mut params = problem.params.clone();
    let mut state = subject.init::<f64>(params.len());
    let mut longest = 0.0f64;
    for (step, gradient) in problem.gradients.iter().enumerate() {
        let before = params.clone();
        let mut single = numbers_of::<f32>(&params);
        let single_gradient = numbers_of::<f32>(gradient);
        let mut single_state = through_json(&state)?;
        subject.update(&single_gradient, &mut single, &mut single_state);
        subject.update(gradient, &mut params, &mut state);
        if !params.iter().all(|p| p.abs() < 1e12) {
            break;
        }
        for (new, old) in params.iter().zip(&before) {
            longest = longest.max((new - old).abs());
        }
        for ((&single, &double), &old) in single.iter().zip(&params).zip(&before) {
            let bound = PRECISION_BOUND * (old.abs() + longest);
            prop_assert!(
                (f64::from(single) - double).abs() <= bound,
                "step {step}: {single} in f32, {double} in f64, from {old}, bound {bound}, with {subject:?}"
            );
        }
    }
    Ok(())
}

fn numbers_of<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&x| real(x)).collect()
}

fn is_finite<T: Real>(values: &[T]) -> bool {
    values.iter().all(|x| x.is_finite())
}

fn through_json<A: Serialize, B: DeserializeOwned>(state: &A) -> Result<B, TestCaseError> {
    let failed = |e: serde_json::Error| TestCaseError::fail(format!("the state does not survive JSON: {e}"));
    let text = serde_json::to_string(state).map_err(failed)?;
    serde_json::from_str(&text).map_err(failed)
}
