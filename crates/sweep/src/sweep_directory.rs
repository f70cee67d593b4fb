//! The directory of a sweep: its plan, running it, its curves.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use taskset_curves::Reader;
use taskset_datasets::Datasets;
use taskset_names::Origin;
use taskset_trial::{Arithmetic, TrialId};

use crate::expand_names::{DataSources, optimizer};
use crate::manifest::{MANIFEST, Manifest, ManifestBlock, ManifestTask, Moved};
use crate::plan_block::{Block, BlockTask, TaskSource};
use crate::plan_file::{PlanBlock, PlanFile};
use crate::run_sweep::{Outcome, RunOptions, run};
use crate::shard::Shard;
use crate::storage::{self, Storage};
use crate::{Error, Sweep, SweepObserver};

/// Name of the plan.
pub(crate) const PLAN: &str = "plan.toml";

/// How often a plan is read that is being written, and the time between.
const READ_TRIES: u32 = 100;
const READ_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Where a sweep lies:
///
/// | file | what it holds |
/// |---|---|
/// | `plan.toml` | the plan, with everything that was added to it later |
/// | `manifest.json` | what the plan stands for: tasks with their identities, shards. It follows from the plan |
/// | `shards/<id>.parquet` | curves: a file of some trials of one task, complete or absent |
/// | `claims/` | which worker has which shard |
/// | `checkpoints/` | what unfinished shards and long trials have saved |
///
/// A trial is done when its curve is in a shard. Nothing else is remembered, so nothing else can be wrong.
#[derive(Clone, Debug)]
pub struct Directory {
    storage: Arc<dyn Storage>,
}

impl Directory {
    /// The directory of this name, or with the feature `remote`, of an address such as `s3://bucket/prefix` or
    /// `gs://bucket/prefix`. Nothing is read or made yet.
    ///
    /// # Errors
    /// [`Error::Place`] for an address that cannot be understood.
    pub fn open(place: &str) -> Result<Self, Error> {
        Ok(Self { storage: storage::open(place)? })
    }

    /// The directory of this path.
    pub fn at(path: &Path) -> Self {
        Self { storage: Arc::new(storage::LocalStorage::new(path.to_owned())) }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// The place, for messages.
    pub fn place(&self) -> String {
        self.storage.place("")
    }

    /// Whether it lies in the file system, and not in an object store.
    pub fn is_local(&self) -> bool {
        self.storage.directory().is_some()
    }

    /// Whether there is a plan.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn is_planned(&self) -> Result<bool, Error> {
        self.storage.exists(PLAN)
    }

    /// The plan: what was asked, in the order in which it was asked.
    ///
    /// # Errors
    /// [`Error::NoPlan`]; [`Error::PlanFile`] if it cannot be understood.
    pub fn plan_file(&self) -> Result<PlanFile, Error> {
        let bytes = self.storage.read(PLAN)?.ok_or_else(|| Error::NoPlan { place: self.place() })?;
        PlanFile::parse(&String::from_utf8_lossy(&bytes), Path::new(&self.storage.place(PLAN)))
    }

    /// The planned sweep, ready to run. `data` gives the data sets, given the directory that was used for planning.
    ///
    /// # Errors
    /// [`Error::NoPlan`]; [`Error::PlanChanged`] if the plan was changed by hand, or this program computes something else.
    pub fn load(&self, data: impl FnOnce(Option<&Path>) -> Datasets) -> Result<Sweep, Error> {
        let (plan, manifest) = self.planned()?;
        let data = DataSources::new(data(manifest.data_directory.as_deref()));
        let blocks = self.blocks(&plan, &manifest, &data)?;
        if let Some(moved) = manifest.moved(&blocks) {
            return Err(self.changed(advice(&moved)));
        }
        let shards = manifest.shards.iter().map(Shard::from).collect();
        Ok(Sweep::with_shards(blocks, shards, true))
    }

    /// Trains every trial of the sweep that is not stored yet, beside any number of other processes that do the same, and
    /// stores the curves.
    ///
    /// When `cancel` becomes true, the committed shards are kept, and so is what unfinished ones and long trials could save;
    /// calling again continues.
    ///
    /// # Errors
    /// [`Error::Storage`] if curves cannot be written (a full disk, say); what was committed before is whole. [`Error::Start`]
    /// if an optimizer cannot work with a task. [`Error::Thread`] if not one thread can be started; where some can, these train
    /// it all.
    pub fn run(
        &self,
        sweep: &Sweep,
        options: &RunOptions,
        observer: &mut dyn SweepObserver,
        cancel: &AtomicBool,
    ) -> Result<Outcome, Error> {
        run(sweep, self.storage(), || self.stored_ids(), options, observer, cancel)
    }

