//! TaskSet's optimisation tasks: sampled families, fixed tasks, one registry by name.
//!
//! # Tasks of your own
//! Whatever implements [`Task`] can be trained. Two ways need less:
//! - a [`NetworkTask`] is a network of `taskset_nn` layers on [`Data`] of yours, or on [`Drawn`] minibatches: planned, fast;
//! - a `CandleTask` (feature `candle`) is any loss that candle can differentiate: slower, on the CPU.

mod error;
pub mod families;
pub mod fixed;
pub mod models;
pub mod objectives;
mod python_json;
pub mod registry;
pub mod sampling;
pub mod task;

pub use error::Error;
#[cfg(feature = "candle")]
pub use models::candle_task::{CandleLoss, CandleTask, Variable};
pub use models::drawn_batches::{Draw, Drawn};
pub use models::image_batches::sampled_examples;
pub use models::network_task::{Batches, Data, NetworkTask};
pub use registry::{Description, all_names, build, describe, families, select, upstream_json};
pub use task::{Feed, Layout, Problem, Task, Tensor};
