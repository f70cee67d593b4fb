//! Rows of a curve file as curves, with the checks that a foreign file calls for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, ListArray, PrimitiveArray, RecordBatch, StringArray};
use taskset_names::{Origin, Split};
use taskset_trial::{
    Arithmetic, Curve, Hyperparameters, Identifier, OptimizerIdentity, Protocol, Source, TaskIdentity,
    TrialId, TrialSpec,
};

use crate::file::CurveFile;
use crate::schema::{
    ARITHMETIC, DATA, DATA_DIGEST, DIVERGED_AT, EVAL_SECONDS, FAMILY, HYPERPARAMETERS, MODE, NAMES,
    NUM_PARAMS, OPTIMIZER, PROTOCOL, REPLICA, REVISIONS, SCHEDULE_STEPS, STEPS, TASK, TRAIN_SECONDS,
    TRIAL_ID,
};
use crate::{Error, Metadata};

/// Which columns are read of a file.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    names: Vec<&'static str>,
    splits: Vec<Split>,
    ids: bool,
}

impl Columns {
    /// Everything.
    pub(crate) fn all() -> Self {
        Self::new(&Split::ALL, true)
    }

    /// What says which trial a row is, and how it went, without losses.
    pub(crate) fn without_losses() -> Self {
        Self::new(&[], true)
    }

    /// The losses of some splits. Identities are computed from the other columns; with `ids` they are read, too, and
    /// compared with that.
    pub(crate) fn new(splits: &[Split], ids: bool) -> Self {
        let mut names = NAMES.to_vec();
        names.extend([SCHEDULE_STEPS, REPLICA, STEPS, DIVERGED_AT, NUM_PARAMS, TRAIN_SECONDS, EVAL_SECONDS]);
        names.extend(splits.iter().map(|split| split.name()));
        names.extend(ids.then_some(TRIAL_ID));
        Self { names, splits: splits.to_vec(), ids }
    }

    /// The task of each row and nothing else.
    pub(crate) fn tasks() -> Self {
        Self { names: vec![TASK], splits: Vec::new(), ids: false }
    }

    /// The identity of each row and nothing else.
    pub(crate) fn ids() -> Self {
        Self { names: vec![TRIAL_ID], splits: Vec::new(), ids: true }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().copied()
    }
}

/// Makes curves of rows. Threads may share one: texts that many rows share are parsed once, and kept once.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    tasks: HashMap<String, Arc<TaskIdentity>>,
    optimizers: HashMap<String, Arc<OptimizerIdentity>>,
    steps: Vec<Arc<[u32]>>,
}

/// What rows with the same texts share.
#[derive(Clone)]
struct Names {
    task: Arc<TaskIdentity>,
    optimizer: Arc<OptimizerIdentity>,
    protocol: Protocol,
    arithmetic: Arithmetic,
    source: Source,
}

/// Where texts of an identity are joined; no text of ours holds it.
const BETWEEN: &str = "\u{0}";

