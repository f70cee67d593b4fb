//! Many trials on all cores, stored as they finish; a sweep can be stopped and continued.
//!
//! A thread trains a *group* at a time: trials of one task and replica in lockstep, as many as the task says pay off.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use taskset_curves::CurveStore;
use taskset_datasets::Datasets;
use taskset_optim::{Optimizer, OptimizerIdentity};
use taskset_tasks::Task;
use taskset_trial::{Curve, Identifier, Protocol, TaskIdentity, TrialId, TrialSpec};

use crate::cost::relative_work;
use crate::trial::{Trial, configure, run_until};
use crate::{Error, SweepObserver, SweepPlan, TrialError, TrialReport, task_identity, trial_spec};

/// How often finished curves are written, so that a killed process loses little.
const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// Longest wait for a finished trial. Then the observer is told, and it is checked whether to write or to stop.
const TICK: Duration = Duration::from_millis(250);

/// Most bytes of parameters, gradients and optimizer states of a group: a limit on the memory of a thread. Caches are
/// much smaller; tasks that would outgrow them ask for fewer trials.
const GROUP_BYTES: usize = 64 << 20;
/// Least number of groups per thread, so that no thread waits long for the last group of another.
const GROUPS_PER_JOB: usize = 4;

/// All trials of some tasks × optimizers × replicas, ready to run: tasks are built and optimizers are known.
#[derive(Clone)]
pub struct Sweep {
    tasks: Vec<(Arc<dyn Task>, Arc<TaskIdentity>)>,
    optimizers: Vec<(Arc<dyn Optimizer>, Arc<OptimizerIdentity>)>,
    replicas: u32,
    protocol: Protocol,
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
    /// Unknown names, infeasible tasks, missing data.
    pub fn new(plan: &SweepPlan, data: &Datasets) -> Result<Self, Error> {
        crate::plan::check_protocol(&plan.protocol)?;
        let tasks =
            plan.tasks.iter().map(|name| taskset_tasks::build(name, data)).collect::<Result<_, _>>()?;
        let optimizer = |name: &String| -> Result<Arc<dyn Optimizer>, Error> {
            Ok(Arc::new(configure(&taskset_optim::named(name)?, plan.mode, &plan.protocol)?))
        };
        let optimizers = plan.optimizers.iter().map(optimizer).collect::<Result<_, Error>>()?;
        Self::of(tasks, optimizers, plan.replicas, plan.protocol)
    }

    /// A sweep of tasks that are already built and of any optimizers, for example the caller's own. If a task does not say
    /// its [version](Task::version), its curves are stored, but never found again by another sweep.
    ///
    /// # Errors
    /// [`Error::EmptyPlan`] if there is nothing to train, errors of [`check_protocol`](crate::check_protocol), and
    /// [`Error::SameName`] if two different optimizers have one name.
    pub fn of(
        tasks: Vec<Arc<dyn Task>>,
        optimizers: Vec<Arc<dyn Optimizer>>,
        replicas: u32,
        protocol: Protocol,
    ) -> Result<Self, Error> {
        crate::plan::check_protocol(&protocol)?;
        crate::plan::check_lengths(tasks.len(), optimizers.len(), replicas)?;
        let identify = |task: Arc<dyn Task>| {
            let identity = Arc::new(task_identity(&*task));
            (task, identity)
        };
        let tasks: Vec<_> = tasks.into_iter().map(identify).collect();
        let identify = |optimizer: Arc<dyn Optimizer>| {
            let identity = Arc::new(optimizer.identity());
            (optimizer, identity)
        };
        let optimizers: Vec<_> = optimizers.into_iter().map(identify).collect();
        let mut known: HashMap<&str, &OptimizerIdentity> = HashMap::new();
        for (_, identity) in &optimizers {
            if known.insert(&identity.name, identity).is_some_and(|other| *other != **identity) {
                return Err(Error::SameName { name: identity.name.clone() });
            }
        }
        Ok(Self { tasks, optimizers, replicas, protocol, group_size: None })
    }

