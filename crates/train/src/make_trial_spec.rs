//! From a task and an optimizer to the identity of a trial.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use taskset_nn::Backend;
use taskset_optim::OptimizerIdentity;
use taskset_tasks::Task;
use taskset_trial::{Arithmetic, Digest, Protocol, Source, TaskIdentity, TaskVersion, TrialSpec};

/// Revision of the trainer, from 1. It is part of every trial's identity: raise it with any change of the protocol, the
/// names of streams, the order of minibatches or the way of evaluating that changes a bit of the curves of all tasks. A
/// change that touches only some tasks or optimizers raises the revision of these
/// ([`TaskFamily::revision`](taskset_tasks::families::TaskFamily::revision),
/// [`FamilyInfo::revision`](taskset_optim::FamilyInfo::revision)).
pub const TRAINER_REVISION: u32 = 1;

/// What the curves of a task are known by.
///
/// A task that does not say its version gets one that no other task has, in any process. Its curves are never taken for
/// those of another run.
pub fn task_identity(task: &dyn Task) -> TaskIdentity {
    TaskIdentity {
        name: task.name().to_owned(),
        origin: task.origin(),
        data_digest: task.data_digest(),
        version: Some(task.version().unwrap_or_else(unique_version)),
    }
}

fn unique_version() -> TaskVersion {
    // The system draws new keys for each; no training depends on them.
    let numbers: [u64; 4] = std::array::from_fn(|_| RandomState::new().hash_one(0));
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    TaskVersion { group: "unversioned".to_owned(), revision: 1, fingerprint: Digest::of(&bytes) }
}

/// The specification of a trial on the kernels that are chosen now.
pub fn trial_spec(
    task: &Arc<TaskIdentity>,
    optimizer: &Arc<OptimizerIdentity>,
    replica: u32,
    protocol: &Protocol,
) -> TrialSpec {
    TrialSpec {
        task: Arc::clone(task),
        optimizer: Arc::clone(optimizer),
        replica,
        protocol: *protocol,
        arithmetic: arithmetic(Backend::detect()),
        source: Source::Trained { trainer: TRAINER_REVISION },
    }
}

/// The class of arithmetic of some kernels.
pub fn arithmetic(kernels: Backend) -> Arithmetic {
    if kernels.fuses_multiply_add() { Arithmetic::Fma } else { Arithmetic::Portable }
}
