//! What a task is: a described problem that can be started, once per replica, in f32 or f64.

use num_traits::Float;
use taskset_names::{Origin, Split};
use taskset_params::Layout;
use taskset_rng::StreamId;
use taskset_trial::{Digest, TaskVersion};

/// Which stream a minibatch is taken from. Evaluation has streams of its own, one per split, and never shifts training's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feed {
    /// The training stream (train split).
    Training,
    /// The evaluation stream of a split.
    Evaluation(Split),
}

impl Feed {
    /// The split that its examples are from.
    pub const fn split(self) -> Split {
        match self {
            Self::Training => Split::Train,
            Self::Evaluation(split) => split,
        }
    }
}

/// What a trainer may make use of: facts that make trials faster and never change their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How many trials of one replica are worth training in lockstep, that is on shared minibatches and noise (1, the
    /// default: one at a time). Follows from shapes and costs only.
    pub lockstep: usize,
    /// Whether the loss of every minibatch of every feed is NaN once all parameters are NaN: every later evaluation is then
    /// NaN too, and training need not continue. `false` by default.
    pub nan_is_absorbing: bool,
    /// Whether several minibatches may be evaluated in one pass: the mean of their losses is the loss of all their examples
    /// together. This is not so where examples of a minibatch depend on each other (batch norm), and where the loss is a
    /// ratio of two sums over the minibatch. `false` by default.
    pub fuses_minibatches: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { lockstep: 1, nan_is_absorbing: false, fuses_minibatches: false }
    }
}

/// A task: everything that does not depend on the replica. Its data is loaded once and shared by all its replicas.
pub trait Task: Send + Sync {
    /// TaskSet's name, e.g. `mlp_family_seed12`.
    fn name(&self) -> &str;

    /// Names, shapes and order of the parameters.
    fn layout(&self) -> &Layout;

    /// Whether the data are real, a part of the real data, or a synthetic stand-in.
    fn origin(&self) -> Origin;

    /// Which computation the name stands for: what curves of this task are known by, besides its name and its data. It
    /// must change whenever the task computes something else.
    ///
    /// `None` by default, which is safe: curves of the task are then stored, but never taken for those of a later run.
    fn version(&self) -> Option<TaskVersion> {
        None
    }

    /// Digest of the decoded data; `None` for a task without data (the default).
    fn data_digest(&self) -> Option<Digest> {
        None
    }

    /// Floating-point operations of one training step (forward, backward, without the optimizer), an estimate for
    /// ordering and time-left displays.
    fn flops_per_step(&self) -> f64;

    /// Starts a replica in single precision. All of its random numbers come from children of `replica`, which the
    /// caller names by task and replica but never by optimizer, so that all optimizers meet the same initial
    /// parameters and minibatches.
    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>>;

    /// What a trainer may make use of. By default nothing, which is always safe. A task around another one hands on this
    /// one value, so that it cannot forget a part of it.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

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
///
/// # Trials in lockstep
/// The plural functions take the parameters of K trials, one trial per row of a row-major `[K, n]` matrix, on one minibatch:
/// gathering, augmentation and noise are paid once. **The result of a row has the bits that it would have alone**, whatever
/// the other rows and their number. An implementation that cannot promise this keeps the default, which takes the rows one
/// by one. Computing a loss must not change anything that a loss reads.
pub trait Problem<T: Float>: Send {
    /// Writes the initial parameters of this replica; the same every time it is called.
    fn init(&mut self, params: &mut [T]);

    /// Draws the next minibatch of a feed and makes it current.
    fn next_batch(&mut self, feed: Feed);

    /// Draws `count` minibatches of a feed that nobody needs: the streams are then where they are after `count` calls of
    /// [`next_batch`](Problem::next_batch). Which minibatch is current then is not defined. The default draws them; tasks
    /// whose minibatches have numbers of their own count only.
    fn skip(&mut self, feed: Feed, count: u64) {
        for _ in 0..count {
            self.next_batch(feed);
        }
    }

