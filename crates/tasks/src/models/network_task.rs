//! Networks on minibatches of data as tasks.

use std::fmt::Debug;
use std::sync::Arc;

use taskset_names::{Origin, Split};
use taskset_nn::{BatchMut, Network, Parameter, Plan, Scalar};
use taskset_rng::{Stream, StreamId};
use taskset_trial::{Digest, TaskVersion};

use crate::spec::Group;
use crate::task::row_length;
use crate::{Capabilities, Error, Feed, Layout, Problem, Task};

/// Most rows of an evaluation pass: enough for the matrix products to run at full speed.
const EVALUATION_ROWS: usize = 512;
/// Most numbers that an evaluation pass of several minibatches may hold: a quarter of a megabyte in f32, which stays in a
/// core's second-level cache until the loss is computed.
const EVALUATION_VALUES: usize = 1 << 16;

/// The data of a [`NetworkTask`]: shared by its replicas. If minibatches are independent draws,
/// [`Draw`](crate::Draw) is less to write.
pub trait Data: Debug + Send + Sync + 'static {
    /// Whether the data are real, a part of them, or a stand-in.
    fn origin(&self) -> Origin;

    /// Examples of a minibatch, 1 at least.
    fn batch_size(&self) -> usize;

    /// What decides the minibatches besides the data themselves, as a text that changes whenever they change. `None`, the
    /// default, means that nobody can tell: curves are then never taken for those of a later run.
    fn description(&self) -> Option<String> {
        None
    }

    /// Digest of the decoded data; `None` (the default) where minibatches are made up.
    fn digest(&self) -> Option<Digest> {
        None
    }

    /// Trials to run per minibatch, for a model with this many parameters; 1 by default. Use more where drawing a batch costs
    /// more than the extra cache traffic of several trials.
    fn lockstep(&self, _parameters: usize) -> usize {
        1
    }

    /// The minibatch streams of a replica: all of their random numbers come from children of its name. Single and double
    /// precision must give the same examples.
    fn open<T: Scalar>(self: &Arc<Self>, replica: &StreamId) -> Box<dyn Batches<T>>;
}

/// The minibatch streams of one replica: one for training and one for the evaluation of each split.
pub trait Batches<T>: Send {
    /// Writes the next minibatch of a feed, all of `batch`: what it holds before is arbitrary. Returns the feed's stream of
    /// model noise (dropout masks and the like), from which nothing else may be drawn.
    fn next(&mut self, feed: Feed, batch: BatchMut<'_, T>) -> &mut Stream;
}

/// A network of layers trained on data.
///
/// ```
/// use taskset_nn::{Activation, BatchMut, Loss, Network, Scalar};
/// use taskset_rng::Stream;
/// use taskset_tasks::{Draw, Drawn, NetworkTask, Task};
///
/// /// Points of the unit square, labelled by the side of the diagonal that they are on.
/// #[derive(Debug)]
/// struct Sides;
///
/// impl Draw for Sides {
///     fn batch_size(&self) -> usize {
///         16
///     }
///
///     fn draw<T: Scalar>(&self, _: taskset_names::Split, stream: &mut Stream, batch: BatchMut<'_, T>) {
///         for (point, label) in batch.features.chunks_exact_mut(2).zip(batch.labels) {
///             let [x, y] = [stream.unit_f64(), stream.unit_f64()];
///             point.copy_from_slice(&[T::of(x), T::of(y)]);
///             *label = u16::from(x > y);
///         }
///     }
/// }
///
/// let network = Network::mlp(2, &[8, 2], Activation::Tanh, Loss::SoftmaxCrossEntropy);
/// let task = NetworkTask::new("sides", network, Drawn(Sides))?;
/// assert_eq!(task.layout().len(), 2 * 8 + 8 + 8 * 2 + 2);
/// # Ok::<(), taskset_tasks::Error>(())
/// ```
#[derive(Debug)]
pub struct NetworkTask<D> {
    name: String,
    group: Group,
    layout: Layout,
    network: Arc<Network>,
    redraw: Option<Redraw>,
    data: Arc<D>,
}

/// Makes the network of a replica from that of the task: another one with the same parameters and shapes.
pub(crate) type Redraw = fn(&Network, &StreamId) -> Network;

impl<D: Data> NetworkTask<D> {
    /// A task of this name, by which its random streams are named, too. Curves are stored by task name: give different
    /// tasks different ones, and none of the registry's.
    ///
    /// # Errors
    /// [`Error::Infeasible`] if the network's parts do not fit together, or a minibatch has no example.
    pub fn new(name: &str, network: Network, data: D) -> Result<Self, Error> {
        let infeasible = |reason| Error::Infeasible { name: name.to_owned(), reason };
        network.shapes().map_err(|invalid| infeasible(invalid.to_string()))?;
        if data.batch_size() == 0 {
            return Err(infeasible("a minibatch needs one example at least".to_owned()));
        }
        let mut layout = Layout::default();
        for parameter in network.parameters() {
            let Parameter { name, shape, role, output_axis, .. } = parameter;
            layout.push_oriented(name, &shape, role, output_axis);
        }
        let (network, data) = (Arc::new(network), Arc::new(data));
        Ok(Self { name: name.to_owned(), group: Group::OWN, layout, network, redraw: None, data })
    }

