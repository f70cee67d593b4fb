//! One sorted file a task instead of many shards.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use taskset_curves::{CurveWriter, Metadata};
use taskset_trial::{Curve, Identifier, TrialId};

use crate::{Directory, Error};

/// What says how the curves of a compacted directory came about.
const ENVIRONMENTS: &str = "environments.json";

/// What compacting has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// Files written: one for each task.
    pub files: usize,
    /// Their trials.
    pub trials: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it was stopped on request before the end.
    pub interrupted: bool,
}

impl Directory {
    /// Writes the stored curves to another directory: one file a task, sorted, with statistics. The files have the same bytes
    /// but for the clock columns (and the digests of these), whatever the history of the sweep. How the curves came about is
    /// summarised in `environments.json`.
    ///
    /// # Errors
    /// An error that names the file that cannot be read or written; [`Error::Place`] if the other directory holds curves that
    /// this one does not.
    pub fn compact(
        &self,
        to: &Path,
        progress: &mut dyn FnMut(&Compacted),
        cancel: &AtomicBool,
    ) -> Result<Compacted, Error> {
        let refuse = |reason: String| Error::Place { place: to.display().to_string(), reason };
        let reader = self.reader()?;
        if reader.rows() == 0 {
            let reason = "no curve is stored there".to_owned();
            return Err(Error::Place { place: self.place(), reason });
        }
        std::fs::create_dir_all(to).map_err(Error::file("create", to))?;
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let inside =
            |directory: &Path| real(to).zip(real(directory)).is_some_and(|(to, sweep)| to.starts_with(sweep));
        if self.storage().directory().is_some_and(inside) {
            return Err(refuse("the compacted files need a directory of their own".to_owned()));
        }
        let tasks: HashSet<String> = reader.tasks()?.iter().map(|task| file_name(task)).collect();
        let there = taskset_files::listing(to, "parquet").map_err(Error::file("list", to))?;
        for file in &there.files {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !tasks.contains(name) {
                return Err(refuse(format!(
                    "it holds {name}, which is no task of this sweep; name an empty directory"
                )));
            }
        }
        let mut done = Compacted::default();
        for curves in reader.by_task() {
            if cancel.load(Ordering::Relaxed) {
                return Ok(Compacted { interrupted: true, ..done });
            }
            let curves = curves?;
            let Some(first) = curves.first() else { continue };
            let path = to.join(file_name(first.task()));
            check_older(&path, &curves)?;
            done.trials += curves.len() as u64;
            write(&path, curves)?;
            done.files += 1;
            done.bytes += std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
            progress(&done);
        }
        let older = self.storage().directory().map(|directory| directory.join(ENVIRONMENTS));
        let text = match older.and_then(|path| std::fs::read(path).ok()) {
            // Compacted again: the files themselves no longer say it.
            Some(text) => text,
            None => serde_json::to_vec_pretty(&environments(reader.metadata())).unwrap_or_default(),
        };
        let path = to.join(ENVIRONMENTS);
        taskset_files::write_atomically(&path, &text).map_err(Error::file("write", &path))?;
        Ok(done)
    }
}

/// The file of a task. Names of tasks are words; what a user's own name has besides is replaced.
fn file_name(task: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "_-.+".contains(c) { c } else { '_' };
    let name: String = task.trim_start_matches('.').chars().map(safe).collect();
    format!("{name}.parquet")
}

/// Nothing is lost: an older file is replaced only by one that holds its trials, too.
fn check_older(path: &Path, curves: &[Curve]) -> Result<(), Error> {
    if !path.exists() {
        return Ok(());
    }
    let older = taskset_curves::open(path)?.ids()?;
    let mut identifier = Identifier::default();
    let ids: HashSet<TrialId> = curves.iter().map(|curve| identifier.id(&curve.spec)).collect();
    if older.is_subset(&ids) {
        return Ok(());
    }
    Err(Error::Place {
        place: path.display().to_string(),
        reason: "it holds trials that this sweep does not, and is not replaced; name an empty directory"
            .to_owned(),
    })
}

fn write(path: &Path, curves: Vec<Curve>) -> Result<(), Error> {
    let elsewhere = format!("several; see {ENVIRONMENTS}");
    // Nothing that depends on the history.
    let metadata = Metadata {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: elsewhere.clone(),
        kernels: elsewhere,
        threads: 0,
        slice: None,
        environment: None,
    };
    let mut writer = CurveWriter::create_with_statistics(path, &metadata)?;
    for curve in curves {
        writer.append(curve)?;
    }
    writer.finish()?;
    Ok(())
}

/// One kind of run, and what it made.
#[derive(Serialize)]
struct Kind {
    program_version: String,
    machine: String,
    kernels: String,
    threads: u32,
    /// What else the shards' environment records say and all of them agree in.
    #[serde(flatten)]
    record: serde_json::Map<String, serde_json::Value>,
    files: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_started: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ended: Option<String>,
}

/// What belongs to one shard alone.
const OWN: [&str; 11] = [
    "shard",
    "started",
    "ended",
    "data",
    "host",
    "process",
    "job",
    "version",
    "processor",
    "kernels",
    "threads",
];

/// The kinds of runs, in a fixed order.
fn environments<'a>(metadata: impl Iterator<Item = &'a Metadata>) -> Vec<Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for metadata in metadata {
        let parsed = metadata.environment.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let mut record: serde_json::Map<String, serde_json::Value> = parsed.unwrap_or_default();
        let text = |value: Option<&serde_json::Value>| value.and_then(|v| v.as_str()).map(str::to_owned);
        let (started, ended) = (text(record.get("started")), text(record.get("ended")));
        let source = record.get("data").and_then(|data| data.get("source")).cloned();
        record.retain(|key, _| !OWN.contains(&key.as_str()));
        record.extend(source.map(|source| ("data_source".to_owned(), source)));
        let Metadata { program_version, machine, kernels, threads, .. } = metadata.clone();
        let key = format!("{program_version}\n{machine}\n{kernels}\n{threads}\n{record:?}");
        let kind = kinds.entry(key).or_insert_with(|| Kind {
            program_version,
            machine,
            kernels,
            threads,
            record,
            files: 0,
            first_started: None,
            last_ended: None,
        });
        kind.files += 1;
        // Times of one form are sorted as texts.
        kind.first_started = [kind.first_started.take(), started].into_iter().flatten().min();
        kind.last_ended = [kind.last_ended.take(), ended].into_iter().flatten().max();
    }
    kinds.into_values().collect()
}
