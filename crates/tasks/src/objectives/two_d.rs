//! The fixed tasks of two parameters: four bowls and four test functions (paper G.3, "2D problems").

use std::sync::Arc;

use taskset_names::{Origin, Split};
use taskset_rng::{Stream, StreamId};
use taskset_trial::TaskVersion;

use super::element_draw::ElementDraw;
use super::real::Real;
use super::test_functions::{self, bowl};
use crate::objectives::PLAIN;
use crate::objectives::test_functions::TestFunction;
use crate::spec::Group;
use crate::{Capabilities, Feed, Layout, Problem, Task};

const GROUP: Group = Group { name: "fixed_two_d", revision: 1 };

/// Where a two-dimensional task starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwoDStart {
    /// The point from which all five of upstream's "random initialisations" start: a fixed seed makes them the same.
    #[default]
    Upstream,
    /// A point of the stated distribution, another one for each replica, as the paper means it.
    Random,
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Bowl { cond: f64 },
    Test(TestFunction),
}

impl Function {
    #[inline]
    fn value_and_gradient<T: Real>(self, x: T, y: T) -> (T, [T; 2]) {
        match self {
            Self::Bowl { cond } => bowl(T::of(cond), T::zero(), x, y),
            Self::Test(function) => test_functions::value_and_gradient(function, x, y),
        }
    }

    fn start(self) -> [ElementDraw; 2] {
        match self {
            Self::Bowl { .. } => [ElementDraw::STANDARD_NORMAL; 2],
            Self::Test(function) => test_functions::start(function),
        }
    }
}

/// Upstream's starting point of the bowls: the second draw of TensorFlow 1.15.5 with operation seed 123 (upstream
/// initialises twice).
const BOWL_START: [f64; 2] = [0.747_332_573, 0.392_005_116];

/// Name, function and upstream's starting point.
const TASKS: [(&str, Function, [f64; 2]); 8] = [
    ("TwoD_Bowl1", Function::Bowl { cond: 1.0 }, BOWL_START),
    ("TwoD_Bowl10", Function::Bowl { cond: 10.0 }, BOWL_START),
    ("TwoD_Bowl100", Function::Bowl { cond: 100.0 }, BOWL_START),
    ("TwoD_Bowl1000", Function::Bowl { cond: 1000.0 }, BOWL_START),
    ("TwoD_Rosenbrock", Function::Test(TestFunction::Rosenbrock), [5.506_175_041, -2.403_281_927]),
    ("TwoD_Ackley", Function::Test(TestFunction::Ackley), [13.134_181_976, -21.422_767_639]),
    ("TwoD_Beale", Function::Test(TestFunction::Beale), [1.803_705_215, -2.941_969_156]),
    ("TwoD_StyblinskiTang", Function::Test(TestFunction::StyblinskiTang), [2.004_117_012, -3.268_854_618]),
];

/// The task of this name with upstream's start, if it is one of the two-dimensional tasks.
pub fn build(name: &str) -> Option<Arc<dyn Task>> {
    build_with_start(name, TwoDStart::Upstream)
}

/// The task of this name with a choice of the start, if it is one of the two-dimensional tasks.
pub fn build_with_start(name: &str, start: TwoDStart) -> Option<Arc<dyn Task>> {
    let (name, function, point) = TASKS.into_iter().find(|(known, ..)| *known == name)?;
    let mut layout = Layout::default();
    match function {
        Function::Bowl { .. } => layout.push_as("p", &[2, 1], PLAIN),
        Function::Test(_) => layout.push_as("p", &[2], PLAIN),
    };
    Some(Arc::new(TwoD { name, function, point, start, layout }))
}

struct TwoD {
    name: &'static str,
    function: Function,
    point: [f64; 2],
    start: TwoDStart,
    layout: Layout,
}

impl TwoD {
    fn problem(&self, replica: &StreamId) -> Replica {
        Replica {
            function: self.function,
            point: self.point,
            start: self.start,
            init: replica.child("init").stream(),
        }
    }
}

impl Task for TwoD {
    fn name(&self) -> &str {
        self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn origin(&self) -> Origin {
        Origin::Real
    }

    fn version(&self) -> Option<TaskVersion> {
        let Self { name: _, function, point, start, layout: _ } = self;
        Some(GROUP.version(&format!("{function:?} {point:?} {start:?}")))
    }

    fn flops_per_step(&self) -> f64 {
        // Ackley, the most expensive, has seven transcendental functions; a constant keeps estimates simple.
        100.0
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
    function: Function,
    point: [f64; 2],
    start: TwoDStart,
    init: Stream,
}

impl<T: Real> Problem<T> for Replica {
    fn init(&mut self, params: &mut [T]) {
        let mut stream = self.init.clone();
        let point = match self.start {
            TwoDStart::Upstream => self.point,
            TwoDStart::Random => self.function.start().map(|draw| draw.one(&mut stream)),
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
        self.function.value_and_gradient(params[0], params[1]).0
    }

    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        let (loss, gradient) = self.function.value_and_gradient(params[0], params[1]);
        gradients.copy_from_slice(&gradient);
        loss
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "random points are equal only if they are the same")]
mod tests {
    use super::*;
    use crate::objectives::testing::{
        assert_close, assert_evaluation, assert_gradient, assert_lockstep, assert_precisions_agree,
    };

    #[test]
    fn upstream_starts_have_upstream_losses() {
        // The table of starting points as computed by TensorFlow 1.15.5 in single precision.
        let losses = [0.3560870, 2.8693638, 28.002133, 279.32983, 107088.30, 21.249809, 2323.9608, 24.378067];
        for ((name, ..), expected) in TASKS.into_iter().zip(losses) {
            let task = build(name).unwrap();
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
        for (name, function, _) in TASKS {
            let task = build_with_start(name, TwoDStart::Random).unwrap();
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
        for (name, ..) in TASKS {
            let task = build(name).unwrap();
            let replica = StreamId::root("t");
            assert_gradient(&mut *task.start_f64(&replica), &[1.2, -0.7], 1e-6);
            assert_precisions_agree(&*task, &replica, 1e-5);
            assert_evaluation(&*task, true);
            assert_lockstep(&*task);
        }
    }

    #[test]
    fn other_names_are_not_ours() {
        assert!(build("TwoD_Bowl2").is_none());
        assert!(build("mlp_family_seed1").is_none());
    }
}
