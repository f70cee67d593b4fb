//! Tasks of one's own whose loss is a candle graph.

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use candle_core::{DType, Device, Result as CandleResult, Tensor, Var, WithDType};
use taskset_names::{Origin, Split};
use taskset_nn::{Initializer, Scalar};
use taskset_rng::{Stream, StreamId};
use taskset_trial::{Digest, TaskVersion};

use crate::objectives::feed::PerFeed;
use crate::{Error, Feed, Layout, Problem, Role, Task};

/// A parameter tensor of a [`CandleLoss`] and how it starts.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Variable {
    /// Name, unique in its task.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Initialiser.
    pub initializer: Initializer,
    /// What it does, for optimizers that treat tensors differently. `None`: what follows from the number of its axes
    /// ([`Role::by_rank`]).
    pub role: Option<Role>,
    /// The axis of the outputs, counted from 0. `None`: the last one.
    pub output_axis: Option<usize>,
}

/// As derived, but without what is not set: tasks are identified by this text, and those that set no role keep theirs.
impl Debug for Variable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, shape, initializer, role, output_axis } = self;
        let mut text = f.debug_struct("Variable");
        text.field("name", name).field("shape", shape).field("initializer", initializer);
        if let Some(role) = role {
            text.field("role", role);
        }
        if let Some(axis) = output_axis {
            text.field("output_axis", axis);
        }
        text.finish()
    }
}

impl Variable {
    /// A parameter tensor.
    pub fn new(name: &str, shape: &[usize], initializer: Initializer) -> Self {
        Self { name: name.to_owned(), shape: shape.to_vec(), initializer, role: None, output_axis: None }
    }

    /// The same with a role: `Role::new(Kind::Embedding, Position::First)`, say.
    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    /// The same with its outputs on another axis than the last one: 0 for weights `[outputs, inputs]`.
    #[must_use]
    pub fn with_output_axis(self, axis: usize) -> Self {
        Self { output_axis: Some(axis), ..self }
    }

    /// Appends it to a layout; or why that cannot be.
    fn push_to(&self, layout: &mut Layout) -> Result<(), String> {
        let Self { name, shape, .. } = self;
        if layout.tensors().iter().any(|tensor| tensor.name == *name) {
            return Err(format!("two parameters have the name `{name}`"));
        }
        let axis = self.output_axis.unwrap_or(shape.len().saturating_sub(1));
        if axis >= shape.len().max(1) {
            return Err(format!("the parameter `{name}` of shape {shape:?} has no axis {axis}"));
        }
        let role = self.role.unwrap_or(Role::by_rank(shape.len()));
        layout.push_oriented(name.clone(), shape, role, axis);
        Ok(())
    }
}

/// A loss that candle can differentiate.
pub trait CandleLoss: Send + Sync + 'static {
    /// A minibatch, with every random number that the loss needs.
    type Batch: Send;

    /// The parameter tensors.
    fn variables(&self) -> Vec<Variable>;

    /// Draws a minibatch of a split, on the CPU, its numbers in `dtype` (`F32` or `F64`; whole numbers in any type). Everything
    /// random must come from `stream`; draw in the same way for both types, and convert.
    ///
    /// # Errors
    /// Errors of candle.
    fn draw(&self, split: Split, stream: &mut Stream, dtype: DType) -> CandleResult<Self::Batch>;

    /// The loss at these parameters, in the order of [`variables`](CandleLoss::variables): one number of their type. It
    /// must depend on parameters and batch alone, without randomness and without memory.
    ///
    /// # Errors
    /// Errors of candle.
    fn loss(&self, params: &[Tensor], batch: &Self::Batch) -> CandleResult<Tensor>;

    /// Whether the data are real (the default, also for tasks without data), a part of the real data, or a stand-in.
    fn origin(&self) -> Origin {
        Origin::Real
    }

    /// What the loss and its minibatches are, as a text that changes whenever they change. With `None`, the default, curves
    /// are never taken for those of a later run.
    fn description(&self) -> Option<String> {
        None
    }

    /// Digest of the decoded data; `None` (the default) where there are none.
    fn digest(&self) -> Option<Digest> {
        None
    }

    /// Floating-point operations of one training step, an estimate for ordering and time-left displays.
    fn flops_per_step(&self) -> f64 {
        1.0
    }
}

