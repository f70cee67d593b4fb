//! One trial: initialise, evaluate, step, evaluate, …

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use taskset_names::Split;
use taskset_nn::denormals::FlushGuard;
use taskset_optim::{Configured, Mode, Rule, State, UPSTREAM_TRAINING_STEPS};
use taskset_rng::StreamId;
use taskset_tasks::{Feed, Problem, Task};
use taskset_trial::{Curve, Protocol, TrialSpec};

use crate::{TrialObserver, task_identity, trial_spec};

/// The trial was stopped on request before its end. Its observer was told every evaluation until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped on request before the trial was finished")]
pub struct Cancelled;

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

/// Trains one trial in f32 on the calling thread and returns its curve (paper, section 3.3).
///
/// The loss on each split is evaluated at step 0, before any update, then every `eval_every` steps, and at the last
/// step. Denormal numbers are flushed to zero while it runs: once units die, they would make training several times
/// slower. A loss that
/// is not a number is stored as [`f32::NAN`], whatever its sign and payload.
///
/// Where the task says that a trial whose parameters are all NaN cannot recover
/// ([`nan_is_absorbing`](Task::nan_is_absorbing)), such a trial ends there, and the rest of its curve is NaN, as
/// in a full run.
///
/// Unlike upstream, no extra update follows the last evaluation (QUIRK-34: it had no effect on curves).
///
/// # Errors
/// [`Cancelled`] as soon as `cancel` is seen to be true.
pub fn run_trial(
    task: &dyn Task,
    optimizer: &Configured,
    replica: u32,
    protocol: &Protocol,
    observer: &mut dyn TrialObserver,
    cancel: &AtomicBool,
) -> Result<Curve, Cancelled> {
    let _flush = FlushGuard::new();
    let stop = || cancel.load(Ordering::Relaxed);
    let identity = Arc::new(task_identity(task));
    let trial = Trial { spec: trial_spec(&identity, optimizer, replica, protocol), rule: &optimizer.rule };
    let mut group = LockstepGroup::start(task, vec![trial], replica, protocol);
    group.run(&mut |curve| observer.evaluated(curve), &stop)?;
    Ok(group.into_curves().swap_remove(0))
}

/// Trains trials of one task and replica that differ only in their optimizers, in lockstep on the calling thread: on the
/// same minibatches and noise, which are drawn once. Each curve has the bits that [`run_trial`] gives it. The seconds of
/// the group are divided equally among its trials.
///
/// # Errors
/// [`Cancelled`] as soon as `cancel` is seen to be true.
pub fn run_lockstep(
    task: &dyn Task,
    optimizers: &[&Configured],
    replica: u32,
    protocol: &Protocol,
    cancel: &AtomicBool,
) -> Result<Vec<Curve>, Cancelled> {
    let identity = Arc::new(task_identity(task));
    let trial = |optimizer: &&'_ Configured| trial_spec(&identity, optimizer, replica, protocol);
    let trials = optimizers.iter().map(|optimizer| Trial { spec: trial(optimizer), rule: &optimizer.rule });
    run_until(task, trials.collect(), replica, protocol, &|| cancel.load(Ordering::Relaxed))
}

/// One trial of a group: what its curve is known by, and its update.
pub(crate) struct Trial<'a> {
    pub(crate) spec: TrialSpec,
    pub(crate) rule: &'a Rule,
}

/// [`run_lockstep`] with any reason to stop; `stop` is asked at every step.
pub(crate) fn run_until(
    task: &dyn Task,
    trials: Vec<Trial<'_>>,
    replica: u32,
    protocol: &Protocol,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Curve>, Cancelled> {
    let _flush = FlushGuard::new();
    let mut group = LockstepGroup::start(task, trials, replica, protocol);
    group.run(&mut |_| {}, stop)?;
    Ok(group.into_curves())
}

/// Called after an evaluation with the curve so far of each trial.
type Evaluated<'a> = &'a mut dyn FnMut(&Curve);

/// Trials in lockstep, between two steps.
struct LockstepGroup<'a> {
    task: &'a dyn Task,
    protocol: &'a Protocol,
    problem: Box<dyn Problem<f32>>,
    /// Number of parameters of a trial (1 if there is none, so that rows have a length).
    n: usize,
    /// The trials that are still trained; each has a row of `params` and of `gradients`.
    running: Vec<Running<'a>>,
    /// `[running, n]`.
    params: Vec<f32>,
    gradients: Vec<f32>,
    losses: Vec<f32>,
    /// Steps after which all are evaluated.
    steps: Arc<[u32]>,
    /// The curves, of all trials in their order.
    curves: Vec<Curve>,
    train_time: Duration,
    eval_time: Duration,
}

/// One trial of a group.
struct Running<'a> {
    /// Its curve.
    trial: usize,
    rule: &'a Rule,
    state: State<f32>,
    /// Whether its parameters are projected onto the constraint.
    projects: bool,
}

