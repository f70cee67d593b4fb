//! The directory of a sweep: planning into it, loading the plan, running it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use taskset_curves::{Query, Reader};
use taskset_datasets::Datasets;
use taskset_names::Origin;
use taskset_nn::Backend;
use taskset_train::{MachineRate, TRAINER_REVISION, arithmetic};
use taskset_trial::{Identifier, TrialId, TrialSpec};

use crate::block::{Block, BlockTask, TaskSource, task_contradiction};
use crate::environment;
use crate::error::Contradiction;
use crate::expand::{DataSources, Expanded, TaskEstimate, expand, optimizer};
use crate::manifest::{MANIFEST, Manifest, ManifestBlock, ManifestShard, ManifestTask};
use crate::plan_file::{PlanBlock, PlanFile};
use crate::run::{Outcome, RunOptions, run};
use crate::shard::{Shard, ShardSize, divide};
use crate::storage::{self, Storage};
use crate::{Error, Sweep, SweepObserver};

/// Name of the plan.
pub(crate) const PLAN: &str = "plan.toml";
/// Seconds that planning may take, for claims that end by time.
const PLANNING: f64 = 600.0;

/// How often a plan is read that is being written, and the time between.
const READ_TRIES: u32 = 100;
const READ_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Where a sweep lies:
///
/// | file | what it holds |
/// |---|---|
/// | `plan.toml` | what was asked, each growth of it |
/// | `manifest.json` | what that stands for: tasks with their identities, shards. It follows from the plan |
/// | `shards/<id>.parquet` | curves: a file of some trials of one task, complete or absent |
/// | `claims/` | which worker has which shard |
/// | `checkpoints/` | what unfinished shards and long trials have saved |
///
/// A trial is done when its curve is in a shard. Nothing else is remembered, so nothing else can be wrong.
#[derive(Clone, Debug)]
pub struct Directory {
    storage: Arc<dyn Storage>,
}

/// What planning has done.
#[derive(Clone, Debug, Serialize)]
pub struct PlanReport {
    /// The new trials by task, in the order of the plan.
    pub tasks: Vec<TaskEstimate>,
    /// Trials that are new.
    pub new_trials: u64,
    /// Trials of this plan that were planned or stored before.
    pub known_trials: u64,
    /// All trials of the directory's plan.
    pub trials: u64,
    /// Shards that are new.
    pub new_shards: usize,
    /// Tasks that a range or pattern named and that are left out, with the reason.
    pub left_out: Vec<(String, String)>,
    /// Blocks of earlier plans that this one does not name. They stay planned.
    pub other_blocks: usize,
    /// Hours of one core for the new trials, as estimated.
    pub core_hours: f64,
    /// Megabytes of the new curves, as estimated.
    pub disk_mb: f64,
    /// Megabytes of parameters and states of the largest group of trials, for each worker.
    pub memory_mb: f64,
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