/// The task of a [`CandleLoss`]. Candle computes losses and differentiates them, on the CPU: convenient, and several times
/// slower than a [`NetworkTask`](crate::NetworkTask).
///
/// **Errors.** A task is tried out when it is made: a minibatch, loss and gradient of every feed in both precisions. What
/// candle refuses later (an index that only some minibatch has, say) cannot be told by a [`Problem`]: from there on its
/// losses and gradients are NaN, and [`failure`](CandleTask::failure) says why. Keep a clone of the task and ask it after
/// training.
///
/// Random streams of a replica: `init`, and `batches`/feed, a feed being `training` or `evaluation`/split.
#[derive(Debug)]
pub struct CandleTask<L>(Arc<Shared<L>>);

/// What the task and its problems share.
#[derive(Debug)]
struct Shared<L> {
    name: String,
    loss: L,
    variables: Vec<Variable>,
    layout: Layout,
    failure: OnceLock<Error>,
}

impl<L> Clone for CandleTask<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: CandleLoss> CandleTask<L> {
    /// A task of this name, by which its random streams are named, too. Curves are stored by task name: give different
    /// tasks different ones, and none of the registry's.
    ///
    /// # Errors
    /// [`Error::Infeasible`] if there is no parameter, two have one name or one lacks its output axis; [`Error::Candle`] if a minibatch, its loss or
    /// its gradient cannot be computed, the loss is not one number, or it does not depend on the parameters.
    pub fn new(name: &str, loss: L) -> Result<Self, Error> {
        let variables = loss.variables();
        let mut layout = Layout::default();
        for variable in &variables {
            let infeasible = |reason| Error::Infeasible { name: name.to_owned(), reason };
            variable.push_to(&mut layout).map_err(infeasible)?;
        }
        if layout.is_empty() {
            return Err(Error::Infeasible {
                name: name.to_owned(),
                reason: "it has no parameter".to_owned(),
            });
        }
        let shared = Shared { name: name.to_owned(), loss, variables, layout, failure: OnceLock::new() };
        let task = Self(Arc::new(shared));
        task.try_out::<f32>()?;
        task.try_out::<f64>()?;
        Ok(task)
    }

    /// The first error of candle after the task was made.
    pub fn failure(&self) -> Option<&Error> {
        self.0.failure.get()
    }

    fn try_out<T: Scalar + WithDType>(&self) -> Result<(), Error> {
        let mut problem = self.problem::<T>(&StreamId::root("taskset-rs/candle-task/tried-out"));
        let mut params = vec![<T as Scalar>::of(0.0); self.0.layout.len()];
        let mut gradients = params.clone();
        problem.init(&mut params);
        for feed in [Feed::Training].into_iter().chain(Split::ALL.map(Feed::Evaluation)) {
            problem.draw(feed)?;
            problem.evaluate(&params, Some(&mut gradients))?;
        }
        Ok(())
    }

    fn problem<T>(&self, replica: &StreamId) -> CandleProblem<T, L> {
        CandleProblem {
            task: Arc::clone(&self.0),
            init: replica.child("init"),
            streams: PerFeed::new(&replica.child("batches"), |id| id.stream()),
            batch: None,
            precision: PhantomData,
        }
    }
}

impl<L: CandleLoss> Task for CandleTask<L> {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn layout(&self) -> &Layout {
        &self.0.layout
    }

    fn origin(&self) -> Origin {
        self.0.loss.origin()
    }

    fn version(&self) -> Option<TaskVersion> {
        let description = self.0.loss.description()?;
        let text = format!("candle: {description}; {:?}", self.0.variables);
        Some(TaskVersion {
            group: "candle".to_owned(),
            revision: 1,
            fingerprint: Digest::of(text.as_bytes()),
        })
    }

    fn data_digest(&self) -> Option<Digest> {
        self.0.loss.digest()
    }

    fn flops_per_step(&self) -> f64 {
        self.0.loss.flops_per_step()
    }

    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>> {
        Box::new(self.problem::<f32>(replica))
    }

    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        Box::new(self.problem::<f64>(replica))
    }
}

struct CandleProblem<T, L: CandleLoss> {
    task: Arc<Shared<L>>,
    init: StreamId,
    streams: PerFeed<Stream>,
    /// `None` before the first minibatch, and after one that could not be drawn.
    batch: Option<L::Batch>,
    precision: PhantomData<fn() -> T>,
}

impl<T: Scalar + WithDType, L: CandleLoss> CandleProblem<T, L> {
    fn error(&self, doing: &'static str) -> impl Fn(candle_core::Error) -> Error + use<T, L> {
        let name = self.task.name.clone();
        move |source| Error::Candle { name: name.clone(), doing, source: Box::new(source) }
    }

