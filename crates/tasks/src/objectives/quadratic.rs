//! `quadratic_family`: `f(‖(A + N) x‖²)` with a fixed matrix `A` and a noise matrix `N` drawn anew for every minibatch.

use std::sync::Arc;

use taskset_names::Origin;
use taskset_rng::{Stream, StreamId};

use super::draw::Draw;
use super::feed::PerFeed;
use super::linalg::{axpy, dot, scale, weigh_rows};
use super::orthogonal::Orthogonal;
use super::real::{Real, Shared, cast};
use crate::families::quadratic::{Distribution, OutputFn, QuadraticConfig};
use crate::{Feed, Layout, Problem, Task};

/// The task of a configuration. Nothing is drawn until a replica is started.
///
/// `A` and the initial `x` belong to the configuration's seed, so all replicas share them, as upstream's do; with seed 0
/// upstream leaves both unseeded (QUIRK-26), and they belong to the replica. An initial distribution of an `*Eigen`
/// kind, which the sampler never gives, is read as uniform on its interval.
pub(crate) fn build(name: &str, config: &QuadraticConfig) -> Arc<dyn Task> {
    let mut layout = Layout::default();
    layout.push("weight", &[config.dims]);
    Arc::new(Quadratic { name: name.to_owned(), config: config.clone(), layout, matrix: Shared::default() })
}

struct Quadratic {
    name: String,
    config: QuadraticConfig,
    layout: Layout,
    /// `A`, row-major, if it is seeded.
    matrix: Shared,
}

impl Quadratic {
    fn problem<T: Real>(&self, replica: &StreamId) -> Replica<T> {
        let config = &self.config;
        let n = config.dims;
        let draw_matrix = |stream| draw_matrix(config.a_dist, n, stream);
        let (matrix, init) = if config.seed == 0 {
            (cast(draw_matrix(replica.child("instance").stream())), replica.child("init"))
        } else {
            let instance = StreamId::root("taskset-rs/quadratic_family").index(u64::from(config.seed));
            (self.matrix.get(|| draw_matrix(instance.child("matrix").stream())), instance.child("init"))
        };
        Replica {
            matrix,
            noise: Noise::new(config.a_noise, n, &replica.child("noise")),
            init: init.stream(),
            initial: match config.initial_dist {
                Distribution::Normal { mean, std } => Draw::Normal { mean, std },
                Distribution::Uniform { min, max }
                | Distribution::LinspaceEigen { min, max }
                | Distribution::LogspaceEigen { min, max } => Draw::Uniform { lo: min, hi: max },
            },
            output: config.output_fn,
            loss_scale: T::of(config.loss_scale),
            residual: vec![T::zero(); n],
        }
    }
}

impl Task for Quadratic {
    fn name(&self) -> &str {
        &self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn origin(&self) -> Origin {
        Origin::Real
    }

    fn flops_per_step(&self) -> f64 {
        self.config.flops_per_step()
    }

    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>> {
        Box::new(self.problem(replica))
    }

    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        Box::new(self.problem(replica))
    }
}

/// A row-major n×n matrix, in f64.
fn draw_matrix(distribution: Distribution, n: usize, mut stream: Stream) -> Vec<f64> {
    match matrix_kind(distribution, n) {
        MatrixKind::Elements(draw) => draw.many(&mut stream, n * n),
        MatrixKind::Eigen(eigenvalues) => {
            let mut q = Orthogonal::new(n);
            q.redraw(&mut stream);
            q.into_symmetric(&eigenvalues)
        }
    }
}

/// What the two sorts of matrix distribution need: independent elements, or the eigenvalues of a symmetric matrix.
enum MatrixKind {
    Elements(Draw),
    Eigen(Vec<f64>),
}

