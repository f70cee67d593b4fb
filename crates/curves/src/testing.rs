//! Small curves for this crate's tests.

use std::sync::Arc;

use taskset_trial::{Arithmetic, Curve, OptimizerIdentity, Protocol, Source, TaskIdentity, TrialSpec};

use crate::Metadata;

pub(crate) fn curve(task: &str, optimizer: &str, replica: u32) -> Curve {
    let losses = |start: f32| vec![start, start / 2.0, start / 4.0];
    let mut identity = OptimizerIdentity::new(optimizer, "family", [("learning_rate", 1e-3)], 1);
    (identity.mode, identity.schedule_steps) = (Some("upstream".into()), Some(10_000));
    Curve {
        spec: TrialSpec {
            task: Arc::new(TaskIdentity::without_data(task, "group", 1, "a sum of squares")),
            optimizer: Arc::new(identity),
            replica,
            protocol: Protocol { steps: 20, eval_every: 10, eval_batches: 2 },
            arithmetic: Arithmetic::Fma,
            source: Source::Trained { trainer: 1 },
        },
        steps: [0, 10, 20].into(),
        losses: [losses(1.0), losses(2.0), losses(3.0), losses(4.0)],
        diverged_at: None,
        num_params: 7,
        train_seconds: 0.5,
        eval_seconds: 0.25,
    }
}

/// The curve with another mode: a different trial of the same names.
pub(crate) fn in_mode(curve: &Curve, mode: &str) -> Curve {
    let optimizer = OptimizerIdentity { mode: Some(mode.into()), ..(*curve.spec.optimizer).clone() };
    Curve { spec: TrialSpec { optimizer: Arc::new(optimizer), ..curve.spec.clone() }, ..curve.clone() }
}

pub(crate) fn metadata() -> Metadata {
    Metadata {
        program_version: "0.1.0".into(),
        machine: "a machine".into(),
        kernels: "avx2".into(),
        threads: 2,
        slice: None,
        environment: None,
    }
}

pub(crate) fn slice_metadata(slice: &str) -> Metadata {
    Metadata { slice: Some(slice.into()), ..metadata() }
}
