//! Training one shard: from what an earlier worker saved of it to its committed file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Write as _;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use chrono::{DateTime, Utc};
use taskset_curves::Metadata;
use taskset_tasks::Task;
use taskset_train::{Checkpoint, Group, GroupTrial, Saving, TrialError};
use taskset_trial::{Curve, TrialId};

use crate::Error;
use crate::environment_record;
use crate::manifest::MANIFEST;
use crate::plan_block::{Block, TaskSource};
use crate::run_sweep::{Message, Planned, Runner};
use crate::shard::{Shard, committed_file, file_name, shard_id};
use crate::storage::CHECKPOINTS;

/// A group that has taken fewer seconds is not worth a checkpoint when it is stopped.
const WORTH_SAVING: f64 = 5.0;

/// A shard that is being trained.
pub(crate) struct ShardRun<'a> {
    runner: &'a Runner<'a>,
    shard: &'a Shard,
    /// Name of the file that it will be.
    id: String,
    block: &'a Block,
    task: Arc<dyn Task>,
    sender: &'a mpsc::Sender<Message>,
    started: DateTime<Utc>,
    /// The trials that are not stored elsewhere, in their order.
    trials: Vec<Planned>,
    /// Their curves, as far as they are finished.
    finished: HashMap<TrialId, Curve>,
    /// Where the others were stopped.
    checkpoints: HashMap<TrialId, Checkpoint>,
    /// Files of this shard in the folder of checkpoints.
    files: BTreeSet<String>,
    /// When the finished curves were last saved, and how many trials have finished since.
    kept: (Instant, usize),
}

/// Why a shard is not finished.
enum Stopped {
    OnRequest,
    Failed(Box<Error>),
}

impl<'a> ShardRun<'a> {
    /// Builds the task and reads what an earlier worker saved.
    pub(crate) fn new(
        runner: &'a Runner<'a>,
        shard: &'a Shard,
        sender: &'a mpsc::Sender<Message>,
    ) -> Result<Self, Error> {
        let id_of = |trials: &[Planned]| shard_id(&trials.iter().map(|trial| trial.id).collect::<Vec<_>>());
        let mut trials = runner.trials_of(shard);
        if runner.sweep.planned && id_of(&trials) != shard.id {
            return Err(not_planned(runner, shard));
        }
        trials.retain(|trial| !runner.stored.contains(&trial.id));
        // A file is named by what it holds: where some trials lie elsewhere, by those that are left.
        let id = if trials.len() as u64 == shard.len() { shard.id.clone() } else { id_of(&trials) };
        let mut run = Self {
            id,
            runner,
            shard,
            block: &runner.sweep.blocks[shard.block],
            task: runner.sweep.built.get(&runner.sweep.blocks, shard.block, shard.task)?,
            sender,
            started: Utc::now(),
            trials,
            finished: HashMap::new(),
            checkpoints: HashMap::new(),
            files: BTreeSet::new(),
            kept: (Instant::now(), 0),
        };
        run.load()?;
        Ok(run)
    }

    /// Trains what is missing and commits the shard: whether this worker's file was kept, and not another's. None if it was
    /// stopped on request; then what is worth it is saved.
    pub(crate) fn run(mut self) -> Result<Option<bool>, Error> {
        let whole = self.id == self.shard.id;
        if !whole && self.runner.storage.exists(&committed_file(&self.id))? {
            // Another worker knew of the same trials elsewhere, and has done the rest.
            return Ok(Some(false));
        }
        match self.train() {
            Ok(()) => self.commit().map(Some),
            Err(stopped) => {
                if self.kept.1 > 0 {
                    self.keep();
                }
                match stopped {
                    Stopped::OnRequest => Ok(None),
                    Stopped::Failed(error) => Err(*error),
                }
            }
        }
    }

    /// The task, which is kept in memory as long as somebody holds it.
    pub(crate) fn task(&self) -> Arc<dyn Task> {
        Arc::clone(&self.task)
    }

    fn note(&self, text: String) {
        let _ = self.sender.send(Message::Note(text));
    }

