//! Training of one trial, or of several in lockstep: protocol, evaluation, observers, checkpoints, costs.
//!
//! A *trial* consists of a task, an optimizer, a replica and a protocol. Training it gives a [`Curve`]:
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use taskset_datasets::{Datasets, Source};
//! use taskset_names::Split;
//! use taskset_optim::{Mode, named};
//! use taskset_train::{Protocol, Quiet, run_trial};
//!
//! let task = taskset_tasks::build("TwoD_Bowl1", &Datasets::new(Source::Synthetic))?;
//! let adam = named("adam_lr_-1.00")?.configured(Mode::Upstream, 10_000)?;
//! let protocol = Protocol { steps: 200, eval_every: 100, eval_batches: 1 };
//! let curve = run_trial(&*task, &adam, 0, &protocol, &mut Quiet, &AtomicBool::new(false))?;
//! assert_eq!(curve.steps[..], [0, 100, 200]);
//! let test = curve.split(Split::Test);
//! assert!(test[2] < test[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Trials are independent: the same trial gives the same bits alone or among thousands of trials, on any number of
//! threads and in any order. The reason is that all of its random numbers come from streams that are named by task,
//! replica and purpose. Trials that differ only in the optimizer see the same minibatches and noise. They can be trained
//! in lockstep, which changes no bit either ([`run_lockstep`], [`Group`]). A [`Checkpoint`] holds the state of a trial
//! between two steps. The crate `taskset-sweep` trains many trials on many threads and machines.

mod checkpoint;
mod constraint;
mod cost_estimate;
mod divergence;
mod error;
mod evaluation;
mod make_trial_spec;
mod task_check;

mod lockstep_state;
mod machine;
mod progress_observer;
mod protocol_limits;
mod recheck;
mod replica_stream;
mod run_lockstep;
mod run_trial;

pub use checkpoint::{Checkpoint, InvalidCheckpoint, Saving, TrialState};
pub use cost_estimate::{
    MachineRate, Rejection, check_operations, estimate_minutes, nominal_seconds, screen,
};
pub use error::{Error, TrialError};
pub use machine::{available_threads, machine_description, metadata};
pub use make_trial_spec::{TRAINER_REVISION, arithmetic, task_identity, trial_spec};
pub use progress_observer::{Quiet, TrialObserver};
pub use protocol_limits::{MAX_EVALUATIONS, check_protocol};
pub use recheck::{Recheck, kernels_of, recheck};
pub use replica_stream::replica_stream;
pub use run_lockstep::{Group, GroupTrial, run_lockstep};
pub use run_trial::{configure, continue_trial, run_trial, schedule_steps};
pub use task_check::{StepCheck, check_steps, take_steps};
pub use taskset_trial::{Curve, Protocol, TrialId, TrialSpec};
