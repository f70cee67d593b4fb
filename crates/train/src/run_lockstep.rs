//! Trials in lockstep: initialise, evaluate, step, evaluate, …, for one trial or several of one task and replica.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use taskset_nn::denormals::FlushGuard;
use taskset_optim::Optimizer;
use taskset_tasks::Task;
use taskset_trial::{Curve, Protocol, TrialSpec};

use crate::checkpoint::{Checkpoint, InvalidCheckpoint, Saving};
use crate::evaluation::mean_losses;
use crate::lockstep_state::Lockstep;
use crate::{TrialError, task_identity, trial_spec};

/// Trains trials of one task and replica that differ only in their optimizers, in lockstep on the calling thread: on the
/// same minibatches and noise, which are drawn once. Each curve has the bits that [`run_trial`](crate::run_trial) gives it. The seconds of
/// the group are divided equally among its trials.
///
/// # Errors
/// As [`run_trial`](crate::run_trial); if one optimizer cannot work with the task's parameters, none is trained.
pub fn run_lockstep(
    task: &dyn Task,
    optimizers: &[&dyn Optimizer],
    replica: u32,
    protocol: &Protocol,
    cancel: &AtomicBool,
) -> Result<Vec<Curve>, TrialError> {
    let stop = || cancel.load(Ordering::Relaxed);
    Group::of(task, optimizers, replica, protocol).train(None, None, &stop)
}

/// Trials of one task and replica that are trained in lockstep, as by [`run_lockstep`].
pub struct Group<'a> {
    /// The task of all.
    pub task: &'a dyn Task,
    /// The replica of all.
    pub replica: u32,
    /// Steps and evaluations of all.
    pub protocol: &'a Protocol,
    /// The trials, in the order of their curves.
    pub trials: Vec<GroupTrial<'a>>,
}

impl std::fmt::Debug for Group<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group")
            .field("task", &self.task.name())
            .field("trials", &self.trials)
            .finish_non_exhaustive()
    }
}

/// One trial of a group: what its curve is known by, and its update.
#[derive(Debug)]
pub struct GroupTrial<'a> {
    /// What its curve is known by.
    pub spec: TrialSpec,
    /// What updates its parameters.
    pub optimizer: &'a dyn Optimizer,
}

/// Called after an evaluation with the curve so far of each trial.
pub(crate) type Evaluated<'a> = &'a mut dyn FnMut(&Curve);

impl<'a> Group<'a> {
    /// A group of one trial for each optimizer.
    pub fn of(
        task: &'a dyn Task,
        optimizers: &[&'a dyn Optimizer],
        replica: u32,
        protocol: &'a Protocol,
    ) -> Self {
        let identity = Arc::new(task_identity(task));
        let trial = |&optimizer: &&'a dyn Optimizer| {
            let spec = trial_spec(&identity, &Arc::new(optimizer.identity()), replica, protocol);
            GroupTrial { spec, optimizer }
        };
        Self { task, replica, protocol, trials: optimizers.iter().map(trial).collect() }
    }

    /// Trains the group on the calling thread: from checkpoints of all its trials, if there are some, which must all be after
    /// the same step. Each may have been alone before, or in other company. `stop` is asked at every step.
    ///
    /// # Errors
    /// As [`run_lockstep`] and [`continue_trial`](crate::continue_trial).
    pub fn train(
        self,
        from: Option<&[&Checkpoint]>,
        saving: Option<Saving<'_>>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Curve>, TrialError> {
        self.train_observed(from, saving, &mut |_| {}, stop)
    }

    pub(crate) fn train_observed(
        self,
        from: Option<&[&Checkpoint]>,
        saving: Option<Saving<'_>>,
        evaluated: Evaluated<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Curve>, TrialError> {
        let _flush = FlushGuard::new();
        let mut group = LockstepGroup::start(self)?;
        if let Some(from) = from {
            group.restore(from)?;
        }
        group.run(evaluated, saving, stop)?;
        Ok(group.into_curves())
    }
}

/// A group of trials in lockstep, with their curves.
struct LockstepGroup<'a> {
    protocol: &'a Protocol,
    trials: Lockstep<'a>,
    /// Steps after which all are evaluated.
    steps: Arc<[u32]>,
    /// The curves, of all trials in their order.
    curves: Vec<Curve>,
    /// Steps done.
    done: u32,
    /// Evaluations done.
    evaluations: usize,
    train_time: Duration,
    eval_time: Duration,
    /// Seconds of training and of evaluation that each trial had before it went on here.
    before: Vec<[f64; 2]>,
}

/// Steps between two looks at the clock: looking takes as long as a tenth of the shortest steps.
const LOOK_EVERY: u32 = 16;

