//! Tests of files, readers and stores.

mod files;
mod integrity;
mod queries;
mod twins;
