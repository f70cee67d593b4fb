//! The same bits for any number of threads, any order of trials, any trials beside them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use taskset_names::{Origin, Split};
use taskset_optim::{Mode, named};
use taskset_rng::StreamId;
use taskset_tasks::{Feed, Layout, Problem, Task};
use taskset_train::{Protocol, Quiet, run_trial};

use crate::support::{DATA, OPTIMIZERS, TASKS};

#[test]
fn optimizers_share_starts_and_replicas_do_not() {
    let cancel = AtomicBool::new(false);
    let protocol = Protocol { steps: 0, eval_every: 1, eval_batches: 3 };
    for task in ["mlp_family_seed131", "losg_tasks_family_seed0", "quadratic_family_seed3"] {
        let task = taskset_tasks::build(task, &DATA).unwrap();
        let start = |optimizer: &str, replica| {
            let optimizer = named(optimizer).unwrap().configured(Mode::Upstream, 10_000).unwrap();
            let curve = run_trial(&*task, &optimizer, replica, &protocol, &mut Quiet, &cancel).unwrap();
            curve.losses.map(|split| split[0].to_bits())
        };
        assert_eq!(start(OPTIMIZERS[0], 0), start(OPTIMIZERS[1], 0), "{}", task.name());
    }
    let task = taskset_tasks::build("mlp_family_seed131", &DATA).unwrap();
    let zero = named("zero").unwrap().configured(Mode::Upstream, 1).unwrap();
    let first = |replica| run_trial(&*task, &zero, replica, &protocol, &mut Quiet, &cancel).unwrap().losses;
    assert_ne!(first(0), first(1));
}

#[test]
fn evaluating_more_often_does_not_change_training() {
    let cancel = AtomicBool::new(false);
    for name in TASKS {
        let optimizer = named(OPTIMIZERS[0]).unwrap().configured(Mode::Upstream, 10_000).unwrap();
        let seen = |eval_every| {
            let task = Recorded::new(name);
            let protocol = Protocol { steps: 12, eval_every, eval_batches: 1 };
            run_trial(&task, &optimizer, 0, &protocol, &mut Quiet, &cancel).unwrap();
            std::mem::take(&mut *task.record.lock().unwrap())
        };
        let (often, seldom) = (seen(3), seen(12));
        assert_eq!(often.losses.len(), 12);
        assert_eq!((often.evaluations, seldom.evaluations), (5 * 4, 2 * 4));
        assert_eq!(often.losses, seldom.losses, "{name}");
        assert_eq!(often.params, seldom.params, "{name}");
    }
}

/// What training did, in bits.
#[derive(Default)]
struct Record {
    /// The loss of every step.
    losses: Vec<u32>,
    /// The parameters that were evaluated last: the final ones.
    params: Vec<u32>,
    /// Splits evaluated.
    evaluations: usize,
}

/// A task that records what is done with its problem.
struct Recorded {
    task: Arc<dyn Task>,
    record: Arc<Mutex<Record>>,
}

impl Recorded {
    fn new(name: &str) -> Self {
        let task = taskset_tasks::build(name, &DATA).unwrap();
        Self { task, record: Arc::default() }
    }
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
        Box::new(RecordedProblem { problem: self.task.start(replica), record: self.record.clone() })
    }
    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        self.task.start_f64(replica)
    }
}

struct RecordedProblem {
    problem: Box<dyn Problem<f32>>,
    record: Arc<Mutex<Record>>,
}

impl Problem<f32> for RecordedProblem {
    fn init(&mut self, params: &mut [f32]) {
        self.problem.init(params);
    }
    fn next_batch(&mut self, feed: Feed) {
        self.problem.next_batch(feed);
    }
    fn loss(&mut self, params: &[f32]) -> f32 {
        self.problem.loss(params)
    }
    fn loss_and_gradients(&mut self, params: &[f32], gradients: &mut [f32]) -> f32 {
        let loss = self.problem.loss_and_gradients(params, gradients);
        self.record.lock().unwrap().losses.push(loss.to_bits());
        loss
    }
    fn mean_losses(&mut self, split: Split, params: &[f32], batches: u32, means: &mut [f64]) {
        let mut record = self.record.lock().unwrap();
        record.params = params.iter().map(|p| p.to_bits()).collect();
        record.evaluations += 1;
        self.problem.mean_losses(split, params, batches, means);
    }
    fn constraint_mask(&self) -> Option<&[f32]> {
        self.problem.constraint_mask()
    }
}
