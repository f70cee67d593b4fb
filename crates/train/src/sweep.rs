//! Many trials over all cores, stored as they finish; stopped and continued at will.
//!
//! A thread trains a *group* at a time: trials of one task and replica in lockstep, as many as the task says pay off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use taskset_curves::{Curve, CurveStore};
use taskset_datasets::Datasets;
use taskset_optim::{Mode, Rule};
use taskset_tasks::Task;

use crate::trial::run_until;
use crate::{Error, Plan, SweepObserver, TrialReport};

/// How often finished curves are written, so that a killed process loses little.
const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// How long a trial is waited for before the observer is told that time goes by, and the clock of flushes is read.
const TICK: Duration = Duration::from_secs(1);

/// Most bytes of parameters, gradients and optimizer states of a group. It bounds what a thread needs; the caches matter
/// more, and tasks ask for few trials where they would be outgrown.
const GROUP_BYTES: usize = 64 << 20;
/// Groups a thread that there should be at least, so that no thread waits for another's long last group.
const GROUPS_PER_JOB: usize = 4;

/// A plan whose tasks are built and whose optimizers are known, ready to run.
#[derive(Clone)]
pub struct Sweep {
    plan: Plan,
    tasks: Vec<Arc<dyn Task>>,
    rules: Vec<(String, Rule)>,
    /// Trials in lockstep; `None`: as many as each task asks for.
    group_size: Option<usize>,
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Trials of the plan.
    pub total: usize,
    /// Trials that were already stored.
    pub reused: usize,
    /// Trials trained and stored now.
    pub trained: usize,
    /// Whether it was stopped on request before the end.
    pub interrupted: bool,
}

impl Sweep {
    /// Builds the tasks of a plan (data is loaded once and shared) and looks up its optimizers.
    ///
    /// # Errors
    /// Unknown names, infeasible or not yet trainable tasks, missing data.
    pub fn new(plan: Plan, data: &Datasets) -> Result<Self, Error> {
        crate::plan::check_protocol(&plan.protocol)?;
        let tasks =
            plan.tasks.iter().map(|name| taskset_tasks::build(name, data)).collect::<Result<_, _>>()?;
        Self::of_tasks(plan, tasks)
    }

    /// A sweep of tasks that are built already: tasks of the caller's own, say. Curves are stored and found by name, and the
    /// plan's hash knows nothing else of a task: what is changed needs a new name or a new store.
    ///
    /// # Errors
    /// [`Error::OtherTasks`] if the tasks' names are not those of the plan, in order; unknown optimizers.
    pub fn of_tasks(plan: Plan, tasks: Vec<Arc<dyn Task>>) -> Result<Self, Error> {
        crate::plan::check_protocol(&plan.protocol)?;
        if !plan.tasks.iter().eq(tasks.iter().map(|task| task.name())) {
            let given = tasks.iter().map(|task| task.name().to_owned()).collect();
            return Err(Error::OtherTasks { planned: plan.tasks, given });
        }
        let mode: Mode = plan.mode.parse()?;
        let steps = crate::trial::schedule_steps(mode, &plan.protocol);
        let rules = plan
            .optimizers
            .iter()
            .map(|name| Ok((name.clone(), taskset_optim::named(name)?.config.rule(mode, steps))))
            .collect::<Result<_, Error>>()?;
        Ok(Self { plan, tasks, rules, group_size: None })
    }

