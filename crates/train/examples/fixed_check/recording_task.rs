//! A task around another one that notes the loss of each minibatch of an evaluation, and the processor time of training.
//! Trials take it like any other task; with the same name it has the same streams, so the curves are those of the task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use taskset_names::{Origin, Split};
use taskset_rng::StreamId;
use taskset_tasks::{Capabilities, Feed, Layout, Problem, Task};

use crate::verdict::Mean;

/// A task whose evaluations are noted.
pub(crate) struct Recorded {
    task: Arc<dyn Task>,
    notes: Arc<Mutex<Notes>>,
}

/// What was noted of one trial.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// One for each evaluation of the trial: the losses of the minibatches of each split.
    evaluations: Vec<[Vec<f64>; 4]>,
    /// Whether a training step was made since the last evaluation.
    trained: bool,
    /// When the last evaluation ended, and when a minibatch was begun.
    ended: Duration,
    began: Duration,
    /// Processor time of all steps, with the optimizer's updates, and of all evaluations.
    pub(crate) train_time: Duration,
    pub(crate) eval_time: Duration,
}

impl Notes {
    /// Mean losses of the first and of the last evaluation on the four splits, with standard errors over minibatches.
    /// `None` if there was none at the end, because the trial had diverged.
    pub(crate) fn first_and_last(&self) -> ([Mean; 4], Option<[Mean; 4]>) {
        let means = |losses: &[Vec<f64>; 4]| losses.each_ref().map(|losses| Mean::of(losses));
        let first = self.evaluations.first().map_or([Mean::default(); 4], means);
        (first, self.evaluations.get(1..).and_then(<[_]>::last).map(means))
    }
}

impl Recorded {
    pub(crate) fn new(task: Arc<dyn Task>) -> Self {
        Self { task, notes: Arc::default() }
    }

    /// What was noted so far.
    pub(crate) fn notes(&self) -> Notes {
        lock(&self.notes).clone()
    }
}

fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Processor time of this thread, which other programs disturb less than the clock.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Where the system does not tell, wall time.
#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

impl Task for Recorded {
    fn name(&self) -> &str {
        self.task.name()
    }

    fn layout(&self) -> &Layout {
        self.task.layout()
    }

    fn origin(&self) -> Origin {
        self.task.origin()
    }

    fn flops_per_step(&self) -> f64 {
        self.task.flops_per_step()
    }

    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>> {
        Box::new(RecordedProblem {
            problem: self.task.start(replica),
            split: 0,
            notes: Arc::clone(&self.notes),
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.task.capabilities()
    }

    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        self.task.start_f64(replica)
    }
}

struct RecordedProblem {
    problem: Box<dyn Problem<f32>>,
    /// Index of the split of the loaded minibatch.
    split: usize,
    notes: Arc<Mutex<Notes>>,
}

impl Problem<f32> for RecordedProblem {
    fn init(&mut self, params: &mut [f32]) {
        self.problem.init(params);
    }

    fn next_batch(&mut self, feed: Feed) {
        lock(&self.notes).trained = true;
        self.problem.next_batch(feed);
    }

    fn loss(&mut self, params: &[f32]) -> f32 {
        self.problem.loss(params)
    }

    fn loss_and_gradients(&mut self, params: &[f32], gradients: &mut [f32]) -> f32 {
        self.problem.loss_and_gradients(params, gradients)
    }

    fn losses_and_gradients(&mut self, params: &[f32], gradients: &mut [f32], losses: &mut [f32]) {
        self.problem.losses_and_gradients(params, gradients, losses);
    }

    /// One minibatch at a time, whatever the task would take.
    fn load_evaluation(&mut self, split: Split, _batches: u32) -> u32 {
        let now = cpu_time();
        let mut notes = lock(&self.notes);
        if notes.trained {
            let trained = now.saturating_sub(notes.ended);
            notes.train_time += trained;
        }
        if notes.trained || notes.evaluations.is_empty() {
            notes.evaluations.push(Default::default());
        }
        notes.trained = false;
        notes.began = now;
        self.split = split.index();
        self.problem.load_evaluation(split, 1)
    }

    fn loaded_losses(&mut self, params: &[f32], losses: &mut [f64]) {
        self.problem.loaded_losses(params, losses);
        let mut notes = lock(&self.notes);
        if let (Some(evaluation), Some(&loss)) = (notes.evaluations.last_mut(), losses.first()) {
            evaluation[self.split].push(loss);
        }
        notes.ended = cpu_time();
        let evaluated = notes.ended.saturating_sub(notes.began);
        notes.eval_time += evaluated;
    }

    fn noise(&self) -> Vec<&[f32]> {
        self.problem.noise()
    }

    fn constraint_mask(&self) -> Option<&[f32]> {
        self.problem.constraint_mask()
    }
}
