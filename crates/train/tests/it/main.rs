//! Sweeps as a whole: the same bits whatever the threads, the order, or the interruptions.

mod determinism;
mod divergence;
mod resume;
mod support;
