//! A specification and everything that can be changed in it, for this crate's tests.

use std::sync::Arc;

use taskset_names::Origin;

use crate::{
    Arithmetic, Curve, Digest, HyperparameterValue, OptimizerIdentity, Protocol, Source, TaskIdentity,
    TaskVersion, TrialSpec,
};

pub(crate) fn spec() -> TrialSpec {
    let mut optimizer =
        OptimizerIdentity::new("adam_7", "adam", [("beta1", 0.9), ("learning_rate", 1e-3)], 2);
    optimizer.hyperparameters.0.insert("nesterov".into(), HyperparameterValue::Flag(true));
    optimizer.mode = Some("upstream".into());
    optimizer.schedule_steps = Some(10_000);
    TrialSpec {
        task: Arc::new(TaskIdentity {
            name: "mlp_family_seed12".into(),
            origin: Origin::Synthetic,
            data_digest: Some(Digest([7; 32])),
            version: Some(TaskVersion {
                group: "mlp_family".into(),
                revision: 3,
                fingerprint: Digest([9; 32]),
            }),
        }),
        optimizer: Arc::new(optimizer),
        replica: 4,
        protocol: Protocol { steps: 20, eval_every: 10, eval_batches: 2 },
        arithmetic: Arithmetic::Fma,
        source: Source::Trained { trainer: 5 },
    }
}

/// The specification with one thing changed, for each thing: the column that shows it, and the result.
pub(crate) fn changes() -> Vec<(&'static str, TrialSpec)> {
    let mut all = Vec::new();
    let mut change = |field, change: &dyn Fn(&mut TrialSpec, &mut TaskIdentity, &mut OptimizerIdentity)| {
        let mut spec = spec();
        let (mut task, mut optimizer) = ((*spec.task).clone(), (*spec.optimizer).clone());
        change(&mut spec, &mut task, &mut optimizer);
        (spec.task, spec.optimizer) = (Arc::new(task), Arc::new(optimizer));
        all.push((field, spec));
    };
    let version =
        |task: &mut TaskIdentity, change: &dyn Fn(&mut TaskVersion)| change(task.version.as_mut().unwrap());
    change("task", &|_, t, _| t.name.push('3'));
    change("data", &|_, t, _| t.origin = Origin::Partial);
    change("data_digest", &|_, t, _| t.data_digest = Some(Digest([8; 32])));
    change("data_digest", &|_, t, _| t.data_digest = None);
    change("revisions", &|_, t, _| t.version = None);
    change("revisions", &|_, t, _| version(t, &|v| v.group.push('x')));
    change("revisions", &|_, t, _| version(t, &|v| v.revision += 1));
    change("revisions", &|_, t, _| version(t, &|v| v.fingerprint = Digest([1; 32])));
    change("optimizer", &|_, _, o| o.name.push('3'));
    change("family", &|_, _, o| o.family.push('3'));
    let number = HyperparameterValue::Number;
    change("hyperparameters", &|_, _, o| drop(o.hyperparameters.0.insert("beta1".into(), number(0.5))));
    change("hyperparameters", &|_, _, o| drop(o.hyperparameters.0.insert("more".into(), number(0.0))));
    change("hyperparameters", &|_, _, o| drop(o.hyperparameters.0.remove("beta1")));
    change("hyperparameters", &|_, _, o| {
        o.hyperparameters.0.insert("nesterov".into(), HyperparameterValue::Flag(false));
    });
    change("hyperparameters", &|_, _, o| {
        o.hyperparameters.0.insert("nesterov".into(), HyperparameterValue::Text("true".into()));
    });
    change("mode", &|_, _, o| o.mode = Some("paper".into()));
    change("mode", &|_, _, o| o.mode = None);
    change("schedule_steps", &|_, _, o| o.schedule_steps = Some(20));
    change("schedule_steps", &|_, _, o| o.schedule_steps = None);
    change("revisions", &|_, _, o| o.revision = Some(3));
    change("revisions", &|_, _, o| o.revision = None);
    change("replica", &|s, _, _| s.replica = 5);
    change("protocol", &|s, _, _| s.protocol.steps = 10);
    change("protocol", &|s, _, _| s.protocol.eval_every = 5);
    change("protocol", &|s, _, _| s.protocol.eval_batches = 3);
    change("arithmetic", &|s, _, _| s.arithmetic = Arithmetic::Portable);
    change("revisions", &|s, _, _| s.source = Source::Trained { trainer: 6 });
    change("revisions", &|s, _, _| s.source = Source::External("5".into()));
    all
}

pub(crate) fn curve() -> Curve {
    let losses = |start: f32| vec![start, start / 2.0, start / 4.0];
    Curve {
        spec: spec(),
        steps: [0, 10, 20].into(),
        losses: [losses(1.0), losses(2.0), losses(3.0), losses(4.0)],
        diverged_at: None,
        num_params: 7,
        train_seconds: 0.5,
        eval_seconds: 0.25,
    }
}
