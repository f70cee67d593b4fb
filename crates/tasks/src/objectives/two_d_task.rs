//! The fixed tasks of two parameters: four bowls and four test functions (paper G.3, "2D problems").

use std::sync::Arc;

use taskset_names::{Origin, Split};
use taskset_rng::{Stream, StreamId};
use taskset_trial::TaskVersion;

use super::element_draw::ElementDraw;
use super::real::Real;
use super::two_d_functions::{self, bowl};
use crate::objectives::PLAIN;
use crate::objectives::two_d_functions::TestFunction;
use crate::spec::{Group, ObjectiveBody, Overhead};
use crate::{Capabilities, Feed, Layout, Problem, Task};

/// Where a two-dimensional task starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwoDStart {
    /// The point from which all five of upstream's "random initialisations" start: a fixed seed makes them the same.
    #[default]
    Upstream,
    /// A point of the stated distribution, another one for each replica, as the paper means it.
    Random,
}

/// The functions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// `½ (cond x² + y²)`.
    Bowl {
        /// Ratio of the curvatures.
        cond: f64,
    },
    /// A classical test function.
    Test(TestFunction),
}

impl Function {
    #[inline]
    fn value_and_gradient<T: Real>(self, x: T, y: T) -> (T, [T; 2]) {
        match self {
            Self::Bowl { cond } => bowl(T::of(cond), T::zero(), x, y),
            Self::Test(function) => two_d_functions::value_and_gradient(function, x, y),
        }
    }

    fn start(self) -> [ElementDraw; 2] {
        match self {
            Self::Bowl { .. } => [ElementDraw::STANDARD_NORMAL; 2],
            Self::Test(function) => two_d_functions::start(function),
        }
    }
}

/// A function of two parameters as data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoDBody {
    pub(crate) function: Function,
    /// Upstream's starting point.
    pub(crate) point: [f64; 2],
    pub(crate) start: TwoDStart,
}

impl ObjectiveBody for TwoDBody {
    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        match self.function {
            Function::Bowl { .. } => layout.push_as("p", &[2, 1], PLAIN),
            Function::Test(_) => layout.push_as("p", &[2], PLAIN),
        };
        layout
    }

    fn flops_per_step(&self) -> f64 {
        // Ackley, the most expensive, has seven transcendental functions; a constant keeps estimates simple.
        100.0
    }

    fn overhead(&self) -> Overhead {
        // All evaluations are the same and made once.
        Overhead { evaluation_share: 0.0, ..Overhead::default() }
    }

    fn task(&self, name: &str, group: Group) -> Arc<dyn Task> {
        Arc::new(TwoDTask { name: name.to_owned(), group, body: *self, layout: self.layout() })
    }
}

struct TwoDTask {
    name: String,
    group: Group,
    body: TwoDBody,
    layout: Layout,
}

impl TwoDTask {
    fn problem(&self, replica: &StreamId) -> Replica {
        Replica { body: self.body, init: replica.child("init").stream() }
    }
}

impl Task for TwoDTask {
    fn name(&self) -> &str {
        &self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn origin(&self) -> Origin {
        Origin::Real
    }

    fn version(&self) -> Option<TaskVersion> {
        let TwoDBody { function, point, start } = self.body;
        Some(self.group.version(&format!("{function:?} {point:?} {start:?}")))
    }

    fn flops_per_step(&self) -> f64 {
        self.body.flops_per_step()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { nan_is_absorbing: true, ..Capabilities::default() }
    }

    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>> {
        Box::new(self.problem(replica))
    }

    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        Box::new(self.problem(replica))
    }
}

struct Replica {
    body: TwoDBody,
    init: Stream,
}

impl<T: Real> Problem<T> for Replica {
    fn init(&mut self, params: &mut [T]) {
        let mut stream = self.init.clone();
        let point = match self.body.start {
            TwoDStart::Upstream => self.body.point,
            TwoDStart::Random => self.body.function.start().map(|draw| draw.one(&mut stream)),
        };
        for (p, x) in params.iter_mut().zip(point) {
            *p = T::of(x);
        }
    }

    fn next_batch(&mut self, _: Feed) {}

    fn load_evaluation(&mut self, _: Split, batches: u32) -> u32 {
        batches
    }

    fn loss(&mut self, params: &[T]) -> T {
        self.body.function.value_and_gradient(params[0], params[1]).0
    }

    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        let (loss, gradient) = self.body.function.value_and_gradient(params[0], params[1]);
        gradients.copy_from_slice(&gradient);
        loss
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "random points are equal only if they are the same")]
mod tests {
    use super::*;
    use crate::fixed::{FixedTask, Model, TASKS, TwoD};
    use crate::objectives::testing::{
        assert_close, assert_evaluation, assert_gradient, assert_lockstep, assert_precisions_agree,
    };

    /// Those of the fixed tasks.
    fn bodies(start: TwoDStart) -> Vec<(&'static str, TwoDBody)> {
        let body = |task: &'static FixedTask| match task.model {
            Model::TwoD(TwoD { function, start: point, .. }) => {
                Some((task.name, TwoDBody { function, point, start }))
            }
            _ => None,
        };
        let bodies: Vec<_> = TASKS.iter().filter_map(body).collect();
        assert_eq!(bodies.len(), 8);
        bodies
    }

    #[test]
    fn upstream_starts_have_upstream_losses() {
        // The table of starting points as computed by TensorFlow 1.15.5 in single precision.
        let losses = [0.3560870, 2.8693638, 28.002133, 279.32983, 107088.30, 24.378067, 21.249809, 2323.9608];
        for ((name, body), expected) in bodies(TwoDStart::Upstream).into_iter().zip(losses) {
            let task = body.task(name, Group::OWN);
            for replica in 0..2 {
                let mut problem = task.start(&StreamId::root("t").index(replica));
                let mut p = [0.0; 2];
                problem.init(&mut p);
                assert_close(f64::from(problem.loss(&p)), expected, 1e-6);
            }
        }
    }

    #[test]
    fn random_starts_differ_and_stay_in_their_boxes() {
        for (name, body) in bodies(TwoDStart::Random) {
            let (task, function) = (body.task(name, Group::OWN), body.function);
            let points: Vec<[f64; 2]> = (0..50)
                .map(|replica| {
                    let mut p = [0.0; 2];
                    task.start_f64(&StreamId::root("t").index(replica)).init(&mut p);
                    p
                })
                .collect();
            assert_ne!(points[0], points[1]);
            for (point, draws) in points.iter().zip(std::iter::repeat(function.start())) {
                for (x, draw) in point.iter().zip(draws) {
                    match draw {
                        ElementDraw::Uniform { lo, hi } => assert!((lo..hi).contains(x)),
                        ElementDraw::Normal { .. } => assert!(x.abs() < 6.0),
                    }
                }
            }
        }
    }

    #[test]
    fn gradients_and_precisions_agree() {
        for (name, body) in bodies(TwoDStart::Upstream) {
            let task = body.task(name, Group::OWN);
            let replica = StreamId::root("t");
            assert_gradient(&mut *task.start_f64(&replica), &[1.2, -0.7], 1e-6);
            assert_precisions_agree(&*task, &replica, 1e-5);
            assert_evaluation(&*task, true);
            assert_lockstep(&*task);
        }
    }
}
