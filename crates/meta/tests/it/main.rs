//! The experiments against implementations that are independent of this crate.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod plain;
mod reference;
mod same_as_plain;
mod threads;
