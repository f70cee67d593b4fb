//! One trial: initialise, evaluate, step, evaluate, …

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use taskset_names::Split;
use taskset_nn::denormals::FlushGuard;
use taskset_optim::{Configured, Mode, Named, Optimizer, UPSTREAM_TRAINING_STEPS};
use taskset_rng::StreamId;
use taskset_tasks::Task;
use taskset_trial::{Curve, Protocol, TrialSpec};

use crate::lockstep::Lockstep;
use crate::{TrialObserver, task_identity, trial_spec};

/// Why a trial has no whole curve. A diverged trial has one: it is a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// It was stopped on request before its end. Its observer was told every evaluation until then.
    #[error("stopped on request before the trial was finished")]
    Cancelled,
    /// The optimizer cannot work with the task's parameters.
    #[error(transparent)]
    Optimizer(#[from] taskset_optim::Error),
}

/// The stream from which everything random of a (task, replica) is derived. The optimizer is not part of the name:
/// all optimizers meet the same initial parameters and the same minibatches (common random numbers).
pub fn replica_stream(task: &str, replica: u32) -> StreamId {
    StreamId::root("taskset-rs/trial").child(task).index(u64::from(replica))
}

/// The number of steps over which schedules run: in mode `upstream` always 10,000, because upstream's training script
/// never tells its optimizers how long it trains; in the others it is the protocol's.
pub fn schedule_steps(mode: Mode, protocol: &Protocol) -> u64 {
    match mode {
        Mode::Upstream => UPSTREAM_TRAINING_STEPS,
        _ => u64::from(protocol.steps),
    }
}

/// An optimizer of the registry for trials under a protocol: with schedules over [`schedule_steps`], and over the steps of
/// the protocol where its family has no modes.
///
/// # Errors
/// As [`Named::configured`].
pub fn configure(named: &Named, mode: Mode, protocol: &Protocol) -> Result<Configured, taskset_optim::Error> {
    let has_modes = named.family.info().has_modes;
    let steps = if has_modes { schedule_steps(mode, protocol) } else { u64::from(protocol.steps) };
    named.configured(mode, steps)
}

/// Trains one trial in f32 on the calling thread and returns its curve (paper, section 3.3).
///
/// The loss on each split is evaluated at step 0, before any update, then every `eval_every` steps, and at the last
/// step. Denormal numbers are flushed to zero while it runs: once units die, they would make training several times
/// slower. A loss that
/// is not a number is stored as [`f32::NAN`], whatever its sign and payload.
///
/// Where the task says that a trial whose parameters are all NaN cannot recover
/// ([`nan_is_absorbing`](taskset_tasks::Capabilities::nan_is_absorbing)) and the optimizer that it
/// [keeps NaN](taskset_optim::Facts::keeps_nan), such a trial ends there, and the rest of its curve is NaN, as in a full run.
///
/// The optimizer need not know of a task's constraint: parameters are projected after every update, unless the optimizer says
/// that it is [not projected](taskset_optim::Facts::projects).
///
/// Unlike upstream, no extra update follows the last evaluation (QUIRK-34: it had no effect on curves).
///
/// # Errors
/// [`TrialError::Cancelled`] as soon as `cancel` is seen to be true; [`TrialError::Optimizer`] if the optimizer cannot work
/// with the task's parameters.
pub fn run_trial(
    task: &dyn Task,
    optimizer: &dyn Optimizer,
    replica: u32,
    protocol: &Protocol,
    observer: &mut dyn TrialObserver,
    cancel: &AtomicBool,
) -> Result<Curve, TrialError> {
    let _flush = FlushGuard::new();
    let stop = || cancel.load(Ordering::Relaxed);
    let identity = Arc::new(task_identity(task));
    let spec = trial_spec(&identity, &Arc::new(optimizer.identity()), replica, protocol);
    let mut group = LockstepGroup::start(task, vec![Trial { spec, optimizer }], replica, protocol)?;
    group.run(&mut |curve| observer.evaluated(curve), &stop)?;
    Ok(group.into_curves().swap_remove(0))
}

/// Trains trials of one task and replica that differ only in their optimizers, in lockstep on the calling thread: on the
/// same minibatches and noise, which are drawn once. Each curve has the bits that [`run_trial`] gives it. The seconds of
/// the group are divided equally among its trials.
///
/// # Errors
/// As [`run_trial`]; if one optimizer cannot work with the task's parameters, none is trained.
pub fn run_lockstep(
    task: &dyn Task,
    optimizers: &[&dyn Optimizer],
    replica: u32,
    protocol: &Protocol,
    cancel: &AtomicBool,
) -> Result<Vec<Curve>, TrialError> {
    let identity = Arc::new(task_identity(task));
    let trials = optimizers.iter().map(|&optimizer| {
        let spec = trial_spec(&identity, &Arc::new(optimizer.identity()), replica, protocol);
        Trial { spec, optimizer }
    });
    run_until(task, trials.collect(), replica, protocol, &|| cancel.load(Ordering::Relaxed))
}

