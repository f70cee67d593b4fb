//! Many trials on many threads and machines: plans, shards, claims, checkpoints, status, compacting.
//!
//! A [`Sweep`] describes trials of tasks × optimizers × replicas. A [`Directory`] trains them and stores their curves. A
//! trial is finished when its curve is stored. Then it is not trained again, no matter which process stored it, and when.
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
//! For many processes and machines, trials are planned first: [`Directory::plan`] stores names, shards and costs, and
//! each process loads them with [`Directory::load`]. The unit of work is the *shard*: some trials of one task. One thread
//! trains them, and they are written as one file, which is complete or absent. Any number of processes may run the same
//! sweep at the same time. A worker claims a shard before it trains it, so two workers hardly ever do the same work. If
//! they do, it does no harm: equal trials have equal bits, and one of the files is kept.
//!
//! With the feature `remote`, the directory may be a place in an object store, for example `s3://bucket/prefix`.

pub mod choose_task_set;
mod committed_shards;
mod compact;
mod environment_record;
mod error;
mod expand_names;
mod manifest;
mod pending_work;
mod plan_block;
mod plan_file;
mod planning;
mod progress_observer;
mod run_shard;
mod run_sweep;
mod shard;
mod shard_division;
pub mod slurm;
mod status;
mod storage;
mod sweep_directory;

pub use compact::Compacted;
pub use environment_record::ProgramInfo;
pub use error::{Contradiction, Error};
pub use expand_names::{DataSources, TaskEstimate};
pub use pending_work::Sweep;
pub use plan_file::{PlanBlock, PlanFile};
pub use planning::PlanReport;
pub use progress_observer::{SweepObserver, TaskCount, TrialReport};
pub use run_sweep::{Outcome, RunOptions, Slice};
pub use status::{Progress, Status, TaskStatus, Worker};
pub use storage::{Claim, Claimant, Storage};
pub use sweep_directory::Directory;
