//! Readers of file formats, written for hostile input: what a file promises is checked, and memory is bounded.

pub(crate) mod container;
pub(crate) mod idx;
pub(crate) mod npz;
pub(crate) mod parquet_rows;
pub(crate) mod tar;
pub(crate) mod zip;