    /// Reads the files of this shard and its trials. One that cannot be used is as if it were not there: what it held is
    /// trained again.
    fn load(&mut self) -> Result<(), Error> {
        let storage = self.runner.storage;
        let present: BTreeSet<String> = storage.list(CHECKPOINTS)?.into_iter().collect();
        if present.is_empty() {
            return Ok(());
        }
        let partial = self.shard.partial_file();
        if present.contains(&file_name(&self.shard.id)) {
            let known: HashSet<TrialId> = self.trials.iter().map(|trial| trial.id).collect();
            match self.saved_curves(&partial) {
                Ok(curves) => {
                    let curves = curves.into_iter().map(|curve| (curve.spec.id(), curve));
                    self.finished.extend(curves.filter(|(id, _)| known.contains(id)));
                }
                Err(why) => self.note(format!(
                    "{} cannot be used, and its trials start again: {why}",
                    storage.place(&partial)
                )),
            }
            self.files.insert(partial);
        }
        for trial in &self.trials {
            let file = format!("{}.safetensors", trial.id);
            if !present.contains(&file) {
                continue;
            }
            let name = format!("{CHECKPOINTS}/{file}");
            if !self.finished.contains_key(&trial.id) {
                let checkpoint = match storage.read(&name) {
                    Ok(Some(bytes)) => Checkpoint::from_bytes(&bytes, &trial.spec).map_err(|e| e.to_string()),
                    // Another worker has just committed its shard.
                    Ok(None) => continue,
                    Err(why) => Err(taskset_names::in_full(&why)),
                };
                match checkpoint {
                    Ok(checkpoint) => drop(self.checkpoints.insert(trial.id, checkpoint)),
                    Err(why) => self.note(format!(
                        "{} is not used, and its trial starts again: {why}",
                        storage.place(&name)
                    )),
                }
            }
            self.files.insert(name);
        }
        let seconds = self.seconds_of_a_trial();
        for curve in self.finished.values() {
            self.runner.finished(curve, seconds, true, self.sender);
        }
        Ok(())
    }

    /// The curves of a file of this sweep.
    fn saved_curves(&self, name: &str) -> Result<Vec<Curve>, String> {
        let storage = self.runner.storage;
        let read = |path: &std::path::Path| {
            let read = taskset_curves::read(path);
            read.map(|(_, curves)| curves).map_err(|e| taskset_names::in_full(&e))
        };
        if let Some(directory) = storage.directory() {
            return read(&directory.join(name));
        }
        let bytes = storage.read(name).map_err(|e| taskset_names::in_full(&e))?.unwrap_or_default();
        let file = tempfile::NamedTempFile::new();
        let mut file = file.map_err(|e| format!("no temporary file can be made: {e}"))?;
        file.write_all(&bytes).map_err(|e| format!("no temporary file can be written: {e}"))?;
        read(file.path())
    }

    /// Seconds of one trial on the made-up machine.
    fn seconds_of_a_trial(&self) -> f64 {
        self.shard.seconds / self.shard.len().max(1) as f64
    }

    fn train(&mut self) -> Result<(), Stopped> {
        let most = self.block.group_size(&*self.task, self.runner.sweep.group_size);
        let mut first = 0;
        while first < self.trials.len() {
            // Trials of one replica, as many as pay off.
            let replica = self.block.replica(self.trials[first].number);
            let beside = |trial: &&Planned| self.block.replica(trial.number) == replica;
            let end = first + self.trials[first..].iter().take(most).take_while(beside).count();
            for company in self.companies(first..end) {
                let curves = self.train_company(&company)?;
                for (&trial, curve) in company.iter().zip(curves) {
                    self.kept.1 += 1;
                    self.runner.finished(&curve, self.seconds_of_a_trial(), false, self.sender);
                    self.finished.insert(self.trials[trial].id, curve);
                }
            }
            if self.kept.0.elapsed() >= self.runner.options.checkpoint_every && self.kept.1 > 0 {
                self.keep();
            }
            first = end;
        }
        Ok(())
    }

    /// Trials, by their places, that can be trained in lockstep: the ones that start, and those whose checkpoints are after
    /// the same step. Finished ones are left out.
    fn companies(&self, trials: std::ops::Range<usize>) -> Vec<Vec<usize>> {
        let mut companies: BTreeMap<Option<(u32, usize)>, Vec<usize>> = BTreeMap::new();
        for trial in trials {
            let id = self.trials[trial].id;
            if !self.finished.contains_key(&id) {
                let stands = self.checkpoints.get(&id).map(|c| (c.step, c.curve.losses[0].len()));
                companies.entry(stands).or_default().push(trial);
            }
        }
        companies.into_values().collect()
    }

    /// Trains a company, from its checkpoints if there are some.
    fn train_company(&mut self, company: &[usize]) -> Result<Vec<Curve>, Stopped> {
        let from: Option<Vec<Checkpoint>> =
            company.iter().map(|&trial| self.checkpoints.remove(&self.trials[trial].id)).collect();
        let curves = match self.train_group(company, from.as_deref()) {
            Err(TrialError::Checkpoint(why)) => {
                self.note(format!(
                    "checkpoints of {} are not used, and their trials start again: {why}",
                    self.task.name()
                ));
                self.train_group(company, None)
            }
            result => result,
        };
        curves.map_err(|error| match error {
            TrialError::Optimizer(source) => {
                let (task, source) = (self.task.name().to_owned(), Box::new(source));
                Stopped::Failed(Box::new(Error::Start { task, source }))
            }
            _ => Stopped::OnRequest,
        })
    }

