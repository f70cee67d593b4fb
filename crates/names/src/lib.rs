//! Names that every crate shares: splits, origins of data, patterns, suggestions; and how names and errors are shown.
//!
//! Tasks and optimizers are chosen by name, and wherever a list of names is accepted a *pattern* is too:
//! `mlp_family_seed{0..99}` (both ends included) and `TwoD_*` (`*` matches any run of characters).

mod causes;
mod escape;
mod origin;
mod pattern;
mod split;
mod suggest;

pub use causes::in_full;
pub use escape::{csv_field, visible, visible_lines};
pub use origin::Origin;
pub use pattern::{MAX_NAMES, PatternError, SEEDS, expand_ranges, matches, seed_of};
pub use split::{Split, UnknownSplit};
pub use suggest::closest;
