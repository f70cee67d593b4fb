//! Trials in lockstep, with Adam, for the benches.

use taskset_optim::{Mode, Rule, State, named};
use taskset_tasks::{Feed, Problem, Task};
use taskset_train::replica_stream;

/// Adam with learning rate 1e-3.
pub(crate) fn adam() -> Rule {
    match named("adam_lr_-3.00").and_then(|adam| adam.config.rule(Mode::Upstream, 10_000)) {
        Ok(rule) => rule,
        Err(error) => unreachable!("a registered name: {error}"),
    }
}

/// Trials of replica 0 of a task; mostly one.
pub(crate) struct Trials {
    pub(crate) problem: Box<dyn Problem<f32>>,
    /// `[trials, n]`, as the gradients.
    pub(crate) params: Vec<f32>,
    gradients: Vec<f32>,
    losses: Vec<f32>,
    rules: Vec<(Rule, State<f32>)>,
}

impl Trials {
    /// So many trials; each has a learning rate of its own, so that they part.
    pub(crate) fn new(task: &dyn Task, trials: usize) -> Self {
        let n = task.layout().len();
        let (mut problem, mut params) = (task.start(&replica_stream(task.name(), 0)), vec![0.0; n]);
        problem.init(&mut params);
        let rule = |k: usize| adam().with_base_learning_rate(1e-3 / (k + 1) as f64);
        Self {
            problem,
            params: params.repeat(trials),
            gradients: vec![0.0; trials * n],
            losses: vec![0.0; trials],
            rules: (0..trials).map(|k| (rule(k), rule(k).init(n))).collect(),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.rules.len()
    }

    /// A step of all; the loss of the first before it.
    pub(crate) fn step(&mut self) -> f32 {
        self.problem.next_batch(Feed::Training);
        self.problem.losses_and_gradients(&self.params, &mut self.gradients, &mut self.losses);
        let n = self.params.len() / self.rules.len();
        let rows = self.params.chunks_exact_mut(n).zip(self.gradients.chunks_exact(n));
        for ((params, gradients), (rule, state)) in rows.zip(&mut self.rules) {
            rule.update(gradients, params, state);
        }
        self.losses[0]
    }
}
