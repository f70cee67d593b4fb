//! From the texts of a row to the task, the optimizer and the rest of its trial.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use taskset_names::Origin;
use taskset_trial::{
    Arithmetic, Hyperparameters, OptimizerIdentity, Protocol, Source, TaskIdentity, TaskVersion,
};

use crate::Error;
use crate::decode_rows::Texts;
use crate::schema::{
    ARITHMETIC, DATA, DATA_DIGEST, FAMILY, HYPERPARAMETERS, OPTIMIZER, PROTOCOL, REVISIONS, TASK,
};

/// Tasks and optimizers that rows share. Each is parsed once and kept once, whatever the number of threads and files.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    tasks: Mutex<HashMap<String, Arc<TaskIdentity>>>,
    optimizers: Mutex<HashMap<String, Arc<OptimizerIdentity>>>,
}

/// The columns of a batch that say which trial a row is.
pub(crate) struct NameColumns<'a> {
    pub(crate) task: Texts<'a>,
    pub(crate) optimizer: Texts<'a>,
    pub(crate) family: Texts<'a>,
    pub(crate) hyperparameters: Texts<'a>,
    pub(crate) mode: Texts<'a>,
    pub(crate) protocol: Texts<'a>,
    pub(crate) data: Texts<'a>,
    pub(crate) data_digest: Texts<'a>,
    pub(crate) arithmetic: Texts<'a>,
    pub(crate) revisions: Texts<'a>,
}

/// What rows with the same texts share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) task: Arc<TaskIdentity>,
    pub(crate) optimizer: Arc<OptimizerIdentity>,
    pub(crate) protocol: Protocol,
    pub(crate) arithmetic: Arithmetic,
    pub(crate) source: Source,
}

/// What the column `revisions` says.
type Revisions = (Source, Option<TaskVersion>, Option<u32>);

/// The identities of one batch, by the numbers that its dictionaries give to texts.
pub(crate) struct OfBatch<'a> {
    identities: &'a Identities,
    path: &'a Path,
    columns: &'a NameColumns<'a>,
    tasks: HashMap<[i32; 4], Arc<TaskIdentity>>,
    optimizers: HashMap<([i32; 5], Option<u64>), Arc<OptimizerIdentity>>,
    protocols: HashMap<i32, Protocol>,
    revisions: HashMap<i32, Revisions>,
    /// The last row's texts and what they say: the next row often has the same.
    last: Option<(Key, Shared)>,
}

/// The numbers of all texts of a row, and its schedule.
type Key = ([[i32; 5]; 2], Option<u64>);

/// Where texts of an identity are joined; no text of ours holds it.
const BETWEEN: &str = "\u{0}";

impl Identities {
    pub(crate) fn of_batch<'a>(&'a self, path: &'a Path, columns: &'a NameColumns<'a>) -> OfBatch<'a> {
        OfBatch {
            identities: self,
            path,
            columns,
            tasks: HashMap::new(),
            optimizers: HashMap::new(),
            protocols: HashMap::new(),
            revisions: HashMap::new(),
            last: None,
        }
    }
}

