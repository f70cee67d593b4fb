//! Training curves: schema, Parquet store, queries.
//!
//! A [`Curve`] is what one trial gives: the loss on the four splits at regular steps. Curves lie in Parquet files, one
//! row a trial, which open as they are in pandas, Polars and DuckDB ([`schema`] has the columns). A file or a directory
//! of part files is looked into with [`open`], [`info`] and [`query`]; a sweep writes through a [`CurveStore`].
//!
//! This crate never sees a tensor, a task or an optimizer: it knows names and numbers. It takes no time and prints
//! nothing.

mod by_task;
mod csv;
mod curve;
mod error;
mod file;
mod info;
mod metadata;
mod names;
mod protocol;
mod query;
mod reader;
pub mod schema;
mod store;

pub use csv::write_csv;
pub use curve::{Curve, TrialKey};
pub use error::Error;
pub use file::{read, write, write_atomically};
pub use info::{Info, info};
pub use metadata::{Metadata, SCHEMA_VERSION};
pub use names::{NamePatterns, optimizer_family};
pub use protocol::Protocol;
pub use query::{Query, query};
pub use reader::{Reader, open};
pub use store::CurveStore;

#[cfg(test)]
mod testing;
