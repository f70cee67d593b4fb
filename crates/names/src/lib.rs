//! Names that every crate shares: splits, origins of data, patterns, suggestions; and how names and errors are shown.
//!
//! Tasks and optimizers are chosen by name. Wherever a list of names is accepted, a *pattern* is accepted too:
//! `mlp_family_seed{0..99}` (0 and 99 are included) or `TwoD_*` (`*` stands for any sequence of characters).

mod data_origin;
mod error_chain;
mod escape;
mod pattern;
mod split;
mod suggest;

pub use data_origin::Origin;
pub use error_chain::in_full;
pub use escape::{csv_field, visible, visible_lines};
pub use pattern::{MAX_NAMES, PatternError, SEEDS, expand_ranges, matches, seed_of};
pub use split::{Split, UnknownSplit};
pub use suggest::closest;
