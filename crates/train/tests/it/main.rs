//! Trials as a whole: determinism, divergence, checkpoints, learning.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod absorbing;
mod checkpoint;
mod determinism;
mod divergence;
mod fixed_learning;
#[path = "../../examples/fixed_check/recording_task.rs"]
mod recording_task;
mod support;
mod sweep_check;
#[path = "../../examples/fixed_check/verdict.rs"]
mod verdict;