    /// The trials of the plan: task by task, replica by replica.
    pub fn specs(&self) -> impl Iterator<Item = TrialSpec> {
        self.tasks.iter().flat_map(move |(_, task)| {
            (0..self.replicas).flat_map(move |replica| {
                let spec = move |optimizer| trial_spec(task, optimizer, replica, &self.protocol);
                self.optimizers.iter().map(move |(_, optimizer)| spec(optimizer))
            })
        })
    }

    /// The identities of the trials of the plan.
    pub fn ids(&self) -> HashSet<TrialId> {
        let mut ids = Identifier::default();
        self.specs().map(|spec| ids.id(&spec)).collect()
    }

    /// The same sweep with at most `size` trials in lockstep, instead of as many as each task asks for. Curves are the
    /// same for every size; this is for measuring time, and for testing that.
    #[must_use]
    pub fn with_group_size(self, size: usize) -> Self {
        Self { group_size: Some(size.max(1)), ..self }
    }

    /// Steps and evaluations of every trial.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Runs every trial that is not in the store yet, on `jobs` threads, and stores the curves. Trials that differ in
    /// their optimizer only are trained in lockstep where their task says that it pays.
    ///
    /// When `cancel` becomes true, unfinished trials are dropped, finished ones are stored, and the outcome says so;
    /// calling again continues.
    ///
    /// # Errors
    /// [`Error::Store`] if curves cannot be written (a full disk, say); running trials are then dropped, and parts written
    /// before are complete. [`Error::Start`] if an optimizer cannot work with a task; the others' curves until then are stored.
    /// [`Error::Thread`] if not one thread can be started; where some can, these train it all.
    pub fn run(
        &self,
        store: &CurveStore,
        jobs: usize,
        observer: &mut dyn SweepObserver,
        cancel: &AtomicBool,
    ) -> Result<Outcome, Error> {
        let trials = self.remaining(store)?;
        let total = self.ids().len();
        let mut outcome = Outcome { total, reused: total - trials.len(), trained: 0, interrupted: false };
        observer.started(total, outcome.reused);
        let all_work: f64 = trials.iter().map(|item| item.work).sum();
        let queue = self.groups(trials, jobs);

        let next = AtomicUsize::new(0);
        // Set when storing fails or the observer panics: the workers must stop, but the sweep was not cancelled by its
        // user.
        let abandon = AtomicBool::new(false);
        let stop = || cancel.load(Ordering::Relaxed) || abandon.load(Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel::<Result<(f64, Curve), Error>>();
        std::thread::scope(|scope| {
            // Stops the workers however this closure is left, because the scope waits for them.
            let _abandon = SetOnDrop(&abandon);
            for thread in 0..jobs.clamp(1, queue.len().max(1)) {
                let sender = sender.clone();
                let work = || {
                    let sender = sender;
                    while let Some(group) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let Some(&Item { task, replica, work: each, .. }) = group.first() else { continue };
                        let (task, identity) = &self.tasks[task];
                        let trial = |item: &Item| {
                            let (optimizer, known_by) = &self.optimizers[item.optimizer];
                            let spec = trial_spec(identity, known_by, replica, &self.protocol);
                            Trial { spec, optimizer: &**optimizer }
                        };
                        let trials = group.iter().map(trial).collect();
                        let curves = match run_until(&**task, trials, replica, &self.protocol, &stop) {
                            Ok(curves) => curves,
                            Err(TrialError::Cancelled) => return,
                            Err(TrialError::Checkpoint(invalid)) => {
                                unreachable!("no trial of a sweep goes on from a checkpoint: {invalid}")
                            }
                            Err(TrialError::Optimizer(source)) => {
                                let source = Box::new(source);
                                // Whoever receives it stops the other threads.
                                let _ =
                                    sender.send(Err(Error::Start { task: task.name().to_owned(), source }));
                                return;
                            }
                        };
                        for curve in curves {
                            if sender.send(Ok((each / all_work, curve))).is_err() {
                                return;
                            }
                        }
                    }
                };
                // The system may refuse threads (limits of a user or a container). Fewer threads train the same curves.
                match std::thread::Builder::new().spawn_scoped(scope, work) {
                    Ok(_) => {}
                    Err(source) if thread == 0 => return Err(Error::Thread(source)),
                    Err(_) => {
                        observer.fewer_threads(thread, jobs);
                        break;
                    }
                }
            }
            drop(sender);
            outcome.trained = collect(&receiver, store, observer, cancel)?;
            outcome.interrupted = outcome.reused + outcome.trained < total;
            Ok(outcome)
        })
    }

