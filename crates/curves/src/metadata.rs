//! The key-value metadata of a curve file.

use std::path::Path;

use parquet::file::metadata::{FileMetaData, KeyValue};
use serde::Serialize;

use crate::{Error, Protocol};

/// Version of the schema that this crate writes and reads. It rises with every change of the columns or of their
/// meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// How the curves of a file came about. Stored as strings under the keys `taskset.<field>`, the protocol as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Version of the schema, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program that trained, e.g. `0.1.0`.
    pub program_version: String,
    /// The protocol of every curve of the file.
    pub protocol: Protocol,
    /// Hash of the sweep's plan; empty for curves that belong to none.
    pub plan_hash: String,
    /// The processor that the times were measured on, in words.
    pub machine: String,
    /// Trials that ran at once while times were measured.
    pub threads: u32,
}

const VERSION: &str = "taskset.schema_version";
const PROGRAM: &str = "taskset.program_version";
const PROTOCOL: &str = "taskset.protocol";
const PLAN: &str = "taskset.plan_hash";
const MACHINE: &str = "taskset.machine";
const THREADS: &str = "taskset.threads";

impl Metadata {
    pub(crate) fn to_key_values(&self) -> Vec<KeyValue> {
        let p = self.protocol;
        let protocol = serde_json::json!({
            "steps": p.steps, "eval_every": p.eval_every, "eval_batches": p.eval_batches
        });
        [
            (VERSION, self.schema_version.to_string()),
            (PROGRAM, self.program_version.clone()),
            (PROTOCOL, protocol.to_string()),
            (PLAN, self.plan_hash.clone()),
            (MACHINE, self.machine.clone()),
            (THREADS, self.threads.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| KeyValue::new(key.to_owned(), value))
        .collect()
    }

    pub(crate) fn from_file(path: &Path, file: &FileMetaData) -> Result<Self, Error> {
        let value = |key: &str| {
            file.key_value_metadata()
                .and_then(|pairs| pairs.iter().find(|pair| pair.key == key))
                .and_then(|pair| pair.value.clone())
                .ok_or_else(|| Error::not_curves(path, format!("its metadata has no `{key}`")))
        };
        let number = |key: &str| {
            let text = value(key)?;
            let wrong = |_| Error::not_curves(path, format!("metadata `{key}` is `{text}`, not a number"));
            text.parse::<u32>().map_err(wrong)
        };
        // The version comes first: under another version the other keys may have changed.
        let schema_version = number(VERSION)?;
        if schema_version != SCHEMA_VERSION {
            return Err(Error::SchemaVersion {
                path: path.to_owned(),
                found: schema_version,
                supported: SCHEMA_VERSION,
            });
        }
        let protocol = value(PROTOCOL)?;
        let protocol = serde_json::from_str(&protocol)
            .map_err(|e| Error::not_curves(path, format!("metadata `{PROTOCOL}` is `{protocol}`: {e}")))?;
        Ok(Self {
            schema_version,
            program_version: value(PROGRAM)?,
            protocol,
            plan_hash: value(PLAN)?,
            machine: value(MACHINE)?,
            threads: number(THREADS)?,
        })
    }

    /// Refuses to mix with curves of another protocol.
    pub(crate) fn check_protocol(&self, path: &Path, found: &Self) -> Result<(), Error> {
        let words = |p: Protocol| {
            format!("{} steps, evaluated every {} on {} batches", p.steps, p.eval_every, p.eval_batches)
        };
        if found.protocol == self.protocol {
            return Ok(());
        }
        Err(Error::OtherPlan {
            path: path.to_owned(),
            field: "protocol",
            found: words(found.protocol),
            expected: words(self.protocol),
        })
    }

    /// Refuses to mix with curves of another plan or protocol.
    pub(crate) fn check_plan(&self, path: &Path, found: &Self) -> Result<(), Error> {
        // The protocol first: it can say what differs, a hash cannot.
        self.check_protocol(path, found)?;
        if found.plan_hash == self.plan_hash {
            return Ok(());
        }
        let same_program = found.program_version == self.program_version;
        let words = |metadata: &Self| {
            let program = if same_program {
                String::new()
            } else {
                format!(" of program {}", metadata.program_version)
            };
            format!("plan `{}`{program}", metadata.plan_hash)
        };
        Err(Error::OtherPlan {
            path: path.to_owned(),
            field: if same_program {
                "plan of the same protocol (tasks, optimizers, replicas, mode or data differ)"
            } else {
                "plan of the same protocol (tasks, optimizers, replicas, mode, data or the program's curves differ)"
            },
            found: words(found),
            expected: words(self),
        })
    }
}
