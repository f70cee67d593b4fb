//! The environment record of a shard: what is worth knowing of the run that made it, and decides no number.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use taskset_nn::Backend;

use crate::storage::Claimant;

/// What only the program itself knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramInfo {
    /// The commit that it was built from, if that is known.
    pub commit: Option<String>,
    /// The features that it was built with.
    pub features: Vec<String>,
}

/// One shard's record, in the metadata of its file under `taskset.environment`.
#[derive(Serialize)]
pub(crate) struct Environment<'a> {
    shard: &'a str,
    version: &'static str,
    commit: Option<&'a str>,
    features: &'a [String],
    processor: String,
    kernels: &'static str,
    threads: usize,
    host: &'a str,
    process: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a str>,
    data: DataRecord<'a>,
    started: String,
    ended: String,
}

#[derive(Serialize)]
struct DataRecord<'a> {
    source: &'a str,
    origin: &'a str,
    /// By task: the digest of the decoded data.
    digests: BTreeMap<&'a str, Option<String>>,
}

/// The record of a shard that is finished now.
pub(crate) fn record(
    program: &ProgramInfo,
    claimant: &Claimant,
    threads: usize,
    shard: &str,
    (task, source): (&taskset_trial::TaskIdentity, &str),
    started: DateTime<Utc>,
) -> String {
    let digest = task.data_digest.map(|digest| digest.to_string());
    let record = Environment {
        shard,
        version: env!("CARGO_PKG_VERSION"),
        commit: program.commit.as_deref(),
        features: &program.features,
        processor: taskset_train::machine_description(),
        kernels: Backend::detect().name(),
        threads,
        host: &claimant.host,
        process: claimant.process,
        job: claimant.job.as_deref(),
        data: DataRecord {
            source,
            origin: task.origin.name(),
            digests: [(task.name.as_str(), digest)].into(),
        },
        started: timestamp(started),
        ended: timestamp(Utc::now()),
    };
    serde_json::to_string(&record).unwrap_or_default()
}

/// This process, as it claims shards.
pub(crate) fn claimant() -> Claimant {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let slurm = || {
        let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
        let array = array.map(|(job, task)| format!("slurm {job}_{task}"));
        array.or_else(|| variable("SLURM_JOB_ID").map(|job| format!("slurm {job}")))
    };
    let kubernetes = || variable("JOB_COMPLETION_INDEX").map(|index| format!("kubernetes {index}"));
    Claimant {
        host: host_name(),
        process: std::process::id(),
        since: timestamp(Utc::now()),
        job: slurm().or_else(kubernetes),
    }
}

pub(crate) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The node as its scheduler calls it, or the machine as it calls itself.
fn host_name() -> String {
    let node = || std::env::var("SLURMD_NODENAME").ok().filter(|name| !name.is_empty());
    let variable = || std::env::var("HOSTNAME").ok();
    let file = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    let name = node().or(file).or_else(variable);
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
