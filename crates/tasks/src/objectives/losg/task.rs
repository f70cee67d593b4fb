//! From a losg configuration to a task and its replicas.

use std::sync::Arc;

use taskset_names::{Origin, Split};
use taskset_rng::{Stream, StreamId};
use taskset_trial::TaskVersion;

use super::Objective;
use super::affine::{Affine, OfResidual, seeded_instance, unseeded_instance};
use super::bowl::Bowl;
use super::classical_functions::TestProblem;
use super::cost::{flops_per_step, overhead};
use super::data::Rows;
use super::dependency_chain::DependencyChain;
use super::fully_connected::FullyConnected;
use super::gradient_noise::GradientNoise;
use super::log_objective::LogObjective;
use super::min_max_well::MinMaxWell;
use super::outward_snake::OutwardSnake;
use super::problem::{LosgConfig, LosgProblem};
use super::projection_quadratic::ProjectionQuadratic;
use super::rescale::Rescale;
use super::sparse_softmax::SparseSoftmax;
use super::sum_of_quadratics::SumOfQuadratics;
use crate::objectives::PLAIN;
use crate::objectives::element_draw::ElementDraw;
use crate::objectives::real::{Real, Shared, cast};
use crate::objectives::two_d_functions;
use crate::spec::{Group, Infeasible, ObjectiveBody, Overhead};
use crate::task::row_length;
use crate::{Capabilities, Feed, Kind, Layout, Position, Problem, Role, Task};

/// Trials at once: a minibatch is gathered, a matrix read, and noise drawn once for all of them.
const LOCKSTEP: usize = 24;

/// A losg problem as data. Nothing is drawn until a replica of its task is started.
///
/// Memory: the data or the matrix of the problem (10 MB at most for configurations of the family), shared by the trials of a
/// replica, and a few vectors for each trial.
#[derive(Clone, Debug)]
pub(crate) struct Losg {
    config: LosgConfig,
    /// A text that changes whenever the configuration does.
    description: String,
}

impl Losg {
    /// # Errors
    /// [`Infeasible`] for a configuration that the sampler never gives: an empty problem, a number of classes other than
    /// two, a wrapper around a wrapper.
    pub(crate) fn new(config: LosgConfig, description: String) -> Result<Self, Infeasible> {
        check(&config.problem, false).map_err(|reason| Infeasible(reason.to_owned()))?;
        Ok(Self { config, description })
    }
}

impl ObjectiveBody for Losg {
    fn layout(&self) -> Layout {
        layout(&self.config.problem)
    }

    fn flops_per_step(&self) -> f64 {
        flops_per_step(&self.config.problem)
    }

    fn overhead(&self) -> Overhead {
        overhead(&self.config.problem)
    }

    fn task(&self, name: &str, group: Group) -> Arc<dyn Task> {
        Arc::new(LosgTask {
            name: name.to_owned(),
            group,
            layout: self.layout(),
            initial: initial(&self.config.problem),
            body: self.clone(),
            instance: Shared::default(),
        })
    }
}

/// The reason why a problem cannot be built, if there is one.
fn check(problem: &LosgProblem, wrapped: bool) -> Result<(), &'static str> {
    use LosgProblem as P;
    match problem {
        P::Quadratic { dim: 0, .. } | P::MinMaxWell { dim: 0, .. } | P::Norm { dim: 0, .. } => {
            Err("the problem has no parameter")
        }
        P::DependencyChain { dim, bs, n_samples } | P::OutwardSnake { dim, bs, n_samples } => {
            check_data(*dim, *bs, *n_samples)
        }
        P::SumOfQuadratics { dim, bs, n_samples } | P::ProjectionQuadratic { dim, bs, n_samples } => {
            // The examples come in pairs.
            check_data(*dim, *bs, n_samples / 2)
        }
        P::SparseSoftmaxRegression { n_features, n_classes, bs, n_samples, .. } => {
            check_classes(*n_classes)?;
            check_data(*n_features, *bs, *n_samples)
        }
        P::FullyConnected { n_features, n_classes, bs, n_samples, hidden_sizes, .. } => {
            check_classes(*n_classes)?;
            if hidden_sizes.contains(&0) {
                return Err("a hidden layer has no unit");
            }
            check_data(*n_features, *bs, *n_samples)
        }
        P::Sparse { base, .. } | P::Rescale { base, .. } | P::LogObjective { base } => {
            if wrapped {
                return Err("a wrapper around a wrapper has no definition");
            }
            check(base, true)
        }
        P::Quadratic { .. }
        | P::MinMaxWell { .. }
        | P::Norm { .. }
        | P::Bowl { .. }
        | P::OptimizationTestProblem { .. } => Ok(()),
    }
}

fn check_data(dim: usize, bs: usize, examples: usize) -> Result<(), &'static str> {
    if dim == 0 || bs == 0 || examples == 0 || u32::try_from(examples).is_err() {
        return Err("the problem needs at least one parameter, one example and one place in the minibatch");
    }
    Ok(())
}

fn check_classes(n_classes: usize) -> Result<(), &'static str> {
    if n_classes == 2 { Ok(()) } else { Err("the classifier's loss is defined for two classes only") }
}