    /// The trials that are not stored yet.
    fn remaining(&self, store: &CurveStore) -> Result<Vec<Item>, Error> {
        let mut known = store.finished()?;
        let mut ids = Identifier::default();
        let mut items = Vec::new();
        for (task, (built, identity)) in self.tasks.iter().enumerate() {
            let work = relative_work(&**built);
            for replica in 0..self.replicas {
                for (optimizer, (_, known_by)) in self.optimizers.iter().enumerate() {
                    let spec = trial_spec(identity, known_by, replica, &self.protocol);
                    // A trial that the plan names twice is trained once.
                    if known.insert(ids.id(&spec)) {
                        items.push(Item { task, optimizer, replica, work });
                    }
                }
            }
        }
        Ok(items)
    }

    /// The trials in groups of one task and replica, longest groups first, so that the last ones to finish are short. The
    /// size of groups changes no curve.
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

    /// Most trials of a task in a group: what the task asks for, if memory allows.
    fn group_size(&self, task: usize) -> usize {
        let task = &self.tasks[task].0;
        let asked = self.group_size.unwrap_or_else(|| task.capabilities().lockstep);
        let layout = task.layout();
        let states = self.optimizers.iter().map(|(optimizer, _)| optimizer.state_bytes(layout));
        // Parameters, gradients, parameters for evaluation, and the state.
        let trial = 3 * size_of::<f32>() * layout.len().max(1) + states.max().unwrap_or(0);
        asked.min(GROUP_BYTES / trial).max(1)
    }
}

/// One trial of the queue, by index.
struct Item {
    task: usize,
    optimizer: usize,
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

/// Receives curves, each with its share of the work, until the workers are done, writes them in batches, and returns how
/// many were stored. On a request to stop it writes at once what it has, because workers may need long to notice the
/// request, and the program may be ended before they do.
fn collect(
    receiver: &mpsc::Receiver<Result<(f64, Curve), Error>>,
    store: &CurveStore,
    observer: &mut dyn SweepObserver,
    cancel: &AtomicBool,
) -> Result<usize, Error> {
    let mut pending: Vec<Curve> = Vec::new();
    let mut stored = 0;
    let mut failure = None;
    let mut last_flush = Instant::now();
    loop {
        let message = receiver.recv_timeout(TICK);
        let over = matches!(message, Err(mpsc::RecvTimeoutError::Disconnected));
        match message {
            // What was received before is written, as on a request to stop.
            Ok(Err(error)) => failure = failure.or(Some(error)),
            Ok(Ok((share, curve))) => {
                let report = TrialReport { trial: &curve.spec, diverged_at: curve.diverged_at, share };
                observer.finished(&report);
                pending.push(curve);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => observer.tick(),
            Err(mpsc::RecvTimeoutError::Disconnected) => {}
        }
        let due = over
            || failure.is_some()
            || last_flush.elapsed() >= FLUSH_EVERY
            || cancel.load(Ordering::Relaxed);
        if !pending.is_empty() && due {
            pending.sort_by(Curve::order);
            store.append(&pending)?;
            stored += pending.len();
            observer.stored(pending.len());
            pending.clear();
            last_flush = Instant::now();
        }
        if let Some(error) = failure {
            return Err(error);
        }
        if over {
            return Ok(stored);
        }
    }
}
