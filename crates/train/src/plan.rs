//! A plan: which trials, under which protocol. Its hash names the sweep.

use sha2::{Digest, Sha256};
use taskset_curves::Protocol;
use taskset_names::Origin;
use taskset_optim::Mode;

use crate::Error;

/// Version of everything that decides a curve's bits besides the plan: streams, initialisers, data order, kernels'
/// order of operations. Bumped whenever a change of the program changes curves, so that old curves are not mixed with
/// new ones.
pub const CURVES_VERSION: u32 = 5;

/// All trials of tasks × optimizers × replicas under one protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Task names.
    pub tasks: Vec<String>,
    /// Optimizer names.
    pub optimizers: Vec<String>,
    /// Replicas of each: initial parameters and minibatches differ, and nothing else.
    pub replicas: u32,
    /// Steps and evaluations.
    pub protocol: Protocol,
    /// Optimizer mode by name: `upstream`, `opt_list` or `paper`.
    pub mode: String,
    /// `real` or `synthetic`: what tasks with data train on.
    pub data: String,
}

impl Plan {
    /// A checked plan.
    ///
    /// # Errors
    /// [`Error::EmptyPlan`] where there would be nothing to do; those of [`check_protocol`].
    pub fn new(
        tasks: Vec<String>,
        optimizers: Vec<String>,
        replicas: u32,
        protocol: Protocol,
        mode: Mode,
        data: Origin,
    ) -> Result<Self, Error> {
        let empty = |what, is_empty: bool| if is_empty { Err(Error::EmptyPlan { what }) } else { Ok(()) };
        empty("the list of tasks", tasks.is_empty())?;
        empty("the list of optimizers", optimizers.is_empty())?;
        empty("the number of replicas", replicas == 0)?;
        check_protocol(&protocol)?;
        Ok(Self {
            tasks,
            optimizers,
            replicas,
            protocol,
            mode: mode.to_string(),
            data: data.name().to_owned(),
        })
    }

    /// Number of trials.
    pub fn len(&self) -> usize {
        self.tasks.len() * self.optimizers.len() * self.replicas as usize
    }

    /// Whether there is no trial; never so for a plan from [`Plan::new`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 (hex) of the plan and of [`CURVES_VERSION`].
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        let mut field = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        for list in [&self.tasks, &self.optimizers] {
            field(&list.len().to_string());
            list.iter().for_each(|name| field(name));
        }
        let Protocol { steps, eval_every, eval_batches, .. } = self.protocol;
        field(&format!("{} {steps} {eval_every} {eval_batches} {CURVES_VERSION}", self.replicas));
        field(&self.mode);
        field(&self.data);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Most evaluations of a trial after the one at step 0.
pub const MAX_EVALUATIONS: u32 = 1_000_000;

/// Whether trials can be run under a protocol.
///
/// # Errors
/// [`Error::Protocol`] for a zero that means nothing, [`Error::TooManyEvaluations`] beyond [`MAX_EVALUATIONS`].
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

    fn plan() -> Plan {
        let protocol = Protocol { steps: 10, eval_every: 5, eval_batches: 1 };
        let names = |n: &[&str]| n.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        Plan::new(names(&["a", "b"]), names(&["x"]), 2, protocol, Mode::Upstream, Origin::Real).unwrap()
    }

    #[test]
    fn the_hash_changes_with_every_field() {
        let base = plan();
        let mut hashes = vec![base.hash()];
        let mut changed = |change: &dyn Fn(&mut Plan)| {
            let mut other = base.clone();
            change(&mut other);
            hashes.push(other.hash());
        };
        changed(&|p| p.tasks.swap(0, 1));
        changed(&|p| p.tasks = vec!["ab".into()]);
        changed(&|p| p.optimizers.push("y".into()));
        changed(&|p| p.replicas = 3);
        changed(&|p| p.protocol.steps = 11);
        changed(&|p| p.protocol.eval_every = 6);
        changed(&|p| p.protocol.eval_batches = 2);
        changed(&|p| p.mode = "paper".into());
        changed(&|p| p.data = "synthetic".into());
        let n = hashes.len();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), n);
        assert_eq!(plan().hash(), base.hash());
    }

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
        let base = plan();
        let new = |tasks: &[String], replicas, every| {
            let protocol = Protocol { eval_every: every, ..base.protocol };
            Plan::new(tasks.to_vec(), base.optimizers.clone(), replicas, protocol, Mode::Paper, Origin::Real)
        };
        assert!(matches!(new(&[], 1, 1), Err(Error::EmptyPlan { what: "the list of tasks" })));
        assert!(matches!(new(&base.tasks, 0, 1), Err(Error::EmptyPlan { .. })));
        assert!(matches!(new(&base.tasks, 1, 0), Err(Error::Protocol { field: "eval_every" })));
    }
}
