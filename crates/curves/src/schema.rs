//! The columns of a curve file, and curves to and from Arrow batches.
//!
//! | column | Arrow type | meaning |
//! |---|---|---|
//! | `task` | dictionary(int32, string) | name of the task |
//! | `optimizer` | dictionary(int32, string) | name of the configuration |
//! | `replica` | uint32 | number of the initialisation |
//! | `steps` | list(uint32) | steps of evaluation |
//! | `train`, `valid_inner`, `valid_outer`, `test` | list(float32) | losses at `steps`; NaN and infinities kept |
//! | `diverged_at` | uint32, nullable | first step with a non-finite loss |
//! | `num_params` | uint64 | parameters of the task |
//! | `train_seconds`, `eval_seconds` | float64 | time spent |
//! | `data` | string | `real` or `synthetic` |
//!
//! Nothing but `diverged_at` is null, list elements included.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder, StringDictionaryBuilder, UInt32Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, Float64Array, ListArray, PrimitiveArray, RecordBatch, StringArray, UInt32Array,
    UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use taskset_names::{Origin, Split};

use crate::{Curve, Error};

pub(crate) const TASK: &str = "task";
pub(crate) const OPTIMIZER: &str = "optimizer";
pub(crate) const REPLICA: &str = "replica";
pub(crate) const STEPS: &str = "steps";
const DIVERGED_AT: &str = "diverged_at";
const NUM_PARAMS: &str = "num_params";
const TRAIN_SECONDS: &str = "train_seconds";
const EVAL_SECONDS: &str = "eval_seconds";
const DATA: &str = "data";

fn element(data_type: DataType) -> Arc<Field> {
    // "element" is what the Parquet specification calls it.
    Arc::new(Field::new("element", data_type, false))
}

/// The Arrow schema of a curve file.
pub fn schema() -> Schema {
    let name = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut fields = vec![
        Field::new(TASK, name.clone(), false),
        Field::new(OPTIMIZER, name, false),
        Field::new(REPLICA, DataType::UInt32, false),
        Field::new(STEPS, DataType::List(element(DataType::UInt32)), false),
    ];
    let losses = DataType::List(element(DataType::Float32));
    fields.extend(Split::ALL.map(|split| Field::new(split.name(), losses.clone(), false)));
    fields.extend([
        Field::new(DIVERGED_AT, DataType::UInt32, true),
        Field::new(NUM_PARAMS, DataType::UInt64, false),
        Field::new(TRAIN_SECONDS, DataType::Float64, false),
        Field::new(EVAL_SECONDS, DataType::Float64, false),
        Field::new(DATA, DataType::Utf8, false),
    ]);
    Schema::new(fields)
}

/// Curves as one batch of rows, in their order.
pub(crate) fn to_batch(curves: &[Curve]) -> Result<RecordBatch, ArrowError> {
    let names = |get: fn(&Curve) -> &str| -> Result<ArrayRef, ArrowError> {
        let mut builder = StringDictionaryBuilder::<Int32Type>::new();
        for curve in curves {
            builder.append(get(curve))?;
        }
        Ok(Arc::new(builder.finish()))
    };
    let mut steps = ListBuilder::new(UInt32Builder::new()).with_field(element(DataType::UInt32));
    for curve in curves {
        steps.values().append_slice(&curve.steps);
        steps.append(true);
    }
    let mut columns: Vec<ArrayRef> = vec![
        names(|c| &c.task)?,
        names(|c| &c.optimizer)?,
        Arc::new(UInt32Array::from_iter_values(curves.iter().map(|c| c.replica))),
        Arc::new(steps.finish()),
    ];
    for split in Split::ALL {
        let mut losses = ListBuilder::new(Float32Builder::new()).with_field(element(DataType::Float32));
        for curve in curves {
            losses.values().append_slice(curve.split(split));
            losses.append(true);
        }
        columns.push(Arc::new(losses.finish()));
    }
    columns.push(Arc::new(curves.iter().map(|c| c.diverged_at).collect::<UInt32Array>()));
    columns.push(Arc::new(UInt64Array::from_iter_values(curves.iter().map(|c| c.num_params))));
    columns.push(Arc::new(Float64Array::from_iter_values(curves.iter().map(|c| c.train_seconds))));
    columns.push(Arc::new(Float64Array::from_iter_values(curves.iter().map(|c| c.eval_seconds))));
    columns.push(Arc::new(StringArray::from_iter_values(curves.iter().map(|c| c.origin.name()))));
    RecordBatch::try_new(Arc::new(schema()), columns)
}

