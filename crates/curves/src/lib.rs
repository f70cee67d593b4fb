//! Files of training curves: schema, Parquet files, integrity, queries.
//!
//! A [`Curve`](taskset_trial::Curve) is the result of one trial: the loss on the four splits at regular steps. Curves are
//! stored in Parquet files with one row per trial. Polars, DuckDB and pandas can open these files directly ([`schema`]
//! has the columns). To read a file, or a directory of files, use [`open`], [`info`], [`query`](query()) and
//! [`diff`](diff()). To write a file, use [`write()`] or [`CurveWriter`]. [`DataTable`] writes other tables
//! (hyperparameters, scores).
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
//! All bytes that are read are verified (the module `digests` says how). Different trials are never confused. A curve is
//! checked in the same way when it is written and when it is read. This crate uses no tensors, tasks or optimizers, but
//! only names and numbers. It measures no times and prints nothing. Reading uses all cores. The environment variable
//! `RAYON_NUM_THREADS` limits the number of threads, and changes no result.

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
