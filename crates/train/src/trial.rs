//! One trial: initialise, evaluate, step, evaluate, …

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use taskset_curves::{Curve, Protocol};
use taskset_names::Split;
use taskset_nn::denormals::FlushGuard;
use taskset_optim::{Mode, Rule, UPSTREAM_TRAINING_STEPS};
use taskset_rng::StreamId;
use taskset_tasks::{Feed, Task};

use crate::TrialObserver;

/// The trial was stopped on request before its end; it leaves nothing behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped on request before the trial was finished")]
pub struct Cancelled;

/// The stream from which everything random of a (task, replica) is derived. The optimizer is not part of the name:
/// all optimizers meet the same initial parameters and the same minibatches (common random numbers).
pub fn replica_stream(task: &str, replica: u32) -> StreamId {
    StreamId::root("taskset-rs/trial").child(task).index(u64::from(replica))
}

/// The number of steps over which schedules run: in mode `upstream` always 10,000, because upstream's training script
/// never tells its optimizers how long it trains; in the others the protocol's.
pub fn schedule_steps(mode: Mode, protocol: &Protocol) -> u64 {
    match mode {
        Mode::Upstream => UPSTREAM_TRAINING_STEPS,
        _ => u64::from(protocol.steps),
    }
}

/// Trains one trial in f32 on the calling thread and returns its curve (paper, section 3.3).
///
/// The loss on each split is evaluated at step 0, before any update, then every `eval_every` steps, and at the last
/// step. Denormals are flushed to zero while it runs: once units die they would slow training several times.
///
/// Unlike upstream, no extra update follows the last evaluation (QUIRK-34: it had no effect on curves).
///
/// # Errors
/// [`Cancelled`] as soon as `cancel` is seen to be true.
pub fn run_trial(
    task: &dyn Task,
    (optimizer, rule): (&str, &Rule),
    replica: u32,
    protocol: &Protocol,
    observer: &mut dyn TrialObserver,
    cancel: &AtomicBool,
) -> Result<Curve, Cancelled> {
    run_until(task, (optimizer, rule), replica, protocol, observer, &|| cancel.load(Ordering::Relaxed))
}

/// [`run_trial`] with any reason to stop; `stop` is asked at every step.
pub(crate) fn run_until(
    task: &dyn Task,
    (optimizer, rule): (&str, &Rule),
    replica: u32,
    protocol: &Protocol,
    observer: &mut dyn TrialObserver,
    stop: &dyn Fn() -> bool,
) -> Result<Curve, Cancelled> {
    let _flush = FlushGuard::new();
    let mut problem = task.start(&replica_stream(task.name(), replica));
    let n = task.layout().len();
    let (mut params, mut gradients) = (vec![0.0_f32; n], vec![0.0_f32; n]);
    let mut state = rule.init::<f32>(n);
    problem.init(&mut params);
    let mask = rule.applies_constraints().then(|| problem.constraint_mask().map(<[f32]>::to_vec)).flatten();

    let steps = protocol.eval_steps();
    let mut losses: [Vec<f32>; 4] = std::array::from_fn(|_| Vec::with_capacity(steps.len()));
    let mut diverged_at: Option<u32> = None;
    let (mut train_time, mut eval_time) = (Duration::ZERO, Duration::ZERO);
    let mut done = 0;
    for &step in &steps {
        let start = Instant::now();
        while done < step {
            if stop() {
                return Err(Cancelled);
            }
            problem.next_batch(Feed::Training);
            let loss = problem.loss_and_gradients(&params, &mut gradients);
            if !loss.is_finite() && diverged_at.is_none() {
                diverged_at = Some(done);
            }
            rule.update(&gradients, &mut params, &mut state);
            if let Some(mask) = &mask {
                params.iter_mut().zip(mask).for_each(|(p, m)| *p *= m);
            }
            done += 1;
        }
        let trained = Instant::now();
        train_time += trained - start;
        let mut point = [0.0_f32; 4];
        for split in Split::ALL {
            if stop() {
                return Err(Cancelled);
            }
            point[split.index()] = problem.mean_loss(split, &params, protocol.eval_batches) as f32;
        }
        for (curve, loss) in losses.iter_mut().zip(point) {
            curve.push(loss);
        }
        if diverged_at.is_none() && point.iter().any(|loss| !loss.is_finite()) {
            diverged_at = Some(step);
        }
        eval_time += trained.elapsed();
        observer.evaluated(step, point);
    }
    Ok(Curve {
        task: task.name().to_owned(),
        optimizer: optimizer.to_owned(),
        replica,
        steps,
        losses,
        diverged_at,
        num_params: n as u64,
        train_seconds: train_time.as_secs_f64(),
        eval_seconds: eval_time.as_secs_f64(),
        origin: task.origin(),
    })
}
