//! TaskSet's optimisation tasks: sampled families, fixed tasks, and one registry that finds them by name.
//!
//! [`describe`] says what a name stands for, without any data. [`build`] makes the [`Task`]. [`Task::start`] makes a
//! [`Problem`] for one replica, which computes losses and gradients over one flat vector of parameters:
//!
//! ```
//! use taskset_datasets::{Datasets, Source};
//! use taskset_rng::StreamId;
//! use taskset_tasks::{Feed, build, describe};
//!
//! assert!(describe("mlp_family_seed12")?.feasible);
//!
//! let data = Datasets::new(Source::Synthetic); // stand-ins: no files are needed
//! let task = build("TwoD_Bowl1", &data)?;
//! let mut problem = task.start(&StreamId::root("my-experiment").index(0));
//! let mut params = vec![0.0f32; task.layout().len()];
//! let mut gradients = params.clone();
//! problem.init(&mut params);
//!
//! problem.next_batch(Feed::Training);
//! let loss = problem.loss_and_gradients(&params, &mut gradients);
//! for (p, g) in params.iter_mut().zip(&gradients) {
//!     *p -= 0.1 * g;
//! }
//! assert!(problem.loss(&params) < loss);
//! # Ok::<(), taskset_tasks::Error>(())
//! ```
//!
//! # Tasks of your own
//! Everything that implements [`Task`] can be trained. Two ways need less code:
//! - a [`NetworkTask`] is a network of `taskset_nn` layers on your own [`Data`], or on [`Drawn`] minibatches: planned and
//!   fast;
//! - a `CandleTask` (feature `candle`) is any loss that candle can differentiate: slower, on the CPU.

pub mod config_sampling;
mod error;
pub mod families;
pub mod fixed;
pub(crate) mod models;
mod network_cost;
pub mod objectives;
mod python_json;
pub mod registry;
pub mod spec;
pub mod suite;
pub mod task;
pub mod task_set;

pub use error::Error;
pub use models::associative_copy_batches::SequenceExamples;
#[cfg(feature = "candle")]
pub use models::candle_task::{CandleLoss, CandleTask, Variable};
pub use models::drawn_batches::{Draw, Drawn};
pub use models::image_batches::ImageExamples;
pub use models::image_batches::sampled_examples;
pub use models::network_task::{Batches, Data, NetworkTask};
pub use models::text_batches::{TextExamples, TextLabels};
pub use registry::{
    Description, SUITES, all_names, build, describe, families, select, specification, upstream_json,
};
pub use spec::{Body, Examples, NetworkBody, Specification};
pub use suite::Suite;
pub use task::{Capabilities, Feed, Problem, Task};
pub use taskset_params::{Kind, Layout, Position, Role, Tensor};