impl Decoder {
    /// Calls `put` with the curves of the rows that `wanted` chooses by task and optimizer. Each curve is checked as it is
    /// when it is written, and its stored identity, if it is read, must be that of its columns.
    pub(crate) fn curves(
        &self,
        file: &CurveFile,
        batch: &RecordBatch,
        columns: &Columns,
        wanted: impl Fn(&str, &str) -> bool,
        mut put: impl FnMut(Curve),
    ) -> Result<(), Error> {
        let rows = Rows { path: &file.path, batch };
        let texts = NAMES.map(|name| rows.texts(name));
        let mut names = Vec::with_capacity(texts.len());
        for text in texts {
            names.push(text?);
        }
        let chosen = rows.chosen(&names[0], &names[1], wanted);
        let schedule_steps = rows.optional::<UInt64Type>(SCHEDULE_STEPS)?;
        let replicas = rows.numbers::<UInt32Type>(REPLICA)?;
        let steps = rows.list::<UInt32Type>(STEPS, false)?;
        let mut losses = [None, None, None, None];
        for &split in &columns.splits {
            losses[split.index()] = Some(rows.list::<Float32Type>(split.name(), true)?);
        }
        let diverged_at = rows.optional::<UInt32Type>(DIVERGED_AT)?;
        let num_params = rows.numbers::<UInt64Type>(NUM_PARAMS)?;
        let train_seconds = rows.numbers::<Float64Type>(TRAIN_SECONDS)?;
        let eval_seconds = rows.numbers::<Float64Type>(EVAL_SECONDS)?;
        let ids = if columns.ids { Some(rows.ids()?) } else { None };

        let mut known: HashMap<([i32; NAMES.len()], Option<u64>), Names> = HashMap::new();
        let mut last_steps: Option<Arc<[u32]>> = None;
        let mut identifier = Identifier::default();
        for row in chosen {
            let schedule = schedule_steps.is_valid(row).then(|| schedule_steps.value(row));
            let key = std::array::from_fn(|i| names[i].key(row));
            let shared = match known.entry((key, schedule)) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(new) => {
                    let texts = std::array::from_fn(|i| names[i].text(row));
                    new.insert(self.names(&file.path, texts, schedule)?)
                }
            };
            let steps = steps.row(row);
            let steps = match &last_steps {
                Some(last) if **last == *steps => Arc::clone(last),
                _ => Arc::clone(last_steps.insert(self.steps(steps))),
            };
            let mut curve = Curve {
                spec: TrialSpec {
                    task: Arc::clone(&shared.task),
                    optimizer: Arc::clone(&shared.optimizer),
                    replica: replicas.value(row),
                    protocol: shared.protocol,
                    arithmetic: shared.arithmetic,
                    source: shared.source.clone(),
                },
                steps,
                losses: Default::default(),
                diverged_at: diverged_at.is_valid(row).then(|| diverged_at.value(row)),
                num_params: num_params.value(row),
                train_seconds: train_seconds.value(row),
                eval_seconds: eval_seconds.value(row),
            };
            for (column, out) in losses.iter().zip(&mut curve.losses) {
                if let Some(column) = column {
                    *out = column.row(row).to_vec();
                }
            }
            check(&file.path, &file.metadata, &curve)?;
            if let Some(ids) = &ids {
                let (stored, own) = (rows.id(ids, row)?, identifier.id(&curve.spec));
                if stored != own {
                    let (task, optimizer) = (curve.task(), curve.optimizer());
                    let reason = format!(
                        "the row of `{optimizer}` on `{task}`, replica {}, has trial_id {stored}, and its columns give {own}",
                        curve.replica()
                    );
                    return Err(Error::not_curves(&file.path, reason));
                }
            }
            put(curve);
        }
        Ok(())
    }

    /// The identities of a batch.
    pub(crate) fn ids(path: &Path, batch: &RecordBatch) -> Result<Vec<TrialId>, Error> {
        let rows = Rows { path, batch };
        let ids = rows.ids()?;
        (0..batch.num_rows()).map(|row| rows.id(ids, row)).collect()
    }

    /// The tasks of a batch, each once.
    pub(crate) fn tasks(path: &Path, batch: &RecordBatch) -> Result<Vec<String>, Error> {
        let texts = Rows { path, batch }.texts(TASK)?;
        let mut seen = vec![false; texts.values.len()];
        texts.keys.values().iter().for_each(|&key| seen[key as usize] = true);
        let used = seen.iter().enumerate().filter(|(_, seen)| **seen);
        Ok(used.map(|(key, _)| texts.values.value(key).to_owned()).collect())
    }

    /// The steps of a curve, kept once.
    fn steps(&self, steps: &[u32]) -> Arc<[u32]> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.steps.iter().find(|known| ***known == *steps) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<[u32]> = steps.into();
                shared.steps.push(Arc::clone(&new));
                new
            }
        }
    }

    /// What the texts of a row say.
    fn names(
        &self,
        path: &Path,
        texts: [Option<&str>; NAMES.len()],
        schedule_steps: Option<u64>,
    ) -> Result<Names, Error> {
        let get = |name: &str| NAMES.iter().position(|n| *n == name).and_then(|at| texts[at]);
        let needed = |name: &str| {
            get(name).ok_or_else(|| Error::not_curves(path, format!("column `{name}` has missing values")))
        };
        let wrong = |name: &str, text: &str, why: &str| {
            Error::not_curves(path, format!("column `{name}` has `{text}`: {why}"))
        };
        let (protocol, arithmetic, revisions) = (needed(PROTOCOL)?, needed(ARITHMETIC)?, needed(REVISIONS)?);
        let parsed = serde_json::from_str(protocol).map_err(|e| wrong(PROTOCOL, protocol, &e.to_string()))?;
        let class = Arithmetic::from_name(arithmetic)
            .ok_or_else(|| wrong(ARITHMETIC, arithmetic, "known are `fma` and `portable`"))?;
        let (source, version, rule) =
            Source::parse(revisions).map_err(|e| wrong(REVISIONS, revisions, &e.reason))?;
        let (task, optimizer) = (needed(TASK)?, needed(OPTIMIZER)?);
        let (family, hyperparameters) = (needed(FAMILY)?, needed(HYPERPARAMETERS)?);
        let (data, digest, mode) = (needed(DATA)?, get(DATA_DIGEST), get(MODE));

        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let key = [task, data, digest.unwrap_or(BETWEEN), revisions].join(BETWEEN);
        let task = match shared.tasks.get(&key) {
            Some(known) => Arc::clone(known),
            None => {
                let origin = Origin::from_name(data)
                    .ok_or_else(|| wrong(DATA, data, "known are `real`, `partial` and `synthetic`"))?;
                let data_digest = digest
                    .map(|text| text.parse().map_err(|e| wrong(DATA_DIGEST, text, &format!("{e}"))))
                    .transpose()?;
                let new = Arc::new(TaskIdentity { name: task.to_owned(), origin, data_digest, version });
                shared.tasks.insert(key, Arc::clone(&new));
                new
            }
        };
        let schedule = schedule_steps.map_or_else(String::new, |steps| steps.to_string());
        let rule_text = rule.map_or_else(String::new, |rule| rule.to_string());
        let key = [optimizer, family, hyperparameters, mode.unwrap_or(BETWEEN), &schedule, &rule_text]
            .join(BETWEEN);
        let optimizer = match shared.optimizers.get(&key) {
            Some(known) => Arc::clone(known),
            None => {
                let hyperparameters = Hyperparameters::from_json(hyperparameters)
                    .map_err(|e| wrong(HYPERPARAMETERS, hyperparameters, &e.reason))?;
                let new = Arc::new(OptimizerIdentity {
                    name: optimizer.to_owned(),
                    family: family.to_owned(),
                    hyperparameters,
                    mode: mode.map(str::to_owned),
                    schedule_steps,
                    revision: rule,
                });
                shared.optimizers.insert(key, Arc::clone(&new));
                new
            }
        };
        Ok(Names { task, optimizer, protocol: parsed, arithmetic: class, source })
    }
}

