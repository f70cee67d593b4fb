//! Curve files open in pandas, Polars and DuckDB. Runs where `TASKSET_PYTHON` names an interpreter that has them.

use std::process::Command;

use taskset_curves::{Curve, Metadata, Protocol, SCHEMA_VERSION, write};
use taskset_names::Origin;

#[test]
fn curve_files_open_in_pandas_polars_and_duckdb() {
    let Ok(python) = std::env::var("TASKSET_PYTHON") else {
        println!("skipped: set TASKSET_PYTHON to a Python with pandas, polars, duckdb and pyarrow");
        return;
    };
    let losses = |start: f32| vec![start, start / 2.0, start / 4.0];
    let first = Curve {
        task: "TwoD_Bowl1".into(),
        optimizer: "adam_lr_-3.00".into(),
        replica: 0,
        steps: vec![0, 10, 20],
        losses: [losses(1.0), losses(2.0), losses(3.0), losses(4.0)],
        diverged_at: None,
        num_params: 2,
        train_seconds: 0.5,
        eval_seconds: 0.25,
        origin: Origin::Real,
    };
    let mut second = Curve {
        replica: 1,
        diverged_at: Some(10),
        num_params: 1 << 40,
        origin: Origin::Synthetic,
        ..first.clone()
    };
    second.losses[3] = vec![4.0, f32::NAN, f32::INFINITY];
    let metadata = Metadata {
        schema_version: SCHEMA_VERSION,
        program_version: "0.1.0".into(),
        protocol: Protocol { steps: 20, eval_every: 10, eval_batches: 2 },
        plan_hash: "plan".into(),
        machine: "a machine".into(),
        threads: 2,
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("curves.parquet");
    write(&path, &[first, second], &metadata).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_elsewhere.py");
    let output = Command::new(python).arg(script).arg(&path).output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    println!("{said}");
}
