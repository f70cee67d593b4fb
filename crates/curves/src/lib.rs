//! Files of training curves: schema, Parquet store, integrity, queries.
//!
//! A [`Curve`](taskset_trial::Curve) is what one trial gives: the loss on the four splits at regular steps. Curves lie in
//! Parquet files, one row per trial, which open as they are in pandas, Polars and DuckDB ([`schema`] has the columns). A file
//! or a directory of part files is looked into with [`open`], [`info`], [`query`](query()) and [`diff`](diff()); a program
//! writes with [`write()`] and [`CurveWriter`]. Other tables (hyperparameters, scores) are written by [`DataTable`].
//!
//! ```no_run
//! // A loop over the trials of a directory, task by task, in bounded memory.
//! for curves in taskset_curves::open("curves".as_ref())?.by_task() {
//!     for curve in curves? {
//!         println!("{} {} {:?}", curve.task(), curve.optimizer(), curve.losses[3].last());
//!     }
//! }
//! # Ok::<(), taskset_curves::Error>(())
//! ```
//!
//! Nothing that is read goes unverified (the module `seal` says how), no trial is taken for another one, and each curve is
//! checked as it is when it is written. This crate never sees a tensor, a task or an optimizer: it knows names and numbers.
//! It takes no time and prints nothing. Reading uses all cores; `RAYON_NUM_THREADS` limits them, and changes no result.

mod data_table;
mod decode_ahead;
mod decode_rows;
mod diff;
mod digests;
mod error;
mod info;
mod metadata;
mod name_patterns;
mod parquet_file;
mod query;
mod query_csv;
mod reader;
pub mod released_npz;
mod row_specs;
mod scan;
pub mod schema;
mod spill;
mod writer;

pub use data_table::{Column, DataTable};
pub use diff::{Comparison, Example, diff};
pub use error::Error;
pub use info::{Info, info};
pub use metadata::{Metadata, SCHEMA_VERSION};
pub use name_patterns::NamePatterns;
pub use parquet_file::read;
pub use query::{Query, Selection, query};
pub use query_csv::CsvWriter;
pub use reader::{Reader, open};
pub use scan::ByTask;
pub use writer::{CurveWriter, encode, write};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
