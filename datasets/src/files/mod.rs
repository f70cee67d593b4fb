//! Files: what of a data set is on disk, and whether it is the original.
//!
//! [`inspect`] takes a quick look by names and sizes. [`verify`] reads everything.

pub(crate) mod checksums;
mod locate;
mod look;
mod size;
mod verify;

pub(crate) use locate::{Located, Packing, Published, check_writable, hex, locate, missing, origin, partial};
pub use look::{FilesState, Presence, inspect};
pub(crate) use size::{QUICK, far_too_small, of_another_size};
pub use verify::{FileVerdict, Verification, VerifiedFile, verify};
