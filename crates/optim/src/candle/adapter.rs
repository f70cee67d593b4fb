//! Any optimizer as a `candle_nn::Optimizer`.

use std::fmt;
use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, bail};
use candle_nn::VarMap;
use taskset_params::Role;
use taskset_rng::StreamId;

use super::part::{self, Part};
use super::variables::{all_of, numbered, trainable};
use super::{NamedVar, RunState};
use crate::Optimizer;

/// Any [`Optimizer`] over candle variables of f32 or f64. Variables of integers are left out, as candle's own optimizers do.
///
/// **Elementwise optimizers** have one run for each variable. A variable without a gradient is left alone in that step, while
/// the schedule goes on, so that all variables are at the same step.
///
/// **Other optimizers** (LAMB, Muon, everything clipped) have one run for all variables, which must be of one type. A variable
/// without a gradient counts as one whose gradient is 0, and keeps its value. If no variable has a gradient, only the schedule
/// goes on.
///
/// The runs start when the optimizer is made, from the values that the variables have then. Load the weights of a model before
/// you make its optimizer: some rules, such as schedule-free AdamW, remember where they started. A rule that draws random
/// numbers takes them from the stream `taskset-rs/candle`, so each run draws the same ones.
pub struct CandleOptimizer {
    optimizer: Arc<dyn Optimizer>,
    /// At least one, so that there always is a schedule.
    parts: Vec<Box<dyn Part>>,
    evaluating: bool,
}

impl fmt::Debug for CandleOptimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<String> = self.parts.iter().flat_map(|part| part.names()).collect();
        f.debug_struct("CandleOptimizer")
            .field("optimizer", &self.optimizer)
            .field("variables", &variables)
            .field("evaluating", &self.evaluating)
            .finish_non_exhaustive()
    }
}

impl CandleOptimizer {
    /// An optimizer over all variables of a map, in the order of their names. Their roles are [guessed](super::guess_role).
    ///
    /// # Errors
    /// If the map has no variables. Otherwise as [`from_variables`](Self::from_variables).
    pub fn from_varmap(vars: &VarMap, optimizer: Arc<dyn Optimizer>) -> Result<Self> {
        Self::from_variables(all_of(vars)?, optimizer)
    }