/// One trial of a group: what its curve is known by, and its update.
pub(crate) struct Trial<'a> {
    pub(crate) spec: TrialSpec,
    pub(crate) optimizer: &'a dyn Optimizer,
}

/// [`run_lockstep`] with any reason to stop; `stop` is asked at every step.
pub(crate) fn run_until(
    task: &dyn Task,
    trials: Vec<Trial<'_>>,
    replica: u32,
    protocol: &Protocol,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Curve>, TrialError> {
    let _flush = FlushGuard::new();
    let mut group = LockstepGroup::start(task, trials, replica, protocol)?;
    group.run(&mut |_| {}, stop)?;
    Ok(group.into_curves())
}

/// Called after an evaluation with the curve so far of each trial.
type Evaluated<'a> = &'a mut dyn FnMut(&Curve);

/// A group of trials in lockstep, with their curves.
struct LockstepGroup<'a> {
    protocol: &'a Protocol,
    trials: Lockstep<'a>,
    /// Steps after which all are evaluated.
    steps: Arc<[u32]>,
    /// The curves, of all trials in their order.
    curves: Vec<Curve>,
    train_time: Duration,
    eval_time: Duration,
}

impl<'a> LockstepGroup<'a> {
    fn start(
        task: &'a dyn Task,
        trials: Vec<Trial<'_>>,
        replica: u32,
        protocol: &'a Protocol,
    ) -> Result<Self, TrialError> {
        let optimizers: Vec<&dyn Optimizer> = trials.iter().map(|trial| trial.optimizer).collect();
        let steps: Arc<[u32]> = protocol.eval_steps().into();
        let curve = |trial: Trial<'_>| Curve {
            spec: trial.spec,
            steps: Arc::clone(&steps),
            losses: std::array::from_fn(|_| Vec::with_capacity(steps.len())),
            diverged_at: None,
            num_params: task.layout().len() as u64,
            train_seconds: 0.0,
            eval_seconds: 0.0,
        };
        Ok(Self {
            protocol,
            trials: Lockstep::start(task, &optimizers, replica)?,
            curves: trials.into_iter().map(curve).collect(),
            steps,
            train_time: Duration::ZERO,
            eval_time: Duration::ZERO,
        })
    }

    /// Trains and evaluates to the end.
    fn run(&mut self, evaluated: Evaluated<'_>, stop: &dyn Fn() -> bool) -> Result<(), TrialError> {
        let mut done = 0;
        for point in 0..self.steps.len() {
            let start = Instant::now();
            while done < self.steps[point] && !self.trials.running.is_empty() {
                if stop() {
                    return Err(TrialError::Cancelled);
                }
                self.trials.differentiate();
                self.trials.update(done);
                done += 1;
            }
            let trained = Instant::now();
            self.train_time += trained - start;
            self.evaluate(self.steps[point], evaluated, stop)?;
            self.eval_time += trained.elapsed();
        }
        Ok(())
    }

    /// Mean losses of every trial on the four splits, after `step` steps.
    fn evaluate(
        &mut self,
        step: u32,
        evaluated: Evaluated<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), TrialError> {
        let mut points = vec![[f32::NAN; 4]; self.curves.len()];
        let mut means = vec![0.0; self.trials.running.len()];
        self.trials.prepare_evaluation();
        for split in Split::ALL {
            if means.is_empty() {
                break;
            }
            if stop() {
                return Err(TrialError::Cancelled);
            }
            self.trials.mean_losses(split, self.protocol.eval_batches, &mut means);
            for (trial, &mean) in self.trials.running.iter().zip(&means) {
                points[trial.trial][split.index()] = if mean.is_nan() { f32::NAN } else { mean as f32 };
            }
        }
        let diverged_at = self.trials.diverged_at.clone();
        let [train_seconds, eval_seconds] = self.seconds();
        for ((curve, point), diverged_at) in self.curves.iter_mut().zip(points).zip(diverged_at) {
            for (losses, loss) in curve.losses.iter_mut().zip(point) {
                losses.push(loss);
            }
            // In training, before this evaluation.
            curve.diverged_at = curve.diverged_at.or(diverged_at);
            if point.iter().any(|loss| !loss.is_finite()) {
                curve.diverged_at.get_or_insert(step);
            }
            (curve.train_seconds, curve.eval_seconds) = (train_seconds, eval_seconds);
            evaluated(curve);
        }
        Ok(())
    }

    /// The curves, each with its share of the time.
    fn into_curves(mut self) -> Vec<Curve> {
        let [train_seconds, eval_seconds] = self.seconds();
        for curve in &mut self.curves {
            (curve.train_seconds, curve.eval_seconds) = (train_seconds, eval_seconds);
        }
        self.curves
    }

    /// The share of each trial in the seconds of training and evaluation so far.
    fn seconds(&self) -> [f64; 2] {
        let share = 1.0 / self.curves.len().max(1) as f64;
        [self.train_time, self.eval_time].map(|time| time.as_secs_f64() * share)
    }
}
