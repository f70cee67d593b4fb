//! Says which files of a folder are read, and writes files so that they are either complete or absent.
//!
//! Wherever the project lists the files of a folder, it follows one rule ([`is_hidden`] and [`listing`]). Hidden files
//! (`.DS_Store`, and the `._…` files that macOS writes beside real ones) are left out, and only regular files, or links
//! to them, are opened. A pipe or a device is never opened, because the program could then wait for ever.

mod atomic;
mod listing;

pub use atomic::{
    AtomicFile, TEMPORARY_PREFIX, give_up_unfinished, remove_left_overs, write_atomically, write_new,
};
pub use listing::{Listing, is_hidden, listing, open_regular};