/// Checks a curve as it is checked when it is written.
fn check(path: &Path, metadata: &Metadata, curve: &Curve) -> Result<(), Error> {
    let checked = if metadata.slice.is_some() { curve.check_points() } else { curve.check() };
    checked.map_err(|source| Error::InvalidRow { path: path.to_owned(), source: Box::new(source) })
}

/// The rows of a batch, column by column.
struct Rows<'a> {
    path: &'a Path,
    batch: &'a RecordBatch,
}

/// A column of texts that repeat.
struct Texts<'a> {
    column: &'a DictionaryArray<Int32Type>,
    keys: &'a PrimitiveArray<Int32Type>,
    values: &'a StringArray,
}

impl<'a> Texts<'a> {
    /// Equal for rows with the same text; -1 where there is none.
    fn key(&self, row: usize) -> i32 {
        if self.column.is_null(row) { -1 } else { self.keys.value(row) }
    }

    fn text(&self, row: usize) -> Option<&'a str> {
        self.column.is_valid(row).then(|| self.values.value(self.keys.value(row) as usize))
    }
}

/// A column of lists.
struct Lists<'a, T: ArrowPrimitiveType> {
    lists: &'a ListArray,
    values: &'a PrimitiveArray<T>,
}

impl<T: ArrowPrimitiveType> Lists<'_, T> {
    /// The list of a row; empty where there is none.
    fn row(&self, row: usize) -> &[T::Native] {
        let offsets = self.lists.value_offsets();
        &self.values.values()[offsets[row] as usize..offsets[row + 1] as usize]
    }
}