/// The rows of a batch, column by column, with the checks that a foreign file calls for.
pub(crate) struct Rows<'a> {
    path: &'a Path,
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(path: &'a Path, batch: &'a RecordBatch) -> Self {
        Self { path, batch }
    }

    fn column(&self, name: &str) -> Result<&'a ArrayRef, Error> {
        self.batch
            .column_by_name(name)
            .ok_or_else(|| Error::not_curves(self.path, format!("it has no column `{name}`")))
    }

    fn wrong<T>(&self, name: &str, expected: &str, found: &DataType) -> Result<T, Error> {
        Err(Error::not_curves(self.path, format!("column `{name}` is {found}, not {expected}")))
    }

    fn no_nulls(&self, name: &str, array: &dyn Array) -> Result<(), Error> {
        if array.null_count() == 0 {
            return Ok(());
        }
        Err(Error::not_curves(self.path, format!("column `{name}` has missing values")))
    }

    pub(crate) fn strings(&self, name: &str) -> Result<&'a StringArray, Error> {
        let column = self.column(name)?;
        let Some(strings) = column.as_string_opt::<i32>() else {
            return self.wrong(name, "string", column.data_type());
        };
        self.no_nulls(name, strings)?;
        Ok(strings)
    }

    fn nullable<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a PrimitiveArray<T>, Error> {
        let column = self.column(name)?;
        match column.as_primitive_opt::<T>() {
            Some(numbers) => Ok(numbers),
            None => self.wrong(name, &T::DATA_TYPE.to_string(), column.data_type()),
        }
    }

    pub(crate) fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a PrimitiveArray<T>, Error> {
        let numbers = self.nullable(name)?;
        self.no_nulls(name, numbers)?;
        Ok(numbers)
    }

    fn list<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Lists<'a, T>, Error> {
        let column = self.column(name)?;
        let expected = || format!("list of {}", T::DATA_TYPE);
        let Some(lists) = column.as_list_opt::<i32>() else {
            return self.wrong(name, &expected(), column.data_type());
        };
        let Some(values) = lists.values().as_primitive_opt::<T>() else {
            return self.wrong(name, &expected(), column.data_type());
        };
        self.no_nulls(name, lists)?;
        self.no_nulls(name, values)?;
        Ok(Lists { lists, values })
    }

    /// Tasks of the rows.
    pub(crate) fn tasks(&self) -> Result<impl Iterator<Item = &'a str> + use<'a>, Error> {
        Ok(self.strings(TASK)?.iter().flatten())
    }

    /// Trials of the rows, without their losses.
    pub(crate) fn keys(&self) -> Result<Keys<'a>, Error> {
        Ok(Keys {
            tasks: self.strings(TASK)?,
            optimizers: self.strings(OPTIMIZER)?,
            replicas: self.numbers(REPLICA)?,
        })
    }

    /// First diverged steps, null where the trial is finite throughout.
    pub(crate) fn diverged_at(&self) -> Result<&'a UInt32Array, Error> {
        self.nullable(DIVERGED_AT)
    }

    /// Origins of the rows.
    pub(crate) fn origins(&self) -> Result<Vec<Origin>, Error> {
        let unknown = |word: &str| {
            Error::not_curves(
                self.path,
                format!("column `{DATA}` has `{word}`; known are `real`, `partial` and `synthetic`"),
            )
        };
        let words = self.strings(DATA)?;
        words.iter().flatten().map(|word| Origin::from_name(word).ok_or_else(|| unknown(word))).collect()
    }

    /// Steps of the rows.
    pub(crate) fn steps(&self) -> Result<Vec<Vec<u32>>, Error> {
        let lists = self.list::<UInt32Type>(STEPS)?;
        Ok((0..self.batch.num_rows()).map(|row| lists.row(row).to_vec()).collect())
    }

    /// The curves of the rows that `keep` chooses; splits outside `splits` stay empty.
    pub(crate) fn curves(
        &self,
        splits: &[Split],
        keep: impl Fn(&str, &str, u32) -> bool,
    ) -> Result<Vec<Curve>, Error> {
        let keys = self.keys()?;
        let steps = self.list::<UInt32Type>(STEPS)?;
        let mut losses = [None, None, None, None];
        for &split in splits {
            losses[split.index()] = Some(self.list::<Float32Type>(split.name())?);
        }
        let diverged_at = self.diverged_at()?;
        let num_params = self.numbers::<UInt64Type>(NUM_PARAMS)?;
        let train_seconds = self.numbers::<Float64Type>(TRAIN_SECONDS)?;
        let eval_seconds = self.numbers::<Float64Type>(EVAL_SECONDS)?;
        let origins = self.origins()?;
        let mut curves = Vec::new();
        for (row, &origin) in origins.iter().enumerate() {
            let (task, optimizer, replica) = keys.row(row);
            if !keep(task, optimizer, replica) {
                continue;
            }
            let steps = steps.row(row);
            let mut curve = Curve {
                task: task.to_owned(),
                optimizer: optimizer.to_owned(),
                replica,
                steps: steps.to_vec(),
                losses: Default::default(),
                diverged_at: diverged_at.is_valid(row).then(|| diverged_at.value(row)),
                num_params: num_params.value(row),
                train_seconds: train_seconds.value(row),
                eval_seconds: eval_seconds.value(row),
                origin,
            };
            for (column, out) in losses.iter().zip(&mut curve.losses) {
                let Some(column) = column else { continue };
                *out = column.row(row).to_vec();
                if out.len() != steps.len() {
                    let reason =
                        format!("{task}, {optimizer}, replica {replica}: steps and losses differ in number");
                    return Err(Error::not_curves(self.path, reason));
                }
            }
            curves.push(curve);
        }
        Ok(curves)
    }
}

