//! Tasks × optimizers × replicas under one protocol, and the numbers of their trials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use taskset_datasets::Datasets;
use taskset_optim::{Optimizer, OptimizerIdentity};
use taskset_tasks::Task;
use taskset_train::{task_identity, trial_spec};
use taskset_trial::{Digest, Protocol, TaskIdentity, TaskVersion, TrialSpec};

use crate::Error;
use crate::error::Contradiction;

/// Most bytes of parameters, gradients and optimizer states of a group: a limit on the memory of a thread. Caches are
/// much smaller; tasks that would outgrow them ask for fewer trials.
const GROUP_BYTES: usize = 64 << 20;

/// Tasks × optimizers × replicas under one protocol.
///
/// The trials of a task are numbered replica by replica: number = replica × optimizers + optimizer. So trials that can be
/// trained in lockstep stand side by side.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) tasks: Vec<BlockTask>,
    pub(crate) optimizers: Vec<(Arc<dyn Optimizer>, Arc<OptimizerIdentity>)>,
    pub(crate) replicas: u32,
    pub(crate) protocol: Protocol,
}

/// A task of a block. It is built when its first trial is trained.
#[derive(Clone, Debug)]
pub(crate) struct BlockTask {
    pub(crate) identity: Arc<TaskIdentity>,
    pub(crate) source: TaskSource,
}

/// Where the built task comes from.
#[derive(Clone)]
pub(crate) enum TaskSource {
    /// It is here.
    Built(Arc<dyn Task>),
    /// From its name and these data sets.
    Named(Datasets),
}

impl std::fmt::Debug for TaskSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Built(_) => "Built",
            Self::Named(_) => "Named",
        })
    }
}

impl BlockTask {
    pub(crate) fn built(task: Arc<dyn Task>) -> Self {
        Self { identity: Arc::new(task_identity(&*task)), source: TaskSource::Built(task) }
    }
}

impl Block {
    /// A block of any tasks and optimizers.
    ///
    /// # Errors
    /// [`Error::EmptyPlan`]; [`Error::SameName`] if two different optimizers have one name; a protocol that cannot be.
    pub(crate) fn of(
        tasks: Vec<BlockTask>,
        optimizers: Vec<Arc<dyn Optimizer>>,
        replicas: u32,
        protocol: Protocol,
    ) -> Result<Self, Error> {
        taskset_train::check_protocol(&protocol)?;
        check_lengths(tasks.len(), optimizers.len(), replicas)?;
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
        Ok(Self { tasks, optimizers, replicas, protocol })
    }

    /// Number of trials of each task.
    pub(crate) fn trials_per_task(&self) -> u64 {
        u64::from(self.replicas) * self.optimizers.len() as u64
    }

    pub(crate) fn replica(&self, trial: u64) -> u32 {
        (trial / self.optimizers.len() as u64) as u32
    }

    pub(crate) fn optimizer(&self, trial: u64) -> &(Arc<dyn Optimizer>, Arc<OptimizerIdentity>) {
        &self.optimizers[(trial % self.optimizers.len() as u64) as usize]
    }

    /// The specification of a trial of a task.
    pub(crate) fn spec(&self, task: usize, trial: u64) -> TrialSpec {
        let (_, optimizer) = self.optimizer(trial);
        trial_spec(&self.tasks[task].identity, optimizer, self.replica(trial), &self.protocol)
    }

    /// Most trials of a task in lockstep: what the task asks for, if memory allows.
    pub(crate) fn group_size(&self, task: &dyn Task, asked: Option<usize>) -> usize {
        let asked = asked.unwrap_or_else(|| task.capabilities().lockstep);
        asked.min(GROUP_BYTES / self.trial_bytes(task)).max(1)
    }

    /// Bytes of a trial: parameters, gradients, parameters for evaluation, and the largest of the optimizers' states.
    pub(crate) fn trial_bytes(&self, task: &dyn Task) -> usize {
        let layout = task.layout();
        let states = self.optimizers.iter().map(|(optimizer, _)| optimizer.state_bytes(layout));
        3 * size_of::<f32>() * layout.len().max(1) + states.max().unwrap_or(0)
    }
}

/// Whether there is something to train.
fn check_lengths(tasks: usize, optimizers: usize, replicas: u32) -> Result<(), Error> {
    let empty = |what, is_empty: bool| if is_empty { Err(Error::EmptyPlan { what }) } else { Ok(()) };
    empty("the list of tasks", tasks == 0)?;
    empty("the list of optimizers", optimizers == 0)?;
    empty("the number of replicas", replicas == 0)
}

/// Builds tasks when they are needed. Threads that need the same one share it; nobody's is forgotten.
#[derive(Debug, Default)]
pub(crate) struct BuiltTasks(Mutex<HashMap<(usize, usize), TaskSlot>>);

/// The task, if somebody holds it. Locked while it is built.
type TaskSlot = Arc<Mutex<Option<WeakTask>>>;

struct WeakTask(Weak<dyn Task>);

impl std::fmt::Debug for WeakTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WeakTask")
    }
}

impl BuiltTasks {
    /// The task of a block, by their numbers. It must be what the plan says it is.
    ///
    /// # Errors
    /// Those of building it; [`Error::Contradiction`] if it is not the planned one.
    pub(crate) fn get(&self, blocks: &[Block], block: usize, task: usize) -> Result<Arc<dyn Task>, Error> {
        let planned = &blocks[block].tasks[task];
        let data = match &planned.source {
            TaskSource::Built(task) => return Ok(Arc::clone(task)),
            TaskSource::Named(data) => data,
        };
        let slot = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry((block, task)).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = slot.as_ref().and_then(|weak| weak.0.upgrade()) {
            return Ok(task);
        }
        let built = taskset_tasks::build(&planned.identity.name, data)?;
        let identity = task_identity(&*built);
        if let Some(contradiction) = task_contradiction(&planned.identity, &identity) {
            return Err(Box::new(contradiction).into());
        }
        *slot = Some(WeakTask(Arc::downgrade(&built)));
        Ok(built)
    }
}

/// The first thing in which a planned task and the one of its name now differ.
pub(crate) fn task_contradiction(planned: &TaskIdentity, now: &TaskIdentity) -> Option<Contradiction> {
    // Taken apart completely, so that a new field cannot be forgotten.
    let TaskIdentity { name, origin, data_digest, version } = planned;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    let short = |digest: &Option<Digest>| or_none(digest.as_ref().map(Digest::short));
    let words = |version: &Option<TaskVersion>| {
        let words = |v: &TaskVersion| {
            format!("{} revision {}, description {}", v.group, v.revision, v.fingerprint.short())
        };
        or_none(version.as_ref().map(words))
    };
    let fields = [
        ("name", name.clone(), now.name.clone()),
        ("origin of the data", origin.to_string(), now.origin.to_string()),
        ("digest of the data", short(data_digest), short(&now.data_digest)),
        ("version", words(version), words(&now.version)),
    ];
    let (field, before, now) = fields.into_iter().find(|(_, before, now)| before != now)?;
    let (trial, known) = (format!("the task {name}"), "planned".to_owned());
    Some(Contradiction { trial, known, field, before, now })
}