    /// The same, with the role of each variable by its name and shape.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use candle_core::{DType, Device};
    /// use candle_nn::{VarBuilder, VarMap, linear};
    /// use taskset_optim::candle::{CandleOptimizer, guess_role};
    /// use taskset_optim::{Config, Mode, Muon};
    /// use taskset_params::{Position, Role};
    ///
    /// let vars = VarMap::new();
    /// let builder = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    /// let _model = (linear(4, 8, builder.pp("in"))?, linear(8, 8, builder.pp("mid"))?, linear(8, 2, builder.pp("out"))?);
    ///
    /// let muon = Config::from(Muon::DEFAULT).configured(Mode::default(), 1_000).unwrap();
    /// let optimizer = CandleOptimizer::from_varmap_with(&vars, Arc::new(muon), |name, shape| {
    ///     let position = match name.split('.').next() {
    ///         Some("in") => Position::First,
    ///         Some("out") => Position::Last,
    ///         _ => Position::Hidden,
    ///     };
    ///     Role { position, ..guess_role(name, shape) }
    /// })?;
    /// # let _ = optimizer;
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_varmap`](Self::from_varmap).
    pub fn from_varmap_with(
        vars: &VarMap,
        optimizer: Arc<dyn Optimizer>,
        mut role: impl FnMut(&str, &[usize]) -> Role,
    ) -> Result<Self> {
        let vars = all_of(vars)?.into_iter().map(|named| {
            let role = role(named.name(), named.var().dims());
            named.with_role(role)
        });
        Self::from_variables(vars.collect(), optimizer)
    }

    /// An optimizer over these variables, with names, roles and output axes of your choice.
    ///
    /// # Errors
    /// If a variable has another floating-point type than f32 or f64, is not contiguous in memory, or lacks its output axis;
    /// if two variables have the same name; if variables of f32 and of f64 are given to an optimizer that is not elementwise;
    /// or if the optimizer cannot work with these variables.
    pub fn from_variables(vars: Vec<NamedVar>, optimizer: Arc<dyn Optimizer>) -> Result<Self> {
        let vars = trainable(vars)?;
        let noise = StreamId::root("taskset-rs/candle");
        let parts = if optimizer.facts().elementwise && !vars.is_empty() {
            let each = vars.chunks(1).map(|var| part::start(&*optimizer, var, &noise.child(var[0].name())));
            each.collect::<Result<_>>()?
        } else {
            let of = |dtype: DType| vars.iter().find(|named| named.var().dtype() == dtype);
            if let (Some(single), Some(double)) = (of(DType::F32), of(DType::F64)) {
                bail!(
                    "{} updates all variables together, so they must be of one type; `{}` is of f32, and `{}` of f64",
                    optimizer.identity().name,
                    single.name(),
                    double.name()
                );
            }
            vec![part::start(&*optimizer, &vars, &noise)?]
        };
        Ok(Self { optimizer, parts, evaluating: false })
    }

    /// The learning rate of the next step: the base rate after the schedule, before bias correction. `None` for an optimizer
    /// that has none.
    pub fn scheduled_learning_rate(&self) -> Option<f64> {
        self.parts.first()?.learning_rate()
    }

    /// Replaces the base learning rate, as `set_learning_rate` of candle's trait does, which cannot report errors.
    ///
    /// # Errors
    /// If the optimizer has no learning rate that can be replaced. Then nothing has changed.
    pub fn try_set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        for part in &mut self.parts {
            if !part.set_base_learning_rate(learning_rate) {
                bail!("{} has no learning rate that can be replaced", self.optimizer.identity().name);
            }
        }
        Ok(())
    }

    /// The states of all runs: one for each variable if the optimizer is elementwise, otherwise one for all variables
    /// together. They do not contain the variables themselves, which the caller saves.
    ///
    /// # Errors
    /// If the optimizer cannot save its state.
    pub fn states(&self) -> Result<Vec<RunState>> {
        self.parts.iter().map(|part| part.save()).collect()
    }

    /// Continues from saved states, which can be in any order: they belong to the variables of the same names. The caller
    /// restores the variables themselves.
    ///
    /// # Errors
    /// If the states do not fit the variables in number, name, type or size, or during an evaluation. Then nothing has
    /// changed.
    pub fn restore(&mut self, states: &[RunState]) -> Result<()> {
        self.forbid_evaluation("restore a state")?;
        if states.len() != self.parts.len() {
            bail!("{} optimizer states are given, and {} are needed", states.len(), self.parts.len());
        }
        let found = self.parts.iter().map(|part| {
            let names = part.names();
            match states.iter().find(|state| state.variables == names) {
                Some(state) => Ok(&state.slots),
                None => bail!(
                    "there is no optimizer state for `{}`; a state belongs to the variables of its names, in their order",
                    names.join("`, `")
                ),
            }
        });
        let found = found.collect::<Result<Vec<_>>>()?;
        let before = self.states()?;
        for (i, slots) in found.into_iter().enumerate() {
            if let Err(error) = self.parts[i].restore(slots) {
                for (part, old) in self.parts[..i].iter_mut().zip(&before) {
                    part.restore(&old.slots)?;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// One step with gradients and the loss that they belong to, for optimizers that read the loss. `backward_step` does the
    /// same; `step` of candle's trait does not know the loss.
    ///
    /// # Errors
    /// If a gradient does not fit its variable, or during an evaluation. Then nothing has been updated.
    pub fn step_with_loss(&mut self, gradients: &GradStore, loss: f64) -> Result<()> {
        self.forbid_evaluation("do a step")?;
        self.parts.iter().try_for_each(|part| part.check(gradients))?;
        self.parts.iter_mut().try_for_each(|part| part.step(gradients, loss))
    }

    /// Calls `with` while the variables hold the parameters at which the model is to be evaluated, saved or used. For most
    /// optimizers these are the parameters that are trained, and nothing is copied. Schedule-free optimizers train at one
    /// point, and their result is another one.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use candle_core::{DType, Device, Tensor, Var};
    /// use candle_nn::Optimizer;
    /// use taskset_optim::candle::CandleOptimizer;
    /// use taskset_optim::{Config, Mode, ScheduleFreeAdamW};
    ///
    /// let var = Var::from_slice(&[3f32, -2.0], 2, &Device::Cpu)?;
    /// let loss = || var.sqr()?.sum_all();
    /// let rule = Config::from(ScheduleFreeAdamW { learning_rate: 0.1, ..ScheduleFreeAdamW::DEFAULT });
    /// let rule = Arc::new(rule.configured(Mode::default(), 100).unwrap());
    ///
    /// let mut optimizer = CandleOptimizer::new(vec![var.clone()], rule)?;
    /// for _ in 0..100 {
    ///     optimizer.backward_step(&loss()?)?;
    /// }
    /// let result = optimizer.evaluate(|| loss()?.to_scalar::<f32>())?;
    /// assert!(result < 0.5, "{result}");
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `with`, and as [`begin_evaluation`](Self::begin_evaluation) and [`end_evaluation`](Self::end_evaluation). If
    /// `with` fails, the evaluation has ended. If it panics, it has not.
    pub fn evaluate<R>(&mut self, with: impl FnOnce() -> Result<R>) -> Result<R> {
        self.begin_evaluation()?;
        let result = with();
        self.end_evaluation()?;
        result
    }

    /// Puts the parameters at which the model is to be evaluated into the variables, until
    /// [`end_evaluation`](Self::end_evaluation). [`evaluate`](Self::evaluate) does both. Meanwhile steps are errors, and
    /// changes of the variables by others are lost if the optimizer evaluates elsewhere.
    ///
    /// # Errors
    /// If an evaluation has begun already, or candle cannot copy the variables. Then nothing has changed.
    pub fn begin_evaluation(&mut self) -> Result<()> {
        self.forbid_evaluation("begin another one")?;
        if self.optimizer.facts().evaluates_elsewhere {
            for i in 0..self.parts.len() {
                if let Err(error) = self.parts[i].begin_evaluation() {
                    self.parts[..i].iter_mut().try_for_each(|part| part.end_evaluation())?;
                    return Err(error);
                }
            }
        }
        self.evaluating = true;
        Ok(())
    }

    /// Puts the parameters that are trained back into the variables, bit for bit.
    ///
    /// # Errors
    /// If no evaluation has begun, or candle cannot copy the variables.
    pub fn end_evaluation(&mut self) -> Result<()> {
        if !self.evaluating {
            bail!("there is no evaluation to end; `begin_evaluation` comes first");
        }
        self.parts.iter_mut().try_for_each(|part| part.end_evaluation())?;
        self.evaluating = false;
        Ok(())
    }

    fn forbid_evaluation(&self, what: &str) -> Result<()> {
        if self.evaluating {
            bail!("cannot {what} during an evaluation; end it first, with `end_evaluation`");
        }
        Ok(())
    }
}

impl candle_nn::Optimizer for CandleOptimizer {
    type Config = Arc<dyn Optimizer>;

    /// The variables are called `var0`, `var1`, … in their order. Fails as
    /// [`from_variables`](CandleOptimizer::from_variables).
    fn new(vars: Vec<Var>, optimizer: Arc<dyn Optimizer>) -> Result<Self> {
        Self::from_variables(numbered(vars), optimizer)
    }

    /// If a gradient does not fit its variable, nothing has been updated.
    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.step_with_loss(gradients, f64::NAN)
    }

    /// The base rate, which the schedule multiplies; NaN for an optimizer that has none.
    fn learning_rate(&self) -> f64 {
        self.parts.first().and_then(|part| part.base_learning_rate()).unwrap_or(f64::NAN)
    }

    /// Replaces the base rate. An optimizer whose rate cannot be replaced stays as it is, and `learning_rate` tells so;
    /// [`try_set_learning_rate`](CandleOptimizer::try_set_learning_rate) gives an error instead.
    fn set_learning_rate(&mut self, learning_rate: f64) {
        let _ = self.try_set_learning_rate(learning_rate);
    }

    /// Computes the gradients of `loss` and does a step. A loss of one number is told to the optimizer.
    fn backward_step(&mut self, loss: &Tensor) -> Result<()> {
        let gradients = loss.backward()?;
        let value = if loss.elem_count() == 1 {
            let host = loss.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
            host.flatten_all()?.squeeze(0)?.to_scalar()?
        } else {
            f64::NAN
        };
        self.step_with_loss(&gradients, value)
    }
}