    /// Plans trials, beside those that are planned already: expands the names, checks that all can be trained here, estimates
    /// the cost and divides the new trials among shards. None if it was stopped on request; then nothing is changed.
    ///
    /// # Errors
    /// Unknown names, infeasible tasks, missing data; [`Error::Contradiction`] if a trial is planned or stored under the same
    /// names, and is another one; [`Error::Planning`]; [`Error::Storage`]. Nothing is changed then.
    pub fn plan(
        &self,
        blocks: &[PlanBlock],
        data: &DataSources,
        cancel: &AtomicBool,
    ) -> Result<Option<PlanReport>, Error> {
        let storage = self.storage();
        // Checked before anything is written: a plan that fails leaves the disk as it was.
        let (plan, manifest, before) = self.to_plan(blocks)?;
        let expanded = plan.trials[manifest.blocks.len()..].to_vec();
        let Some(mut new) = expand_all(&expanded, data, cancel)? else { return Ok(None) };
        let trials = new.iter().map(trials_of).fold(0, u64::saturating_add);
        if trials > MOST_TRIALS {
            return Err(Error::TooManyTrials { trials, limit: MOST_TRIALS });
        }
        self.known(&self.blocks(&plan, &manifest, data)?, &manifest, &new)?;
        if new.is_empty() && before == plan.trials.len() && before > 0 {
            // Nothing is new, and who may only read here can go on.
            let none = New {
                blocks: new,
                first: manifest.blocks.len(),
                known: HashSet::new(),
                stored: HashSet::new(),
                again: again(&plan, &manifest, blocks),
                other_blocks: other_blocks(&plan, before, blocks),
            };
            let mut manifest = manifest;
            return divide_all(&mut manifest, &plan, none, cancel);
        }
        storage.prepare()?;
        let hold = storage::hold(PLANNING);
        let claim = storage.claim(storage::PLANNING, &environment::claimant(), hold)?.ok_or_else(|| {
            let claims = storage.claims().unwrap_or_default();
            let who =
                claims.iter().find(|(name, _)| name == storage::PLANNING).map(|(_, who)| who.to_string());
            Error::Planning { place: self.place(), who: who.unwrap_or_else(|| "unknown".to_owned()) }
        })?;
        // Another process may have planned meanwhile.
        let (plan, mut manifest, before) = self.to_plan(blocks)?;
        let first = manifest.blocks.len();
        if plan.trials[first..] != expanded {
            let Some(again) = expand_all(&plan.trials[first..], data, cancel)? else { return Ok(None) };
            new = again;
        }
        let old = self.blocks(&plan, &manifest, data)?;
        let (known, stored) = self.known(&old, &manifest, &new)?;
        // Only files of a data set have a place; stand-ins and tasks without data have none.
        let from_files = |task: &BlockTask| {
            task.identity.data_digest.is_some() && task.identity.origin != Origin::Synthetic
        };
        if new.iter().flat_map(|expanded| &expanded.block.tasks).any(from_files) {
            // Whole, so that it means the same to a process that starts elsewhere.
            let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            manifest.data_directory = data.directory().map(whole);
        }
        let (again, other_blocks) = (again(&plan, &manifest, blocks), other_blocks(&plan, before, blocks));
        let new = New { blocks: new, first, known, stored, again, other_blocks };
        let Some(report) = divide_all(&mut manifest, &plan, new, cancel)? else { return Ok(None) };
        manifest.program = env!("CARGO_PKG_VERSION").to_owned();
        if plan.trials.len() > before {
            storage.write(PLAN, plan.text().as_bytes())?;
        }
        manifest.write(storage)?;
        claim.done();
        Ok(Some(report))
    }

    /// The plan with these blocks, the manifest as it is, and the number of blocks that were in the plan before. Blocks of an
    /// earlier call that did not come to its end are in the plan and not in the manifest.
    fn to_plan(&self, blocks: &[PlanBlock]) -> Result<(PlanFile, Manifest, usize), Error> {
        let mut plan = if self.is_planned()? { self.plan_file()? } else { PlanFile::default() };
        let before = plan.trials.len();
        let manifest = match Manifest::read(self.storage())? {
            Some(manifest) => manifest,
            None => Manifest::empty(class(), TRAINER_REVISION),
        };
        check_blocks(&plan, &manifest, self.storage())?;
        for block in blocks {
            if !plan.trials.contains(block) {
                plan.trials.push(block.clone());
            }
        }
        Ok((plan, manifest, before))
    }

