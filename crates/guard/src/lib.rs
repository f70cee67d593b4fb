//! Protects the program from hostile files: turns panics of third-party decoders into `None`, without their message on
//! stderr, and checks NumPy arrays before they are decoded.

mod catch_panics;
mod npy;

pub use catch_panics::caught;
pub use npy::NpyArray;
