//! Writes a large file of made-up curves, for measuring how reading grows. The released curves of one family have 1,162
//! tasks, 1,000 configurations and 5 replicas:
//! `cargo run --release -p taskset-curves --example generate -- FILE 1162 1000 5 task` (or `optimizer`: how rows are sorted).

use std::sync::Arc;

use taskset_curves::{CurveWriter, Metadata};
use taskset_trial::{
    Arithmetic, Curve, Digest, OptimizerIdentity, Protocol, Source, TaskIdentity, TrialSpec,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, tasks, configurations, replicas, order] = &arguments[..] else {
        return Err("usage: generate FILE TASKS CONFIGURATIONS REPLICAS task|optimizer".into());
    };
    let (tasks, configurations, replicas): (u32, u32, u32) =
        (tasks.parse()?, configurations.parse()?, replicas.parse()?);
    let metadata = Metadata {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: "none: made-up curves".to_owned(),
        kernels: "none".to_owned(),
        threads: 1,
        slice: None,
        environment: None,
    };
    let protocol = Protocol::PAPER;
    let steps: Arc<[u32]> = protocol.eval_steps().into();
    let task = |seed: u32| {
        Arc::new(TaskIdentity::without_data(&format!("mlp_family_seed{seed}"), "mlp_family", 1, ""))
    };
    let optimizer = |seed: u32| {
        let rate = 1e-5 * (1.0 + f64::from(seed).sqrt());
        let values = ["beta1", "beta2", "epsilon", "exponential_decay", "l1", "l2", "linear_decay"];
        let values = values.map(|name| (name, 0.1 / (f64::from(seed) + rate)));
        let name = format!("adam8p_wide_grid_seed{seed}");
        let mut identity =
            OptimizerIdentity::new(&name, "adam8p", values.into_iter().chain([("learning_rate", rate)]), 1);
        (identity.mode, identity.schedule_steps) = (Some("upstream".to_owned()), Some(10_000));
        Arc::new(identity)
    };
    let (all_tasks, all_optimizers): (Vec<_>, Vec<_>) =
        ((0..tasks).map(task).collect(), (0..configurations).map(optimizer).collect());
    let mut writer = CurveWriter::create(file.as_ref(), &metadata)?;
    let mut append = |t: u32, o: u32, replica: u32| {
        let spec = TrialSpec {
            task: Arc::clone(&all_tasks[t as usize]),
            optimizer: Arc::clone(&all_optimizers[o as usize]),
            replica,
            protocol,
            arithmetic: Arithmetic::Fma,
            source: Source::Trained { trainer: 1 },
        };
        // Noise in every digit, as real losses have: it hardly compresses.
        let seed = Digest::of(format!("{t} {o} {replica}").as_bytes()).0;
        let mut state = u64::from_le_bytes(std::array::from_fn(|i| seed[i]));
        let mut loss = |k: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            2.0 * (-(k as f32) / (5.0 + o as f32 / 50.0)).exp() + (state >> 40) as f32 * 1e-8 + 0.1
        };
        let losses = std::array::from_fn(|_| (0..steps.len()).map(&mut loss).collect());
        writer.append(Curve {
            spec,
            steps: Arc::clone(&steps),
            losses,
            diverged_at: None,
            num_params: 1000,
            train_seconds: 1.5,
            eval_seconds: 0.5,
        })
    };
    let by_task = order == "task";
    let (outer, inner) = if by_task { (tasks, configurations) } else { (configurations, tasks) };
    for a in 0..outer {
        for b in 0..inner {
            for replica in 0..replicas {
                let (t, o) = if by_task { (a, b) } else { (b, a) };
                append(t, o, replica)?;
            }
        }
    }
    writer.finish()?;
    Ok(())
}