impl OfBatch<'_> {
    /// What the texts of a row say.
    pub(crate) fn of_row(&mut self, row: usize, schedule_steps: Option<u64>) -> Result<&Shared, Error> {
        let c = self.columns;
        let identity = [&c.task, &c.optimizer, &c.family, &c.hyperparameters, &c.mode];
        let setting = [&c.protocol, &c.data, &c.data_digest, &c.arithmetic, &c.revisions];
        let key: Key = ([identity, setting].map(|texts| texts.map(|texts| texts.key(row))), schedule_steps);
        if self.last.as_ref().is_none_or(|(last, _)| *last != key) {
            let (source, version, rule) = self.revisions(row)?;
            let shared = Shared {
                task: self.task(row, version)?,
                optimizer: self.optimizer(row, schedule_steps, rule)?,
                protocol: self.protocol(row)?,
                arithmetic: self.arithmetic(row)?,
                source,
            };
            self.last = Some((key, shared));
        }
        match &self.last {
            Some((_, shared)) => Ok(shared),
            None => unreachable!("it was set above"),
        }
    }

    fn needed<'t>(&self, name: &str, texts: &Texts<'t>, row: usize) -> Result<&'t str, Error> {
        let missing = || Error::not_curves(self.path, format!("column `{name}` has missing values"));
        texts.text(row).ok_or_else(missing)
    }

    fn wrong(&self, name: &str, text: &str, why: &str) -> Error {
        Error::not_curves(self.path, format!("column `{name}` has `{text}`: {why}"))
    }

    fn revisions(&mut self, row: usize) -> Result<Revisions, Error> {
        let key = self.columns.revisions.key(row);
        if let Some(known) = self.revisions.get(&key) {
            return Ok(known.clone());
        }
        let text = self.needed(REVISIONS, &self.columns.revisions, row)?;
        let parsed = Source::parse(text).map_err(|e| self.wrong(REVISIONS, text, &e.reason))?;
        self.revisions.insert(key, parsed.clone());
        Ok(parsed)
    }

    fn protocol(&mut self, row: usize) -> Result<Protocol, Error> {
        let key = self.columns.protocol.key(row);
        if let Some(known) = self.protocols.get(&key) {
            return Ok(*known);
        }
        let text = self.needed(PROTOCOL, &self.columns.protocol, row)?;
        let parsed = serde_json::from_str(text).map_err(|e| self.wrong(PROTOCOL, text, &e.to_string()))?;
        self.protocols.insert(key, parsed);
        Ok(parsed)
    }

    fn arithmetic(&self, row: usize) -> Result<Arithmetic, Error> {
        let text = self.needed(ARITHMETIC, &self.columns.arithmetic, row)?;
        Arithmetic::from_name(text)
            .ok_or_else(|| self.wrong(ARITHMETIC, text, "known are `fma` and `portable`"))
    }

    fn task(&mut self, row: usize, version: Option<TaskVersion>) -> Result<Arc<TaskIdentity>, Error> {
        let columns = self.columns;
        let (task, data, digest) = (&columns.task, &columns.data, &columns.data_digest);
        let key = [task, data, digest, &columns.revisions].map(|texts| texts.key(row));
        if let Some(known) = self.tasks.get(&key) {
            return Ok(Arc::clone(known));
        }
        let (name, data) = (self.needed(TASK, task, row)?, self.needed(DATA, data, row)?);
        let (digest, revisions) = (digest.text(row), self.needed(REVISIONS, &columns.revisions, row)?);
        let joined = [name, data, digest.unwrap_or(BETWEEN), revisions].join(BETWEEN);
        let mut kept = self.identities.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = match kept.get(&joined) {
            Some(known) => Arc::clone(known),
            None => {
                let origin = Origin::from_name(data)
                    .ok_or_else(|| self.wrong(DATA, data, "known are `real`, `partial` and `synthetic`"))?;
                let data_digest = digest
                    .map(|text| text.parse().map_err(|e| self.wrong(DATA_DIGEST, text, &format!("{e}"))))
                    .transpose()?;
                let new = Arc::new(TaskIdentity { name: name.to_owned(), origin, data_digest, version });
                kept.insert(joined, Arc::clone(&new));
                new
            }
        };
        drop(kept);
        self.tasks.insert(key, Arc::clone(&identity));
        Ok(identity)
    }

    fn optimizer(
        &mut self,
        row: usize,
        schedule_steps: Option<u64>,
        revision: Option<u32>,
    ) -> Result<Arc<OptimizerIdentity>, Error> {
        let columns = self.columns;
        let (optimizer, family, mode) = (&columns.optimizer, &columns.family, &columns.mode);
        let texts = [optimizer, family, &columns.hyperparameters, mode, &columns.revisions];
        let key = (texts.map(|texts| texts.key(row)), schedule_steps);
        if let Some(known) = self.optimizers.get(&key) {
            return Ok(Arc::clone(known));
        }
        let (name, family) = (self.needed(OPTIMIZER, optimizer, row)?, self.needed(FAMILY, family, row)?);
        let values = self.needed(HYPERPARAMETERS, &columns.hyperparameters, row)?;
        let mode = mode.text(row);
        let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        let (schedule, rule) = (number(schedule_steps), number(revision.map(u64::from)));
        let joined = [name, family, values, mode.unwrap_or(BETWEEN), &schedule, &rule].join(BETWEEN);
        let mut kept = self.identities.optimizers.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = match kept.get(&joined) {
            Some(known) => Arc::clone(known),
            None => {
                let new = Arc::new(OptimizerIdentity {
                    name: name.to_owned(),
                    family: family.to_owned(),
                    hyperparameters: Hyperparameters::from_json(values)
                        .map_err(|e| self.wrong(HYPERPARAMETERS, values, &e.reason))?,
                    mode: mode.map(str::to_owned),
                    schedule_steps,
                    revision,
                });
                kept.insert(joined, Arc::clone(&new));
                new
            }
        };
        drop(kept);
        self.optimizers.insert(key, Arc::clone(&identity));
        Ok(identity)
    }
}
