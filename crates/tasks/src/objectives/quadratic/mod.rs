//! `quadratic_family`: `f(‖(A + N) x‖²)` with a fixed matrix `A` and a noise matrix `N` drawn anew for every minibatch.

mod distribution;
mod noise;
mod problem;

use std::sync::Arc;

use taskset_names::{Origin, Split};
use taskset_nn::kernels::Start;
use taskset_rng::{Stream, StreamId};
use taskset_trial::TaskVersion;

use self::distribution::{draw_matrix, is_symmetric};
use self::noise::Noise;
pub use self::problem::{Distribution, OutputFn, QuadraticConfig};
use super::element_draw::ElementDraw;
use super::linalg::{dot, scale};
use super::matrix::Matrix;
use super::real::{Real, Shared, cast};

use crate::spec::{Group, ObjectiveBody, Overhead};
use crate::task::row_length;
use crate::{Capabilities, Feed, Layout, Problem, Task};

/// A quadratic as data. Nothing is drawn until a replica of its task is started.
///
/// `A` and the initial `x` belong to the configuration's seed, so all replicas share them, as upstream's do; with seed 0
/// upstream leaves both unseeded (QUIRK-26), and they belong to the replica. An initial distribution of an `*Eigen`
/// kind, which the sampler never gives, is read as uniform on its interval.
///
/// Memory: `A` and, unless it is symmetric, its transpose, `dims²` numbers each, shared by the trials of a replica; while
/// it is drawn, two of its size in double precision. Each trial has a few vectors.
#[derive(Clone, Debug)]
pub(crate) struct Quadratic {
    config: QuadraticConfig,
    /// A text that changes whenever the configuration does.
    description: String,
}

impl Quadratic {
    pub(crate) const fn new(config: QuadraticConfig, description: String) -> Self {
        Self { config, description }
    }
}

impl ObjectiveBody for Quadratic {
    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        layout.push("weight", &[self.config.dims]);
        layout
    }

    fn flops_per_step(&self) -> f64 {
        self.config.flops_per_step()
    }

    fn overhead(&self) -> Overhead {
        self.config.overhead()
    }

    fn task(&self, name: &str, group: Group) -> Arc<dyn Task> {
        let layout = self.layout();
        Arc::new(QuadraticTask {
            name: name.to_owned(),
            group,
            body: self.clone(),
            layout,
            matrix: Shared::default(),
        })
    }
}

/// Trials at once: the matrix is read, and the noise drawn, once for all of them.
const LOCKSTEP: usize = 24;

struct QuadraticTask {
    name: String,
    group: Group,
    body: Quadratic,
    layout: Layout,
    /// `A`, row-major, if it is seeded.
    matrix: Shared,
}

impl QuadraticTask {
    fn problem<T: Real>(&self, replica: &StreamId) -> Replica<T> {
        let config = &self.body.config;
        let n = config.dims;
        let draw_matrix = |stream| draw_matrix(config.a_dist, n, stream);
        let (matrix, init) = if config.seed == 0 {
            (cast(draw_matrix(replica.child("instance").stream())), replica.child("init"))
        } else {
            let instance = StreamId::root("taskset-rs/quadratic_family").index(u64::from(config.seed));
            (self.matrix.get(|| draw_matrix(instance.child("matrix").stream())), instance.child("init"))
        };
        Replica {
            matrix: if is_symmetric(config.a_dist) {
                Matrix::symmetric(n, matrix)
            } else {
                Matrix::new(n, matrix)
            },
            noise: Noise::new(config.a_noise, n, &replica.child("noise")),
            init: init.stream(),
            initial: match config.initial_dist {
                Distribution::Normal { mean, std } => ElementDraw::Normal { mean, std },
                Distribution::Uniform { min, max }
                | Distribution::LinspaceEigen { min, max }
                | Distribution::LogspaceEigen { min, max } => ElementDraw::Uniform { lo: min, hi: max },
            },
            output: config.output_fn,
            loss_scale: T::of(config.loss_scale),
            residuals: Vec::new(),
        }
    }
}

