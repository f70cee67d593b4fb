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
mod tests {
    use super::*;
    use crate::named;
    use taskset_rng::StreamId;

    fn numbers(label: &str, n: usize) -> Vec<f64> {
        let mut stream = StreamId::root("candle").child(label).stream();
        (0..n).map(|_| stream.normal()).collect()
    }

    fn var(dtype: DType) -> Var {
        let tensor = Tensor::from_vec(numbers("params", 12), (3, 4), &Device::Cpu).unwrap();
        Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
    }

    /// The loss `sum(a x²)`; its gradient, computed by hand with the same operations, is `2 a x`.
    fn loss(var: &Var) -> Tensor {
        let a =
            Tensor::from_vec(numbers("a", 12), (3, 4), &Device::Cpu).unwrap().to_dtype(var.dtype()).unwrap();
        (var.as_tensor().sqr().unwrap() * a).unwrap().sum_all().unwrap()
    }

    fn flat<T: WithDType>(tensor: &Tensor) -> Vec<T> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn check_equals_the_rule<T: WithDType + Float>(name: &str) {
        let rule = named(name).unwrap().config.rule(Mode::OptList, 8).unwrap();
        let var = var(T::DTYPE);
        let mut params = flat::<T>(&var);
        let mut state = rule.init::<T>(params.len());
        let mut optimizer = CandleOptimizer::new(vec![var.clone()], rule).unwrap();
        for step in 0..6 {
            let gradients = loss(&var).backward().unwrap();
            rule.update(&flat::<T>(gradients.get(&var).unwrap()), &mut params, &mut state);
            optimizer.step(&gradients).unwrap();
            assert!(flat::<T>(&var) == params, "{name}, step {step}");
        }
        assert_eq!(optimizer.step, state.step);
    }

    #[test]
    fn the_adapter_is_the_rule_bit_for_bit() {
        for name in ["adam8p_wide_grid_seed0", "nadamw_grid_seed107", "adagrad_lr_-1.00", "zero"] {
            check_equals_the_rule::<f32>(name);
            check_equals_the_rule::<f64>(name);
        }
    }

    #[test]
    fn the_first_entry_finds_the_minimum_of_a_bowl() {
        let var = var(DType::F32);
        let bowl = || var.sqr().unwrap().sum_all().unwrap();
        let before: f32 = bowl().to_scalar().unwrap();
        let mut optimizer = OptList::new(vec![var.clone()], 0, 6000).unwrap();
        for _ in 0..6000 {
            optimizer.backward_step(&bowl()).unwrap();
        }
        let after: f32 = bowl().to_scalar().unwrap();
        assert!(after < 1e-3 * before, "{before} before, {after} after");
    }

    #[test]
    fn learning_rates_scale_the_schedule() {
        let mut optimizer = OptList::new(vec![var(DType::F32)], 2, 100).unwrap();
        let base = optimizer.learning_rate();
        optimizer.inner().step = 75;
        let scheduled = optimizer.inner().scheduled_learning_rate();
        assert!(scheduled < base);
        optimizer.set_learning_rate(2.0 * base);
        assert_eq!(optimizer.learning_rate().to_bits(), (2.0 * base).to_bits());
        assert!((optimizer.inner().scheduled_learning_rate() / scheduled - 2.0).abs() < 1e-12);
    }

    #[test]
    fn saved_and_restored_is_uninterrupted() {
        let rule = named("nadamw_grid_seed0").unwrap().config.rule(Mode::OptList, 8).unwrap();
        let run = |interrupted: bool| {
            let var = var(DType::F32);
            let mut optimizer = CandleOptimizer::new(vec![var.clone()], rule).unwrap();
            for step in 0..6 {
                if interrupted && step == 3 {
                    let saved = serde_json::to_string(&optimizer.states()).unwrap();
                    optimizer = CandleOptimizer::new(vec![var.clone()], rule).unwrap();
                    optimizer.restore(serde_json::from_str(&saved).unwrap()).unwrap();
                }
                optimizer.backward_step(&loss(&var)).unwrap();
            }
            flat::<f32>(&var)
        };
        assert!(run(true) == run(false));
    }

    /// Variables of the same size, so that only their order tells them apart.
    fn map() -> VarMap {
        let map = VarMap::new();
        for i in [3, 7, 0, 5, 1, 6, 2, 4] {
            let tensor = Tensor::from_vec(numbers(&format!("var {i}"), 4), 4, &Device::Cpu).unwrap();
            let var = Var::from_tensor(&tensor).unwrap();
            map.data().lock().unwrap().insert(format!("layer.{i}"), var);
        }
        map
    }

    fn values(map: &VarMap) -> Vec<Vec<f64>> {
        by_name(map).iter().map(|var| flat(var)).collect()
    }

