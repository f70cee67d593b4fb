//! Rows of a curve file as curves, with the checks that a foreign file calls for.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, ListArray, PrimitiveArray, RecordBatch, StringArray};
use taskset_names::Split;
use taskset_trial::{Curve, Identifier, TrialId, TrialSpec};

use crate::parquet_file::CurveFile;
use crate::row_specs::{Identities, NameColumns};
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

    /// Whether the losses of all splits are read.
    pub(crate) fn reads_all(&self) -> bool {
        Split::ALL.iter().all(|split| self.splits.contains(split))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().copied()
    }
}

/// The names by which a row is chosen.
pub(crate) struct Names<'a> {
    pub(crate) task: &'a str,
    pub(crate) optimizer: &'a str,
    pub(crate) family: &'a str,
}

/// Makes curves of rows. Threads may share one: what many rows share is parsed once, and kept once.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    identities: Identities,
    steps: Mutex<HashSet<Arc<[u32]>>>,
}

impl Decoder {
    /// Calls `put` with the curves of the rows that `wanted` chooses by task and optimizer. Each curve is checked as it is
    /// when it is written, and its stored identity, if it is read, must be that of its columns.
    pub(crate) fn curves(
        &self,
        file: &CurveFile,
        batch: &RecordBatch,
        columns: &Columns,
        wanted: impl Fn(&Names<'_>) -> bool,
        mut put: impl FnMut(Curve),
    ) -> Result<(), Error> {
        let rows = Rows { path: &file.path, batch };
        let texts = rows.name_columns()?;
        let chosen = rows.chosen(&texts, wanted);
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

        let mut identities = self.identities.of_batch(&file.path, &texts);
        let mut last_steps: Option<Arc<[u32]>> = None;
        let mut identifier = Identifier::default();
        for row in chosen {
            let schedule = schedule_steps.is_valid(row).then(|| schedule_steps.value(row));
            let shared = identities.of_row(row, schedule)?;
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
            check(&file.path, &file.metadata, &columns.splits, &curve)?;
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
        let mut kept = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(steps) {
            return Arc::clone(known);
        }
        let new: Arc<[u32]> = steps.into();
        kept.insert(Arc::clone(&new));
        new
    }
}

/// Checks a curve as it is checked when it is written.
fn check(path: &Path, metadata: &Metadata, splits: &[Split], curve: &Curve) -> Result<(), Error> {
    let checked = curve.check_read(splits, metadata.slice.is_none());
    checked.map_err(|source| Error::InvalidRow { path: path.to_owned(), source: Box::new(source) })
}

/// The rows of a batch, column by column.
struct Rows<'a> {
    path: &'a Path,
    batch: &'a RecordBatch,
}

/// A column of texts that repeat.
pub(crate) struct Texts<'a> {
    column: &'a DictionaryArray<Int32Type>,
    keys: &'a PrimitiveArray<Int32Type>,
    values: &'a StringArray,
}

impl<'a> Texts<'a> {
    /// Equal for rows with the same text; -1 where there is none.
    pub(crate) fn key(&self, row: usize) -> i32 {
        if self.column.is_null(row) { -1 } else { self.keys.value(row) }
    }

    pub(crate) fn text(&self, row: usize) -> Option<&'a str> {
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

    fn name_columns(&self) -> Result<NameColumns<'a>, Error> {
        Ok(NameColumns {
            task: self.texts(TASK)?,
            optimizer: self.texts(OPTIMIZER)?,
            family: self.texts(FAMILY)?,
            hyperparameters: self.texts(HYPERPARAMETERS)?,
            mode: self.texts(MODE)?,
            protocol: self.texts(PROTOCOL)?,
            data: self.texts(DATA)?,
            data_digest: self.texts(DATA_DIGEST)?,
            arithmetic: self.texts(ARITHMETIC)?,
            revisions: self.texts(REVISIONS)?,
        })
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

    /// The rows whose names are wanted. Each group of names is asked for once.
    fn chosen(&self, texts: &NameColumns<'a>, wanted: impl Fn(&Names<'_>) -> bool) -> Vec<usize> {
        let NameColumns { task, optimizer, family, .. } = texts;
        let mut known: HashMap<(i32, i32, i32), bool> = HashMap::new();
        let mut is_wanted = |row: usize| {
            *known.entry((task.key(row), optimizer.key(row), family.key(row))).or_insert_with(|| {
                let text = |column: &Texts<'a>| column.text(row).unwrap_or_default();
                wanted(&Names { task: text(task), optimizer: text(optimizer), family: text(family) })
            })
        };
        (0..self.batch.num_rows()).filter(|&row| is_wanted(row)).collect()
    }
}
