//! What a trial is: its specification and identity, its protocol, its curve.
//!
//! A *trial* trains one task with one optimizer from one random initialisation. A [`TrialSpec`] contains everything that
//! decides the numbers of its curve, and nothing else. Its [`TrialId`] is a hash of this. Two trials with the same id
//! have the same losses, bit for bit. Trials that differ in anything that decides a number have different ids. So "this
//! trial is done" means "a curve with this id is stored", and curves of different trials are never confused, whatever
//! their names are.
//!
//! A [`Curve`] is the result of a trial: the losses on the four splits at the steps of its [`Protocol`].
//!
//! ```
//! use std::sync::Arc;
//! use taskset_trial::{Arithmetic, OptimizerIdentity, Protocol, Source, TaskIdentity, TrialSpec};
//!
//! let spec = TrialSpec {
//!     task: Arc::new(TaskIdentity::without_data("my_task", "my_tasks", 1, "3 parameters, sum of squares")),
//!     optimizer: Arc::new(OptimizerIdentity::new("sgd_0.1", "sgd", [("learning_rate", 0.1)], 1)),
//!     replica: 0,
//!     protocol: Protocol { steps: 100, eval_every: 10, eval_batches: 1 },
//!     arithmetic: Arithmetic::Fma,
//!     source: Source::Trained { trainer: 1 },
//! };
//! let other = TrialSpec { replica: 1, ..spec.clone() };
//! assert_ne!(spec.id(), other.id());
//! assert_eq!(spec.first_difference(&other).unwrap().field, "replica");
//! ```
//!
//! This crate reads and writes no files: `taskset-train` makes curves, and `taskset-curves` stores them.

mod comparability;
mod curve;
mod curve_check;
mod curve_difference;
mod digest;
mod optimizer_family;
mod protocol;
mod revisions;
mod trial_id;
mod trial_spec;

pub use comparability::{Mixture, Uniform};
pub use curve::Curve;
pub use curve_check::InvalidCurve;
pub use digest::{Digest, InvalidDigest};
pub use optimizer_family::optimizer_family;
pub use protocol::Protocol;
pub use revisions::InvalidRevisions;
pub use trial_id::{Identifier, TrialId};
pub use trial_spec::{
    Arithmetic, Difference, HyperparameterValue, Hyperparameters, InvalidHyperparameters, OptimizerIdentity,
    Source, TaskIdentity, TaskVersion, TrialSpec,
};

#[cfg(test)]
mod testing;