    #[test]
    fn states_go_to_the_variables_of_the_same_names() {
        let step = |map: &VarMap, optimizer: &mut OptList| {
            let losses = by_name(map).into_iter().enumerate().map(|(i, var)| {
                let scaled = (var.as_tensor() * (1.0 + i as f64)).unwrap();
                scaled.sqr().unwrap().sum_all().unwrap()
            });
            let loss = losses.reduce(|a, b| (a + b).unwrap()).unwrap();
            optimizer.backward_step(&loss).unwrap();
        };
        let (first, second) = (map(), map());
        let mut optimizer = OptList::from_varmap(&first, 0, 10).unwrap();
        (0..3).for_each(|_| step(&first, &mut optimizer));
        for (new, old) in by_name(&second).iter().zip(by_name(&first)) {
            new.set(&old.copy().unwrap()).unwrap();
        }
        let mut resumed = OptList::from_varmap(&second, 0, 10).unwrap();
        resumed.inner().restore(optimizer.inner().states()).unwrap();
        (0..3).for_each(|_| step(&first, &mut optimizer));
        (0..3).for_each(|_| step(&second, &mut resumed));
        assert!(values(&first) == values(&second) && values(&first) != values(&map()));
    }

    #[test]
    fn a_gradient_that_does_not_fit_stops_the_step_before_any_update() {
        let (good, bad) = (var(DType::F32), var(DType::F32));
        let before = flat::<f32>(&good);
        let mut optimizer = OptList::new(vec![good.clone(), bad.clone()], 0, 10).unwrap();
        let mut fails = |gradient: Tensor, word: &str| {
            let mut gradients = loss(&good).backward().unwrap();
            gradients.insert(&bad, gradient);
            let message = optimizer.step(&gradients).unwrap_err().to_string();
            assert!(message.contains(word) && message.contains("variable 1"), "{message}");
            assert!(flat::<f32>(&good) == before && optimizer.inner().step == 0);
        };
        fails(Tensor::zeros((3, 4), DType::F64, &Device::Cpu).unwrap(), "F64");
        fails(Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap(), "5 elements");
    }

    #[test]
    fn integers_are_left_out() {
        let integers = Var::from_tensor(&Tensor::zeros(3, DType::U32, &Device::Cpu).unwrap()).unwrap();
        let float = var(DType::F32);
        let mut optimizer = OptList::new(vec![integers, float.clone()], 0, 10).unwrap();
        optimizer.backward_step(&loss(&float)).unwrap();
        assert_eq!(optimizer.inner().states().len(), 1);
    }

    #[test]
    fn beyond_its_end_the_schedule_stays_at_its_floor() {
        let mut optimizer = OptList::new(vec![], 0, 10).unwrap();
        let mut rate = |step: u64| {
            optimizer.inner().step = step;
            optimizer.inner().scheduled_learning_rate()
        };
        assert!(rate(9) > rate(10) && rate(11).to_bits() == rate(10).to_bits());
    }

    #[test]
    fn a_variable_without_gradient_is_left_alone_while_the_schedule_goes_on() {
        let (used, unused) = (var(DType::F32), var(DType::F32));
        let before = flat::<f32>(&unused);
        let mut optimizer = OptList::new(vec![unused.clone(), used.clone()], 0, 10).unwrap();
        optimizer.backward_step(&loss(&used)).unwrap();
        assert!(flat::<f32>(&unused) == before && flat::<f32>(&used) != before);
        assert!(optimizer.inner().states().iter_mut().all(|state| *state.step_mut() == 1));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let half = Var::from_tensor(&var(DType::F32).to_dtype(DType::F16).unwrap()).unwrap();
        let message = |error: Error| error.to_string();
        assert!(message(OptList::new(vec![half], 0, 10).unwrap_err()).contains("f32 or f64"));
        assert!(message(OptList::new(vec![], 1000, 10).unwrap_err()).contains("0 to 999"));
        assert!(message(OptList::new(vec![], 0, 0).unwrap_err()).contains("0 training steps"));
        let empty = VarMap::new();
        assert!(message(OptList::from_varmap(&empty, 0, 10).unwrap_err()).contains("no variables"));
        let rule = named("zero").unwrap().config.rule(Mode::OptList, 10).unwrap();
        assert!(message(CandleOptimizer::from_varmap(&empty, rule).unwrap_err()).contains("no variables"));
        let mut optimizer = OptList::new(vec![var(DType::F32)], 0, 10).unwrap();
        assert!(message(optimizer.inner().restore(vec![]).unwrap_err()).contains("0 optimizer states"));
        let other = OptList::new(vec![var(DType::F64)], 0, 10).unwrap().inner().states();
        assert!(message(optimizer.inner().restore(other).unwrap_err()).contains("F64"));
    }
}
