//! The one integration test binary of this crate.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in the helpers beside them")]

/// What every row of the registry must keep.
mod contract;
/// Fixed tasks against the published names and parameter counts.
mod fixed;
/// Where the fixed tasks start, against theory.
mod initial_losses;
/// What every tensor does, for optimizers that ask.
mod roles;
/// Choosing tasks by pattern, and what happens to names that do not exist.
mod select;
/// Sampled configurations against upstream's files.
mod upstream;
