//! End to end, through the real binary.
#![cfg(feature = "cli")]

mod curves_and_lists;
mod data;
mod names;
mod reproduce;
mod support;
mod trace;
mod train;
