//! A short check of one task by its name: it builds, has the described parameters, and takes steps.

use std::time::Instant;

use taskset_datasets::Datasets;
use taskset_nn::denormals::FlushGuard;
use taskset_optim::Optimizer;
use taskset_tasks::{Description, Feed, Task};

use crate::lockstep_state::Lockstep;
use crate::{Error, replica_stream};

/// What a task did in its first steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCheck {
    /// Parameters that the task has, and that its description promises.
    pub num_params: (u64, u64),
    /// Training loss before each update. A loss that is not finite is a result, except at the start.
    pub losses: Vec<f32>,
    /// First step whose loss is not finite.
    pub diverged_at: Option<usize>,
    /// First step whose gradient is too large for f32 although its loss is not: in f64 it is finite, and huge.
    pub overflowed_at: Option<usize>,
    /// First step whose gradient is not finite, although its loss is and the range of f32 does not explain it.
    pub broken_at: Option<usize>,
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
        let broken = |step| format!("the gradient of step {step} is not finite; losses {:?}", self.losses);
        self.broken_at.map(broken)
    }
}

/// Builds a task, starts replica 0 in f32, and takes `steps` steps, as a trial does.
///
/// # Errors
/// If the task cannot be built, or the optimizer cannot work with it.
pub fn check_steps(
    description: &Description,
    data: &Datasets,
    optimizer: &dyn Optimizer,
    steps: usize,
) -> Result<StepCheck, Error> {
    let task = taskset_tasks::build(&description.name, data)?;
    let taken = take_steps(&*task, optimizer, steps)?;
    Ok(StepCheck { num_params: (taken.num_params.0, description.num_params), ..taken })
}

/// Starts replica 0 of a task in f32, and takes `steps` steps, as a trial does.
///
/// # Errors
/// If the optimizer cannot work with the task's parameters.
pub fn take_steps(
    task: &dyn Task,
    optimizer: &dyn Optimizer,
    steps: usize,
) -> Result<StepCheck, taskset_optim::Error> {
    let _flush = FlushGuard::new();
    let n = task.layout().len();
    let mut trial = Lockstep::start(task, &[optimizer], 0)?;
    let mut losses = Vec::with_capacity(steps);
    let (mut overflowed_at, mut broken_at, mut taken) = (None, None, 0);
    let start = Instant::now();
    for step in 0..steps {
        if trial.running.is_empty() {
            losses.push(f32::NAN);
            continue;
        }
        trial.differentiate();
        taken += 1;
        let loss = trial.losses[0];
        losses.push(loss);
        if loss.is_finite() && !trial.gradients.iter().all(|g| g.is_finite()) {
            let explained = overflowed_at.is_some() || exceeds_f32(task, &trial.params, step);
            (if explained { &mut overflowed_at } else { &mut broken_at }).get_or_insert(step);
        }
        trial.update(step as u32);
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(StepCheck {
        num_params: (n as u64, n as u64),
        diverged_at: losses.iter().position(|loss| !loss.is_finite()),
        losses,
        overflowed_at,
        broken_at,
        // A trial that has ended takes no more steps.
        micros_per_step: seconds * 1e6 / f64::from(taken.max(1)),
    })
}

/// If a gradient is beyond this in f64, overflow explains that it is not finite in f32. It is a millionth of f32's largest
/// number, because where gradients explode, so do rounding errors: the two precisions soon follow different trajectories,
/// whose gradients differ by some orders of magnitude.
const NEAR_F32_MAX: f64 = f32::MAX as f64 * 1e-6;

/// Whether the range of f32 explains that a gradient of replica 0 at these parameters is not finite: in f64 it is finite
/// and very large.
fn exceeds_f32(task: &dyn Task, params: &[f32], step: usize) -> bool {
    let mut problem = task.start_f64(&replica_stream(task.name(), 0));
    for _ in 0..=step {
        problem.next_batch(Feed::Training);
    }
    let params: Vec<f64> = params.iter().copied().map(f64::from).collect();
    let mut gradients = vec![0.0_f64; params.len()];
    problem.loss_and_gradients(&params, &mut gradients);
    gradients.iter().all(|g| g.is_finite()) && gradients.iter().any(|g| g.abs() > NEAR_F32_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::Float;
    use taskset_datasets::Source;
    use taskset_names::Origin;
    use taskset_optim::{Configured, Mode, named};
    use taskset_rng::StreamId;
    use taskset_tasks::{Layout, Problem};

    fn adam() -> Configured {
        named("adam_lr_-3.00").unwrap().configured(Mode::Upstream, 10_000).unwrap()
    }

    /// A task of one parameter with the loss 1 and a given gradient in each precision.
    struct Gradients {
        layout: Layout,
        single: f32,
        double: f64,
    }

    struct Constant<T>(T);

    impl<T: Float + Send> Problem<T> for Constant<T> {
        fn init(&mut self, params: &mut [T]) {
            params.fill(T::zero());
        }

        fn next_batch(&mut self, _: Feed) {}

        fn loss(&mut self, _: &[T]) -> T {
            T::one()
        }

        fn loss_and_gradients(&mut self, _: &[T], gradients: &mut [T]) -> T {
            gradients.fill(self.0);
            T::one()
        }
    }

    impl Task for Gradients {
        fn name(&self) -> &'static str {
            "gradients"
        }

        fn layout(&self) -> &Layout {
            &self.layout
        }

        fn origin(&self) -> Origin {
            Origin::Real
        }

        fn flops_per_step(&self) -> f64 {
            0.0
        }

        fn start(&self, _: &StreamId) -> Box<dyn Problem<f32>> {
            Box::new(Constant(self.single))
        }

        fn start_f64(&self, _: &StreamId) -> Box<dyn Problem<f64>> {
            Box::new(Constant(self.double))
        }
    }

    fn check(single: f32, double: f64) -> StepCheck {
        let mut layout = Layout::default();
        layout.push("p", &[1]);
        take_steps(&Gradients { layout, single, double }, &adam(), 2).unwrap()
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_a_fault_unless_it_is_huge_in_double_precision() {
        let found = |single, double| {
            let check = check(single, double);
            assert_eq!(check.problem().is_some(), check.broken_at.is_some());
            (check.overflowed_at, check.broken_at)
        };
        assert_eq!(found(1.0, 1.0), (None, None));
        assert_eq!(found(f32::INFINITY, -1e40), (Some(0), None));
        assert_eq!(found(f32::NAN, 1e40), (Some(0), None));
        assert_eq!(found(f32::NAN, 1.0), (None, Some(0)));
        assert_eq!(found(f32::NAN, f64::NAN), (None, Some(0)));
        assert_eq!(found(f32::INFINITY, f64::INFINITY), (None, Some(0)));
    }

    #[test]
    fn overflow_in_a_recurrent_network_of_large_weights_is_not_a_fault() {
        // Its gradient is 5e62 in f64.
        let description = taskset_tasks::describe("char_rnn_language_model_family_seed487").unwrap();
        let check = check_steps(&description, &Datasets::new(Source::Synthetic), &adam(), 1).unwrap();
        assert_eq!((check.diverged_at, check.overflowed_at, check.problem()), (None, Some(0), None));
    }
}
