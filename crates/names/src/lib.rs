//! Names that every crate shares: splits, origins of data, patterns, suggestions, names as they are shown.
//!
//! Tasks and optimizers are chosen by name, and wherever a list of names is accepted a *pattern* is too:
//! `mlp_family_seed{0..99}` (both ends included) and `TwoD_*` (`*` matches any run of characters).

mod origin;
mod pattern;
mod split;
mod suggest;
mod visible;

pub use origin::Origin;
pub use pattern::{MAX_NAMES, PatternError, SEEDS, expand_ranges, matches, seed_of};
pub use split::{Split, UnknownSplit};
pub use suggest::closest;
pub use visible::{csv_field, visible, visible_lines};
