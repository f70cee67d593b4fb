//! Small curves for this crate's tests.

use taskset_names::Origin;

use crate::{Curve, Metadata, Protocol, SCHEMA_VERSION};

pub(crate) fn curve(task: &str, optimizer: &str, replica: u32) -> Curve {
    let losses = |start: f32| vec![start, start / 2.0, start / 4.0];
    Curve {
        task: task.into(),
        optimizer: optimizer.into(),
        replica,
        steps: vec![0, 10, 20],
        losses: [losses(1.0), losses(2.0), losses(3.0), losses(4.0)],
        diverged_at: None,
        num_params: 7,
        train_seconds: 0.5,
        eval_seconds: 0.25,
        origin: Origin::Real,
    }
}

pub(crate) fn metadata() -> Metadata {
    Metadata {
        schema_version: SCHEMA_VERSION,
        program_version: "0.1.0".into(),
        protocol: Protocol { steps: 20, eval_every: 10, eval_batches: 2 },
        plan_hash: "plan".into(),
        machine: "a machine".into(),
        threads: 2,
    }
}
