//! What a plan stands for, computed once: identities, costs, shards. It follows from `plan.toml`, the program and the data; if
//! it is lost, `sweep plan` makes it again.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_names::Origin;
use taskset_nn::Backend;
use taskset_train::{TRAINER_REVISION, arithmetic};
use taskset_trial::{Digest, OptimizerIdentity, TaskIdentity, TaskVersion};

use crate::Error;
use crate::plan_block::Block;
use crate::shard::Shard;
use crate::storage::Storage;

/// Name of the file.
pub(crate) const MANIFEST: &str = "manifest.json";
const VERSION: u32 = 1;

/// The file `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    /// Digest of all the rest: shards that somebody removed by hand would never be trained.
    pub(crate) digest: String,
    /// Version of the program that planned last.
    pub(crate) program: String,
    /// Class of arithmetic of all trials.
    pub(crate) arithmetic: String,
    /// Revision of the trainer.
    pub(crate) trainer: u32,
    /// Revision of each optimizer family.
    pub(crate) optimizers: BTreeMap<String, Option<u32>>,
    /// Where data was found when the last block with data was planned.
    pub(crate) data_directory: Option<PathBuf>,
    pub(crate) blocks: Vec<ManifestBlock>,
    pub(crate) shards: Vec<ManifestShard>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ManifestBlock {
    /// Of the block in `plan.toml`.
    pub(crate) digest: String,
    pub(crate) tasks: Vec<ManifestTask>,
    /// Names.
    pub(crate) optimizers: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ManifestTask {
    pub(crate) name: String,
    origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<ManifestVersion>,
    /// Estimated minutes of a trial on one core of the machine that planned.
    pub(crate) minutes: f64,
    /// Estimated megabytes of a worker's parameters and states.
    pub(crate) memory_mb: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ManifestVersion {
    group: String,
    revision: u32,
    fingerprint: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ManifestShard {
    id: String,
    block: usize,
    task: usize,
    trials: Vec<(u64, u64)>,
    seconds: f64,
}

/// What was planned, and what this run computes in its place.
pub(crate) enum Moved {
    Arithmetic { planned: String, here: String },
    Trainer { planned: u32, here: u32 },
    Optimizers { family: String, planned: Option<u32>, here: Option<u32> },
}

/// The class of arithmetic of this run.
fn class() -> String {
    arithmetic(Backend::detect()).to_string()
}

impl Manifest {
    /// That of a directory without a plan.
    pub(crate) fn empty() -> Self {
        Self {
            version: VERSION,
            digest: String::new(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            arithmetic: class(),
            trainer: TRAINER_REVISION,
            optimizers: BTreeMap::new(),
            data_directory: None,
            blocks: Vec::new(),
            shards: Vec::new(),
        }
    }

    /// Reads it, if it is there.
    ///
    /// # Errors
    /// [`Error::Storage`]; [`Error::PlanChanged`] if it cannot be understood.
    pub(crate) fn read(storage: &dyn Storage) -> Result<Option<Self>, Error> {
        let Some(bytes) = storage.read(MANIFEST)? else { return Ok(None) };
        let damaged = |what: String| Error::PlanChanged {
            place: storage.place(MANIFEST),
            reason: format!(
                "{what}; remove the file, and `sweep plan {} --out {}` makes it again",
                storage.place("plan.toml"),
                storage.place("")
            ),
        };
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|e| damaged(format!("it cannot be understood ({e})")))?;
        if manifest.version != VERSION {
            return Err(damaged(format!(
                "it has version {}, and this program knows {VERSION}",
                manifest.version
            )));
        }
        if manifest.digest != manifest.computed_digest() {
            return Err(damaged("it is not as it was written".to_owned()));
        }
        let fits = |shard: &ManifestShard| {
            manifest.blocks.get(shard.block).is_some_and(|block| shard.task < block.tasks.len())
        };
        if !manifest.shards.iter().all(fits) {
            return Err(damaged("it names tasks that it does not list".to_owned()));
        }
        Ok(Some(manifest))
    }

    /// # Errors
    /// [`Error::Storage`].
    pub(crate) fn write(&self, storage: &dyn Storage) -> Result<(), Error> {
        let sealed = Self { digest: self.computed_digest(), ..self.clone() };
        storage.write(MANIFEST, &serde_json::to_vec(&sealed).unwrap_or_default())
    }

    /// The digest of everything but the digest.
    fn computed_digest(&self) -> String {
        let rest = Self { digest: String::new(), ..self.clone() };
        Digest::of(&serde_json::to_vec(&rest).unwrap_or_default()).to_string()
    }

    /// The first thing that was planned and that this run computes otherwise, if there is one. The blocks are those that are
    /// planned, or that are to be planned beside them.
    pub(crate) fn moved<'a>(&self, blocks: impl IntoIterator<Item = &'a Block>) -> Option<Moved> {
        let here = class();
        if self.arithmetic != here {
            return Some(Moved::Arithmetic { planned: self.arithmetic.clone(), here });
        }
        if self.trainer != TRAINER_REVISION {
            return Some(Moved::Trainer { planned: self.trainer, here: TRAINER_REVISION });
        }
        let other = |identity: &OptimizerIdentity| {
            let planned = *self.optimizers.get(&identity.family)?;
            let (family, here) = (identity.family.clone(), identity.revision);
            (planned != here).then_some(Moved::Optimizers { family, planned, here })
        };
        blocks.into_iter().flat_map(|block| &block.optimizers).find_map(|(_, identity)| other(identity))
    }

    /// Megabytes of parameters and states that a worker needs at most, as estimated.
    pub(crate) fn memory_mb(&self) -> f64 {
        self.blocks.iter().flat_map(|block| &block.tasks).map(|task| task.memory_mb).fold(0.0, f64::max)
    }

    pub(crate) fn trials(&self) -> u64 {
        self.shards.iter().map(ManifestShard::len).sum()
    }
}

impl ManifestTask {
    pub(crate) fn new(identity: &TaskIdentity, minutes: f64, memory_mb: f64) -> Self {
        // Taken apart completely, so that a new field cannot be forgotten.
        let TaskIdentity { name, origin, data_digest, version } = identity;
        let version = version.as_ref().map(|TaskVersion { group, revision, fingerprint }| ManifestVersion {
            group: group.clone(),
            revision: *revision,
            fingerprint: fingerprint.to_string(),
        });
        Self {
            name: name.clone(),
            origin: origin.to_string(),
            data_digest: data_digest.as_ref().map(Digest::to_string),
            version,
            minutes,
            memory_mb,
        }
    }

    pub(crate) fn identity(&self) -> Option<Arc<TaskIdentity>> {
        let digest = |text: &String| text.parse::<Digest>().ok();
        let data_digest = match &self.data_digest {
            Some(text) => Some(digest(text)?),
            None => None,
        };
        let version = match &self.version {
            Some(ManifestVersion { group, revision, fingerprint }) => Some(TaskVersion {
                group: group.clone(),
                revision: *revision,
                fingerprint: digest(fingerprint)?,
            }),
            None => None,
        };
        let origin = Origin::from_name(&self.origin)?;
        Some(Arc::new(TaskIdentity { name: self.name.clone(), origin, data_digest, version }))
    }
}

impl ManifestShard {
    pub(crate) fn len(&self) -> u64 {
        self.trials.iter().map(|(start, end)| end.saturating_sub(*start)).sum()
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Block and task.
    pub(crate) fn of(&self) -> (usize, usize) {
        (self.block, self.task)
    }
}

impl From<&Shard> for ManifestShard {
    fn from(shard: &Shard) -> Self {
        let Shard { id, block, task, number: _, trials, seconds } = shard;
        let trials = trials.iter().map(|Range { start, end }| (*start, *end)).collect();
        Self { id: id.clone(), block: *block, task: *task, trials, seconds: *seconds }
    }
}

impl From<&ManifestShard> for Shard {
    fn from(shard: &ManifestShard) -> Self {
        let ManifestShard { id, block, task, trials, seconds } = shard;
        let trials = trials.iter().map(|(start, end)| *start..*end).collect();
        Self { id: id.clone(), block: *block, task: *task, number: 0, trials, seconds: *seconds }
    }
}
