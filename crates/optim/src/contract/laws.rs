//! The laws of the contract, one function each: an optimizer on one problem.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde::Serialize;
use serde::de::DeserializeOwned;
use taskset_params::{Layout, Matrix};
use taskset_rng::StreamId;

use super::ContractProblem;
use crate::{Error, Optimizer, Real, Run, Slots, Step, real};

/// A number type in which runs can be started.
pub trait Startable: Real {
    /// Starts a run of this type.
    ///
    /// # Errors
    /// As [`Optimizer::start`].
    fn start(
        optimizer: &dyn Optimizer,
        layout: &Arc<Layout>,
        params: &[Self],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<Self>>, Error>;
}

impl Startable for f32 {
    fn start(
        optimizer: &dyn Optimizer,
        layout: &Arc<Layout>,
        params: &[Self],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<Self>>, Error> {
        optimizer.start(layout, params, noise)
    }
}

impl Startable for f64 {
    fn start(
        optimizer: &dyn Optimizer,
        layout: &Arc<Layout>,
        params: &[Self],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<Self>>, Error> {
        optimizer.start_f64(layout, params, noise)
    }
}

/// `n + m` updates in one run give the same bits as `n` updates, saving the state as JSON, restoring it in a new run, and `m`
/// more. What was restored is saved as it was.
///
/// # Errors
/// If the parameters differ, or the state cannot be saved and restored.
pub fn resuming_changes_nothing<T: Startable>(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
) -> TestCaseResult {
    let mut params = numbers_of::<T>(&problem.params);
    let mut run = start(optimizer, problem, &params)?;
    let mut resumed: Option<(Box<dyn Run<T>>, Vec<T>)> = None;
    for (step, gradient) in problem.gradients.iter().enumerate() {
        let gradient = numbers_of::<T>(gradient);
        if step == problem.saved_after {
            let saved = run.save().map_err(failed)?;
            let loaded: Slots<T> = if is_plain(&saved) { through_json(&saved)? } else { saved.clone() };
            let mut new = start(optimizer, problem, &numbers_of::<T>(&problem.params))?;
            new.restore(&loaded).map_err(failed)?;
            let again = new.save().map_err(failed)?;
            prop_assert!(!is_plain(&saved) || again == saved, "{saved:?} was restored as {again:?}");
            resumed = Some((new, params.clone()));
        }
        run.update(Step::new(&gradient), &mut params);
        if let Some((run, resumed)) = &mut resumed {
            run.update(Step::new(&gradient), resumed);
            prop_assert!(same(&params, resumed), "step {step}: {params:?} is not {resumed:?} after resuming");
        }
    }
    Ok(())
}

/// A run is not changed by others that are started before it, beside it and after it, and all of them do the same.
///
/// # Errors
/// If two runs differ.
pub fn starting_changes_nothing<T: Startable>(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
) -> TestCaseResult {
    let initial = numbers_of::<T>(&problem.params);
    let trained = |others: bool| -> Result<Vec<T>, TestCaseError> {
        let mut params = initial.clone();
        let mut run = start(optimizer, problem, &params)?;
        for gradient in &problem.gradients {
            let gradient = numbers_of::<T>(gradient);
            if others {
                let mut other_params = initial.clone();
                let mut other = start(optimizer, problem, &other_params)?;
                other.update(Step::new(&gradient), &mut other_params);
            }
            run.update(Step::new(&gradient), &mut params);
        }
        Ok(params)
    };
    let (alone, beside) = (trained(false)?, trained(true)?);
    prop_assert!(same(&alone, &beside), "{alone:?} alone is not {beside:?} beside other runs");
    Ok(())
}

/// Zero gradients from the first step on leave every parameter finite, and as it is unless the optimizer says that it
/// [moves without a gradient](crate::Facts::moves_without_gradient).
///
/// # Errors
/// If a parameter moves, or is not finite.
pub fn zero_gradients_are_harmless(optimizer: &dyn Optimizer, problem: &ContractProblem) -> TestCaseResult {
    let mut params = problem.params.clone();
    let mut run = start(optimizer, problem, &params)?;
    let zeros = vec![0.0; params.len()];
    let mut evaluated = zeros.clone();
    for _ in &problem.gradients {
        run.update(Step::new(&zeros), &mut params);
        run.evaluation_params(&params, &mut evaluated);
        if optimizer.facts().moves_without_gradient {
            prop_assert!(is_finite(&params), "{params:?} is not finite, and all gradients were 0");
        } else {
            prop_assert!(
                params == problem.params,
                "{params:?} is not {:?}; a rule with weight decay says `moves_without_gradient` in its facts",
                problem.params
            );
            prop_assert!(
                evaluated == problem.params,
                "{evaluated:?} to evaluate is not {:?}",
                problem.params
            );
        }
    }
    Ok(())
}

/// A gradient with one NaN or one infinite entry is survived without a panic. A parameter that is NaN then stays NaN if the
/// optimizer says that it [keeps NaN](crate::Facts::keeps_nan), and the other parameters of an
/// [elementwise](crate::Facts::elementwise) rule do not notice.
///
/// # Errors
/// If one of the two does not hold.
pub fn a_broken_gradient_is_survived(optimizer: &dyn Optimizer, problem: &ContractProblem) -> TestCaseResult {
    if problem.params.is_empty() {
        return Ok(());
    }
    let (facts, place) = (optimizer.facts(), problem.place);
    for broken in [f64::NAN, f64::INFINITY] {
        let mut params = problem.params.clone();
        let mut run = start(optimizer, problem, &params)?;
        let mut healthy = params.clone();
        let mut other = start(optimizer, problem, &healthy)?;
        for (step, gradient) in problem.gradients.iter().enumerate() {
            let mut gradient = gradient.clone();
            other.update(Step::new(&gradient), &mut healthy);
            if step == problem.saved_after {
                gradient[place] = broken;
            }
            let before = params.clone();
            run.update(Step::new(&gradient), &mut params);
            let healed = before.iter().zip(&params).position(|(old, new)| old.is_nan() && !new.is_nan());
            prop_assert!(
                !facts.keeps_nan || healed.is_none(),
                "step {step}: parameter {healed:?} was NaN, and is a number after the update"
            );
            let touched = (0..params.len())
                .find(|&i| i != place && params[i].to_bits() != healthy[i].to_bits() && !params[i].is_nan());
            prop_assert!(
                !facts.elementwise || touched.is_none(),
                "step {step}: parameter {touched:?} was changed by the {broken} gradient of parameter {place}"
            );
        }
    }
    Ok(())
}

/// The first update of moderate numbers, as [`problems`](super::problems) gives them, leaves all parameters finite.
///
/// Only the first: an optimizer may well diverge later.
///
/// # Errors
/// If a parameter is infinite or not a number.
pub fn the_first_update_is_finite<T: Startable>(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
) -> TestCaseResult {
    let mut params = numbers_of::<T>(&problem.params);
    let mut run = start(optimizer, problem, &params)?;
    if let Some(gradient) = problem.gradients.first() {
        run.update(Step::new(&numbers_of::<T>(gradient)), &mut params);
    }
    prop_assert!(is_finite(&params), "{params:?} is not finite");
    Ok(())
}

/// A rule that does not say that it [evaluates elsewhere](crate::Facts::evaluates_elsewhere) is evaluated at its
/// parameters. Asking for the parameters changes nothing.
///
/// # Errors
/// If either is not so.
pub fn evaluation_is_where_it_is_said_to_be(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
) -> TestCaseResult {
    let mut params = problem.params.clone();
    let mut run = start(optimizer, problem, &params)?;
    let mut unasked = params.clone();
    let mut other = start(optimizer, problem, &unasked)?;
    let mut evaluated = vec![0.0; params.len()];
    for (step, gradient) in problem.gradients.iter().enumerate() {
        run.evaluation_params(&params, &mut evaluated);
        prop_assert!(
            optimizer.facts().evaluates_elsewhere || same(&evaluated, &params),
            "before step {step} the parameters are {params:?}, and {evaluated:?} are to be evaluated"
        );
        run.update(Step::new(gradient), &mut params);
        other.update(Step::new(gradient), &mut unasked);
        prop_assert!(same(&params, &unasked), "step {step}: {params:?} after asking, else {unasked:?}");
    }
    Ok(())
}

/// Each single update in f32, from the same state rounded to f32, differs from that in f64 by at most `precision` times the
/// sum of the parameter's size and the longest step so far of any parameter.
///
/// Updates are compared one by one because trajectories of two precisions may part for good reasons (a penalty's sign at
/// zero). The comparison ends where the numbers leave the range in which f32 can follow.
///
/// # Errors
/// If an update differs by more.
pub fn single_precision_follows_double(
    optimizer: &dyn Optimizer,
    precision: f64,
    problem: &ContractProblem,
) -> TestCaseResult {
    let mut params = problem.params.clone();
    let mut run = start(optimizer, problem, &params)?;
    let mut longest = 0.0f64;
    for (step, gradient) in problem.gradients.iter().enumerate() {
        let before = params.clone();
        let saved = run.save().map_err(failed)?;
        if !is_plain(&saved) {
            break;
        }
        let mut single = numbers_of::<f32>(&params);
        let mut single_run = start(optimizer, problem, &single)?;
        single_run.restore(&through_json(&saved)?).map_err(failed)?;
        single_run.update(Step::new(&numbers_of::<f32>(gradient)), &mut single);
        run.update(Step::new(gradient), &mut params);
        if !params.iter().all(|p| p.abs() < 1e12) {
            break;
        }
        for (new, old) in params.iter().zip(&before) {
            longest = longest.max((new - old).abs());
        }
        for ((&single, &double), &old) in single.iter().zip(&params).zip(&before) {
            let bound = precision * (old.abs() + longest);
            prop_assert!(
                (f64::from(single) - double).abs() <= bound,
                "step {step}: {single} in f32, {double} in f64, from {old}, bound {bound}"
            );
        }
    }
    Ok(())
}

/// Reordering parameters and gradients reorders the result, bit for bit: no parameter depends on another one, or on its
/// place.
///
/// # Errors
/// If the results differ by more than the order.
pub fn order_of_parameters_does_not_matter<T: Startable>(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
) -> TestCaseResult {
    let reorder = |values: &[T]| problem.permutation.iter().map(|&i| values[i]).collect::<Vec<T>>();
    let mut params = numbers_of::<T>(&problem.params);
    let mut reordered = reorder(&params);
    let mut run = start(optimizer, problem, &params)?;
    let mut other = start(optimizer, problem, &reordered)?;
    for (step, gradient) in problem.gradients.iter().enumerate() {
        let gradient = numbers_of::<T>(gradient);
        run.update(Step::new(&gradient), &mut params);
        other.update(Step::new(&reorder(&gradient)), &mut reordered);
        let expected = reorder(&params);
        prop_assert!(same(&expected, &reordered), "step {step}: {expected:?} is not {reordered:?}");
    }
    Ok(())
}

/// Gradients that are all multiplied by 8 give the same updates up to `precision`.
///
/// # Errors
/// If a parameter differs.
pub fn the_scale_of_gradients_does_not_matter(
    optimizer: &dyn Optimizer,
    precision: f64,
    problem: &ContractProblem,
) -> TestCaseResult {
    let scaled = |gradient: &[f64]| gradient.iter().map(|g| 8.0 * g).collect();
    let identity = |values: &[f64]| values.to_vec();
    commutes(optimizer, problem, precision, &scaled, &identity)
}

/// Rotating two neighbouring parameters, and their gradients with them, rotates the result.
///
/// # Errors
/// If the result is another one.
pub fn rotations_are_kept(optimizer: &dyn Optimizer, problem: &ContractProblem) -> TestCaseResult {
    let n = problem.params.len();
    if n < 2 {
        return Ok(());
    }
    let (i, j) = (problem.place, (problem.place + 1) % n);
    let rotated = |values: &[f64]| {
        let mut values = values.to_vec();
        rotate(&mut values, i, j, problem.angle);
        values
    };
    commutes(optimizer, problem, 1e-9, &rotated, &rotated)
}

/// Rotating the first two outputs of every tensor with two axes or more among each other, and its first two inputs, rotates the
/// result.
///
/// # Errors
/// If the result is another one.
pub fn rotations_of_matrices_are_kept(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
) -> TestCaseResult {
    let rotated = |values: &[f64]| {
        let mut values = values.to_vec();
        for tensor in problem.layout.tensors() {
            let Some(Matrix { outer, outputs, inner }) = tensor.matrix() else { continue };
            let at = |input: usize, output: usize| {
                let (outer, inner_place) = (input / inner, input % inner);
                tensor.offset + (outer * outputs + output) * inner + inner_place
            };
            let inputs = outer * inner;
            for input in (0..inputs).filter(|_| outputs >= 2) {
                rotate(&mut values, at(input, 0), at(input, 1), problem.angle);
            }
            for output in (0..outputs).filter(|_| inputs >= 2) {
                rotate(&mut values, at(0, output), at(1, output), problem.angle);
            }
        }
        values
    };
    // Tiny directions of a matrix are amplified, and their rounding errors with them.
    commutes(optimizer, problem, 1e-6, &rotated, &rotated)
}

/// Whether changing parameters and gradients changes the result in the same way.
fn commutes(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
    precision: f64,
    of_gradients: &dyn Fn(&[f64]) -> Vec<f64>,
    of_params: &dyn Fn(&[f64]) -> Vec<f64>,
) -> TestCaseResult {
    let mut params = problem.params.clone();
    let mut changed = of_params(&params);
    let mut run = start(optimizer, problem, &params)?;
    let mut other = start(optimizer, problem, &changed)?;
    let mut largest = params.iter().fold(0.0f64, |a, p| a.max(p.abs()));
    for (step, gradient) in problem.gradients.iter().enumerate() {
        run.update(Step::new(gradient), &mut params);
        other.update(Step::new(&of_gradients(gradient)), &mut changed);
        largest = params.iter().fold(largest, |a, p| a.max(p.abs()));
        if largest > 1e12 || !is_finite(&params) {
            break;
        }
        let expected = of_params(&params);
        let differs = expected
            .iter()
            .zip(&changed)
            .any(|(a, b)| (a - b).abs() > precision * largest || a.is_nan() != b.is_nan());
        prop_assert!(!differs, "step {step}: {expected:?} is not {changed:?}");
    }
    Ok(())
}

/// Rotates two numbers by an angle.
fn rotate(values: &mut [f64], i: usize, j: usize, angle: f64) {
    let (sin, cos) = (libm::sin(angle), libm::cos(angle));
    let (a, b) = (values[i], values[j]);
    (values[i], values[j]) = (cos * a - sin * b, sin * a + cos * b);
}

fn start<T: Startable>(
    optimizer: &dyn Optimizer,
    problem: &ContractProblem,
    params: &[T],
) -> Result<Box<dyn Run<T>>, TestCaseError> {
    T::start(optimizer, &problem.layout, params, &StreamId::root("taskset-rs/contract")).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

fn numbers_of<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&x| real(x)).collect()
}

fn is_finite<T: Real>(values: &[T]) -> bool {
    values.iter().all(|x| x.is_finite())
}

/// Equal bits, or both NaN. (Zeros of either sign are equal.)
fn same<T: Real>(a: &[T], b: &[T]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// Whether JSON can hold a state.
fn is_plain<T: Real>(slots: &Slots<T>) -> bool {
    slots.vectors.values().flatten().all(|x| x.is_finite()) && slots.scalars.values().all(|x| x.is_finite())
}

fn through_json<A: Serialize, B: DeserializeOwned>(state: &A) -> Result<B, TestCaseError> {
    let failed = |e: serde_json::Error| TestCaseError::fail(format!("the state does not survive JSON: {e}"));
    let text = serde_json::to_string(state).map_err(failed)?;
    serde_json::from_str(&text).map_err(failed)
}
