//! TaskSet's optimisation tasks: sampled families, fixed tasks, one registry by name.

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
pub use registry::{Description, all_names, build, describe, families, select, upstream_json};
pub use task::{Feed, Layout, Problem, Task, Tensor};
