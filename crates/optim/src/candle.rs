//! Every rule as a `candle_nn::Optimizer`, and the published list in one line.
//!
//! ```
//! use candle_core::{DType, Device, Result, Tensor};
//! use candle_nn::{Module, Optimizer, VarBuilder, VarMap, linear};
//! use taskset_optim::candle::OptList;
//!
//! fn main() -> Result<()> {
//!     let vars = VarMap::new();
//!     let model = linear(3, 1, VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu))?;
//!     let inputs = Tensor::randn(0f32, 1.0, (64, 3), &Device::Cpu)?;
//!     let targets = inputs.sum_keepdim(1)?;
//!
//!     let mut optimizer = OptList::from_varmap(&vars, 0, 100)?; // entry 0 of the list, 100 steps
//!     for _ in 0..100 {
//!         let loss = (model.forward(&inputs)? - &targets)?.sqr()?.mean_all()?;
//!         optimizer.backward_step(&loss)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! **Order.** States are saved and restored by position, so the variables must come in the same order every time. A
//! [`VarMap`] keeps them in a hash map, and [`VarMap::all_vars`] gives another order in every process:
//! [`OptList::from_varmap`] and [`CandleOptimizer::from_varmap`] sort them by name.
//!
//! **Learning rates.** In candle a learning rate is one number; here it is a schedule. [`Optimizer::learning_rate`] and
//! [`Optimizer::set_learning_rate`] read and replace the *base* rate, which the schedule multiplies. A rate that was
//! set is read back unchanged, and the shape of the schedule stays.
//!
//! **Devices.** Variables on the CPU are updated in place. Those on other devices are copied to the CPU and back
//! at every step: correct, but slow.

use std::cell::RefCell;
use std::sync::PoisonError;

use candle_core::backprop::GradStore;
use candle_core::{
    CpuStorage, DType, Device, Error, InplaceOp2, Layout, Result, Tensor, Var, WithDType, bail,
};
use candle_nn::{Optimizer, VarMap};
use num_traits::Float;
use serde::{Deserialize, Serialize};

use crate::{Mode, Rule, State, list};

/// Any [`Rule`] over candle variables of f32 or f64. Variables of integers are left out, as candle's own optimizers do.
///
/// All variables share one step counter, as in candle's own optimizers: a variable without a gradient is left alone in
/// that step, while the schedule goes on.
#[derive(Clone, Debug)]
pub struct CandleOptimizer {
    rule: Rule,
    vars: Vec<Var>,
    states: Vec<RefCell<VarState>>,
    step: u64,
}

/// The state of one variable; save and restore them with [`CandleOptimizer::states`] and
/// [`CandleOptimizer::restore`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VarState {
    /// Of a variable of f32.
    F32(State<f32>),
    /// Of a variable of f64.
    F64(State<f64>),
}

impl VarState {
    fn step_mut(&mut self) -> &mut u64 {
        match self {
            Self::F32(state) => &mut state.step,
            Self::F64(state) => &mut state.step,
        }
    }

    fn shape(&self) -> (DType, usize, usize) {
        match self {
            Self::F32(state) => (DType::F32, state.m.len(), state.v.len()),
            Self::F64(state) => (DType::F64, state.m.len(), state.v.len()),
        }
    }
}

impl CandleOptimizer {
    /// A rule over all variables of a map, in the order of their names.
    ///
    /// # Errors
    /// If the map has no variables, or if a variable has another floating-point type than f32 or f64 or is not contiguous in
    /// memory.
    pub fn from_varmap(vars: &VarMap, rule: Rule) -> Result<Self> {
        Self::new(all_of(vars)?, rule)
    }

    /// The learning rate of the next step: the base rate after the schedule, before bias correction.
    pub fn scheduled_learning_rate(&self) -> f64 {
        self.rule.learning_rate(self.step)
    }

    /// The states of the variables, integer ones left out, in the order in which the variables were given, or that of
    /// their names after [`from_varmap`](Self::from_varmap).
    pub fn states(&self) -> Vec<VarState> {
        let mut states: Vec<VarState> = self.states.iter().map(|state| state.borrow().clone()).collect();
        for state in &mut states {
            *state.step_mut() = self.step;
        }
        states
    }

