//! What lies in a curve file or directory, in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use taskset_trial::{Curve, Source};

use crate::parquet_file::CurveFile;
use crate::{Error, Metadata, Query};

/// A summary of the curves at a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Info {
    /// Different trials: what a reader gives.
    pub trials: u64,
    /// Rows of all files; a trial that is there twice counts twice.
    pub rows: u64,
    /// Files.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Names of the tasks.
    pub tasks: BTreeSet<String>,
    /// Families of optimizers, with the number of configurations of each.
    pub families: BTreeMap<String, usize>,
    /// Replicas.
    pub replicas: BTreeSet<u32>,
    /// Trials by protocol, in words.
    pub protocols: BTreeMap<String, u64>,
    /// Steps of evaluation: the union over all curves.
    pub steps: BTreeSet<u32>,
    /// Trials by optimizer mode; `none` for optimizers without modes.
    pub modes: BTreeMap<String, u64>,
    /// Trials by the number of steps over which schedules run; `none` where there is no schedule.
    pub schedule_steps: BTreeMap<String, u64>,
    /// Trials by origin of their data: `real`, `partial` or `synthetic`.
    pub origins: BTreeMap<&'static str, u64>,
    /// Trials by class of arithmetic.
    pub arithmetic: BTreeMap<&'static str, u64>,
    /// Trials by the program's revisions of trainer, task group and optimizer family; `external:<source>` for imports.
    pub revisions: BTreeMap<String, u64>,
    /// Trials of which another one has the same task, optimizer and replica.
    pub ambiguous: u64,
    /// Trials with a non-finite loss.
    pub diverged: u64,
    /// What the files that hold slices kept; empty where all curves are whole.
    pub slices: BTreeSet<String>,
    /// How the files came about, each way once.
    pub metadata: Vec<Metadata>,
}

/// Summarises a curve file or a directory of parts (see [`crate::open`]) and verifies every byte of it.
///
/// # Errors
/// [`Error`] naming the file that cannot be read; [`Error::Conflict`] if a trial is there twice with different results.
pub fn info(path: &Path) -> Result<Info, Error> {
    let reader = crate::open(path)?;
    reader.verify()?;
    let mut info = Info {
        trials: 0,
        rows: reader.rows(),
        files: reader.files().len(),
        bytes: reader.files().iter().map(CurveFile::bytes).sum(),
        tasks: BTreeSet::new(),
        families: BTreeMap::new(),
        replicas: BTreeSet::new(),
        protocols: BTreeMap::new(),
        steps: BTreeSet::new(),
        modes: BTreeMap::new(),
        schedule_steps: BTreeMap::new(),
        origins: BTreeMap::new(),
        arithmetic: BTreeMap::new(),
        revisions: BTreeMap::new(),
        ambiguous: 0,
        diverged: 0,
        slices: reader.metadata().filter_map(|metadata| metadata.slice.clone()).collect(),
        metadata: Vec::new(),
    };
    for metadata in reader.metadata() {
        // Times of a single shard say nothing of the whole.
        let metadata = Metadata { environment: None, ..metadata.clone() };
        if !info.metadata.contains(&metadata) {
            info.metadata.push(metadata);
        }
    }
    let mut optimizers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for curves in reader.trials_by_task(&Query::default()) {
        count(&mut info, &mut optimizers, &curves?);
    }
    info.families = optimizers.into_iter().map(|(family, names)| (family, names.len())).collect();
    Ok(info)
}

/// Takes in the curves of one task.
fn count(info: &mut Info, optimizers: &mut BTreeMap<String, BTreeSet<String>>, curves: &[Curve]) {
    let none = || "none".to_owned();
    let mut last_steps: &[u32] = &[];
    for curve in curves {
        let (task, optimizer) = (&curve.spec.task, &curve.spec.optimizer);
        *info.protocols.entry(curve.spec.protocol.to_string()).or_default() += 1;
        *info.modes.entry(optimizer.mode.clone().unwrap_or_else(none)).or_default() += 1;
        let schedule = optimizer.schedule_steps.map_or_else(none, |steps| steps.to_string());
        *info.schedule_steps.entry(schedule).or_default() += 1;
        *info.origins.entry(task.origin.name()).or_default() += 1;
        *info.arithmetic.entry(curve.spec.arithmetic.name()).or_default() += 1;
        let revisions = match (&curve.spec.source, &task.version) {
            (Source::External(source), _) => format!("external:{source}"),
            (Source::Trained { trainer }, version) => {
                let group = version.as_ref().map_or_else(none, |v| format!("{} {}", v.group, v.revision));
                let rule = optimizer.revision.map_or_else(none, |revision| revision.to_string());
                format!("trainer {trainer}, {group}, {} {rule}", optimizer.family)
            }
        };
        *info.revisions.entry(revisions).or_default() += 1;
        if *last_steps != *curve.steps {
            info.steps.extend(curve.steps.iter());
            last_steps = &curve.steps;
        }
        if !optimizers.get(&optimizer.family).is_some_and(|names| names.contains(&optimizer.name)) {
            optimizers.entry(optimizer.family.clone()).or_default().insert(optimizer.name.clone());
        }
        info.replicas.insert(curve.replica());
        info.diverged += u64::from(curve.diverged_at.is_some());
        info.trials += 1;
    }
    if let Some(curve) = curves.first() {
        info.tasks.insert(curve.task().to_owned());
    }
    let runs = curves.chunk_by(|a, b| a.order(b).is_eq()).map(|run| run.len() as u64);
    info.ambiguous += runs.filter(|&length| length > 1).sum::<u64>();
}