    fn draw(&mut self, feed: Feed) -> Result<(), Error> {
        self.batch = None;
        let batch = self.task.loss.draw(feed.split(), self.streams.get_mut(feed), T::DTYPE);
        self.batch = Some(batch.map_err(self.error("drawing a minibatch"))?);
        Ok(())
    }

    /// The loss of the current minibatch, and its gradient if wanted.
    fn evaluate(&self, params: &[T], gradients: Option<&mut [T]>) -> Result<T, Error> {
        let computing = self.error("computing the loss");
        let Some(batch) = &self.batch else {
            return Err(computing(candle_core::Error::Msg("there is no minibatch".to_owned())));
        };
        let Some(gradients) = gradients else {
            let params = self.tensors(params, |x, shape| Tensor::from_slice(x, shape, &Device::Cpu));
            let loss = params.and_then(|params| self.task.loss.loss(&params, batch));
            return loss.and_then(|loss| number(&loss)).map_err(computing);
        };
        let vars =
            self.tensors(params, |x, shape| Var::from_slice(x, shape, &Device::Cpu)).map_err(&computing)?;
        let params: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let loss = self.task.loss.loss(&params, batch).map_err(&computing)?;
        let value = number(&loss).map_err(computing)?;
        self.differentiate(&loss, &vars, gradients).map_err(self.error("differentiating the loss"))?;
        Ok(value)
    }

    /// One tensor per variable, made of its part of the flat vector.
    fn tensors<V>(
        &self,
        params: &[T],
        make: impl Fn(&[T], &[usize]) -> CandleResult<V>,
    ) -> CandleResult<Vec<V>> {
        let tensors = self.task.layout.tensors().iter();
        tensors.map(|tensor| make(&params[tensor.offset..][..tensor.len()], &tensor.shape)).collect()
    }

    fn differentiate(&self, loss: &Tensor, vars: &[Var], gradients: &mut [T]) -> CandleResult<()> {
        let store = loss.backward()?;
        let mut depends = false;
        for (var, tensor) in vars.iter().zip(self.task.layout.tensors()) {
            let out = &mut gradients[tensor.offset..][..tensor.len()];
            match store.get(var) {
                Some(gradient) => out.copy_from_slice(&gradient.flatten_all()?.to_vec1::<T>()?),
                // The loss of this minibatch does not depend on it.
                None => out.fill(T::of(0.0)),
            }
            depends |= store.get(var).is_some();
        }
        if depends {
            return Ok(());
        }
        Err(candle_core::Error::Msg(
            "the loss does not depend on the parameters: it was detached, or made of new tensors".to_owned(),
        ))
    }

    /// The value, or NaN where there is none; the first error is kept.
    fn or_nan(&self, result: Result<T, Error>) -> T {
        result.unwrap_or_else(|error| {
            // Later errors follow from the first, or repeat it.
            let _ = self.task.failure.set(error);
            T::nan()
        })
    }
}

/// The one number of a loss.
fn number<T: WithDType>(loss: &Tensor) -> CandleResult<T> {
    if loss.elem_count() != 1 {
        let shape = loss.shape();
        return Err(candle_core::Error::Msg(format!(
            "the loss must be one number, not a tensor of shape {shape:?}: reduce it, with `mean_all` say"
        )));
    }
    loss.flatten_all()?.get(0)?.to_scalar::<T>()
}

impl<T: Scalar + WithDType, L: CandleLoss> Problem<T> for CandleProblem<T, L> {
    fn init(&mut self, params: &mut [T]) {
        let mut stream = self.init.stream();
        let tensors = self.task.layout.tensors();
        for (Variable { shape, initializer, .. }, tensor) in self.task.variables.iter().zip(tensors) {
            initializer.fill(shape, &mut params[tensor.offset..][..tensor.len()], &mut stream);
        }
    }

    fn next_batch(&mut self, feed: Feed) {
        let drawn = self.draw(feed).map(|()| T::of(0.0));
        self.or_nan(drawn);
    }

    fn loss(&mut self, params: &[T]) -> T {
        self.or_nan(self.evaluate(params, None))
    }

    fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> T {
        let result = self.evaluate(params, Some(&mut *gradients));
        if result.is_err() {
            gradients.fill(T::nan());
        }
        self.or_nan(result)
    }
}

#[cfg(test)]
mod tests;
