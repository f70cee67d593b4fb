//! Which files of a folder count, and writing files so that they are whole or absent.
//!
//! Every listing of the project follows one rule, [`is_hidden`] and [`listing`]: hidden files (`.DS_Store`, the `._…` files
//! that macOS writes beside real ones) are left out, and only regular files, or links to them, are opened. A pipe or a
//! device is never opened, because opening one may wait for ever.

mod atomic;
mod listing;

pub use atomic::{
    AtomicFile, TEMPORARY_PREFIX, give_up_unfinished, remove_left_overs, write_atomically, write_new,
};
pub use listing::{Listing, is_hidden, listing, open_regular};
