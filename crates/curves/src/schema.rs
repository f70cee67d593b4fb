//! The columns of a curve file, and curves as rows of them.
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `trial_id` | string | identity of the trial, 64 hexadecimal digits ([`TrialId`](taskset_trial::TrialId)) |
//! | `task`, `optimizer`, `family` | string | names |
//! | `hyperparameters` | string | JSON object, shortest numbers that give the same bits back |
//! | `mode` | string, null | `upstream`, `opt_list` or `paper` |
//! | `schedule_steps` | u64, null | steps over which schedules run |
//! | `replica` | u32 | which initial parameters and minibatches |
//! | `protocol` | string | JSON: `{"steps":…,"eval_every":…,"eval_batches":…}` |
//! | `data` | string | `real`, `partial` or `synthetic` |
//! | `data_digest` | string, null | SHA-256 of the decoded data; null for tasks without data |
//! | `arithmetic` | string | `fma` or `portable` |
//! | `revisions` | string | JSON, or `external:<source>` |
//! | `steps` | list of u32 | updates done at each evaluation |
//! | `train`, `valid_inner`, `valid_outer`, `test` | list of f32, null | mean loss at each of `steps`; null where the source lacks the split |
//! | `diverged_at` | u32, null | first step with a non-finite loss |
//! | `num_params` | u64 | parameters of the task |
//! | `train_seconds`, `eval_seconds` | f64 | the clock: the only columns in which equal trials may differ |

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder, UInt32Builder};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use taskset_names::Split;
use taskset_trial::{Curve, Identifier};

pub(crate) const TRIAL_ID: &str = "trial_id";
pub(crate) const TASK: &str = "task";
pub(crate) const OPTIMIZER: &str = "optimizer";
pub(crate) const FAMILY: &str = "family";
pub(crate) const HYPERPARAMETERS: &str = "hyperparameters";
pub(crate) const MODE: &str = "mode";
pub(crate) const SCHEDULE_STEPS: &str = "schedule_steps";
pub(crate) const REPLICA: &str = "replica";
pub(crate) const PROTOCOL: &str = "protocol";
pub(crate) const DATA: &str = "data";
pub(crate) const DATA_DIGEST: &str = "data_digest";
pub(crate) const ARITHMETIC: &str = "arithmetic";
pub(crate) const REVISIONS: &str = "revisions";
pub(crate) const STEPS: &str = "steps";
pub(crate) const DIVERGED_AT: &str = "diverged_at";
pub(crate) const NUM_PARAMS: &str = "num_params";
pub(crate) const TRAIN_SECONDS: &str = "train_seconds";
pub(crate) const EVAL_SECONDS: &str = "eval_seconds";

/// The columns that are no lists and no clocks.
pub(crate) const SCALARS: [&str; 15] = [
    TRIAL_ID,
    TASK,
    OPTIMIZER,
    FAMILY,
    HYPERPARAMETERS,
    MODE,
    SCHEDULE_STEPS,
    REPLICA,
    PROTOCOL,
    DATA,
    DATA_DIGEST,
    ARITHMETIC,
    REVISIONS,
    DIVERGED_AT,
    NUM_PARAMS,
];

/// The columns that say which trial a row is, besides `replica`, `schedule_steps` and `trial_id`: texts that repeat.
pub(crate) const NAMES: [&str; 10] =
    [TASK, OPTIMIZER, FAMILY, HYPERPARAMETERS, MODE, PROTOCOL, DATA, DATA_DIGEST, ARITHMETIC, REVISIONS];

fn element(data_type: DataType) -> Arc<Field> {
    // "element" is what the Parquet specification calls it.
    Arc::new(Field::new("element", data_type, false))
}

/// The Arrow schema of a curve file.
pub fn schema() -> Schema {
    schema_with(&DataType::Utf8)
}

/// The schema as this crate reads it: texts that repeat stay dictionaries, so that each is looked at once.
pub(crate) fn reading_schema() -> Schema {
    schema_with(&DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)))
}

fn schema_with(name: &DataType) -> Schema {
    let text = |column: &str| Field::new(column, name.clone(), column == MODE || column == DATA_DIGEST);
    let mut fields = vec![Field::new(TRIAL_ID, DataType::Utf8, false)];
    fields.extend([TASK, OPTIMIZER, FAMILY, HYPERPARAMETERS, MODE].map(text));
    fields.push(Field::new(SCHEDULE_STEPS, DataType::UInt64, true));
    fields.push(Field::new(REPLICA, DataType::UInt32, false));
    fields.extend([PROTOCOL, DATA, DATA_DIGEST, ARITHMETIC, REVISIONS].map(text));
    fields.push(Field::new(STEPS, DataType::List(element(DataType::UInt32)), false));
    let losses = DataType::List(element(DataType::Float32));
    fields.extend(Split::ALL.map(|split| Field::new(split.name(), losses.clone(), true)));
    fields.extend([
        Field::new(DIVERGED_AT, DataType::UInt32, true),
        Field::new(NUM_PARAMS, DataType::UInt64, false),
        Field::new(TRAIN_SECONDS, DataType::Float64, false),
        Field::new(EVAL_SECONDS, DataType::Float64, false),
    ]);
    Schema::new(fields)
}

