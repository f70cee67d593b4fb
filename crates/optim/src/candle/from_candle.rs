//! Any `candle_nn::Optimizer` as an optimizer of this crate, so that it can be trained on tasks and compared.

use std::fmt;
use std::sync::{Arc, OnceLock};

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use taskset_params::Layout;
use taskset_rng::StreamId;

use super::memory::{Number, read, write};
use crate::optimizer::check_lengths;
use crate::{Error, Facts, Optimizer, OptimizerIdentity, Run, Slots, Step};

/// A `candle_nn::Optimizer` as an [`Optimizer`]: it trains the same tasks, from the same starts, on the same minibatches as
/// those of this crate.
///
/// ```
/// use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};
/// use taskset_optim::OptimizerIdentity;
/// use taskset_optim::candle::FromCandle;
///
/// let identity = OptimizerIdentity::new("candle-adamw-1e-3", "candle_adamw", [("lr", 1e-3)], 1);
/// let adamw = FromCandle::new(identity, |vars| AdamW::new(vars, ParamsAdamW { lr: 1e-3, ..Default::default() }));
/// # let _ = adamw;
/// ```
///
/// Each tensor of a task that has elements is one variable on the CPU, in the order and with the shape of the layout. The
/// outputs of the project's layers are on the last axis; those of candle's own layers are on the first. In every update the
/// parameters and gradients are copied into tensors, which allocates memory. So an update takes more time than one of this
/// crate's own rules.
///
/// Its state cannot be read, so [`save`](Run::save) and [`restore`](Run::restore) of its runs are [`Error::Unsaved`].
///
/// **Errors.** A `Run` cannot report that candle failed in an update. From there on the parameters are NaN, as those of a
/// diverged trial, and [`failure`](FromCandle::failure) says why. Keep a clone of the optimizer and ask it after training.
pub struct FromCandle<F> {
    identity: OptimizerIdentity,
    facts: Facts,
    build: F,
    failure: Arc<OnceLock<String>>,
}

impl<F: Clone> Clone for FromCandle<F> {
    fn clone(&self) -> Self {
        Self {
            identity: self.identity.clone(),
            facts: self.facts,
            build: self.build.clone(),
            failure: Arc::clone(&self.failure),
        }
    }
}

impl<F> fmt::Debug for FromCandle<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromCandle")
            .field("identity", &self.identity)
            .field("facts", &self.facts)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl<O, F> FromCandle<F>
where
    O: candle_nn::Optimizer + Send + 'static,
    F: Fn(Vec<Var>) -> candle_core::Result<O> + Send + Sync,
{
    /// The optimizer that `build` makes for the variables of each run. Two optimizers that compute different updates must
    /// differ in their identity, so it should contain all hyperparameters. Its [facts](Facts) are the safe ones, with one
    /// addition: because nothing is known about it, parameters may move without a gradient.
    pub fn new(identity: OptimizerIdentity, build: F) -> Self {
        let facts = Facts { moves_without_gradient: true, ..Facts::default() };
        Self { identity, facts, build, failure: Arc::new(OnceLock::new()) }
    }

    /// The same with other facts, which may let it train faster. Nothing checks them here; the laws of
    /// the module `contract` can.
    ///
    /// Whatever is claimed, it is evaluated where gradients are taken, because candle's trait knows nothing else.
    #[must_use]
    pub fn with_facts(self, facts: Facts) -> Self {
        Self { facts: Facts { evaluates_elsewhere: false, ..facts }, ..self }
    }

    /// The first error of candle in an update of any run.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    fn run<T: Number>(&self, layout: &Arc<Layout>, params: &[T]) -> Result<Box<dyn Run<T>>, Error> {
        let started = || {
            let vars = tensors(layout).map(|tensor| {
                Var::from_slice(&params[tensor.range()], tensor.shape.as_slice(), &Device::Cpu)
            });
            let vars = vars.collect::<candle_core::Result<Vec<Var>>>()?;
            (self.build)(vars.clone()).map(|optimizer| (optimizer, vars))
        };
        let (optimizer, vars) = started().map_err(|error: candle_core::Error| Error::Unsuitable {
            optimizer: self.identity.name.clone(),
            reason: error.to_string(),
        })?;
        Ok(Box::new(FromCandleRun {
            name: self.identity.name.clone(),
            optimizer,
            vars,
            layout: Arc::clone(layout),
            failure: Arc::clone(&self.failure),
            has_failed: false,
        }))
    }
}