impl<'a> Rows<'a> {
    fn column(&self, name: &str) -> Result<&'a ArrayRef, Error> {
        self.batch
            .column_by_name(name)
            .ok_or_else(|| Error::not_curves(self.path, format!("it has no column `{name}`")))
    }

    fn wrong(&self, name: &str, column: &dyn Array) -> Error {
        Error::not_curves(self.path, format!("column `{name}` has the type {}", column.data_type()))
    }

    fn no_nulls(&self, name: &str, array: &dyn Array) -> Result<(), Error> {
        if array.null_count() == 0 {
            return Ok(());
        }
        Err(Error::not_curves(self.path, format!("column `{name}` has missing values")))
    }

    fn texts(&self, name: &str) -> Result<Texts<'a>, Error> {
        let column = self.column(name)?;
        let texts = column.as_dictionary_opt::<Int32Type>().and_then(|dictionary| {
            let values = dictionary.values().as_string_opt::<i32>()?;
            Some(Texts { column: dictionary, keys: dictionary.keys(), values })
        });
        texts.ok_or_else(|| self.wrong(name, column))
    }

    fn ids(&self) -> Result<&'a StringArray, Error> {
        let column = self.column(TRIAL_ID)?;
        let ids = column.as_string_opt::<i32>().ok_or_else(|| self.wrong(TRIAL_ID, column))?;
        self.no_nulls(TRIAL_ID, ids)?;
        Ok(ids)
    }

    fn id(&self, ids: &StringArray, row: usize) -> Result<TrialId, Error> {
        let text = ids.value(row);
        text.parse().map_err(|e| Error::not_curves(self.path, format!("column `{TRIAL_ID}`: {e}")))
    }

    fn optional<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a PrimitiveArray<T>, Error> {
        let column = self.column(name)?;
        column.as_primitive_opt::<T>().ok_or_else(|| self.wrong(name, column))
    }

    fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a PrimitiveArray<T>, Error> {
        let numbers = self.optional(name)?;
        self.no_nulls(name, numbers)?;
        Ok(numbers)
    }

    fn list<T: ArrowPrimitiveType>(&self, name: &str, nullable: bool) -> Result<Lists<'a, T>, Error> {
        let column = self.column(name)?;
        let lists = column.as_list_opt::<i32>();
        let values = lists.and_then(|lists| lists.values().as_primitive_opt::<T>());
        let (Some(lists), Some(values)) = (lists, values) else { return Err(self.wrong(name, column)) };
        if !nullable {
            self.no_nulls(name, lists)?;
        }
        self.no_nulls(name, values)?;
        Ok(Lists { lists, values })
    }

    /// The rows whose task and optimizer are wanted. Each pair of texts is asked for once.
    fn chosen(
        &self,
        tasks: &Texts<'a>,
        optimizers: &Texts<'a>,
        wanted: impl Fn(&str, &str) -> bool,
    ) -> Vec<usize> {
        let mut known: HashMap<(i32, i32), bool> = HashMap::new();
        let mut is_wanted = |row: usize| {
            *known.entry((tasks.key(row), optimizers.key(row))).or_insert_with(|| {
                wanted(tasks.text(row).unwrap_or_default(), optimizers.text(row).unwrap_or_default())
            })
        };
        (0..self.batch.num_rows()).filter(|&row| is_wanted(row)).collect()
    }
}