/// The key columns of a batch.
pub(crate) struct Keys<'a> {
    tasks: &'a StringArray,
    optimizers: &'a StringArray,
    replicas: &'a UInt32Array,
}

impl<'a> Keys<'a> {
    pub(crate) fn row(&self, row: usize) -> (&'a str, &'a str, u32) {
        (self.tasks.value(row), self.optimizers.value(row), self.replicas.value(row))
    }
}

/// A column of lists.
struct Lists<'a, T: ArrowPrimitiveType> {
    lists: &'a ListArray,
    values: &'a PrimitiveArray<T>,
}

impl<T: ArrowPrimitiveType> Lists<'_, T> {
    fn row(&self, row: usize) -> &[T::Native] {
        let offsets = self.lists.value_offsets();
        &self.values.values()[offsets[row] as usize..offsets[row + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_documented_one() {
        let layout: Vec<String> = schema()
            .fields()
            .iter()
            .map(|f| {
                format!("{} {}{}", f.name(), f.data_type(), if f.is_nullable() { " nullable" } else { "" })
            })
            .collect();
        let list = |name: &str, element: &str| format!("{name} List(non-null {element}, field: 'element')");
        let expected = [
            "task Dictionary(Int32, Utf8)".to_owned(),
            "optimizer Dictionary(Int32, Utf8)".to_owned(),
            "replica UInt32".to_owned(),
            list("steps", "UInt32"),
            list("train", "Float32"),
            list("valid_inner", "Float32"),
            list("valid_outer", "Float32"),
            list("test", "Float32"),
            "diverged_at UInt32 nullable".to_owned(),
            "num_params UInt64".to_owned(),
            "train_seconds Float64".to_owned(),
            "eval_seconds Float64".to_owned(),
            "data Utf8".to_owned(),
        ];
        assert_eq!(layout, expected);
    }
}