    /// Loss on the current minibatch (natural units of the task).
    fn loss(&mut self, params: &[T]) -> T;

    /// Loss and gradient on the current minibatch; overwrites `gradients`. Tasks with gradient noise add it here; they
    /// have drawn it with the minibatch.
    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T;

    /// Losses and gradients of `losses.len()` trials on the current minibatch; `params` and `gradients` are `[K, n]`.
    fn losses_and_gradients(&mut self, params: &[T], gradients: &mut [T], losses: &mut [T]) {
        let n = row_length(params, losses);
        let rows = params.chunks_exact(n).zip(gradients.chunks_exact_mut(n));
        for ((params, gradients), loss) in rows.zip(losses) {
            *loss = self.loss_and_gradients(params, gradients);
        }
    }

    /// Draws the next minibatches of a split's evaluation stream for [`loaded_losses`](Problem::loaded_losses): at least
    /// one and at most `batches` (which is not 0) of them. Returns how many. The default draws one, as the current
    /// minibatch; tasks for which one large pass is faster take more. A task whose minibatches are all the same (there is
    /// neither data nor noise in the loss, and drawing takes nothing from any stream) says `batches`, and computes the loss
    /// once.
    fn load_evaluation(&mut self, split: Split, batches: u32) -> u32 {
        debug_assert!(batches > 0, "there is nothing to draw");
        self.next_batch(Feed::Evaluation(split));
        1
    }

    /// Mean loss over the minibatches that [`load_evaluation`](Problem::load_evaluation) has drawn, in f32 precision or
    /// better, of `losses.len()` trials; `params` is `[K, n]`.
    fn loaded_losses(&mut self, params: &[T], losses: &mut [f64]) {
        let n = row_length(params, losses);
        for (params, loss) in params.chunks_exact(n).zip(losses) {
            *loss = self.loss(params).to_f64().unwrap_or(f64::NAN);
        }
    }

    /// Mean losses of `means.len()` trials over the next `batches` minibatches of a split's evaluation stream, all of
    /// them on the same ones; NaN for 0 minibatches. `params` is `[K, n]`. Built of [`load_evaluation`](Problem::load_evaluation)
    /// and [`loaded_losses`](Problem::loaded_losses): tasks implement those.
    fn mean_losses(&mut self, split: Split, params: &[T], batches: u32, means: &mut [f64]) {
        let mut losses = vec![0.0; means.len()];
        means.fill(0.0);
        let mut left = batches;
        while left > 0 {
            let drawn = self.load_evaluation(split, left).clamp(1, left);
            self.loaded_losses(params, &mut losses);
            for (mean, loss) in means.iter_mut().zip(&losses) {
                *mean += loss * f64::from(drawn);
            }
            left -= drawn;
        }
        means.iter_mut().for_each(|mean| *mean /= f64::from(batches));
    }

    /// [`mean_losses`](Problem::mean_losses) of one trial.
    fn mean_loss(&mut self, split: Split, params: &[T], batches: u32) -> f64 {
        let mut mean = [0.0];
        self.mean_losses(split, params, batches, &mut mean);
        mean[0]
    }

    /// The random numbers that the loss of the current minibatch uses besides its examples, in the order in which they were
    /// drawn: one slice per layer with noise, that of the loss last, each row-major. None by default. They let another
    /// implementation be trained on the same numbers.
    fn noise(&self) -> Vec<&[T]> {
        Vec::new()
    }

    /// 1 where an optimizer that projects must keep the parameter, 0 where it must be reset to 0 after every update;
    /// `None` (the default) where no parameter is constrained. It must not change while a replica is trained.
    fn constraint_mask(&self) -> Option<&[T]> {
        None
    }
}

/// Number of parameters of one of the trials of a `[K, n]` matrix, at least 1, where there is one result per trial.
pub(crate) fn row_length<T, R>(params: &[T], results: &[R]) -> usize {
    (params.len() / results.len().max(1)).max(1)
}
