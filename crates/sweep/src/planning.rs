//! Planning trials into a directory: expanding names, checking, estimating, dividing among shards.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use taskset_curves::Query;
use taskset_names::Origin;
use taskset_train::MachineRate;
use taskset_trial::{Identifier, TrialId, TrialSpec};

use crate::environment_record;
use crate::error::Contradiction;
use crate::expand_names::{DataSources, Expanded, TaskEstimate, expand};
use crate::manifest::{Manifest, ManifestBlock, ManifestShard, ManifestTask, Moved};
use crate::plan_block::{Block, BlockTask, task_contradiction};
use crate::plan_file::{PlanBlock, PlanFile};
use crate::shard::Shard;
use crate::shard_division::{ShardSize, divide};
use crate::storage;
use crate::sweep_directory::{PLAN, check_blocks};
use crate::{Directory, Error};

/// Seconds that planning may take, for claims that end by time.
const PLANNING: f64 = 600.0;

/// Most trials of a plan: some three hundred times those of the paper. Their identities would fill the memory.
const MOST_TRIALS: u64 = 100_000_000;

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

/// What a call has found out, before it writes anything.
struct Draft {
    /// The plan with the blocks of this call.
    plan: PlanFile,
    /// Blocks that were in it before.
    before: usize,
    /// The manifest as it is.
    manifest: Manifest,
    /// The blocks of the plan that are not in the manifest: those of this call, and of an earlier one that did not come to its
    /// end.
    new: Vec<Expanded>,
    /// Trials that are planned already.
    known: HashSet<TrialId>,
    /// Trials that are stored. They are planned like others, so that the manifest follows from the plan alone; a run finds
    /// them by their identities and does not train them.
    stored: HashSet<TrialId>,
}