    /// Continues from saved states. The caller restores the variables themselves.
    ///
    /// State and variable belong together by position: this optimizer must have been given its variables in the same
    /// order as the one that was saved. Variables of the same size in another order cannot be told apart.
    ///
    /// # Errors
    /// If the states do not fit the variables in number, type or size, or are not all of the same step.
    pub fn restore(&mut self, mut states: Vec<VarState>) -> Result<()> {
        if states.len() != self.states.len() {
            bail!("{} optimizer states for {} variables", states.len(), self.states.len());
        }
        let mut step = None;
        for (i, (new, old)) in states.iter_mut().zip(&self.states).enumerate() {
            let (found, expected) = (new.shape(), old.borrow().shape());
            if found != expected {
                bail!("optimizer state {i} is (type, m, v) = {found:?}, and its variable needs {expected:?}");
            }
            if *step.get_or_insert(*new.step_mut()) != *new.step_mut() {
                bail!("optimizer state {i} is of step {}, and others are not", *new.step_mut());
            }
        }
        self.step = step.unwrap_or(self.step);
        self.states = states.into_iter().map(RefCell::new).collect();
        Ok(())
    }
}

impl Optimizer for CandleOptimizer {
    type Config = Rule;

    /// Fails if a variable has another floating-point type than f32 or f64, or is not contiguous in memory.
    fn new(mut vars: Vec<Var>, rule: Rule) -> Result<Self> {
        vars.retain(|var| var.dtype().is_float());
        if let Some(i) = vars.iter().position(|var| !var.is_contiguous()) {
            bail!("cannot optimize variable {i} in place: it does not lie contiguously in memory");
        }
        let states = vars.iter().map(|var| match var.dtype() {
            DType::F32 => Ok(RefCell::new(VarState::F32(rule.init(var.elem_count())))),
            DType::F64 => Ok(RefCell::new(VarState::F64(rule.init(var.elem_count())))),
            other => bail!("cannot optimize a variable of {other:?}; convert it to f32 or f64"),
        });
        let states = states.collect::<Result<_>>()?;
        Ok(Self { rule, vars, states, step: 0 })
    }

    /// If a gradient causes an error, nothing has been updated.
    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        for (i, var) in self.vars.iter().enumerate() {
            let Some(gradient) = gradients.get(var) else { continue };
            let (found, expected) = (gradient.dtype(), var.dtype());
            if found != expected {
                bail!("a gradient of {found:?} for variable {i}, which is of {expected:?}");
            }
            let (found, expected) = (gradient.elem_count(), var.elem_count());
            if found != expected {
                bail!("a gradient of {found} elements for variable {i}, which has {expected}");
            }
        }
        for (var, state) in self.vars.iter().zip(&self.states) {
            let Some(gradient) = gradients.get(var) else { continue };
            *state.borrow_mut().step_mut() = self.step;
            let op = Update { rule: &self.rule, state };
            if matches!(var.device(), Device::Cpu) {
                var.inplace_op2(&gradient.contiguous()?, &op)?;
            } else {
                let host = var.to_device(&Device::Cpu)?;
                host.inplace_op2(&gradient.to_device(&Device::Cpu)?.contiguous()?, &op)?;
                var.set(&host.to_device(var.device())?)?;
            }
        }
        self.step += 1;
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.rule.base_learning_rate()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.rule = self.rule.with_base_learning_rate(learning_rate);
    }
}

/// The variables of a map, of which there must be some: an optimizer without variables would train nothing, and say nothing.
fn all_of(vars: &VarMap) -> Result<Vec<Var>> {
    let vars = by_name(vars);
    if vars.is_empty() {
        bail!("the map has no variables to optimize; build the model from this map before its optimizer");
    }
    Ok(vars)
}

/// The variables of a map in the order of their names.
fn by_name(vars: &VarMap) -> Vec<Var> {
    let map = vars.data().lock().unwrap_or_else(PoisonError::into_inner);
    let mut named: Vec<(&String, &Var)> = map.iter().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    named.into_iter().map(|(_, var)| var.clone()).collect()
}