    fn train_group(
        &mut self,
        company: &[usize],
        from: Option<&[Checkpoint]>,
    ) -> Result<Vec<Curve>, TrialError> {
        let Self { runner, block, .. } = *self;
        let trial = |&trial: &usize| {
            let Planned { number, spec, .. } = &self.trials[trial];
            GroupTrial { spec: spec.clone(), optimizer: &*block.optimizer(*number).0 }
        };
        let group = Group {
            task: &*self.task,
            replica: block.replica(self.trials[company[0]].number),
            protocol: &block.protocol,
            trials: company.iter().map(trial).collect(),
        };
        let every = runner.options.checkpoint_every;
        let worth = WORTH_SAVING.min(every.as_secs_f64());
        let mut written = Vec::new();
        let mut failed = None;
        let mut save = |checkpoint: Checkpoint| {
            let seconds = checkpoint.curve.train_seconds + checkpoint.curve.eval_seconds;
            if seconds * (company.len() as f64) < worth {
                return;
            }
            let name = format!("{CHECKPOINTS}/{}.safetensors", checkpoint.curve.spec.id());
            let saved = checkpoint.to_bytes().map_err(|e| e.to_string());
            let saved = saved.and_then(|bytes| {
                runner.storage.write(&name, &bytes).map_err(|e| taskset_names::in_full(&e))
            });
            match saved {
                Ok(()) => written.push(name),
                Err(why) => failed = Some(why),
            }
        };
        let from: Option<Vec<&Checkpoint>> = from.map(|from| from.iter().collect());
        let saving = Saving { every, save: &mut save };
        let curves = group.train(from.as_deref(), Some(saving), runner.stop);
        self.files.extend(written);
        if let Some(why) = failed {
            self.note(format!("no checkpoint could be saved, and the trial went on: {why}"));
        }
        curves
    }

    /// Saves the finished curves, so that the next worker need not train them again. That it cannot be done is no reason to
    /// stop: the shard may be committed before it matters.
    fn keep(&mut self) {
        let name = self.shard.partial_file();
        let curves = sorted(self.finished.values().cloned().collect());
        let saved = taskset_curves::encode(&curves, &self.metadata(None))
            .map_err(Error::from)
            .and_then(|bytes| self.runner.storage.write(&name, &bytes));
        match saved {
            Ok(()) => drop(self.files.insert(name)),
            Err(why) => self.note(format!(
                "the finished trials of a shard could not be saved: {}",
                taskset_names::in_full(&why)
            )),
        }
        self.kept = (Instant::now(), 0);
    }

    /// Writes the file of the shard and removes what was saved before: whether this file was kept.
    fn commit(mut self) -> Result<bool, Error> {
        let runner = self.runner;
        let curves = sorted(std::mem::take(&mut self.finished).into_values().collect());
        let identity = &self.block.tasks[self.shard.task].identity;
        let options = runner.options;
        let source = match &self.block.tasks[self.shard.task].source {
            _ if identity.data_digest.is_none() => "none".to_owned(),
            TaskSource::Named(data) => data.source().to_string(),
            TaskSource::Built(_) => "the caller's".to_owned(),
        };
        let task = (&**identity, source.as_str());
        let (program, started) = (&options.program, self.started);
        let record =
            environment_record::record(program, &runner.claimant, options.jobs, &self.id, task, started);
        let bytes = taskset_curves::encode(&curves, &self.metadata(Some(record)))?;
        let by_us = runner.storage.write_new(&committed_file(&self.id), &bytes)?;
        for name in &self.files {
            // What stays is never used: its shard is committed.
            if let Err(why) = runner.storage.remove(name) {
                self.note(format!(
                    "a file that is not needed any more stays: {}",
                    taskset_names::in_full(&why)
                ));
            }
        }
        Ok(by_us)
    }

    fn metadata(&self, environment: Option<String>) -> Metadata {
        Metadata { environment, ..taskset_train::metadata(self.runner.options.jobs) }
    }
}

/// The trials of a shard are not those that it was planned with.
fn not_planned(runner: &Runner<'_>, shard: &Shard) -> Error {
    Error::PlanChanged {
        place: runner.storage.place(MANIFEST),
        reason: format!(
            "the trials of shard {} are not the planned ones: this program computes something else under their names; plan \
             into a new directory, or use the program that made the plan",
            shard.id
        ),
    }
}

fn sorted(mut curves: Vec<Curve>) -> Vec<Curve> {
    curves.sort_by(Curve::order);
    curves
}
