//! Tests of files, readers and stores.

mod equal_names;
mod files;
mod integrity;
mod queries;
