//! Sweeps as a whole: the same bits whatever the threads, the order, or the interruptions.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod absorbing;
mod checkpoint;
mod determinism;
mod divergence;
mod fixed_learning;
mod lockstep;
mod own_tasks;
#[path = "../../examples/fixed_check/recorded.rs"]
mod recorded;
mod resume;
mod support;
mod sweep_check;
#[path = "../../examples/fixed_check/verdict.rs"]
mod verdict;
