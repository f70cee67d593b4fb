//! An optimizer run in f64 on gradients given in advance, with everything written down.

use std::sync::Arc;

use serde::Serialize;
use taskset_params::Layout;
use taskset_rng::StreamId;

use crate::{Error, Optimizer, Step};

/// What [`trace`] saw: one row per step. Serialises without the fields that the optimizer does not have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// Parameters after each step, `[steps][n]`: those at which the next gradient is taken.
    pub params: Vec<Vec<f64>>,
    /// Scheduled learning rate of each step, before bias correction; `None` for a rule that has no learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<Vec<f64>>,
    /// First moments after each step, `[steps][n]`: what the run saves as `m`, if it is as long as the parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub m: Option<Vec<Vec<f64>>>,
    /// Second moments or accumulators after each step, `[steps][n]`: what the run saves as `v`, in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<Vec<Vec<f64>>>,
    /// The parameters at which the loss is evaluated after each step, `[steps][n]`; only for an optimizer that
    /// [evaluates elsewhere](crate::Facts::evaluates_elsewhere).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_params: Option<Vec<Vec<f64>>>,
}

/// Runs an optimizer in f64 from `initial_params` (n values, laid out as `layout` says) on `gradients` (`[steps][n]`).
///
/// ```
/// use std::sync::Arc;
/// use taskset_optim::{Config, Mode, ScheduleFreeAdamW, trace};
/// use taskset_params::Layout;
///
/// let optimizer = Config::from(ScheduleFreeAdamW::DEFAULT).configured(Mode::default(), 10)?;
/// let trace = trace(&optimizer, &Arc::new(Layout::flat(2)), &[1.0, 2.0], &[vec![0.1, 0.2]])?;
/// assert!(trace.eval_params.is_some());
/// # Ok::<(), taskset_optim::Error>(())
/// ```
///
/// # Errors
/// [`Error::GradientLength`] for a gradient that has not n values; those of [`Optimizer::start_f64`].
///
/// # Panics
/// If there are not as many initial parameters as the layout has.
pub fn trace(
    optimizer: &dyn Optimizer,
    layout: &Arc<Layout>,
    initial_params: &[f64],
    gradients: &[Vec<f64>],
) -> Result<Trace, Error> {
    let expected = layout.len();
    assert!(
        initial_params.len() == expected,
        "{} parameters for a layout of {expected}",
        initial_params.len()
    );
    let mut params = initial_params.to_vec();
    let mut run = optimizer.start_f64(layout, &params, &StreamId::root("trace"))?;
    let slots = run.save().unwrap_or_default();
    // Without parameters, every vector has their length.
    let rows = |name: &str| {
        let found = slots.vectors.get(name).map_or(0, Vec::len);
        (found == expected).then(Vec::new)
    };
    let mut trace = Trace {
        params: Vec::new(),
        lr: run.learning_rate().map(|_| Vec::new()),
        m: rows("m"),
        v: rows("v"),
        eval_params: optimizer.facts().evaluates_elsewhere.then(Vec::new),
    };
    for (step, gradient) in gradients.iter().enumerate() {
        if gradient.len() != expected {
            return Err(Error::GradientLength { step, expected, found: gradient.len() });
        }
        if let Some(lr) = &mut trace.lr {
            lr.push(run.learning_rate().unwrap_or(f64::NAN));
        }
        run.update(Step::new(gradient), &mut params);
        if let Some(evaluated) = &mut trace.eval_params {
            let mut row = vec![0.0; expected];
            run.evaluation_params(&params, &mut row);
            evaluated.push(row);
        }
        trace.params.push(params.clone());
        if trace.m.is_some() || trace.v.is_some() {
            let mut slots = run.save().unwrap_or_default();
            for (name, rows) in [("m", &mut trace.m), ("v", &mut trace.v)] {
                if let Some(rows) = rows {
                    rows.push(slots.vectors.remove(name).unwrap_or_default());
                }
            }
        }
    }
    Ok(trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, named};

    #[test]
    fn optimizers_have_the_rows_of_what_they_have() {
        let check = |name: &str, has: [bool; 3]| {
            let optimizer = named(name).unwrap().configured(Mode::Upstream, 10).unwrap();
            let layout = Arc::new(Layout::flat(2));
            let trace = trace(&optimizer, &layout, &[1.0, 2.0], &vec![vec![0.1, 0.2]; 3]).unwrap();
            assert_eq!(trace.params.len(), 3);
            let rows = [&trace.m, &trace.v, &trace.eval_params];
            assert_eq!(rows.map(Option::is_some), has, "{name}");
            assert!(rows.into_iter().flatten().all(|rows| rows.len() == 3 && rows[2].len() == 2));
            assert_eq!(trace.lr.map(|lr| lr.len()), Some(3));
        };
        check("adam_lr_-3.00", [true, true, false]);
        check("adagrad_lr_-3.00", [false, true, false]);
        check("zero", [false, false, false]);
        check("lamb_default", [true, true, false]);
        check("schedule_free_adamw_default", [false, true, true]);
    }

    #[test]
    fn a_gradient_of_another_length_is_an_error() {
        let optimizer = named("zero").unwrap().configured(Mode::Upstream, 10).unwrap();
        let layout = Arc::new(Layout::flat(1));
        let error = trace(&optimizer, &layout, &[1.0], &[vec![1.0], vec![1.0, 2.0]]).unwrap_err();
        assert_eq!(error.to_string(), "gradient 1 has 2 values for 1 parameters");
    }
}