/// One update of one variable, on the memory of both tensors.
struct Update<'a> {
    rule: &'a Rule,
    state: &'a RefCell<VarState>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "taskset-optim"
    }

    fn cpu_fwd(&self, var: &mut CpuStorage, at: &Layout, gradient: &CpuStorage, from: &Layout) -> Result<()> {
        match (var, gradient, &mut *self.state.borrow_mut()) {
            (CpuStorage::F32(var), CpuStorage::F32(gradient), VarState::F32(state)) => {
                self.update(range(var, at)?, &gradient[span(from)?], state)
            }
            (CpuStorage::F64(var), CpuStorage::F64(gradient), VarState::F64(state)) => {
                self.update(range(var, at)?, &gradient[span(from)?], state)
            }
            (var, gradient, _) => {
                use candle_core::backend::BackendStorage;
                bail!("a gradient of {:?} for a variable of {:?}", gradient.dtype(), var.dtype())
            }
        }
    }
}

impl Update<'_> {
    fn update<T: Float>(&self, params: &mut [T], gradients: &[T], state: &mut State<T>) -> Result<()> {
        if gradients.len() != params.len() {
            bail!("a gradient of {} elements for a variable of {}", gradients.len(), params.len());
        }
        self.rule.update(gradients, params, state);
        Ok(())
    }
}

fn span(layout: &Layout) -> Result<std::ops::Range<usize>> {
    match layout.contiguous_offsets() {
        Some((first, last)) => Ok(first..last),
        None => Err(Error::RequiresContiguous { op: "taskset-optim" }.bt()),
    }
}

fn range<'a, T: WithDType>(storage: &'a mut [T], layout: &Layout) -> Result<&'a mut [T]> {
    Ok(&mut storage[span(layout)?])
}

/// An entry of the [published list](crate::list): a tuned NAdamW that needs only the number of training steps.
///
/// Try entry 0 first, then 1, 2, …; turn other regularisation off.
///
/// The schedule runs over the given number of steps. After them the learning rate stays at its minimum, which is 0 for
/// many entries. So a longer run must be given a larger number from its start.
#[derive(Clone, Debug)]
pub struct OptList(CandleOptimizer);

impl OptList {
    /// Entry `index` (0 to 999, best first) over `vars`, for a run of `training_steps` steps.
    ///
    /// # Errors
    /// If the index is above 999, if there are 0 steps, or if a variable has another floating-point type than f32 or
    /// f64, or is not contiguous in memory.
    pub fn new(vars: Vec<Var>, index: usize, training_steps: u64) -> Result<Self> {
        if training_steps == 0 {
            bail!("a schedule over 0 training steps; give the number of steps of the whole run");
        }
        let entry = list::entry(index).map_err(Error::wrap)?;
        let rule = entry.config.rule(Mode::OptList, training_steps).map_err(Error::wrap)?;
        CandleOptimizer::new(vars, rule).map(Self)
    }

    /// The same over all variables of a map, in the order of their names.
    ///
    /// # Errors
    /// As [`new`](Self::new), and for a map without variables.
    pub fn from_varmap(vars: &VarMap, index: usize, training_steps: u64) -> Result<Self> {
        Self::new(all_of(vars)?, index, training_steps)
    }

    /// The optimizer inside, e.g. to save its states.
    pub fn inner(&mut self) -> &mut CandleOptimizer {
        &mut self.0
    }
}

impl Optimizer for OptList {
    /// Index in the list, and number of training steps.
    type Config = (usize, u64);

    fn new(vars: Vec<Var>, (index, training_steps): (usize, u64)) -> Result<Self> {
        Self::new(vars, index, training_steps)
    }

    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.0.step(gradients)
    }

    fn learning_rate(&self) -> f64 {
        self.0.learning_rate()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.0.set_learning_rate(learning_rate);
    }

    fn backward_step(&mut self, loss: &Tensor) -> Result<()> {
        self.0.backward_step(loss)
    }
}

#[cfg(test)]
mod tests;
