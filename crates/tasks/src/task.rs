//! What a task is: a described problem that can be started, once per replica, in f32 or f64.

use num_traits::Float;
use taskset_names::{Origin, Split};
use taskset_rng::StreamId;

/// One named tensor of a task's parameters, as a range of the flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Name, unique in its task, e.g. `layer0/w`.
    pub name: String,
    /// Shape; the product of its entries is the number of elements, row-major.
    pub shape: Vec<usize>,
    /// Position of the first element in the flat vector.
    pub offset: usize,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the tensor has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The ordered, named parameters of a task, laid out one after the other in one flat vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    tensors: Vec<Tensor>,
    len: usize,
}

impl Layout {
    /// Appends a tensor behind the last one and returns its offset.
    pub fn push(&mut self, name: impl Into<String>, shape: &[usize]) -> usize {
        let tensor = Tensor { name: name.into(), shape: shape.to_vec(), offset: self.len };
        self.len += tensor.len();
        let offset = tensor.offset;
        self.tensors.push(tensor);
        offset
    }

    /// The tensors in order.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Number of parameters: the length of the flat vector.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no parameter.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Which stream a minibatch is taken from. Evaluation has streams of its own, one a split, and never shifts training's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feed {
    /// The training stream (train split).
    Training,
    /// The evaluation stream of a split.
    Evaluation(Split),
}

/// A task: everything that does not depend on the replica. Its data is loaded once and shared by all its replicas.
pub trait Task: Send + Sync {
    /// TaskSet's name, e.g. `mlp_family_seed12`.
    fn name(&self) -> &str;

    /// Names, shapes and order of the parameters.
    fn layout(&self) -> &Layout;

    /// Whether a synthetic stand-in is used in place of real data.
    fn origin(&self) -> Origin;

    /// Floating-point operations of one training step (forward, backward, without the optimizer), an estimate for
    /// ordering and time-left displays.
    fn flops_per_step(&self) -> f64;

    /// Starts a replica in single precision. All of its random numbers come from children of `replica`, which the
    /// caller names by task and replica but never by optimizer, so that all optimizers meet the same initial
    /// parameters and minibatches.
    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>>;

    /// The same replica in double precision: the same data, minibatches and noise (rounded differently). For checks of
    /// gradients; slower.
    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>>;
}

/// One replica of a task: the paper's four functions (section 2) over one flat parameter vector.
///
/// A problem holds the *current minibatch*, including every random number that the loss needs (noise, dropout masks,
/// latent samples), so that [`loss`](Problem::loss) is a deterministic function of the parameters until the next
/// [`next_batch`](Problem::next_batch). All slices have the length of the task's [`Layout`]. Non-finite losses and
/// gradients are results, never errors.
pub trait Problem<T: Float>: Send {
    /// Writes the initial parameters of this replica; the same every time it is called.
    fn init(&mut self, params: &mut [T]);

    /// Draws the next minibatch of a feed and makes it current.
    fn next_batch(&mut self, feed: Feed);

    /// Loss on the current minibatch (natural units of the task).
    fn loss(&mut self, params: &[T]) -> T;

    /// Loss and gradient on the current minibatch; overwrites `gradients`. Tasks with gradient noise add it here.
    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T;

    /// Mean loss over the next `batches` minibatches of a split's evaluation stream, in f32 precision or better; NaN of
    /// none. The default draws them one by one; tasks override it where fewer, larger passes are faster, without changing which
    /// examples are used.
    fn mean_loss(&mut self, split: Split, params: &[T], batches: u32) -> f64 {
        let (mut sum, mut loss) = (0.0, f64::NAN);
        for batch in 0..batches {
            if batch == 0 || !self.evaluation_is_constant() {
                self.next_batch(Feed::Evaluation(split));
                loss = self.loss(params).to_f64().unwrap_or(f64::NAN);
            }
            sum += loss;
        }
        sum / f64::from(batches)
    }

    /// Whether all evaluation minibatches are the same: there is neither data nor noise in the loss, and drawing one
    /// takes nothing from any stream. [`mean_loss`](Problem::mean_loss) then computes the loss once. `false` by default.
    fn evaluation_is_constant(&self) -> bool {
        false
    }

    /// 1 where an optimizer that projects must keep the parameter, 0 where it must be reset to 0 after every update;
    /// `None` (the default) where no parameter is constrained.
    fn constraint_mask(&self) -> Option<&[T]> {
        None
    }
}