fn matrix_kind(distribution: Distribution, n: usize) -> MatrixKind {
    match distribution {
        Distribution::Normal { mean, std } => MatrixKind::Elements(Draw::Normal { mean, std }),
        Distribution::Uniform { min, max } => MatrixKind::Elements(Draw::Uniform { lo: min, hi: max }),
        Distribution::LinspaceEigen { min, max } => MatrixKind::Eigen(linspace(min, max, n)),
        Distribution::LogspaceEigen { min, max } => {
            let exponents = linspace(libm::log10(min), libm::log10(max), n);
            MatrixKind::Eigen(exponents.into_iter().map(libm::exp10).collect())
        }
    }
}

/// `n` equally spaced numbers, both ends included; one number is `min`.
fn linspace(min: f64, max: f64, n: usize) -> Vec<f64> {
    let last = n.saturating_sub(1).max(1) as f64;
    (0..n).map(|i| min + (max - min) * (i as f64 / last)).collect()
}

/// The noise matrix of the current minibatch, drawn in the precision of the replica as upstream does.
enum Noise<T> {
    None,
    /// Independent elements. They are not stored: each pass replays the minibatch's stream, a row at a time.
    Elements {
        draw: Draw,
        steps: PerFeed<Steps>,
        current: Option<Stream>,
        row: Vec<T>,
    },
    /// `Q diag(λ) Qᵀ`, as reflections.
    Eigen {
        eigenvalues: Vec<T>,
        steps: PerFeed<Steps>,
        current: Option<Orthogonal<T>>,
        product: Vec<T>,
    },
}

/// Names the stream of each minibatch of a feed.
struct Steps {
    feed: StreamId,
    count: u64,
}

impl Steps {
    fn next(&mut self) -> Stream {
        self.count += 1;
        self.feed.index(self.count - 1).stream()
    }
}

impl<T: Real> Noise<T> {
    fn new(distribution: Option<Distribution>, n: usize, name: &StreamId) -> Self {
        let steps = PerFeed::new(name, |feed| Steps { feed, count: 0 });
        match distribution.map(|d| matrix_kind(d, n)) {
            None => Self::None,
            Some(MatrixKind::Elements(draw)) => {
                Self::Elements { draw, steps, current: None, row: vec![T::zero(); n] }
            }
            Some(MatrixKind::Eigen(eigenvalues)) => Self::Eigen {
                eigenvalues: eigenvalues.into_iter().map(T::of).collect(),
                steps,
                current: None,
                product: vec![T::zero(); n],
            },
        }
    }

    fn redraw(&mut self, feed: Feed) {
        match self {
            Self::None => {}
            Self::Elements { steps, current, .. } => *current = Some(steps.get_mut(feed).next()),
            Self::Eigen { eigenvalues, steps, current, .. } => {
                let mut stream = steps.get_mut(feed).next();
                current.get_or_insert_with(|| Orthogonal::new(eigenvalues.len())).redraw(&mut stream);
            }
        }
    }
}

struct Replica<T> {
    /// `A`, row-major.
    matrix: Arc<[T]>,
    noise: Noise<T>,
    init: Stream,
    initial: Draw,
    output: OutputFn,
    loss_scale: T,
    /// `(A + N) x` of the latest pass.
    residual: Vec<T>,
}

impl<T: Real> Replica<T> {
    /// `q = ‖Mx‖²` with `M = A + N`; adds `Mᵀ M x`, half the gradient of q, to `half_gradient`.
    fn squared_norm(&mut self, x: &[T], mut half_gradient: Option<&mut [T]>) -> T {
        let n = x.len();
        let residual = &mut self.residual;
        match &mut self.noise {
            Noise::Elements { draw, current: Some(start), row: noisy, .. } => {
                let mut stream = start.clone();
                for (row, r) in self.matrix.chunks_exact(n.max(1)).zip(residual) {
                    for (m, &a) in noisy.iter_mut().zip(row) {
                        *m = a + T::of(draw.one(&mut stream));
                    }
                    *r = dot(noisy, x);
                    if let Some(g) = half_gradient.as_deref_mut() {
                        axpy(*r, noisy, g);
                    }
                }
            }
            Noise::Eigen { eigenvalues, current: Some(q), product, .. } => {
                product.copy_from_slice(x);
                q.apply_symmetric(eigenvalues, product);
                let weight = |i: usize, ax| {
                    residual[i] = ax + product[i];
                    residual[i]
                };
                weigh_rows(&self.matrix, x, weight, half_gradient.as_deref_mut());
                if let Some(g) = half_gradient {
                    product.copy_from_slice(&self.residual);
                    q.apply_symmetric(eigenvalues, product);
                    axpy(T::one(), product, g);
                }
            }
            _ => {
                let weight = |i: usize, ax| {
                    residual[i] = ax;
                    ax
                };
                weigh_rows(&self.matrix, x, weight, half_gradient);
            }
        }
        dot(&self.residual, &self.residual)
    }

