//! Training one trial and many: protocol, evaluation, observers, parallel sweeps.
//!
//! A *trial* is (task, optimizer, replica, protocol); training it gives a [`Curve`]. Trials are
//! independent: the same trial gives the same bits alone or among thousands, on any number of threads, in any order,
//! because all of its random numbers come from streams named by (task, replica, purpose). Trials that differ in nothing
//! but the optimizer meet the same minibatches and noise; a sweep trains them in lockstep where that pays
//! ([`run_lockstep`]), which changes no bit either.

mod check;
mod cost;
mod error;
mod identity;
mod machine;
mod observe;
mod plan;
mod recheck;
mod sweep;
mod trial;

pub use check::{StepCheck, check_steps};
pub use cost::{MachineRate, Rejection, check_operations, estimate_minutes, screen};
pub use error::Error;
pub use identity::{TRAINER_REVISION, arithmetic, task_identity, trial_spec};
pub use machine::{available_threads, machine_description, metadata};
pub use observe::{Quiet, SweepObserver, TrialObserver, TrialReport};
pub use plan::{MAX_EVALUATIONS, SweepPlan, check_protocol};
pub use recheck::{Recheck, kernels_of, recheck};
pub use sweep::{Outcome, Sweep};
pub use taskset_trial::{Curve, Protocol, TrialId, TrialSpec};
pub use trial::{Cancelled, replica_stream, run_lockstep, run_trial, schedule_steps};
