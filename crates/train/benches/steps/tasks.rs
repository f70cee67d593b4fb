//! Tasks as trainings: one of each family, mid-sized in its family, and fixed ones.

use taskset_datasets::{Datasets, Source};
use taskset_names::Split;
use taskset_optim::{Rule, State};
use taskset_tasks::{Feed, Problem, Task};
use taskset_train::replica_stream;

use crate::training::{Training, adam};

/// What the table lists; those that this version cannot train say so.
pub(crate) const TASKS: [&str; 16] = [
    "mlp_family_seed3",
    "mlp_family_seed12",
    "mlp_ae_family_seed9",
    "mlp_vae_family_seed35",
    "conv_pooling_family_seed137",
    "conv_fc_family_seed30",
    "nvp_family_seed556",
    "maf_family_seed2",
    "char_rnn_language_model_family_seed1",
    "word_rnn_language_model_family_seed1",
    "rnn_text_classification_family_seed1",
    "quadratic_family_seed1",
    "quadratic_family_seed2",
    "losg_tasks_family_seed0",
    "losg_tasks_family_seed1",
    "FixedMLP_mnist_ce_128x128x128_relu_bs128",
];

/// Trials of a task in lockstep; mostly one.
pub(crate) struct Trials {
    problem: Box<dyn Problem<f32>>,
    /// `[trials, n]`, as the gradients.
    params: Vec<f32>,
    gradients: Vec<f32>,
    losses: Vec<f32>,
    means: Vec<f64>,
    rule: Rule,
    states: Vec<State<f32>>,
    flops: f64,
}

impl Trials {
    /// One trial of replica 0 of a named task on stand-in data.
    pub(crate) fn named(name: &str) -> Result<Self, taskset_tasks::Error> {
        Ok(Self::new(&*taskset_tasks::build(name, &Datasets::new(Source::Synthetic))?, 1))
    }

    /// So many trials of replica 0 of a task.
    pub(crate) fn new(task: &dyn Task, trials: usize) -> Self {
        let n = task.layout().len();
        let (mut problem, mut params) = (task.start(&replica_stream(task.name(), 0)), vec![0.0; n]);
        problem.init(&mut params);
        let rule = adam();
        Self {
            problem,
            params: params.repeat(trials),
            gradients: vec![0.0; trials * n],
            losses: vec![0.0; trials],
            means: vec![0.0; trials],
            states: (0..trials).map(|_| rule.init(n)).collect(),
            rule,
            flops: task.flops_per_step(),
        }
    }
}

impl Training for Trials {
    fn step(&mut self) -> f32 {
        self.problem.next_batch(Feed::Training);
        self.problem.losses_and_gradients(&self.params, &mut self.gradients, &mut self.losses);
        let n = self.params.len() / self.states.len();
        let rows = self.params.chunks_exact_mut(n).zip(self.gradients.chunks_exact(n));
        for ((params, gradients), state) in rows.zip(&mut self.states) {
            self.rule.update(gradients, params, state);
        }
        self.losses[0]
    }

    fn trials(&self) -> u32 {
        self.states.len() as u32
    }

    fn flops(&self) -> f64 {
        self.flops
    }

    fn forward(&mut self) {
        self.losses[0] = self.problem.loss(&self.params[..self.params.len() / self.states.len()]);
    }

    fn evaluate(&mut self, batches: u32) {
        self.problem.mean_losses(Split::ValidInner, &self.params, batches, &mut self.means);
    }
}

/// Floating-point operations of one evaluation minibatch of a task whose work is matrix products: descriptions count
/// three forward passes a step.
pub(crate) fn forward_flops(name: &str) -> Option<f64> {
    let description = taskset_tasks::describe(name).ok()?;
    description.dataset.is_some().then_some(description.flops_per_step / 3.0)
}