    /// The loss for a squared norm, and its derivative.
    fn output(&self, q: T) -> (T, T) {
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

    fn loss(&mut self, params: &[T]) -> T {
        let q = self.squared_norm(params, None);
        self.output(q).0
    }

    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        gradients.fill(T::zero());
        let q = self.squared_norm(params, Some(gradients));
        let (loss, slope) = self.output(q);
        scale(slope + slope, gradients);
        loss
    }

    fn evaluation_is_constant(&self) -> bool {
        matches!(self.noise, Noise::None)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "equal instances are equal bit for bit")]
mod tests {
    use super::*;
    use crate::objectives::testing::{
        assert_close, assert_contract, assert_evaluation, assert_gradient, assert_precisions_agree, points,
    };
    use proptest::prelude::*;
    use taskset_names::Split;

    const KINDS: [Distribution; 4] = [
        Distribution::Normal { mean: 0.3, std: 1.2 },
        Distribution::Uniform { min: -1.0, max: 2.0 },
        Distribution::LinspaceEigen { min: 0.5, max: 4.0 },
        Distribution::LogspaceEigen { min: 1e-5, max: 10.0 },
    ];

    fn config(a_dist: Distribution, a_noise: Option<Distribution>, output_fn: OutputFn) -> QuadraticConfig {
        QuadraticConfig {
            a_dist,
            initial_dist: Distribution::Uniform { min: -1.0, max: 3.0 },
            output_fn,
            dims: 7,
            seed: 12,
            loss_scale: 0.3,
            a_noise,
        }
    }

    fn all() -> Vec<QuadraticConfig> {
        let mut configs = Vec::new();
        for a in KINDS {
            for noise in [None].into_iter().chain(KINDS.map(Some)) {
                for output in [OutputFn::Identity, OutputFn::Log] {
                    configs.push(config(a, noise, output));
                }
            }
        }
        configs
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn gradients_are_derivatives(x in points(7), replica in any::<u64>()) {
            for config in all() {
                let mut problem = build("q", &config).start_f64(&StreamId::root("t").index(replica));
                problem.next_batch(Feed::Training);
                assert_gradient(&mut *problem, &x, 1e-5);
            }
        }
    }

    #[test]
    fn contract_and_precisions() {
        for config in all() {
            let task = build("q", &config);
            assert_contract(&*task);
            assert_evaluation(&*task, config.a_noise.is_none());
            assert_precisions_agree(&*task, &StreamId::root("t"), 2e-4);
        }
    }

    #[test]
    fn a_scaled_identity_has_a_known_loss_for_every_q() {
        // All eigenvalues equal: A = 3 I whatever Q is, and N = 0.5 I.
        let a = Distribution::LinspaceEigen { min: 3.0, max: 3.0 };
        let n = Distribution::LogspaceEigen { min: 0.5, max: 0.5 };
        let x = [1.0, -1.0, 0.5, 0.0, 2.0, 0.0, 0.0];
        let mut g = [0.0; 7];
        for (noise, factor) in [(None, 3.0), (Some(n), 3.5)] {
            let mut problem =
                build("q", &config(a, noise, OutputFn::Identity)).start_f64(&StreamId::root("t"));
            problem.next_batch(Feed::Evaluation(Split::Test));
            let q = factor * factor * 6.25;
            assert_close(problem.loss_and_gradients(&x, &mut g), 0.3 * q, 1e-12);
            assert_close(g[0], 0.6 * factor * factor, 1e-12);
            let mut problem = build("q", &config(a, noise, OutputFn::Log)).start_f64(&StreamId::root("t"));
            problem.next_batch(Feed::Training);
            assert_close(problem.loss(&x), 0.3 * (q + 1e-8).ln(), 1e-12);
        }
    }