/// The parameters, in upstream's order and shapes. Those of a test function belong to no layer, whatever their shape.
pub(super) fn layout(problem: &LosgProblem) -> Layout {
    use LosgProblem as P;
    let mut layout = Layout::default();
    match problem {
        P::Quadratic { dim, .. } | P::Norm { dim, .. } => {
            layout.push_as("p", &[*dim, 1], PLAIN);
        }
        P::MinMaxWell { dim, .. } | P::OutwardSnake { dim, .. } => {
            layout.push_as("p", &[*dim], PLAIN);
        }
        P::SumOfQuadratics { dim, .. } | P::ProjectionQuadratic { dim, .. } => {
            layout.push_as("p", &[1, *dim], PLAIN);
        }
        P::DependencyChain { dim, .. } => {
            layout.push_as("p", &[dim + 1], PLAIN);
        }
        P::Bowl { .. } => {
            layout.push_as("p", &[2, 1], PLAIN);
        }
        P::OptimizationTestProblem { .. } => {
            layout.push_as("p", &[2], PLAIN);
        }
        P::SparseSoftmaxRegression { n_features, .. } => {
            layout.push_as("embedding", &[2, *n_features], Role::new(Kind::Embedding, Position::First));
            layout.push_as("w", &[*n_features, 2], Role::new(Kind::Dense, Position::Last));
            layout.push_as("b", &[2], Role::new(Kind::Bias, Position::Last));
        }
        P::FullyConnected { n_features, hidden_sizes, .. } => {
            let mut n_in = *n_features;
            for (l, &n_out) in hidden_sizes.iter().chain(&[2]).enumerate() {
                let position = Position::of(l, hidden_sizes.len() + 1);
                layout.push_as(format!("layer{l}/w"), &[n_in, n_out], Role::new(Kind::Dense, position));
                layout.push_as(format!("layer{l}/b"), &[n_out], Role::new(Kind::Bias, position));
                n_in = n_out;
            }
        }
        P::Sparse { base, .. } | P::Rescale { base, .. } | P::LogObjective { base } => {
            return self::layout(base);
        }
    }
    layout
}

/// Distribution of the initial parameters: runs of elements with a common one.
fn initial(problem: &LosgProblem) -> Vec<(usize, ElementDraw)> {
    use LosgProblem as P;
    match problem {
        P::OptimizationTestProblem { problem, .. } => {
            two_d_functions::start(*problem).into_iter().map(|draw| (1, draw)).collect()
        }
        P::SparseSoftmaxRegression { .. } | P::FullyConnected { .. } => layout(problem)
            .tensors()
            .iter()
            .map(|tensor| {
                let std = 1.2 / (tensor.shape.first().copied().unwrap_or(1) as f64).sqrt();
                (tensor.len(), ElementDraw::Normal { mean: 0.0, std })
            })
            .collect(),
        P::Rescale { base, scale } => {
            initial(base).into_iter().map(|(n, draw)| (n, draw.scaled(*scale))).collect()
        }
        // QUIRK-30: the sparse and the logarithmic wrapper do not use the initialiser of their base.
        _ => vec![(layout(problem).len(), ElementDraw::STANDARD_NORMAL)],
    }
}

/// Zeroing probability and standard deviation of the gradient noise. QUIRK-29: wrappers ignore that of their base.
pub(super) fn gradient_noise(problem: &LosgProblem) -> (f64, f64) {
    use LosgProblem as P;
    match problem {
        P::Quadratic { noise_stdev, .. }
        | P::MinMaxWell { noise_stdev, .. }
        | P::Bowl { noise_stdev, .. }
        | P::SparseSoftmaxRegression { noise_stdev, .. }
        | P::OptimizationTestProblem { noise_stdev, .. } => (0.0, *noise_stdev),
        P::Sparse { zero_probability, noise_stdev, .. } => (*zero_probability, *noise_stdev),
        _ => (0.0, 0.0),
    }
}

/// Whether the loss is on minibatches of data; where it is not, all minibatches are the same.
pub(super) fn has_data(problem: &LosgProblem) -> bool {
    use LosgProblem as P;
    match problem {
        P::OutwardSnake { .. }
        | P::SumOfQuadratics { .. }
        | P::ProjectionQuadratic { .. }
        | P::SparseSoftmaxRegression { .. }
        | P::FullyConnected { .. } => true,
        P::Quadratic { .. }
        | P::Norm { .. }
        | P::MinMaxWell { .. }
        | P::DependencyChain { .. }
        | P::Bowl { .. }
        | P::OptimizationTestProblem { .. } => false,
        P::Sparse { base, .. } | P::Rescale { base, .. } | P::LogObjective { base } => has_data(base),
    }
}

struct LosgTask {
    name: String,
    group: Group,
    body: Losg,
    layout: Layout,
    initial: Vec<(usize, ElementDraw)>,
    /// `W` and `y` of a seeded quadratic or norm.
    instance: Shared,
}