/// The protocol as its column has it.
pub(crate) fn protocol_json(protocol: &taskset_trial::Protocol) -> String {
    let taskset_trial::Protocol { steps, eval_every, eval_batches } = protocol;
    format!(r#"{{"steps":{steps},"eval_every":{eval_every},"eval_batches":{eval_batches}}}"#)
}

/// Curves as one batch of rows, in their order. Every NaN is written in one form.
pub(crate) fn to_batch(curves: &[Curve], ids: &mut Identifier) -> Result<RecordBatch, ArrowError> {
    let texts = |get: &mut dyn FnMut(&Curve) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(curves.iter().map(get)))
    };
    let optional = |get: &dyn Fn(&Curve) -> Option<String>| -> ArrayRef {
        Arc::new(curves.iter().map(get).collect::<StringArray>())
    };
    let hyperparameters = curves
        .iter()
        .map(|curve| curve.spec.optimizer.hyperparameters.to_json())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?;
    let mut steps = ListBuilder::new(UInt32Builder::new()).with_field(element(DataType::UInt32));
    for curve in curves {
        steps.values().append_slice(&curve.steps);
        steps.append(true);
    }
    let mut columns: Vec<ArrayRef> = vec![
        texts(&mut |c| ids.id(&c.spec).to_string()),
        texts(&mut |c| c.task().to_owned()),
        texts(&mut |c| c.optimizer().to_owned()),
        texts(&mut |c| c.spec.optimizer.family.clone()),
        Arc::new(StringArray::from(hyperparameters)),
        optional(&|c| c.spec.optimizer.mode.clone()),
        Arc::new(curves.iter().map(|c| c.spec.optimizer.schedule_steps).collect::<UInt64Array>()),
        Arc::new(UInt32Array::from_iter_values(curves.iter().map(Curve::replica))),
        texts(&mut |c| protocol_json(&c.spec.protocol)),
        texts(&mut |c| c.origin().name().to_owned()),
        optional(&|c| c.spec.task.data_digest.map(|digest| digest.to_string())),
        texts(&mut |c| c.spec.arithmetic.name().to_owned()),
        texts(&mut |c| c.spec.revisions()),
        Arc::new(steps.finish()),
    ];
    for split in Split::ALL {
        let mut losses = ListBuilder::new(Float32Builder::new()).with_field(element(DataType::Float32));
        for curve in curves {
            let present = !curve.split(split).is_empty();
            for &loss in curve.split(split) {
                losses.values().append_value(if loss.is_nan() { f32::NAN } else { loss });
            }
            losses.append(present);
        }
        columns.push(Arc::new(losses.finish()));
    }
    columns.push(Arc::new(curves.iter().map(|c| c.diverged_at).collect::<UInt32Array>()));
    columns.push(Arc::new(UInt64Array::from_iter_values(curves.iter().map(|c| c.num_params))));
    columns.push(Arc::new(Float64Array::from_iter_values(curves.iter().map(|c| c.train_seconds))));
    columns.push(Arc::new(Float64Array::from_iter_values(curves.iter().map(|c| c.eval_seconds))));
    RecordBatch::try_new(Arc::new(schema()), columns)
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
        let losses = |name: &str| list(name, "Float32") + " nullable";
        let expected = [
            "trial_id Utf8".to_owned(),
            "task Utf8".to_owned(),
            "optimizer Utf8".to_owned(),
            "family Utf8".to_owned(),
            "hyperparameters Utf8".to_owned(),
            "mode Utf8 nullable".to_owned(),
            "schedule_steps UInt64 nullable".to_owned(),
            "replica UInt32".to_owned(),
            "protocol Utf8".to_owned(),
            "data Utf8".to_owned(),
            "data_digest Utf8 nullable".to_owned(),
            "arithmetic Utf8".to_owned(),
            "revisions Utf8".to_owned(),
            list("steps", "UInt32"),
            losses("train"),
            losses("valid_inner"),
            losses("valid_outer"),
            losses("test"),
            "diverged_at UInt32 nullable".to_owned(),
            "num_params UInt64".to_owned(),
            "train_seconds Float64".to_owned(),
            "eval_seconds Float64".to_owned(),
        ];
        assert_eq!(layout, expected);
        let names: Vec<String> = reading_schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>());
    }
}
