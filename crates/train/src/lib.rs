//! Training one trial and many: protocol, evaluation, observers, parallel sweeps.
//!
//! A *trial* is (task, optimizer, replica, protocol); training it gives a [`Curve`]:
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
//! A [`Sweep`] trains all trials of a [`SweepPlan`] on many threads and stores their curves. What is stored already is
//! not trained again:
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use taskset_curves::CurveStore;
//! use taskset_datasets::{Datasets, Source};
//! use taskset_optim::Mode;
//! use taskset_train::{Protocol, Quiet, Sweep, SweepPlan, metadata};
//!
//! let tasks = vec!["TwoD_Bowl1".to_owned(), "TwoD_Ackley".to_owned()];
//! let optimizers = taskset_optim::select(&["adam_lr_*"])?;
//! let protocol = Protocol { steps: 20, eval_every: 10, eval_batches: 1 };
//! let plan = SweepPlan::new(tasks, optimizers, 1, protocol, Mode::Upstream)?;
//! let directory = tempfile::tempdir()?;
//! let store = CurveStore::open(directory.path(), &metadata(2))?;
//! let sweep = Sweep::new(&plan, &Datasets::new(Source::Synthetic))?;
//! let outcome = sweep.run(&store, 2, &mut Quiet, &AtomicBool::new(false))?;
//! assert_eq!((outcome.trained, store.read_all()?.len()), (34, 34));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Trials are independent: the same trial gives the same bits alone or among thousands, on any number of threads, in any
//! order, because all of its random numbers come from streams named by (task, replica, purpose). Trials that differ only
//! in the optimizer meet the same minibatches and noise; a sweep trains them in lockstep where that pays
//! ([`run_lockstep`]), which changes no bit either.

mod check;
mod checkpoint;
mod cost;
mod error;
mod identity;
mod lockstep;
mod machine;
mod observe;
mod plan;
mod recheck;
mod sweep;
mod trial;

pub use check::{StepCheck, check_steps, take_steps};
pub use checkpoint::{Checkpoint, InvalidCheckpoint, Saving, TrialState};
pub use cost::{MachineRate, Rejection, check_operations, estimate_minutes, screen};
pub use error::Error;
pub use identity::{TRAINER_REVISION, arithmetic, task_identity, trial_spec};
pub use machine::{available_threads, machine_description, metadata};
pub use observe::{Quiet, SweepObserver, TrialObserver, TrialReport};
pub use plan::{MAX_EVALUATIONS, SweepPlan, check_protocol};
pub use recheck::{Recheck, kernels_of, recheck};
pub use sweep::{Outcome, Sweep};
pub use taskset_trial::{Curve, Protocol, TrialId, TrialSpec};
pub use trial::{
    TrialError, configure, continue_lockstep, continue_trial, replica_stream, run_lockstep, run_trial,
    schedule_steps,
};
