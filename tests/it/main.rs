//! End to end, through the real binary.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod curves_and_lists;
mod data;
mod identity;
mod limits;
mod names;
mod own_optimizers;
mod reference_trajectories;
mod released;
mod reproduce;
mod support;
mod sweep;
mod sweep_disk;
mod sweep_kills;
mod trace;
mod train;
