//! Integration tests of taskset-optim, through its public interface only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

// Update rules and schedules against reference trajectories.
mod trajectories;
// The published list against its table, the paper's appendix F and, where it is at hand, the original file.
mod published_list;
// Hyperparameters of single seeds against upstream's configuration files.
mod configurations;
// How the families contain each other.
mod special_cases;
// What optimizers and runs report, and what they count.
mod runs;
// The contract tests on every family.
#[cfg(feature = "contract")]
mod contract;