impl Directory {
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
        let Some(mut draft) = self.draft(blocks, data, cancel)? else { return Ok(None) };
        if draft.new.is_empty() {
            // Who may only read here can go on.
            return Ok(draft.divide(blocks, cancel));
        }
        storage.prepare()?;
        let hold = storage::hold(PLANNING);
        let claim =
            storage.claim(storage::PLANNING, &environment_record::claimant(), hold)?.ok_or_else(|| {
                let claims = storage.claims().unwrap_or_default();
                let who =
                    claims.iter().find(|(name, _)| name == storage::PLANNING).map(|(_, who)| who.to_string());
                Error::Planning { place: self.place(), who: who.unwrap_or_else(|| "unknown".to_owned()) }
            })?;
        // Another process may have planned meanwhile.
        let (plan, before, manifest) = self.to_plan(blocks)?;
        if (plan, before, &manifest.digest) != (draft.plan.clone(), draft.before, &draft.manifest.digest) {
            let Some(again) = self.draft(blocks, data, cancel)? else { return Ok(None) };
            draft = again;
        }
        // Only files of a data set have a place; stand-ins and tasks without data have none.
        let from_files = |task: &BlockTask| {
            task.identity.data_digest.is_some() && task.identity.origin != Origin::Synthetic
        };
        if draft.new.iter().flat_map(|expanded| &expanded.block.tasks).any(from_files) {
            // Whole, so that it means the same to a process that starts elsewhere.
            let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            draft.manifest.data_directory = data.directory().map(whole);
        }
        let Some(report) = draft.divide(blocks, cancel) else { return Ok(None) };
        draft.manifest.program = env!("CARGO_PKG_VERSION").to_owned();
        if draft.plan.trials.len() > draft.before {
            storage.write(PLAN, draft.plan.text().as_bytes())?;
        }
        draft.manifest.write(storage)?;
        claim.done();
        Ok(Some(report))
    }

    /// The plan with these blocks, the number of blocks that it had before, and the manifest as it is.
    fn to_plan(&self, blocks: &[PlanBlock]) -> Result<(PlanFile, usize, Manifest), Error> {
        let mut plan = if self.is_planned()? { self.plan_file()? } else { PlanFile::default() };
        let before = plan.trials.len();
        let manifest = Manifest::read(self.storage())?.unwrap_or_else(Manifest::empty);
        check_blocks(&plan, &manifest, self.storage())?;
        for block in blocks {
            if !plan.trials.contains(block) {
                plan.trials.push(block.clone());
            }
        }
        Ok((plan, before, manifest))
    }

    /// Expands the new blocks and compares them with what is planned and stored. None if it was stopped on request.
    fn draft(
        &self,
        blocks: &[PlanBlock],
        data: &DataSources,
        cancel: &AtomicBool,
    ) -> Result<Option<Draft>, Error> {
        let (plan, before, manifest) = self.to_plan(blocks)?;
        let Some(new) = expand_all(&plan.trials[manifest.blocks.len()..], data, cancel)? else {
            return Ok(None);
        };
        let trials = new.iter().map(trials_of).fold(0, u64::saturating_add);
        if trials > MOST_TRIALS {
            return Err(Error::TooManyTrials { trials, limit: MOST_TRIALS });
        }
        if let Some(moved) = manifest.moved(new.iter().map(|expanded| &expanded.block)) {
            return Err(Box::new(self.contradiction(moved)).into());
        }
        // Without new trials nothing needs to be compared with the old ones.
        let (known, stored) = if new.is_empty() {
            (HashSet::new(), HashSet::new())
        } else {
            (self.known(&plan, &manifest, data, &new)?, self.stored(&new)?)
        };
        Ok(Some(Draft { plan, before, manifest, new, known, stored }))
    }

    /// The trials that are planned. It is an error if a new one contradicts them.
    fn known(
        &self,
        plan: &PlanFile,
        manifest: &Manifest,
        data: &DataSources,
        new: &[Expanded],
    ) -> Result<HashSet<TrialId>, Error> {
        let old = self.blocks(plan, manifest, data)?;
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
        let mut known = HashSet::new();
        for shard in manifest.shards.iter().map(Shard::from) {
            let block = &old[shard.block];
            known.extend(shard.numbers().map(|trial| identifier.id(&block.spec(shard.task, trial))));
        }
        Ok(known)
    }

    /// What was planned and what this run computes, as a contradiction.
    fn contradiction(&self, moved: Moved) -> Contradiction {
        let revision = |revision: Option<u32>| revision.map_or_else(|| "none".to_owned(), |r| r.to_string());
        let all = || format!("the sweep in {}", self.place());
        let (trial, field, before, now) = match moved {
            Moved::Arithmetic { planned, here } => (all(), "class of arithmetic", planned, here),
            Moved::Trainer { planned, here } => {
                (all(), "revision of the trainer", planned.to_string(), here.to_string())
            }
            Moved::Optimizers { family, planned, here } => {
                (format!("the optimizer family {family}"), "revision", revision(planned), revision(here))
            }
        };
        Contradiction { trial, known: "planned".to_owned(), field, before, now }
    }

    /// The trials that are stored. It is an error if a new one contradicts them.
    fn stored(&self, new: &[Expanded]) -> Result<HashSet<TrialId>, Error> {
        let mut stored = HashSet::new();
        let Some(directory) = self.storage().directory().filter(|directory| directory.is_dir()) else {
            return Ok(stored);
        };
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
        Ok(stored)
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

/// Trials that a block names.
fn trials_of(expanded: &Expanded) -> u64 {
    expanded.block.trials_per_task().saturating_mul(expanded.tasks.len() as u64)
}

impl Draft {
    /// Divides the new trials among shards, and adds all to the manifest. None if it was stopped on request.
    fn divide(&mut self, blocks: &[PlanBlock], cancel: &AtomicBool) -> Option<PlanReport> {
        let Self { plan, before, manifest, new, known, stored } = self;
        let named_again =
            plan.trials.iter().zip(&manifest.blocks).filter(|(asked, _)| blocks.contains(asked));
        let named_again = named_again.map(|(asked, planned)| {
            planned.tasks.len() as u64 * planned.optimizers.len() as u64 * u64::from(asked.replicas)
        });
        let mut report = PlanReport {
            tasks: Vec::new(),
            new_trials: 0,
            known_trials: named_again.sum(),
            trials: 0,
            new_shards: 0,
            left_out: Vec::new(),
            other_blocks: plan.trials[..*before].iter().filter(|block| !blocks.contains(block)).count(),
            core_hours: 0.0,
            disk_mb: 0.0,
            memory_mb: 0.0,
        };
        for (number, expanded) in (manifest.blocks.len()..).zip(std::mem::take(new)) {
            let all = trials_of(&expanded);
            let Expanded { block, tasks, left_out, optimizers } = expanded;
            report.left_out.extend(left_out);
            let evaluations = block.protocol.eval_steps().len();
            // By the block alone: so the same plan gives the same shards, however it grew.
            let seconds = tasks.iter().map(|task| task.seconds * block.trials_per_task() as f64).sum();
            let size = ShardSize::of(seconds, all);
            let mut new_trials = 0;
            for (task, cost) in tasks.iter().enumerate() {
                if cancel.load(Ordering::Relaxed) {
                    return None;
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
        Some(report)
    }
}
