//! Which trials a sweep trains.

use taskset_optim::Mode;
use taskset_trial::Protocol;

use crate::Error;

/// All trials of tasks × optimizers × replicas under one protocol. A plan may grow: stored trials are found by
/// their identity, whatever else was planned when they were trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepPlan {
    /// Task names.
    pub tasks: Vec<String>,
    /// Optimizer names.
    pub optimizers: Vec<String>,
    /// Replicas of each: initial parameters and minibatches differ, and nothing else.
    pub replicas: u32,
    /// Steps and evaluations.
    pub protocol: Protocol,
    /// Optimizer mode.
    pub mode: Mode,
}

impl SweepPlan {
    /// A checked plan.
    ///
    /// # Errors
    /// [`Error::EmptyPlan`] if there is nothing to train; errors of [`check_protocol`].
    pub fn new(
        tasks: Vec<String>,
        optimizers: Vec<String>,
        replicas: u32,
        protocol: Protocol,
        mode: Mode,
    ) -> Result<Self, Error> {
        check_lengths(tasks.len(), optimizers.len(), replicas)?;
        check_protocol(&protocol)?;
        Ok(Self { tasks, optimizers, replicas, protocol, mode })
    }

    /// Number of trials.
    pub fn len(&self) -> usize {
        self.tasks.len() * self.optimizers.len() * self.replicas as usize
    }

    /// Whether there is no trial. A plan from [`SweepPlan::new`] is never empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether there is something to train.
pub(crate) fn check_lengths(tasks: usize, optimizers: usize, replicas: u32) -> Result<(), Error> {
    let empty = |what, is_empty: bool| if is_empty { Err(Error::EmptyPlan { what }) } else { Ok(()) };
    empty("the list of tasks", tasks == 0)?;
    empty("the list of optimizers", optimizers == 0)?;
    empty("the number of replicas", replicas == 0)
}

/// Most evaluations of a trial after the one at step 0.
pub const MAX_EVALUATIONS: u32 = 1_000_000;

/// Whether trials can be run under a protocol.
///
/// # Errors
/// [`Error::Protocol`] for a zero that makes no sense, [`Error::TooManyEvaluations`] beyond [`MAX_EVALUATIONS`].
pub fn check_protocol(protocol: &Protocol) -> Result<(), Error> {
    for (field, value) in [("eval_every", protocol.eval_every), ("eval_batches", protocol.eval_batches)] {
        if value == 0 {
            return Err(Error::Protocol { field });
        }
    }
    let Protocol { steps, eval_every, .. } = *protocol;
    let evaluations = steps.div_ceil(eval_every);
    if evaluations > MAX_EVALUATIONS {
        return Err(Error::TooManyEvaluations { steps, eval_every, evaluations, limit: MAX_EVALUATIONS });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_beyond_all_memory_are_refused() {
        let check = |steps, eval_every| check_protocol(&Protocol { steps, eval_every, eval_batches: 1 });
        assert!(check(MAX_EVALUATIONS, 1).is_ok() && check(u32::MAX, 4295).is_ok());
        assert!(matches!(check(2_000_001, 2), Err(Error::TooManyEvaluations { evaluations: 1_000_001, .. })));
        let message = check(u32::MAX, 1).unwrap_err().to_string();
        assert!(message.contains("4294967295 evaluations") && message.contains("1000000"), "{message}");
    }

    #[test]
    fn empty_plans_are_refused() {
        let new = |tasks: &[&str], replicas, eval_every| {
            let protocol = Protocol { steps: 10, eval_every, eval_batches: 1 };
            let tasks = tasks.iter().map(|&name| name.to_owned()).collect();
            SweepPlan::new(tasks, vec!["x".into()], replicas, protocol, Mode::Paper)
        };
        assert!(matches!(new(&[], 1, 1), Err(Error::EmptyPlan { what: "the list of tasks" })));
        assert!(matches!(new(&["a"], 0, 1), Err(Error::EmptyPlan { .. })));
        assert!(matches!(new(&["a"], 1, 0), Err(Error::Protocol { field: "eval_every" })));
        assert_eq!(new(&["a", "b"], 3, 1).unwrap().len(), 6);
    }
}