    /// A reader of the curves that are stored now. Those of an object store are downloaded to a temporary directory, which
    /// goes with the last copy of this value.
    ///
    /// # Errors
    /// An error that names the file that cannot be read.
    pub fn reader(&self) -> Result<Reader, Error> {
        match taskset_curves::open(self.storage.files()?) {
            Ok(reader) => Ok(reader.whole()?),
            Err(taskset_curves::Error::Empty { .. }) => Ok(Reader::empty()),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory of the file system.
    pub(crate) fn local(&self) -> Result<&Path, Error> {
        self.storage.directory().ok_or_else(|| Error::Place {
            place: self.place(),
            reason: "this needs a directory of the file system".to_owned(),
        })
    }

    /// The trials that are stored in any file.
    pub(crate) fn stored_ids(&self) -> Result<HashSet<TrialId>, Error> {
        let Some(directory) = self.storage.directory() else { return Ok(HashSet::new()) };
        if !directory.is_dir() {
            return Ok(HashSet::new());
        }
        Ok(self.reader()?.ids()?)
    }

    fn changed(&self, reason: String) -> Error {
        Error::PlanChanged { place: self.storage.place(MANIFEST), reason }
    }

    /// The plan and its manifest. Another process may be writing both right now, one after the other: then they are read again.
    pub(crate) fn planned(&self) -> Result<(PlanFile, Manifest), Error> {
        let read = || {
            let plan = self.plan_file()?;
            let manifest = self.manifest(&plan)?;
            Ok((plan, manifest))
        };
        for _ in 0..READ_TRIES {
            match read() {
                Err(Error::PlanChanged { .. }) => {}
                result => return result,
            }
            if !self.storage.claims()?.iter().any(|(name, _)| name == storage::PLANNING) {
                break;
            }
            std::thread::sleep(READ_PAUSE);
        }
        // Nobody is writing now.
        read()
    }

    /// The manifest, if it is that of the plan.
    fn manifest(&self, plan: &PlanFile) -> Result<Manifest, Error> {
        let again = || format!("`sweep plan {} --out {}` plans it", self.storage.place(PLAN), self.place());
        let manifest = Manifest::read(self.storage())?
            .ok_or_else(|| self.changed(format!("the file is missing; {} again", again())))?;
        check_blocks(plan, &manifest, self.storage())?;
        if manifest.blocks.len() < plan.trials.len() {
            return Err(Error::PlanChanged {
                place: self.storage.place(PLAN),
                reason: format!("it has blocks that are not planned yet; {}", again()),
            });
        }
        Ok(manifest)
    }

    /// The blocks of a manifest, with their tasks not built.
    pub(crate) fn blocks(
        &self,
        plan: &PlanFile,
        manifest: &Manifest,
        data: &DataSources,
    ) -> Result<Vec<Block>, Error> {
        let block = |(asked, stored): (&PlanBlock, &ManifestBlock)| {
            let mode = asked.mode()?;
            let optimizers = stored
                .optimizers
                .iter()
                .map(|name| optimizer(name, asked, mode))
                .collect::<Result<_, _>>()?;
            let datasets = data.of(asked.origin().unwrap_or(Origin::Real));
            let task = |task: &ManifestTask| {
                let unreadable =
                    || self.changed(format!("what it says of {} cannot be understood", task.name));
                let identity = task.identity().ok_or_else(unreadable)?;
                Ok(BlockTask { identity, source: TaskSource::Named(datasets.clone()) })
            };
            let tasks = stored.tasks.iter().map(task).collect::<Result<_, Error>>()?;
            Block::of(tasks, optimizers, asked.replicas, asked.protocol())
        };
        plan.trials.iter().zip(&manifest.blocks).map(block).collect()
    }
}

/// Whether the planned blocks are those of the file.
pub(crate) fn check_blocks(plan: &PlanFile, manifest: &Manifest, storage: &dyn Storage) -> Result<(), Error> {
    let changed = |reason: String| Err(Error::PlanChanged { place: storage.place(PLAN), reason });
    if plan.trials.is_empty() && !manifest.blocks.is_empty() {
        return changed(format!(
            "it is missing or empty, although the sweep is planned; put it back, or remove {} and plan again: stored trials are \
             not trained again",
            storage.place(MANIFEST)
        ));
    }
    for (number, planned) in manifest.blocks.iter().enumerate() {
        let asked = plan.trials.get(number).map(|block| block.digest().to_string());
        if asked.as_ref() != Some(&planned.digest) {
            return changed(format!(
                "[[trials]] number {} was changed or removed after it was planned; put it back as it was and add a new [[trials]] \
                 behind it, or plan into a new directory",
                number + 1
            ));
        }
    }
    Ok(())
}

/// What a run that computes something else than was planned is told.
fn advice(moved: &Moved) -> String {
    match moved {
        Moved::Arithmetic { planned, here } => format!(
            "the plan is for {planned} arithmetic, and the kernels of this run are {here}; {}",
            if planned == Arithmetic::Portable.name() {
                "`--kernels portable` trains the planned trials"
            } else {
                "leave out `--kernels portable`, use a machine with fused multiply-add, or plan into a new directory"
            }
        ),
        Moved::Trainer { planned, here } => format!(
            "the plan is for revision {planned} of the trainer, and this program has {here}; plan into a new directory"
        ),
        Moved::Optimizers { family, .. } => format!(
            "the plan is for another revision of the optimizers of family {family}; plan into a new directory"
        ),
    }
}
