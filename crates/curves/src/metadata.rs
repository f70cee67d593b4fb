//! The key-value metadata of a curve file.

use std::path::Path;

use parquet::file::metadata::{FileMetaData, KeyValue};
use serde::Serialize;

use crate::Error;

/// Version of the schema that this crate writes and reads. It rises with every change of the columns or of their
/// meaning.
pub const SCHEMA_VERSION: u32 = 2;

/// How the curves of a file came about: what is worth knowing, but decides no number inside a class of arithmetic. Stored as strings under the keys
/// `taskset.<field>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Version of the program that trained, e.g. `0.1.0`.
    pub program_version: String,
    /// The processor that the times were measured on, in words.
    pub machine: String,
    /// The kernels that trained: `portable`, `avx2`, `avx512`.
    pub kernels: String,
    /// Trials that ran at once while times were measured.
    pub threads: u32,
    /// For a file that holds slices of curves: what was kept, e.g. `steps 0..200`. None for whole curves.
    pub slice: Option<String>,
    /// The environment record of a sweep's shard, as JSON: the circumstances of one run, with its times. None elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

pub(crate) const VERSION: &str = "taskset.schema_version";
const PROGRAM: &str = "taskset.program_version";
const MACHINE: &str = "taskset.machine";
const KERNELS: &str = "taskset.kernels";
const THREADS: &str = "taskset.threads";
const SLICE: &str = "taskset.slice";
const ENVIRONMENT: &str = "taskset.environment";

impl Metadata {
    pub(crate) fn to_key_values(&self) -> Vec<KeyValue> {
        // Taken apart completely, so that a new field cannot be forgotten.
        let Self { program_version, machine, kernels, threads, slice, environment } = self;
        let mut pairs = vec![
            (VERSION, SCHEMA_VERSION.to_string()),
            (PROGRAM, program_version.clone()),
            (MACHINE, machine.clone()),
            (KERNELS, kernels.clone()),
            (THREADS, threads.to_string()),
        ];
        pairs.extend(slice.clone().map(|slice| (SLICE, slice)));
        pairs.extend(environment.clone().map(|environment| (ENVIRONMENT, environment)));
        pairs.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect()
    }

    pub(crate) fn from_file(path: &Path, file: &FileMetaData) -> Result<Self, Error> {
        let needed = |key: &str| {
            value(file, key)
                .map(str::to_owned)
                .ok_or_else(|| Error::not_curves(path, format!("its metadata has no `{key}`")))
        };
        let threads = needed(THREADS)?;
        let threads = threads.parse().map_err(|_| {
            Error::not_curves(path, format!("metadata `{THREADS}` is `{threads}`, not a number"))
        })?;
        Ok(Self {
            program_version: needed(PROGRAM)?,
            machine: needed(MACHINE)?,
            kernels: needed(KERNELS)?,
            threads,
            slice: value(file, SLICE).map(str::to_owned),
            environment: value(file, ENVIRONMENT).map(str::to_owned),
        })
    }
}

/// The value of a key.
pub(crate) fn value<'a>(file: &'a FileMetaData, key: &str) -> Option<&'a str> {
    file.key_value_metadata()?.iter().find(|pair| pair.key == key)?.value.as_deref()
}
