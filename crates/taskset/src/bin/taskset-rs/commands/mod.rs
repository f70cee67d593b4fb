//! One file per command, and what several of them share.

pub(crate) mod curves;
pub(crate) mod data;
pub(crate) mod lists;
pub(crate) mod optimizers;
mod picture;
pub(crate) mod reproduce;
mod table_file;
pub(crate) mod tasks;
pub(crate) mod trace;
pub(crate) mod train;
