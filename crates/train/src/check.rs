//! A short check of one task by its name: it builds, has the described parameters, and takes steps.

use std::time::Instant;

use taskset_datasets::Datasets;
use taskset_nn::denormals::FlushGuard;
use taskset_optim::Rule;
use taskset_tasks::{Description, Feed};

use crate::{Error, replica_stream};

/// What a task did in its first steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCheck {
    /// Parameters that the task has, and that its description promises.
    pub num_params: (u64, u64),
    /// Training losses before each update. What is not finite is a result, but not at the start.
    pub losses: Vec<f32>,
    /// First step whose loss is not finite.
    pub diverged_at: Option<usize>,
    /// Whether a gradient was not finite although its loss was.
    pub broken_gradient: bool,
    /// Mean microseconds of a step, without building and starting.
    pub micros_per_step: f64,
}

impl StepCheck {
    /// What is wrong, if anything: the number of parameters, or a gradient that is not finite where the loss is.
    pub fn problem(&self) -> Option<String> {
        let (found, promised) = self.num_params;
        if found != promised {
            return Some(format!("{found} parameters, and {promised} described"));
        }
        self.broken_gradient.then(|| format!("a gradient is not finite; losses {:?}", self.losses))
    }
}

/// Rough number of operations that [`check_steps`] takes, to leave out what is too dear.
pub fn check_operations(description: &Description, steps: usize) -> f64 {
    let Description { flops_per_step, num_params, overhead, .. } = description;
    // A quadratic's matrix of given eigenvalues is drawn in double precision when its first replica starts.
    let drawing =
        if description.family == "quadratic_family" { 40.0 * (*num_params as f64).powi(3) } else { 0.0 };
    drawing + steps as f64 * (flops_per_step + 30.0 * overhead.scalar_operations)
}

/// Builds a task, starts replica 0 in f32, and takes `steps` steps.
///
/// # Errors
/// What goes wrong when building it.
pub fn check_steps(
    description: &Description,
    data: &Datasets,
    rule: &Rule,
    steps: usize,
) -> Result<StepCheck, Error> {
    let task = taskset_tasks::build(&description.name, data)?;
    let _flush = FlushGuard::new();
    let n = task.layout().len();
    let mut problem = task.start(&replica_stream(task.name(), 0));
    let (mut params, mut gradients) = (vec![0.0_f32; n], vec![0.0_f32; n]);
    problem.init(&mut params);
    let mut state = rule.init::<f32>(n);
    let (mut losses, mut broken_gradient) = (Vec::with_capacity(steps), false);
    let start = Instant::now();
    for _ in 0..steps {
        problem.next_batch(Feed::Training);
        let loss = problem.loss_and_gradients(&params, &mut gradients);
        losses.push(loss);
        broken_gradient |= loss.is_finite() && !gradients.iter().all(|g| g.is_finite());
        rule.update(&gradients, &mut params, &mut state);
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(StepCheck {
        num_params: (n as u64, description.num_params),
        diverged_at: losses.iter().position(|loss| !loss.is_finite()),
        losses,
        broken_gradient,
        micros_per_step: seconds * 1e6 / steps.max(1) as f64,
    })
}