impl Task for QuadraticTask {
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
        Some(self.group.version(&self.body.description))
    }

    fn flops_per_step(&self) -> f64 {
        self.body.flops_per_step()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { lockstep: LOCKSTEP, nan_is_absorbing: true, fuses_minibatches: false }
    }

    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>> {
        Box::new(self.problem(replica))
    }

    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        Box::new(self.problem(replica))
    }
}

struct Replica<T> {
    matrix: Matrix<T>,
    noise: Noise<T>,
    init: Stream,
    initial: ElementDraw,
    output: OutputFn,
    loss_scale: T,
    /// `(A + N) x` of the latest pass, one row per trial.
    residuals: Vec<T>,
}

impl<T: Real> Replica<T> {
    /// Sets the residuals `M x` with `M = A + N` of the rows x of `params`; overwrites `half_gradients` with `Mᵀ M x`,
    /// half the gradients of `q = ‖M x‖²`.
    fn pass(&mut self, params: &[T], half_gradients: Option<&mut [T]>) {
        let Self { matrix, noise, residuals, .. } = self;
        residuals.resize(params.len(), T::zero());
        match noise {
            Noise::None => {
                matrix.times(params, Start::Zero, residuals);
                if let Some(g) = half_gradients {
                    matrix.transposed_times(residuals, Start::Zero, g);
                }
            }
            Noise::Elements(noise) => noise.pass(matrix.elements(), params, residuals, half_gradients),
            Noise::Eigen(noise) => {
                noise.times(params, residuals);
                matrix.times(params, Start::Accumulate, residuals);
                if let Some(g) = half_gradients {
                    noise.times(residuals, g);
                    matrix.transposed_times(residuals, Start::Accumulate, g);
                }
            }
        }
    }

    /// The loss for a residual, and its derivative by the squared norm.
    fn output(&self, residual: &[T]) -> (T, T) {
        let q = dot(residual, residual);
        match self.output {
            OutputFn::Identity => (self.loss_scale * q, self.loss_scale),
            OutputFn::Log => {
                // max(q, 0): NaN is kept, and the derivative at 0 is 1, as in TensorFlow. q is never negative.
                let inside = q + T::of(1e-8);
                (self.loss_scale * inside.math_ln(), self.loss_scale / inside)
            }
        }
    }
}

impl<T: Real> Problem<T> for Replica<T> {
    fn init(&mut self, params: &mut [T]) {
        self.initial.fill(&mut self.init.clone(), params);
    }

    fn next_batch(&mut self, feed: Feed) {
        self.noise.redraw(feed);
    }

    fn skip(&mut self, feed: Feed, count: u64) {
        self.noise.skip(feed, count);
    }

    fn loss(&mut self, params: &[T]) -> T {
        self.pass(params, None);
        self.output(&self.residuals).0
    }

    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        let mut loss = [T::zero()];
        self.losses_and_gradients(params, gradients, &mut loss);
        loss[0]
    }

    fn losses_and_gradients(&mut self, params: &[T], gradients: &mut [T], losses: &mut [T]) {
        self.pass(params, Some(gradients));
        let n = row_length(params, losses);
        let rows = self.residuals.chunks_exact(n).zip(gradients.chunks_exact_mut(n));
        for ((residual, gradient), to) in rows.zip(losses) {
            let (loss, slope) = self.output(residual);
            scale(slope + slope, gradient);
            *to = loss;
        }
    }

    fn loaded_losses(&mut self, params: &[T], losses: &mut [f64]) {
        self.pass(params, None);
        let n = row_length(params, losses);
        for (residual, loss) in self.residuals.chunks_exact(n).zip(losses) {
            *loss = self.output(residual).0.wide();
        }
    }

    fn load_evaluation(&mut self, split: Split, batches: u32) -> u32 {
        if matches!(self.noise, Noise::None) {
            return batches;
        }
        self.noise.redraw(Feed::Evaluation(split));
        1
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "equal instances are equal bit for bit")]
mod tests;