impl LosgTask {
    fn problem<T: Real>(&self, replica: &StreamId) -> Replica<T> {
        let (zero_probability, std) = gradient_noise(&self.body.config.problem);
        let noise = replica.child("gradient-noise").stream();
        Replica {
            objective: self.objective(&self.body.config.problem, replica, true),
            init: replica.child("init").stream(),
            initial: self.initial.clone(),
            noise: GradientNoise::new(zero_probability, std, noise, self.layout.len()),
            has_data: has_data(&self.body.config.problem),
            losses: Vec::new(),
        }
    }

    /// The objective of this task's problem or of its base; `seeded` says whether problem_seed reaches it.
    fn objective<T: Real>(
        &self,
        problem: &LosgProblem,
        replica: &StreamId,
        seeded: bool,
    ) -> Box<dyn Objective<T>> {
        use LosgProblem as P;
        match *problem {
            P::Quadratic { dim, .. } => {
                Box::new(Affine::new(dim, self.affine(dim, replica, seeded), OfResidual::HalfSquare))
            }
            P::Norm { dim, norm_power } => {
                let function = OfResidual::Norm { q: T::of(norm_power) };
                Box::new(Affine::new(dim, self.affine(dim, replica, seeded), function))
            }
            P::MinMaxWell { .. } => Box::new(MinMaxWell),
            P::Bowl { cond, angle, .. } => Box::new(Bowl { cond: T::of(cond), angle: T::of(angle) }),
            P::OptimizationTestProblem { problem, .. } => Box::new(TestProblem(problem)),
            P::SparseSoftmaxRegression { n_features, bs, n_samples, .. } => {
                Box::new(SparseSoftmax::new(replica, n_features, n_samples, bs))
            }
            P::FullyConnected { n_features, activation, bs, n_samples, ref hidden_sizes, .. } => {
                Box::new(FullyConnected::new(replica, n_features, hidden_sizes, activation, n_samples, bs))
            }
            P::DependencyChain { .. } => Box::new(DependencyChain),
            P::OutwardSnake { dim, bs, n_samples } => {
                Box::new(OutwardSnake::new(Rows::normal(replica, n_samples, dim, bs), dim))
            }
            P::SumOfQuadratics { dim, bs, n_samples } => {
                Box::new(SumOfQuadratics::new(Rows::symmetric(replica, n_samples, dim, bs), dim))
            }
            P::ProjectionQuadratic { dim, bs, n_samples } => {
                Box::new(ProjectionQuadratic::new(Rows::symmetric(replica, n_samples, dim, bs), dim))
            }
            // QUIRK-31: this wrapper keeps the seed for itself.
            P::Sparse { ref base, .. } => self.objective(base, replica, false),
            P::Rescale { ref base, scale } => {
                Box::new(Rescale::new(self.objective(base, replica, seeded), scale))
            }
            P::LogObjective { ref base } => Box::new(LogObjective(self.objective(base, replica, seeded))),
        }
    }

    fn affine<T: Real>(&self, dim: usize, replica: &StreamId, seeded: bool) -> Arc<[T]> {
        if seeded {
            self.instance.get(|| seeded_instance(dim, self.body.config.problem_seed))
        } else {
            cast(unseeded_instance(dim, replica.child("instance").stream()))
        }
    }
}

impl Task for LosgTask {
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
    objective: Box<dyn Objective<T>>,
    init: Stream,
    initial: Vec<(usize, ElementDraw)>,
    noise: GradientNoise<T>,
    has_data: bool,
    /// Of the latest evaluation, one per trial.
    losses: Vec<T>,
}

impl<T: Real> Problem<T> for Replica<T> {
    fn init(&mut self, params: &mut [T]) {
        let mut stream = self.init.clone();
        let mut rest = params;
        for &(count, draw) in &self.initial {
            let (run, behind) = rest.split_at_mut(count.min(rest.len()));
            draw.fill(&mut stream, run);
            rest = behind;
        }
    }

    fn next_batch(&mut self, feed: Feed) {
        self.objective.next_batch(feed);
        self.noise.next_batch(feed);
    }

    fn loss(&mut self, params: &[T]) -> T {
        self.objective.loss(params)
    }

    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        let loss = self.objective.loss_and_gradients(params, gradients);
        self.noise.apply(gradients);
        loss
    }

    fn losses_and_gradients(&mut self, params: &[T], gradients: &mut [T], losses: &mut [T]) {
        self.objective.losses_and_gradients(params, gradients, losses);
        for gradients in gradients.chunks_exact_mut(row_length(params, losses)) {
            self.noise.apply(gradients);
        }
    }

    fn loaded_losses(&mut self, params: &[T], losses: &mut [f64]) {
        self.losses.resize(losses.len(), T::zero());
        self.objective.losses(params, &mut self.losses);
        losses.iter_mut().zip(&self.losses).for_each(|(wide, loss)| *wide = loss.wide());
    }

    fn load_evaluation(&mut self, split: Split, batches: u32) -> u32 {
        Problem::<T>::next_batch(self, Feed::Evaluation(split));
        // Noise touches the gradient only: without data all minibatches have the same loss.
        if self.has_data { 1 } else { batches }
    }
}

#[cfg(test)]
mod tests;
