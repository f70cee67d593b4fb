//! A diverged trial is a result: NaN kept, the step recorded, the run finished.

use std::sync::atomic::AtomicBool;

use num_traits::Float;
use taskset_names::Origin;
use taskset_optim::{Mode, named};
use taskset_rng::StreamId;
use taskset_tasks::{Feed, Layout, Problem, Task};
use taskset_train::{Protocol, Quiet, run_trial};

/// A task of one parameter whose training loss is not finite from a given step on.
struct Breaks {
    layout: Layout,
    at: u32,
}

impl Task for Breaks {
    fn name(&self) -> &'static str {
        "breaks"
    }
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn origin(&self) -> Origin {
        Origin::Real
    }
    fn flops_per_step(&self) -> f64 {
        1.0
    }
    fn start(&self, _replica: &StreamId) -> Box<dyn Problem<f32>> {
        Box::new(Breaking { at: self.at, step: 0, training: false })
    }
    fn start_f64(&self, _replica: &StreamId) -> Box<dyn Problem<f64>> {
        Box::new(Breaking { at: self.at, step: 0, training: false })
    }
}

struct Breaking {
    at: u32,
    step: u32,
    training: bool,
}

impl<T: Float> Problem<T> for Breaking {
    fn init(&mut self, params: &mut [T]) {
        params.fill(T::one());
    }
    fn next_batch(&mut self, feed: Feed) {
        self.training = feed == Feed::Training;
        self.step += u32::from(self.training);
    }
    fn loss(&mut self, params: &[T]) -> T {
        params[0] * params[0]
    }
    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        let broken = self.step > self.at;
        gradients[0] = if broken { T::nan() } else { params[0] + params[0] };
        if broken { T::infinity() } else { self.loss(params) }
    }
}

#[test]
fn the_first_non_finite_loss_is_recorded_and_the_run_goes_on() {
    let mut layout = Layout::default();
    layout.push("x", &[1]);
    let task = Breaks { layout, at: 13 };
    let adam = named("adam_lr_-1.00").unwrap().configured(Mode::Upstream, 10_000).unwrap();
    let protocol = Protocol { steps: 30, eval_every: 10, eval_batches: 1 };
    let curve = run_trial(&task, &adam, 0, &protocol, &mut Quiet, &AtomicBool::new(false)).unwrap();
    assert_eq!(curve.diverged_at, Some(13));
    assert_eq!(*curve.steps, [0, 10, 20, 30]);
    for split in curve.losses {
        assert!(split[0].is_finite() && split[1].is_finite() && split[2].is_nan() && split[3].is_nan());
    }
}
