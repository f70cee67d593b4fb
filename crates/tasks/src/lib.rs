//! TaskSet's optimisation tasks: sampled families, fixed tasks, one registry by name.

pub mod task;

pub use task::{Feed, Layout, Problem, Task, Tensor};
