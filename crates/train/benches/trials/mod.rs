//! Trials in lockstep, with Adam, for the benches.

use std::sync::Arc;

use taskset_optim::{Mode, Optimizer, Run, Step, named};
use taskset_rng::StreamId;
use taskset_tasks::{Feed, Layout, Problem, Task};
use taskset_train::replica_stream;

/// A run of Adam with a learning rate, as trials start it.
pub(crate) fn adam(learning_rate: f64, layout: &Layout, params: &[f32]) -> Box<dyn Run<f32>> {
    let adam = named("adam_lr_-3.00").and_then(|adam| adam.configured(Mode::Upstream, 10_000));
    let run = adam.and_then(|adam| adam.start(&Arc::new(layout.clone()), params, &StreamId::root("bench")));
    match run {
        Ok(mut run) => {
            run.set_base_learning_rate(learning_rate);
            run
        }
        Err(error) => unreachable!("a registered name, which takes any layout: {error}"),
    }
}

/// Trials of replica 0 of a task; mostly one.
pub(crate) struct Trials {
    pub(crate) problem: Box<dyn Problem<f32>>,
    /// `[trials, n]`, as the gradients.
    pub(crate) params: Vec<f32>,
    gradients: Vec<f32>,
    losses: Vec<f32>,
    runs: Vec<Box<dyn Run<f32>>>,
}

impl Trials {
    /// So many trials; each has a learning rate of its own, so that they part.
    pub(crate) fn new(task: &dyn Task, trials: usize) -> Self {
        let n = task.layout().len();
        let (mut problem, mut params) = (task.start(&replica_stream(task.name(), 0)), vec![0.0; n]);
        problem.init(&mut params);
        let run = |k: usize| adam(1e-3 / (k + 1) as f64, task.layout(), &params);
        Self {
            runs: (0..trials).map(run).collect(),
            problem,
            params: params.repeat(trials),
            gradients: vec![0.0; trials * n],
            losses: vec![0.0; trials],
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.runs.len()
    }

    /// A step of all; the loss of the first before it.
    pub(crate) fn step(&mut self) -> f32 {
        self.problem.next_batch(Feed::Training);
        self.problem.losses_and_gradients(&self.params, &mut self.gradients, &mut self.losses);
        let n = self.params.len() / self.runs.len();
        let rows = self.params.chunks_exact_mut(n).zip(self.gradients.chunks_exact(n));
        for (((params, gradients), &loss), run) in rows.zip(&self.losses).zip(&mut self.runs) {
            run.update(Step::new(gradients).with_loss(loss), params);
        }
        self.losses[0]
    }
}