impl<O, F> Optimizer for FromCandle<F>
where
    O: candle_nn::Optimizer + Send + 'static,
    F: Fn(Vec<Var>) -> candle_core::Result<O> + Send + Sync,
{
    fn identity(&self) -> OptimizerIdentity {
        self.identity.clone()
    }

    fn facts(&self) -> Facts {
        self.facts
    }

    /// Variables, gradients, and two vectors of state.
    fn state_bytes(&self, layout: &Layout) -> usize {
        4 * size_of::<f32>() * layout.len()
    }

    fn start(&self, layout: &Arc<Layout>, params: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        self.run(layout, params)
    }

    fn start_f64(
        &self,
        layout: &Arc<Layout>,
        params: &[f64],
        _: &StreamId,
    ) -> Result<Box<dyn Run<f64>>, Error> {
        self.run(layout, params)
    }
}

/// The tensors that have elements. Operations of candle fail on those that have none.
fn tensors(layout: &Layout) -> impl Iterator<Item = &taskset_params::Tensor> {
    layout.tensors().iter().filter(|tensor| !tensor.is_empty())
}

struct FromCandleRun<O> {
    name: String,
    optimizer: O,
    /// One per tensor that has elements.
    vars: Vec<Var>,
    layout: Arc<Layout>,
    failure: Arc<OnceLock<String>>,
    has_failed: bool,
}

impl<O: candle_nn::Optimizer> FromCandleRun<O> {
    fn try_update<T: Number>(&mut self, gradients: &[T], params: &mut [T]) -> candle_core::Result<()> {
        let places = || self.vars.iter().zip(tensors(&self.layout));
        let mut store = GradStore::default();
        for (var, tensor) in places() {
            write(var, &params[tensor.range()])?;
            let gradient = Tensor::from_slice(&gradients[tensor.range()], var.shape(), &Device::Cpu)?;
            store.insert(var, gradient);
        }
        self.optimizer.step(&store)?;
        places().try_for_each(|(var, tensor)| read(var, &mut params[tensor.range()]))
    }

    /// Keeps the first error.
    fn note(&mut self, result: candle_core::Result<()>) {
        if let Err(error) = result {
            // An error of another run may have come first.
            let _ = self.failure.set(error.to_string());
            self.has_failed = true;
        }
    }
}

impl<T: Number, O: candle_nn::Optimizer + Send> Run<T> for FromCandleRun<O> {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        check_lengths(step.gradients, params, self.layout.len());
        if !self.has_failed {
            let result = self.try_update(step.gradients, params);
            self.note(result);
        }
        if self.has_failed {
            params.fill(crate::real(f64::NAN));
        }
    }

    /// A step without gradients, in which most optimizers of candle count their step.
    fn skip(&mut self) {
        let result = self.optimizer.step(&GradStore::default());
        self.note(result);
    }

    fn learning_rate(&self) -> Option<f64> {
        Some(self.optimizer.learning_rate())
    }

    fn base_learning_rate(&self) -> Option<f64> {
        Some(self.optimizer.learning_rate())
    }

    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        self.optimizer.set_learning_rate(base);
        self.optimizer.learning_rate().to_bits() == base.to_bits()
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        Err(Error::Unsaved { optimizer: self.name.clone() })
    }

    fn restore(&mut self, _: &Slots<T>) -> Result<(), Error> {
        Err(Error::Unsaved { optimizer: self.name.clone() })
    }
}
