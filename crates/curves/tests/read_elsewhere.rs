//! Curve files open in Polars, DuckDB, pyarrow, pandas, fastparquet and `datasets`, and every value is the one written.
//!
//! The comparison is made by `readers/read_one.py`, in the Python interpreter that the environment variable
//! `TASKSET_PYTHON` names, with those readers that it has; without the variable nothing is compared. `cargo xtask readers`
//! makes such interpreters, for many versions of the readers.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and say what they did"
)]

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use taskset_curves::{Metadata, SCHEMA_VERSION, schema::schema, write};
use taskset_names::Origin;
use taskset_trial::{
    Arithmetic, Curve, Digest, HyperparameterValue, OptimizerIdentity, Protocol, Source, TaskIdentity,
    TrialSpec,
};

/// The readers that `read_one.py` knows.
const READERS: [&str; 7] =
    ["polars", "duckdb", "pyarrow", "pandas", "fastparquet", "pandas-fastparquet", "datasets"];

/// Exit status of `read_one.py` where the interpreter lacks the reader.
const ABSENT: i32 = 3;

#[test]
fn other_programs_read_every_value() {
    // `cargo xtask readers` takes the files from here and starts the script itself.
    if let Some(directory) = std::env::var_os("TASKSET_READERS_FILES") {
        write_files(Path::new(&directory));
        return;
    }
    let Some(python) = std::env::var_os("TASKSET_PYTHON") else {
        // Not by a macro, whose output the test harness keeps to itself.
        let why = "skipped: TASKSET_PYTHON names no Python interpreter whose readers could be tried";
        let _ = writeln!(std::io::stderr(), "{why}");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let files = write_files(directory.path());
    let found: Vec<bool> = READERS.iter().map(|reader| reads(&python, reader, &files)).collect();
    assert!(found.contains(&true), "{} has none of the readers {READERS:?}", python.display());
}

/// Whether the interpreter has the reader, which then must read the files.
fn reads(python: &OsString, reader: &str, files: &[PathBuf]) -> bool {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/read_one.py");
    let output = Command::new(python).arg(script).arg(reader).args(files).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    println!("{}", said.trim_end());
    let absent = output.status.code() == Some(ABSENT);
    assert!(absent || output.status.success(), "{said}");
    !absent
}

/// Writes two files, and beside each what it holds: trials of all kinds, and imported curves that lack what an import may
/// lack.
fn write_files(directory: &Path) -> Vec<PathBuf> {
    let trained: Vec<Curve> = (0..25).map(trial).collect();
    let imported: Vec<Curve> = (0..4).map(|i| import(trial(i))).collect();
    [("trained.parquet", trained), ("imported.parquet", imported)]
        .map(|(name, curves)| {
            let path = directory.join(name);
            write(&path, &curves, &metadata()).unwrap();
            let expected = directory.join(format!("{name}.expected.json"));
            std::fs::write(expected, serde_json::to_string_pretty(&contents(&curves)).unwrap()).unwrap();
            path
        })
        .into()
}

fn metadata() -> Metadata {
    Metadata {
        program_version: "0.1.0".into(),
        machine: "Rechner für \"Größen\", 機械".into(),
        kernels: "avx2".into(),
        threads: 2,
        slice: None,
        environment: None,
    }
}

/// What a file of these curves holds, as `read_one.py` expects it. Nothing of it comes from what was written.
fn contents(curves: &[Curve]) -> Value {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, ..)| *name).collect();
    let written: Vec<String> = schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, written, "a column is missing here");
    let column = |(name, kind, value): &Column| {
        let values: Vec<Value> = curves.iter().map(value).collect();
        json!({ "name": name, "type": kind, "values": values })
    };
    let metadata = metadata();
    json!({
        "metadata": {
            "taskset.schema_version": SCHEMA_VERSION.to_string(),
            "taskset.program_version": metadata.program_version,
            "taskset.machine": metadata.machine,
            "taskset.kernels": metadata.kernels,
            "taskset.threads": metadata.threads.to_string(),
        },
        "columns": COLUMNS.iter().map(column).collect::<Vec<_>>(),
    })
}

/// Name, type, and the value for a curve.
type Column = (&'static str, &'static str, fn(&Curve) -> Value);

const COLUMNS: [Column; 22] = [
    ("trial_id", "text", |c| json!(c.id().to_string())),
    ("task", "text", |c| json!(c.task())),
    ("optimizer", "text", |c| json!(c.optimizer())),
    ("family", "text", |c| json!(c.spec.optimizer.family)),
    ("hyperparameters", "text", |c| json!(c.spec.optimizer.hyperparameters.to_json().unwrap())),
    ("mode", "text", |c| json!(c.spec.optimizer.mode)),
    ("schedule_steps", "integer", |c| json!(c.spec.optimizer.schedule_steps)),
    ("replica", "integer", |c| json!(c.replica())),
    ("protocol", "text", |c| json!(serde_json::to_string(&c.spec.protocol).unwrap())),
    ("data", "text", |c| json!(c.origin().name())),
    ("data_digest", "text", |c| json!(c.spec.task.data_digest.map(|digest| digest.to_string()))),
    ("arithmetic", "text", |c| json!(c.spec.arithmetic.name())),
    ("revisions", "text", |c| json!(c.spec.revisions())),
    ("steps", "integers", |c| json!(*c.steps)),
    ("train", "floats", |c| floats(&c.losses[0])),
    ("valid_inner", "floats", |c| floats(&c.losses[1])),
    ("valid_outer", "floats", |c| floats(&c.losses[2])),
    ("test", "floats", |c| floats(&c.losses[3])),
    ("diverged_at", "integer", |c| json!(c.diverged_at)),
    ("num_params", "integer", |c| json!(c.num_params)),
    ("train_seconds", "float", |c| float(c.train_seconds)),
    ("eval_seconds", "float", |c| float(c.eval_seconds)),
];

