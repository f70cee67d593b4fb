//! How far a sweep is, as seen from anywhere: from the plan, the names of the files, and the claims.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use taskset_datasets::{Datasets, Source};
use taskset_trial::Identifier;

use crate::committed_shards;
use crate::expand_names::DataSources;
use crate::manifest::{ManifestShard, ManifestTask};
use crate::shard::Shard;
use crate::storage::CHECKPOINTS;
use crate::{Claimant, Directory, Error};

/// How far a sweep is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Trials that are stored, of all planned ones.
    pub trials: Progress,
    /// Shards that are committed, of all planned ones.
    pub shards: Progress,
    /// Hours of one core for the trials that are missing, as estimated on the machine that planned.
    pub core_hours_left: f64,
    /// By task, in the order of the plan.
    pub tasks: Vec<TaskStatus>,
    /// The workers that have shards now.
    pub workers: Vec<Worker>,
    /// Checkpoints of trials that are not finished.
    pub checkpoints: usize,
    /// Shards whose files cannot be theirs: cut off, or another file under their name. `sweep run` puts them aside and trains
    /// their trials again.
    pub damaged: usize,
    /// Files of curves of which the plan knows nothing: of an older program, or put there by hand. Readers read them, too.
    pub other_files: usize,
    /// Jobs of a scheduler that were submitted for this sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slurm: Option<crate::slurm::SlurmStatus>,
}

/// A part and the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// All.
    pub total: u64,
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskStatus {
    /// The task.
    pub task: String,
    /// Trials that are stored.
    pub done: u64,
    /// Planned trials.
    pub total: u64,
    /// Shards that workers have now.
    pub claimed: usize,
    /// Estimated hours of one core for what is missing.
    pub core_hours_left: f64,
}

/// A process that works on the sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worker {
    /// Which, and since when it has been working.
    #[serde(flatten)]
    pub claimant: Claimant,
    /// Shards that it has now.
    pub shards: usize,
    /// Their trials.
    pub trials: u64,
}

impl Status {
    /// Whether every planned trial is stored.
    pub fn is_complete(&self) -> bool {
        self.trials.done == self.trials.total
    }
}

impl Directory {
    /// How far the planned sweep is. Of the shards, only the footers are read.
    ///
    /// # Errors
    /// [`Error::NoPlan`], [`Error::PlanChanged`], [`Error::Storage`].
    pub fn status(&self) -> Result<Status, Error> {
        let (plan, manifest) = self.planned()?;
        let storage = self.storage();
        let found =
            committed_shards::look(storage, manifest.shards.iter().map(|shard| (shard.id(), shard.len())))?;
        // Trials may lie in files that belong to no shard of the plan, for example of an older division.
        let elsewhere = if found.others > 0 { self.stored_ids()? } else { HashSet::new() };
        let blocks = if elsewhere.is_empty() {
            Vec::new()
        } else {
            self.blocks(&plan, &manifest, &DataSources::new(Datasets::new(Source::Synthetic)))?
        };
        let mut identifier = Identifier::default();
        let claims: BTreeMap<String, Claimant> = storage.claims()?.into_iter().collect();
        // Blocks may name a task again; its rows are one.
        let mut tasks: Vec<TaskStatus> = Vec::new();
        let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
        let mut workers: Vec<Worker> = Vec::new();
        let (mut trials, mut shards) = (Progress::default(), Progress::default());
        let planned = |shard: &ManifestShard| -> &ManifestTask {
            let (block, task) = shard.of();
            &manifest.blocks[block].tasks[task]
        };
        for shard in &manifest.shards {
            let task = planned(shard);
            let row = *rows.entry(&task.name).or_insert_with(|| {
                let (done, total, claimed, core_hours_left) = (0, 0, 0, 0.0);
                tasks.push(TaskStatus { task: task.name.clone(), done, total, claimed, core_hours_left });
                tasks.len() - 1
            });
            let (row, count) = (&mut tasks[row], shard.len());
            let done = if found.shards.contains(shard.id()) {
                count
            } else if blocks.is_empty() {
                0
            } else {
                let (block, task) = shard.of();
                let stored =
                    |&trial: &u64| elsewhere.contains(&identifier.id(&blocks[block].spec(task, trial)));
                Shard::from(shard).numbers().filter(stored).count() as u64
            };
            trials.total += count;
            trials.done += done;
            shards.total += 1;
            shards.done += u64::from(done == count);
            row.total += count;
            row.done += done;
            if done == count {
                continue;
            }
            row.core_hours_left += task.minutes / 60.0 * (count - done) as f64;
            if let Some(claimant) = claims.get(shard.id()) {
                row.claimed += 1;
                let same = |worker: &&mut Worker| {
                    (worker.claimant.process, &worker.claimant.host) == (claimant.process, &claimant.host)
                };
                match workers.iter_mut().find(same) {
                    Some(worker) => {
                        worker.shards += 1;
                        worker.trials += count;
                    }
                    None => workers.push(Worker { claimant: claimant.clone(), shards: 1, trials: count }),
                }
            }
        }
        let checkpoints = storage.list(CHECKPOINTS)?;
        Ok(Status {
            core_hours_left: tasks.iter().map(|task| task.core_hours_left).fold(0.0, |a, b| a + b),
            trials,
            shards,
            tasks,
            workers,
            checkpoints: checkpoints.iter().filter(|name| name.ends_with(".safetensors")).count(),
            damaged: found.damaged.len(),
            other_files: found.others,
            slurm: crate::slurm::status(storage)?,
        })
    }

    /// Whether every planned trial is stored.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if not; as [`Directory::status`].
    pub fn check_complete(&self) -> Result<(), Error> {
        let trials = self.status()?.trials;
        if trials.done == trials.total {
            return Ok(());
        }
        Err(Error::Incomplete {
            place: self.place(),
            missing: trials.total - trials.done,
            total: trials.total,
        })
    }
}
