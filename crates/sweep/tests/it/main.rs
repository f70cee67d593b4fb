//! Sweeps as a whole: the same bits whatever the threads, the order, the interruptions, the other processes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod determinism;
mod left_overs;
mod lockstep;
mod own_tasks;
mod resume;
mod saved;
mod support;
mod task_set;
