//! Tasks as trainings: one of each family, mid-sized in its family, and fixed ones.

use std::hint::black_box;

use taskset_datasets::{Datasets, Source};
use taskset_names::Split;
use taskset_tasks::Task;

use crate::training::Training;
use crate::trials::Trials;

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

/// Trials of a task as a training.
pub(crate) struct TaskTraining {
    trials: Trials,
    means: Vec<f64>,
    flops: f64,
}

impl TaskTraining {
    /// One trial of a named task on stand-in data.
    pub(crate) fn named(name: &str) -> Result<Self, taskset_tasks::Error> {
        Ok(Self::new(&*taskset_tasks::build(name, &Datasets::new(Source::Synthetic))?, 1))
    }

    /// So many trials of a task.
    pub(crate) fn new(task: &dyn Task, trials: usize) -> Self {
        let means = vec![0.0; trials];
        Self { trials: Trials::new(task, trials), means, flops: task.flops_per_step() }
    }
}

impl Training for TaskTraining {
    fn step(&mut self) -> f32 {
        self.trials.step()
    }

    fn trials(&self) -> u32 {
        self.trials.count() as u32
    }

    fn flops(&self) -> f64 {
        self.flops
    }

    fn forward(&mut self) {
        let Trials { problem, params, .. } = &mut self.trials;
        black_box(problem.loss(&params[..params.len() / self.means.len()]));
    }

    fn evaluate(&mut self, batches: u32) {
        let Trials { problem, params, .. } = &mut self.trials;
        problem.mean_losses(Split::ValidInner, params, batches, &mut self.means);
    }
}

/// Floating-point operations of one evaluation minibatch of a task whose work is matrix products: descriptions count
/// three forward passes a step.
pub(crate) fn forward_flops(name: &str) -> Option<f64> {
    let description = taskset_tasks::describe(name).ok()?;
    description.dataset.is_some().then_some(description.flops_per_step / 3.0)
}