/// As text: JSON has neither NaN nor infinities.
fn float(x: f64) -> Value {
    json!(format!("{x:?}"))
}

/// Null for a split that the curve lacks.
fn floats(losses: &[f32]) -> Value {
    if losses.is_empty() {
        return Value::Null;
    }
    losses.iter().map(|loss| float(f64::from(*loss))).collect()
}

/// One of 25 trials, five on each of five tasks. Every column that may be null is null in some, in no common rhythm.
fn trial(i: u32) -> Curve {
    // With letters that are one to four bytes long, and with a quote that queries must escape.
    let tasks = ["TwoD_Bowl1", "mlp_family_seed12", "tâche d'été", "課題", "🎲"];
    let name = tasks[i as usize / 5];
    let data_digest = (i % 3 != 1).then(|| Digest::of(&i.to_le_bytes()));
    let origin = [Origin::Real, Origin::Partial, Origin::Synthetic][i as usize % 3];
    let mut task =
        TaskIdentity { origin, data_digest, ..TaskIdentity::without_data(name, "Gruppe ä", 1, "test") };
    let optimizer = ["adam_lr_-3.00", "ädäm", "最適化"][i as usize % 3];
    let mut optimizer = OptimizerIdentity::new(optimizer, "adam", [("β", 1e-3 * f64::from(i))], 1);
    optimizer.hyperparameters.0.insert("decay".into(), HyperparameterValue::Text("à la \"carte\"".into()));
    optimizer.mode = (i % 4 != 2).then(|| "upstream".into());
    // Readers that hold numbers with nulls as f64 have room for 53 bits.
    optimizer.schedule_steps = (i % 5 != 3).then(|| (1 << 52) + u64::from(i));
    let protocol = match i % 4 {
        0 => Protocol { steps: 20, eval_every: 10, eval_batches: 2 },
        1 => Protocol { steps: 10_000, eval_every: 200, eval_batches: 50 },
        2 => Protocol { steps: 0, eval_every: 0, eval_batches: 1 },
        _ => Protocol { steps: u32::MAX, eval_every: u32::MAX, eval_batches: 1 },
    };
    let steps = protocol.eval_steps();
    let losses = [0, 1, 2, 3].map(|split| {
        let absent = (i + split) % 6 == 5;
        if absent { Vec::new() } else { (0..steps.len() as u32).map(|at| loss(i, split, at)).collect() }
    });
    // Only an import may lack a split.
    let mut source = Source::Trained { trainer: 1 };
    if losses.iter().any(Vec::is_empty) {
        (source, task.version, optimizer.revision) = (Source::External("anderswo".into()), None, None);
    }
    let diverges = |at: &usize| losses.iter().any(|losses| losses.get(*at).is_some_and(|x| !x.is_finite()));
    let diverged_at = (0..steps.len()).find(diverges).map(|at| steps[at]);
    Curve {
        spec: TrialSpec {
            task: Arc::new(task),
            optimizer: Arc::new(optimizer),
            replica: if i == 7 { u32::MAX } else { i },
            protocol,
            arithmetic: if i.is_multiple_of(2) { Arithmetic::Fma } else { Arithmetic::Portable },
            source,
        },
        steps: steps.into(),
        losses,
        diverged_at,
        // pandas with fastparquet holds all integers as f64, which has this one.
        num_params: if i == 9 { 1 << 63 } else { (1 << 32) + u64::from(i) },
        train_seconds: if i == 4 { f64::INFINITY } else { f64::from(i) / 3.0 },
        eval_seconds: if i == 8 { f64::NAN } else { 1e-300 * f64::from(i) },
    }
}

/// Ordinary losses, and among them everything that a f32 can be.
fn loss(i: u32, split: u32, at: u32) -> f32 {
    let special =
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, f32::MIN];
    if (i + at).is_multiple_of(3) && i % 4 != 3 {
        special[(i + split + at) as usize % special.len()]
    } else {
        (i * 4 + split) as f32 / 7.0 - at as f32
    }
}

/// The curve as another program may have made it.
fn import(curve: Curve) -> Curve {
    let Curve { spec, .. } = &curve;
    let task = TaskIdentity { data_digest: None, version: None, ..(*spec.task).clone() };
    let optimizer =
        OptimizerIdentity { mode: None, schedule_steps: None, revision: None, ..(*spec.optimizer).clone() };
    let mut losses = curve.losses.clone().map(|losses| losses.iter().map(|_| 0.5).collect::<Vec<f32>>());
    losses[1].clear();
    Curve {
        spec: TrialSpec {
            task: Arc::new(task),
            optimizer: Arc::new(optimizer),
            source: Source::External("anderswo_ü".into()),
            ..spec.clone()
        },
        losses,
        diverged_at: None,
        ..curve
    }
}
