//! Many trials on many threads and machines: plans, shards, claims, checkpoints, status, compacting.
//!
//! A [`Sweep`] trains tasks × optimizers × replicas into a [`Directory`]. A finished trial is a fact on disk: what is stored
//! is not trained again, whoever stored it and when.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use taskset_datasets::{Datasets, Source};
//! use taskset_optim::Mode;
//! use taskset_sweep::{Directory, RunOptions, Sweep};
//! use taskset_train::Quiet;
//! use taskset_trial::Protocol;
//!
//! let optimizers = taskset_optim::select(&["adam_lr_*"])?;
//! let protocol = Protocol { steps: 20, eval_every: 10, eval_batches: 1 };
//! let data = Datasets::new(Source::Synthetic);
//! let sweep = Sweep::new(&["TwoD_Bowl1", "TwoD_Ackley"], &optimizers, 1, protocol, Mode::Upstream, &data)?;
//! let place = tempfile::tempdir()?;
//! let directory = Directory::at(place.path());
//! let outcome = directory.run(&sweep, &RunOptions::new(2), &mut Quiet, &AtomicBool::new(false))?;
//! assert_eq!((outcome.trained, directory.reader()?.read_all()?.len()), (34, 34));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! For many processes and machines, trials are planned first: [`Directory::plan`] writes down names, shards and costs, and
//! each process loads them with [`Directory::load`]. The unit of work is the *shard*: some trials of one task, trained by one
//! thread and written as one file, complete or absent. Any number of processes may run the same sweep at once. Two of them
//! hardly ever do the same work, because a worker claims a shard first; if they do, it does no harm, because equal trials have
//! equal bits and one of the files is kept.
//!
//! With the feature `remote`, the directory may be a place in an object store, for example `s3://bucket/prefix`.

mod block;
mod committed;
mod compact;
mod directory;
mod environment;
mod error;
mod expand_names;
mod manifest;
mod observe;
mod plan_file;
mod planning;
mod run;
mod shard;
mod shard_division;
mod shard_run;
pub mod slurm;
mod status;
mod storage;
pub mod task_set;
mod work;

pub use compact::Compacted;
pub use directory::Directory;
pub use environment::ProgramInfo;
pub use error::{Contradiction, Error};
pub use expand_names::{DataSources, TaskEstimate};
pub use observe::{SweepObserver, TaskCount, TrialReport};
pub use plan_file::{PlanBlock, PlanFile};
pub use planning::PlanReport;
pub use run::{Outcome, RunOptions, Slice};
pub use status::{Progress, Status, TaskStatus, Worker};
pub use storage::{Claim, Claimant, Storage};
pub use work::Sweep;