    #[test]
    fn the_logarithm_at_zero_is_finite() {
        let mut problem = build("q", &config(KINDS[0], None, OutputFn::Log)).start_f64(&StreamId::root("t"));
        let mut g = [1.0; 7];
        assert_close(problem.loss_and_gradients(&[0.0; 7], &mut g), 0.3 * 1e-8f64.ln(), 1e-12);
        assert_eq!(g, [0.0; 7]);
        let mut problem = build("q", &config(KINDS[0], None, OutputFn::Log)).start(&StreamId::root("t"));
        assert!(problem.loss(&[f32::NAN; 7]).is_nan());
    }

    #[test]
    fn seeded_instances_are_shared_and_unseeded_ones_are_not() {
        for seed in [0, 5] {
            let config = QuadraticConfig { seed, ..config(KINDS[0], None, OutputFn::Identity) };
            let task = build("q", &config);
            let [(p, a), (q, b)] = [0, 1].map(|replica| {
                let mut problem = task.start_f64(&StreamId::root("t").index(replica));
                let mut p = [0.0; 7];
                problem.init(&mut p);
                (p, problem.loss(&[1.0; 7]).to_bits())
            });
            assert_eq!((p == q, a == b), (seed != 0, seed != 0));
        }
    }

    #[test]
    fn elements_and_eigenvalues_have_their_moments() {
        let n = 60;
        let mean = |m: &[f64]| m.iter().sum::<f64>() / m.len() as f64;
        let normal = draw_matrix(KINDS[0], n, StreamId::root("t").stream());
        assert!((mean(&normal) - 0.3).abs() < 5.0 * 1.2 / n as f64);
        let variance = normal.iter().map(|x| (x - 0.3) * (x - 0.3)).sum::<f64>() / (n * n) as f64;
        assert!((variance - 1.44).abs() < 5.0 * 1.44 * 2f64.sqrt() / n as f64);
        let uniform = draw_matrix(KINDS[1], n, StreamId::root("t").stream());
        assert!((mean(&uniform) - 0.5).abs() < 5.0 * 0.87 / n as f64);
        let trace = |m: &[f64]| (0..n).map(|i| m[i * n + i]).sum::<f64>();
        let linear = draw_matrix(KINDS[2], n, StreamId::root("t").stream());
        assert_close(trace(&linear), 2.25 * n as f64, 1e-12);
        // Squared Frobenius norm: the sum of squared eigenvalues.
        let logarithmic = draw_matrix(KINDS[3], n, StreamId::root("t").stream());
        let squares: f64 = (0..n).map(|i| 10f64.powf(2.0 * (-5.0 + 6.0 * i as f64 / (n - 1) as f64))).sum();
        assert_close(dot(&logarithmic, &logarithmic), squares, 1e-10);
    }

    #[test]
    fn noise_is_drawn_anew_for_each_minibatch() {
        for noise in KINDS {
            let mut problem =
                build("q", &config(KINDS[1], Some(noise), OutputFn::Identity)).start(&StreamId::root("t"));
            let losses: Vec<f32> = (0..3)
                .map(|_| {
                    problem.next_batch(Feed::Training);
                    problem.loss(&[1.0; 7])
                })
                .collect();
            assert!(losses[0].to_bits() != losses[1].to_bits() && losses[1].to_bits() != losses[2].to_bits());
        }
    }
}