    /// The planned sweep, ready to run. `data` gives the data sets, given the directory that was used for planning.
    ///
    /// # Errors
    /// [`Error::NoPlan`]; [`Error::PlanChanged`] if the plan was changed by hand, or this program computes something else.
    pub fn load(&self, data: impl FnOnce(Option<&Path>) -> Datasets) -> Result<Sweep, Error> {
        let (plan, manifest) = self.planned()?;
        let (here, trainer) = (class(), TRAINER_REVISION);
        if manifest.arithmetic != here {
            return Err(self.changed(format!(
                "the plan is for {} arithmetic, and the kernels of this run are {here}; {}",
                manifest.arithmetic,
                if manifest.arithmetic == "portable" {
                    "`--kernels portable` trains the planned trials"
                } else {
                    "leave out `--kernels portable`, use a machine with fused multiply-add, or plan into a new directory"
                }
            )));
        }
        if manifest.trainer != trainer {
            return Err(self.changed(format!(
                "the plan is for revision {} of the trainer, and this program has {trainer}; plan into a new directory",
                manifest.trainer
            )));
        }
        let data = DataSources::new(data(manifest.data_directory.as_deref()));
        let blocks = self.blocks(&plan, &manifest, &data)?;
        for (_, identity) in blocks.iter().flat_map(|block| &block.optimizers) {
            let planned = manifest.optimizers.get(&identity.family);
            if planned.is_some_and(|revision| *revision != identity.revision) {
                return Err(self.changed(format!(
                    "the plan is for another revision of the optimizers of family {}; plan into a new directory",
                    identity.family
                )));
            }
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

    /// The trials that are planned or stored. It is an error if a new one contradicts them.
    fn known(
        &self,
        old: &[Block],
        manifest: &Manifest,
        new: &[Expanded],
    ) -> Result<(HashSet<TrialId>, HashSet<TrialId>), Error> {
        if !manifest.blocks.is_empty() {
            self.check_revisions(manifest, new)?;
        }
        let planned: HashMap<_, _> = old
            .iter()
            .flat_map(|block| &block.tasks)
            .map(|task| ((task.identity.name.as_str(), task.identity.origin), &task.identity))
            .collect();
        for task in new.iter().flat_map(|expanded| &expanded.block.tasks) {
            let identity = &task.identity;
            let Some(before) = planned.get(&(identity.name.as_str(), identity.origin)) else { continue };
            if let Some(contradiction) = task_contradiction(before, identity) {
                return Err(Box::new(contradiction).into());
            }
        }
        let mut identifier = Identifier::default();
        let (mut known, mut stored) = (HashSet::new(), HashSet::new());
        for shard in manifest.shards.iter().map(Shard::from) {
            let block = &old[shard.block];
            known.extend(shard.numbers().map(|trial| identifier.id(&block.spec(shard.task, trial))));
        }
        if let Some(directory) = self.storage.directory().filter(|directory| directory.is_dir()) {
            self.known_curves(directory, new, &mut stored)?;
        }
        Ok((known, stored))
    }

    fn check_revisions(&self, manifest: &Manifest, new: &[Expanded]) -> Result<(), Error> {
        let contradiction = |trial: String, field, before: String, now: String| {
            let known = "planned".to_owned();
            Err(Box::new(Contradiction { trial, known, field, before, now }).into())
        };
        let all = || format!("the sweep in {}", self.place());
        if manifest.arithmetic != class() {
            return contradiction(all(), "class of arithmetic", manifest.arithmetic.clone(), class());
        }
        if manifest.trainer != TRAINER_REVISION {
            let (stored, planned) = (manifest.trainer.to_string(), TRAINER_REVISION.to_string());
            return contradiction(all(), "revision of the trainer", stored, planned);
        }
        for (_, identity) in new.iter().flat_map(|expanded| &expanded.block.optimizers) {
            let words =
                |revision: &Option<u32>| revision.map_or_else(|| "none".to_owned(), |r| r.to_string());
            if let Some(before) = manifest.optimizers.get(&identity.family)
                && *before != identity.revision
            {
                let family = format!("the optimizer family {}", identity.family);
                return contradiction(family, "revision", words(before), words(&identity.revision));
            }
        }
        Ok(())
    }

    /// Gathers the stored trials, and compares those of the new tasks with what is planned now.
    fn known_curves(
        &self,
        directory: &Path,
        new: &[Expanded],
        stored: &mut HashSet<TrialId>,
    ) -> Result<(), Error> {
        let reader = self.reader()?;
        let mut planned: BTreeMap<&str, Vec<(&Block, usize)>> = BTreeMap::new();
        for block in new.iter().map(|expanded| &expanded.block) {
            for (number, task) in block.tasks.iter().enumerate() {
                planned.entry(&task.identity.name).or_default().push((block, number));
            }
        }
        for curves in reader.trials_by_task(&Query::default()) {
            let curves = curves?;
            let Some(first) = curves.first() else { continue };
            let mut identifier = Identifier::default();
            let ids: Vec<TrialId> = curves.iter().map(|curve| identifier.id(&curve.spec)).collect();
            for &(block, task) in planned.get(first.task()).into_iter().flatten() {
                // By name: where the block has the stored trial's optimizer.
                let optimizers: HashMap<&str, u64> = block
                    .optimizers
                    .iter()
                    .zip(0..)
                    .map(|((_, o), number)| (o.name.as_str(), number))
                    .collect();
                for curve in &curves {
                    let Some(&optimizer) = optimizers.get(curve.optimizer()) else { continue };
                    if curve.replica() >= block.replicas {
                        continue;
                    }
                    let number = u64::from(curve.replica()) * block.optimizers.len() as u64 + optimizer;
                    check_asked(&curve.spec, &block.spec(task, number), directory)?;
                }
            }
            stored.extend(ids);
        }
        Ok(())
    }
}

/// Whether a stored trial contradicts a planned one with the same task, optimizer and replica: it was asked for with the same
/// words, and is another one.
fn check_asked(stored: &TrialSpec, planned: &TrialSpec, directory: &Path) -> Result<(), Error> {
    let (before, now) = (&stored.optimizer, &planned.optimizer);
    let same_words = stored.protocol == planned.protocol
        && stored.task.origin == planned.task.origin
        && before.mode == now.mode
        && before.schedule_steps == now.schedule_steps;
    match stored.first_difference(planned).filter(|_| same_words) {
        Some(difference) => Err(Box::new(Contradiction {
            trial: format!("{} on {}, replica {}", now.name, planned.task.name, planned.replica),
            known: format!("stored in {}", directory.display()),
            field: difference.field,
            before: difference.first,
            now: difference.second,
        })
        .into()),
        None => Ok(()),
    }
}

/// Whether the planned blocks are those of the file.
fn check_blocks(plan: &PlanFile, manifest: &Manifest, storage: &dyn Storage) -> Result<(), Error> {
    for (number, planned) in manifest.blocks.iter().enumerate() {
        let asked = plan.trials.get(number).map(|block| block.digest().to_string());
        if plan.trials.is_empty() {
            return Err(Error::PlanChanged {
                place: storage.place(PLAN),
                reason: format!(
                    "it is missing or empty, although the sweep is planned; put it back, or remove {} and plan again: stored \
                     trials are not trained again",
                    storage.place(MANIFEST)
                ),
            });
        }
        if asked.as_ref() != Some(&planned.digest) {
            return Err(Error::PlanChanged {
                place: storage.place(PLAN),
                reason: format!(
                    "[[trials]] number {} was changed or removed after it was planned; put it back as it was and add a new \
                     [[trials]] behind it, or plan into a new directory",
                    number + 1
                ),
            });
        }
    }
    Ok(())
}

fn class() -> String {
    arithmetic(Backend::detect()).to_string()
}

/// Expands blocks; none if it was stopped on request.
fn expand_all(
    blocks: &[PlanBlock],
    data: &DataSources,
    cancel: &AtomicBool,
) -> Result<Option<Vec<Expanded>>, Error> {
    if blocks.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let rate = MachineRate::measure();
    blocks.iter().map(|block| expand(block, data, &rate, cancel)).collect()
}

/// Trials that blocks name and that are in the manifest with the same blocks.
fn again(plan: &PlanFile, manifest: &Manifest, blocks: &[PlanBlock]) -> u64 {
    let named = plan.trials.iter().zip(&manifest.blocks).filter(|(asked, _)| blocks.contains(asked));
    let trials = named.map(|(asked, planned)| {
        planned.tasks.len() as u64 * planned.optimizers.len() as u64 * u64::from(asked.replicas)
    });
    trials.sum()
}

/// Blocks of earlier plans that are not named now.
fn other_blocks(plan: &PlanFile, before: usize, blocks: &[PlanBlock]) -> usize {
    plan.trials[..before].iter().filter(|block| !blocks.contains(block)).count()
}

/// What is planned in one call.
struct New {
    blocks: Vec<Expanded>,
    /// Number of the first of them.
    first: usize,
    /// Trials that are planned already.
    known: HashSet<TrialId>,
    /// Trials that are stored. They are planned like others, so that the manifest follows from the plan alone; a run finds
    /// them by their identities and does not train them.
    stored: HashSet<TrialId>,
    /// Trials that this call names and that earlier ones have planned with the same block.
    again: u64,
    other_blocks: usize,
}

/// Most trials of a plan: some three hundred times those of the paper. Their identities would fill the memory.
const MOST_TRIALS: u64 = 100_000_000;

/// Trials that a block names.
fn trials_of(expanded: &Expanded) -> u64 {
    expanded.block.trials_per_task().saturating_mul(expanded.tasks.len() as u64)
}

/// Divides the new trials of the new blocks among shards, and adds all to the manifest. None if it was stopped on request.
fn divide_all(
    manifest: &mut Manifest,
    plan: &PlanFile,
    new: New,
    cancel: &AtomicBool,
) -> Result<Option<PlanReport>, Error> {
    let New { blocks, first, mut known, stored, again, other_blocks } = new;
    let mut report = PlanReport {
        tasks: Vec::new(),
        new_trials: 0,
        known_trials: again,
        trials: 0,
        new_shards: 0,
        left_out: Vec::new(),
        other_blocks,
        core_hours: 0.0,
        disk_mb: 0.0,
        memory_mb: 0.0,
    };
    for (number, expanded) in (first..).zip(blocks) {
        let all = trials_of(&expanded);
        let Expanded { block, tasks, left_out, optimizers } = expanded;
        report.left_out.extend(left_out);
        let evaluations = block.protocol.eval_steps().len();
        // By the block alone: so the same plan gives the same shards, however it grew.
        let seconds = tasks.iter().map(|task| task.seconds * block.trials_per_task() as f64).sum();
        let size = ShardSize::of(seconds, all);
        let mut new_trials = 0;
        for (task, cost) in tasks.iter().enumerate() {
            if cancel.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(None);
            }
            let costs = (cost.seconds, cost.group);
            let mut missing = 0;
            let shards = divide(&block, (number, task), costs, &size, |id| {
                let new = known.insert(*id);
                missing += u64::from(new && !stored.contains(id));
                new
            });
            report.new_shards += shards.len();
            if missing > 0 {
                report.tasks.push(cost.estimate(&block.tasks[task].identity.name, missing, evaluations));
            }
            new_trials += missing;
            manifest.shards.extend(shards.iter().map(ManifestShard::from));
        }
        report.new_trials += new_trials;
        report.known_trials += all - new_trials;
        for (_, identity) in &block.optimizers {
            manifest.optimizers.insert(identity.family.clone(), identity.revision);
        }
        manifest.blocks.push(ManifestBlock {
            digest: plan.trials[number].digest().to_string(),
            tasks: block
                .tasks
                .iter()
                .zip(&tasks)
                .map(|(task, cost)| ManifestTask::new(&task.identity, cost.minutes, cost.memory_mb()))
                .collect(),
            optimizers,
        });
    }
    let total = |of: &dyn Fn(&TaskEstimate) -> f64| report.tasks.iter().map(of).fold(0.0, |a, b| a + b);
    (report.core_hours, report.disk_mb) = (total(&|task| task.core_hours), total(&|task| task.disk_mb));
    report.memory_mb = report.tasks.iter().map(|task| task.memory_mb).fold(0.0, f64::max);
    report.trials = manifest.trials();
    Ok(Some(report))
}
