//! The set of tasks: sampled names in the order of seeds, of which those are kept that can be trained.
//!
//! [`rule`] decides a name from its description and its curves. [`Search`] trains what the rule needs, as sweeps in one
//! folder per family, and makes the list from what is stored. The list itself is `taskset_tasks::task_set`.

pub mod rule;
mod search;
#[cfg(test)]
mod tests;

pub use search::{FamilySearch, Search};