    /// The same as a task of a group of the registry.
    pub(crate) fn in_group(self, group: Group) -> Self {
        Self { group, ..self }
    }

    /// The same, but every replica gets a network of its own.
    pub(crate) fn redrawn(self, redraw: Redraw) -> Self {
        Self { redraw: Some(redraw), ..self }
    }

    fn replica<T: Scalar>(&self, replica: &StreamId) -> Replica<T> {
        let network = match self.redraw {
            Some(redraw) => Arc::new(redraw(&self.network, replica)),
            None => Arc::clone(&self.network),
        };
        Replica {
            plan: plan(&network, self.data.batch_size()),
            evaluation: None,
            batches: self.data.open(replica),
            mask: network.constraint_mask(),
            network,
            fuses_minibatches: self.capabilities().fuses_minibatches,
            init: replica.child("init"),
            batch_size: self.data.batch_size(),
        }
    }
}

/// The plan of a network that [`NetworkTask::new`] has checked.
fn plan<T: Scalar>(network: &Network, rows: usize) -> Plan<T> {
    match Plan::new(network, rows) {
        Ok(plan) => plan,
        Err(invalid) => unreachable!("checked when the task was made: {invalid}"),
    }
}

impl<D: Data> Task for NetworkTask<D> {
    fn name(&self) -> &str {
        &self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn origin(&self) -> Origin {
        self.data.origin()
    }

    fn version(&self) -> Option<TaskVersion> {
        let Self { name: _, group, layout: _, network, redraw, data } = self;
        let redrawn = if redraw.is_some() { ", redrawn for each replica" } else { "" };
        let description = format!("{}{redrawn}; {}", network.description(), data.description()?);
        Some(group.version(&description))
    }

    fn data_digest(&self) -> Option<Digest> {
        self.data.digest()
    }

    fn flops_per_step(&self) -> f64 {
        self.network.flops_per_step(self.data.batch_size())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            lockstep: self.data.lockstep(self.layout.len()),
            // Every layer lets NaN through, so that a layer with parameters makes every loss NaN.
            nan_is_absorbing: !self.layout.is_empty(),
            fuses_minibatches: self.network.minibatches_may_be_fused(),
        }
    }

    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>> {
        Box::new(self.replica::<f32>(replica))
    }

    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        Box::new(self.replica::<f64>(replica))
    }
}

/// One replica of a [`NetworkTask`].
struct Replica<T> {
    /// Holds the current minibatch.
    plan: Plan<T>,
    /// Several minibatches at once; made by the first evaluation.
    evaluation: Option<Plan<T>>,
    batches: Box<dyn Batches<T>>,
    mask: Option<Vec<T>>,
    network: Arc<Network>,
    /// As the task says.
    fuses_minibatches: bool,
    init: StreamId,
    batch_size: usize,
}

/// Puts the next minibatch of a feed into the rows of a plan from `first` on.
fn load<T: Scalar>(plan: &mut Plan<T>, batches: &mut dyn Batches<T>, feed: Feed, first: usize, rows: usize) {
    let range = first..first + rows;
    let noise = batches.next(feed, plan.batch_mut().rows(range.clone()));
    plan.draw_noise(range, noise);
}

impl<T: Scalar> Replica<T> {
    /// Minibatches of an evaluation pass.
    fn at_once(&self) -> usize {
        if !self.fuses_minibatches {
            return 1;
        }
        let rows = EVALUATION_ROWS.min(EVALUATION_VALUES / self.network.values_per_row().max(1));
        (rows / self.batch_size).max(1)
    }
}

impl<T: Scalar> Problem<T> for Replica<T> {
    fn init(&mut self, params: &mut [T]) {
        self.network.init(params, &mut self.init.stream());
    }

    fn next_batch(&mut self, feed: Feed) {
        load(&mut self.plan, &mut *self.batches, feed, 0, self.batch_size);
    }

    fn loss(&mut self, params: &[T]) -> T {
        T::of(self.plan.loss(params))
    }

    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        T::of(self.plan.loss_and_gradients(params, gradients))
    }

    fn noise(&self) -> Vec<&[T]> {
        self.plan.noise().flatten().collect()
    }

    /// Several minibatches in one pass, the same examples and noise as one by one. The current minibatch stays as it is.
    fn load_evaluation(&mut self, split: Split, batches: u32) -> u32 {
        let at_once = self.at_once();
        let plan = self.evaluation.get_or_insert_with(|| plan(&self.network, at_once * self.batch_size));
        let now = at_once.min(batches as usize);
        plan.set_rows(now * self.batch_size);
        for batch in 0..now {
            let first = batch * self.batch_size;
            load(plan, &mut *self.batches, Feed::Evaluation(split), first, self.batch_size);
        }
        now as u32
    }

    /// Minibatches have equal size, so the mean over all rows is the mean of their losses (up to rounding).
    fn loaded_losses(&mut self, params: &[T], losses: &mut [f64]) {
        let Some(plan) = &mut self.evaluation else { return losses.fill(f64::NAN) };
        for (params, loss) in params.chunks_exact(row_length(params, losses)).zip(losses) {
            *loss = plan.loss(params);
        }
    }

    fn constraint_mask(&self) -> Option<&[T]> {
        self.mask.as_deref()
    }
}

#[cfg(test)]
mod tests;
