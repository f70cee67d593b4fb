//! An update rule run on gradients given in advance, with everything written down.

use serde::Serialize;

use crate::{Error, Rule};

/// What [`trace`] saw: one row per step. Serialises without the fields that the rule does not have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// Parameters after each step, `[steps][n]`.
    pub params: Vec<Vec<f64>>,
    /// Scheduled learning rate of each step, before bias correction.
    pub lr: Vec<f64>,
    /// First moments after each step, `[steps][n]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub m: Option<Vec<Vec<f64>>>,
    /// Second moments or accumulators after each step, `[steps][n]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<Vec<Vec<f64>>>,
}

/// Runs a rule in f64 from `initial_params` (n values) on `gradients` (`[steps][n]`).
///
/// # Errors
/// [`Error::GradientLength`] for a gradient that has not n values.
pub fn trace(rule: &Rule, initial_params: &[f64], gradients: &[Vec<f64>]) -> Result<Trace, Error> {
    let expected = initial_params.len();
    let mut params = initial_params.to_vec();
    let mut state = rule.init::<f64>(expected);
    let rows = |present: bool| (present || expected == 0).then(Vec::new);
    let mut trace = Trace {
        params: Vec::new(),
        lr: Vec::new(),
        m: rows(!state.m.is_empty()),
        v: rows(!state.v.is_empty()),
    };
    for (step, gradient) in gradients.iter().enumerate() {
        if gradient.len() != expected {
            return Err(Error::GradientLength { step, expected, found: gradient.len() });
        }
        trace.lr.push(rule.learning_rate(state.step));
        rule.update(gradient, &mut params, &mut state);
        trace.params.push(params.clone());
        if let Some(m) = &mut trace.m {
            m.push(state.m.clone());
        }
        if let Some(v) = &mut trace.v {
            v.push(state.v.clone());
        }
    }
    Ok(trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, named};

    #[test]
    fn families_without_moments_have_no_such_rows() {
        let check = |name: &str, has: [bool; 2]| {
            let rule = named(name).unwrap().config.rule(Mode::Upstream, 10).unwrap();
            let trace = trace(&rule, &[1.0, 2.0], &vec![vec![0.1, 0.2]; 3]).unwrap();
            assert_eq!(trace.params.len(), 3);
            assert_eq!([trace.m.is_some(), trace.v.is_some()], has, "{name}");
        };
        check("adam_lr_-3.00", [true, true]);
        check("adagrad_lr_-3.00", [false, true]);
        check("zero", [false, false]);
    }

    #[test]
    fn a_gradient_of_another_length_is_an_error() {
        let rule = named("zero").unwrap().config.rule(Mode::Upstream, 10).unwrap();
        let error = trace(&rule, &[1.0], &[vec![1.0], vec![1.0, 2.0]]).unwrap_err();
        assert_eq!(error.to_string(), "gradient 1 has 2 values for 1 parameters");
    }
}