impl<'a> LockstepGroup<'a> {
    fn start(task: &'a dyn Task, trials: Vec<Trial<'a>>, replica: u32, protocol: &'a Protocol) -> Self {
        let mut problem = task.start(&replica_stream(task.name(), replica));
        let n = task.layout().len();
        let mut start = vec![0.0_f32; n];
        problem.init(&mut start);
        let constrained = problem.constraint_mask().is_some();
        let steps: Arc<[u32]> = protocol.eval_steps().into();
        let curves: Vec<Curve> = trials
            .iter()
            .map(|trial| Curve {
                spec: trial.spec.clone(),
                steps: Arc::clone(&steps),
                losses: std::array::from_fn(|_| Vec::with_capacity(steps.len())),
                diverged_at: None,
                num_params: n as u64,
                train_seconds: 0.0,
                eval_seconds: 0.0,
            })
            .collect();
        let running: Vec<Running<'a>> = trials
            .into_iter()
            .enumerate()
            .map(|(trial, Trial { rule, .. })| Running {
                trial,
                rule,
                state: rule.init::<f32>(n),
                projects: constrained && rule.applies_constraints(),
            })
            .collect();
        Self {
            task,
            protocol,
            problem,
            n: n.max(1),
            params: start.repeat(curves.len()),
            gradients: vec![0.0; n * curves.len()],
            losses: vec![0.0; curves.len()],
            running,
            curves,
            steps,
            train_time: Duration::ZERO,
            eval_time: Duration::ZERO,
        }
    }

    /// Trains and evaluates to the end.
    fn run(&mut self, evaluated: Evaluated<'_>, stop: &dyn Fn() -> bool) -> Result<(), Cancelled> {
        let mut done = 0;
        for point in 0..self.steps.len() {
            let start = Instant::now();
            while done < self.steps[point] && !self.running.is_empty() {
                if stop() {
                    return Err(Cancelled);
                }
                self.step(done);
                done += 1;
            }
            let trained = Instant::now();
            self.train_time += trained - start;
            self.evaluate(self.steps[point], evaluated, stop)?;
            self.eval_time += trained.elapsed();
        }
        Ok(())
    }

    /// One step of every trial, after `done` steps.
    fn step(&mut self, done: u32) {
        self.problem.next_batch(Feed::Training);
        self.problem.losses_and_gradients(&self.params, &mut self.gradients, &mut self.losses);
        let rows = self.params.chunks_exact_mut(self.n).zip(self.gradients.chunks_exact(self.n));
        let mut any_nan = false;
        for ((trial, loss), (params, gradients)) in self.running.iter_mut().zip(&self.losses).zip(rows) {
            if !loss.is_finite() {
                self.curves[trial.trial].diverged_at.get_or_insert(done);
            }
            trial.rule.update(gradients, params, &mut trial.state);
            if trial.projects
                && let Some(mask) = self.problem.constraint_mask()
            {
                params.iter_mut().zip(mask).for_each(|(p, m)| *p *= m);
            }
            any_nan |= params.first().is_some_and(|p| p.is_nan());
        }
        if any_nan && self.task.nan_is_absorbing() {
            self.end_lost_trials(done + 1);
        }
    }

    /// Ends the trials whose parameters are all NaN after `done` steps: no rule turns NaN into a number, so every later
    /// loss is NaN too.
    fn end_lost_trials(&mut self, done: u32) {
        for row in (0..self.running.len()).rev() {
            let params = &self.params[row * self.n..(row + 1) * self.n];
            if !params.iter().all(|p| p.is_nan()) {
                continue;
            }
            let lost = self.running.swap_remove(row);
            // The last row takes the place of the lost one.
            let last = self.running.len();
            self.params.copy_within(last * self.n.., row * self.n);
            self.params.truncate(last * self.n);
            self.gradients.truncate(last * self.n);
            self.losses.truncate(last);
            // A full run would show it in the next training loss or, if this is the last step before an evaluation, there.
            self.curves[lost.trial].diverged_at.get_or_insert(done);
        }
    }

    /// Mean losses of every trial on the four splits, after `step` steps.
    fn evaluate(
        &mut self,
        step: u32,
        evaluated: Evaluated<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Cancelled> {
        let mut points = vec![[f32::NAN; 4]; self.curves.len()];
        let mut means = vec![0.0; self.running.len()];
        for split in Split::ALL {
            if self.running.is_empty() {
                break;
            }
            if stop() {
                return Err(Cancelled);
            }
            self.problem.mean_losses(split, &self.params, self.protocol.eval_batches, &mut means);
            for (trial, &mean) in self.running.iter().zip(&means) {
                points[trial.trial][split.index()] = if mean.is_nan() { f32::NAN } else { mean as f32 };
            }
        }
        let [train_seconds, eval_seconds] = self.seconds();
        for (curve, point) in self.curves.iter_mut().zip(points) {
            for (losses, loss) in curve.losses.iter_mut().zip(point) {
                losses.push(loss);
            }
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