impl<'a> LockstepGroup<'a> {
    fn start(group: Group<'a>) -> Result<Self, TrialError> {
        let Group { task, replica, protocol, trials } = group;
        let optimizers: Vec<&dyn Optimizer> = trials.iter().map(|trial| trial.optimizer).collect();
        let steps: Arc<[u32]> = protocol.eval_steps().into();
        let before = vec![[0.0; 2]; trials.len()];
        let curve = |trial: GroupTrial<'_>| Curve {
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
            done: 0,
            evaluations: 0,
            train_time: Duration::ZERO,
            eval_time: Duration::ZERO,
            before,
        })
    }

    /// Goes on from where each trial was, in the order of the trials.
    fn restore(&mut self, from: &[&Checkpoint]) -> Result<(), TrialError> {
        let invalid = |reason: String| Err(TrialError::Checkpoint(InvalidCheckpoint { reason }));
        let Some(first) = from.first() else { return invalid("there is none".to_owned()) };
        if from.len() != self.curves.len() {
            return invalid(format!("{} checkpoints of {} trials", from.len(), self.curves.len()));
        }
        let (step, evaluations) = (first.step, first.evaluations());
        for (checkpoint, fresh) in from.iter().zip(&self.curves) {
            checkpoint.check(fresh)?;
            if (checkpoint.step, checkpoint.evaluations()) != (step, evaluations) {
                return invalid(format!("after {} steps, and another one after {step}", checkpoint.step));
            }
        }
        let minibatches = evaluations as u64 * u64::from(self.protocol.eval_batches);
        self.trials.restore(from, step, minibatches)?;
        for ((curve, before), checkpoint) in self.curves.iter_mut().zip(&mut self.before).zip(from) {
            let Curve { losses, diverged_at, train_seconds, eval_seconds, .. } = &checkpoint.curve;
            curve.losses.clone_from(losses);
            curve.diverged_at = *diverged_at;
            *before = [*train_seconds, *eval_seconds];
        }
        (self.done, self.evaluations) = (step, evaluations);
        Ok(())
    }

    /// Where each trial stands now.
    fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, TrialError> {
        self.count_seconds();
        let states = self.trials.states()?;
        let trials = self.curves.iter().zip(&self.trials.diverged_at).zip(states);
        let checkpoint = |((curve, &diverged_at), state): ((&Curve, &Option<u32>), _)| {
            // In training, since the last evaluation.
            let diverged_at = curve.diverged_at.or(diverged_at);
            Checkpoint { step: self.done, curve: Curve { diverged_at, ..curve.clone() }, state }
        };
        Ok(trials.map(checkpoint).collect())
    }

    /// Trains and evaluates to the end, or until it is stopped; then it saves itself, if that is wanted.
    fn run(
        &mut self,
        evaluated: Evaluated<'_>,
        mut saving: Option<Saving<'_>>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), TrialError> {
        let ended = self.advance(evaluated, &mut saving, stop);
        if let (Err(TrialError::Cancelled), Some(saving)) = (&ended, &mut saving) {
            self.checkpoints()?.into_iter().for_each(&mut *saving.save);
        }
        ended
    }

    fn advance(
        &mut self,
        evaluated: Evaluated<'_>,
        saving: &mut Option<Saving<'_>>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), TrialError> {
        let mut saved = Instant::now();
        for point in self.evaluations..self.steps.len() {
            let mut start = Instant::now();
            while self.done < self.steps[point] && !self.trials.running.is_empty() {
                if stop() {
                    return Err(TrialError::Cancelled);
                }
                self.trials.differentiate();
                self.trials.update(self.done);
                self.done += 1;
                let Some(saving) = saving else { continue };
                let look = self.done.is_multiple_of(LOOK_EVERY) || saving.every.is_zero();
                if look && saved.elapsed() >= saving.every {
                    self.train_time += start.elapsed();
                    self.checkpoints()?.into_iter().for_each(&mut *saving.save);
                    (start, saved) = (Instant::now(), Instant::now());
                }
            }
            // Trials that have all ended are where a full run would be.
            self.done = self.steps[point];
            let trained = Instant::now();
            self.train_time += trained - start;
            self.evaluate(self.steps[point], evaluated, stop)?;
            self.evaluations += 1;
            self.eval_time += trained.elapsed();
        }
        Ok(())
    }

    /// Evaluates every trial after `step` steps, and adds the point to its curve.
    fn evaluate(
        &mut self,
        step: u32,
        evaluated: Evaluated<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), TrialError> {
        let points = mean_losses(&mut self.trials, self.protocol.eval_batches, stop)?;
        let diverged_at = self.trials.diverged_at.clone();
        self.count_seconds();
        for ((curve, point), diverged_at) in self.curves.iter_mut().zip(points).zip(diverged_at) {
            for (losses, loss) in curve.losses.iter_mut().zip(point) {
                losses.push(loss);
            }
            // In training, before this evaluation.
            curve.diverged_at = curve.diverged_at.or(diverged_at);
            if point.iter().any(|loss| !loss.is_finite()) {
                curve.diverged_at.get_or_insert(step);
            }
            evaluated(curve);
        }
        Ok(())
    }

    /// The curves, each with its share of the time.
    fn into_curves(mut self) -> Vec<Curve> {
        self.count_seconds();
        self.curves
    }

    /// Tells each curve its share in the seconds of training and evaluation so far.
    fn count_seconds(&mut self) {
        let share = 1.0 / self.curves.len().max(1) as f64;
        let [train, eval] = [self.train_time, self.eval_time].map(|time| time.as_secs_f64() * share);
        for (curve, [train_before, eval_before]) in self.curves.iter_mut().zip(&self.before) {
            (curve.train_seconds, curve.eval_seconds) = (train_before + train, eval_before + eval);
        }
    }
}
