//! One file a command.

pub(crate) mod curves;
pub(crate) mod data;
pub(crate) mod lists;
pub(crate) mod optimizers;
pub(crate) mod reproduce;
pub(crate) mod tasks;
pub(crate) mod trace;
pub(crate) mod train;