    /// The same sweep with at most `size` trials in lockstep instead of as many as each task asks for. Curves are the
    /// same for every size: this is for measuring and for checking that.
    #[must_use]
    pub fn with_group_size(self, size: usize) -> Self {
        Self { group_size: Some(size.max(1)), ..self }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs every trial that is not in the store yet, on `jobs` threads, and stores the curves. Trials that differ in
    /// their optimizer only are trained in lockstep where their task says that it pays.
    ///
    /// When `cancel` becomes true, unfinished trials are dropped, finished ones are stored, and the outcome says so;
    /// calling again continues.
    ///
    /// # Errors
    /// [`Error::Store`] if curves cannot be written (a full disk, say); running trials are then dropped, and parts written
    /// before are complete.
    pub fn run(
        &self,
        store: &CurveStore,
        jobs: usize,
        observer: &mut dyn SweepObserver,
        cancel: &AtomicBool,
    ) -> Result<Outcome, Error> {
        let trials = self.remaining(store)?;
        let total = self.plan.len();
        let mut outcome = Outcome { total, reused: total - trials.len(), trained: 0, interrupted: false };
        observer.started(total, outcome.reused);
        let work: f64 = trials.iter().map(|item| item.work).sum();
        let queue = self.groups(trials, jobs);

        let next = AtomicUsize::new(0);
        // Set when storing fails or the observer panics: the workers must stop, but the sweep was not cancelled by its
        // user.
        let abandon = AtomicBool::new(false);
        let stop = || cancel.load(Ordering::Relaxed) || abandon.load(Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel::<(f64, Curve)>();
        std::thread::scope(|scope| {
            // However this closure is left: the scope waits for its threads.
            let _abandon = SetOnDrop(&abandon);
            for _ in 0..jobs.clamp(1, queue.len().max(1)) {
                let sender = sender.clone();
                scope.spawn(|| {
                    let sender = sender;
                    while let Some(group) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let Some(&Item { task, replica, work: each, .. }) = group.first() else { continue };
                        let rule = |item: &Item| {
                            let (name, rule) = &self.rules[item.rule];
                            (name.as_str(), rule)
                        };
                        let trials: Vec<(&str, &Rule)> = group.iter().map(rule).collect();
                        let protocol = &self.plan.protocol;
                        let curves = run_until(&*self.tasks[task], &trials, replica, protocol, &stop);
                        let Ok(curves) = curves else { return };
                        for curve in curves {
                            if sender.send((each / work, curve)).is_err() {
                                return;
                            }
                        }
                    }
                });
            }
            drop(sender);
            outcome.trained = collect(&receiver, store, observer)?;
            outcome.interrupted = outcome.reused + outcome.trained < total;
            Ok(outcome)
        })
    }

    /// The trials that are not stored yet.
    fn remaining(&self, store: &CurveStore) -> Result<Vec<Item>, Error> {
        let stored = store.finished()?;
        let finished: BTreeSet<(&str, &str, u32)> = stored.iter().map(|(t, o, r)| (&**t, &**o, *r)).collect();
        let mut items = Vec::new();
        for task in 0..self.tasks.len() {
            // About a microsecond of overhead a step, and a few GFLOP/s: only the ratio between tasks matters.
            let work = 1e-6 + self.tasks[task].flops_per_step() / 1e10;
            for replica in 0..self.plan.replicas {
                for rule in 0..self.rules.len() {
                    if !finished.contains(&(self.tasks[task].name(), self.rules[rule].0.as_str(), replica)) {
                        items.push(Item { task, rule, replica, work });
                    }
                }
            }
        }
        Ok(items)
    }

    /// The trials in groups of one task and replica, dearest groups first so that the last ones to finish are short. How
    /// large groups are changes no curve.
    fn groups(&self, trials: Vec<Item>, jobs: usize) -> Vec<Vec<Item>> {
        let fair = (trials.len() / (GROUPS_PER_JOB * jobs.max(1))).max(1);
        let mut groups: Vec<Vec<Item>> = Vec::new();
        for item in trials {
            let most = self.group_size(item.task).min(fair);
            match groups.last_mut() {
                Some(group) if group.len() < most && group[0].is_beside(&item) => group.push(item),
                _ => groups.push(vec![item]),
            }
        }
        let cost = |group: &[Item]| -> f64 { group.iter().map(|item| item.work).sum() };
        groups.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
        groups
    }

    /// Most trials of a task in a group: what the task asks for, as far as memory goes.
    fn group_size(&self, task: usize) -> usize {
        let asked = self.group_size.unwrap_or_else(|| self.tasks[task].lockstep());
        // Parameters, gradients, and two moments.
        let trial = 4 * size_of::<f32>() * self.tasks[task].layout().len().max(1);
        asked.min(GROUP_BYTES / trial).max(1)
    }
}

/// One trial of the queue, by index.
struct Item {
    task: usize,
    rule: usize,
    replica: u32,
    work: f64,
}

impl Item {
    /// Whether both trials differ in the optimizer only.
    fn is_beside(&self, other: &Self) -> bool {
        self.task == other.task && self.replica == other.replica
    }
}

/// Sets a flag when it goes out of scope, by a return, an error or a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Receives curves, each with its share of the work, until the workers are done, and writes them in batches; the
/// number stored.
fn collect(
    receiver: &mpsc::Receiver<(f64, Curve)>,
    store: &CurveStore,
    observer: &mut dyn SweepObserver,
) -> Result<usize, Error> {
    let mut pending: Vec<Curve> = Vec::new();
    let mut stored = 0;
    let mut last_flush = Instant::now();
    loop {
        let message = receiver.recv_timeout(TICK);
        let over = matches!(message, Err(mpsc::RecvTimeoutError::Disconnected));
        match message {
            Ok((share, curve)) => {
                let trial = curve.key();
                observer.finished(&TrialReport { trial: &trial, diverged_at: curve.diverged_at, share });
                pending.push(curve);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => observer.tick(),
            Err(mpsc::RecvTimeoutError::Disconnected) => {}
        }
        if !pending.is_empty() && (over || last_flush.elapsed() >= FLUSH_EVERY) {
            pending.sort_by_cached_key(Curve::key);
            store.append(&pending)?;
            stored += pending.len();
            observer.stored(pending.len());
            pending.clear();
            last_flush = Instant::now();
        }
        if over {
            return Ok(stored);
        }
    }
}
