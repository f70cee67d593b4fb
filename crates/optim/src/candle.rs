//! Every rule as a `candle_nn::Optimizer`, and the published list in one line.
//!
//! ```no_run
//! # use candle_core::{Result, Tensor, Var};
//! use candle_nn::Optimizer;
//! use taskset_optim::candle::OptList;
//! # fn train(vars: Vec<Var>, loss: impl Fn() -> Result<Tensor>) -> Result<()> {
//! let mut optimizer = OptList::new(vars, 0, 1000)?; // entry 0 of the list, 1,000 steps
//! for _ in 0..1000 {
//!     optimizer.backward_step(&loss()?)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Learning rates.** In candle a learning rate is one number; here it is a schedule. [`Optimizer::learning_rate`] and
//! [`Optimizer::set_learning_rate`] read and replace the *base* rate, which the schedule multiplies: after setting a
//! rate the same rate is read back, and the shape of the schedule stays.
//!
//! **Devices.** Variables on the CPU are updated where they lie. Those of other devices are copied to the CPU and back
//! on every step: right, but not fast.

use std::cell::RefCell;

use candle_core::backprop::GradStore;
use candle_core::{
    CpuStorage, DType, Device, Error, InplaceOp2, Layout, Result, Tensor, Var, WithDType, bail,
};
use candle_nn::Optimizer;
use num_traits::Float;
use serde::{Deserialize, Serialize};

use crate::{Mode, Rule, State, list};

/// Any [`Rule`] over candle variables of f32 or f64.
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
    /// The learning rate of the next step: the base rate after the schedule, before bias correction.
    pub fn scheduled_learning_rate(&self) -> f64 {
        self.rule.learning_rate(self.step)
    }

    /// The states of the variables, in the order in which the variables were given.
    pub fn states(&self) -> Vec<VarState> {
        let mut states: Vec<VarState> = self.states.iter().map(|state| state.borrow().clone()).collect();
        for state in &mut states {
            *state.step_mut() = self.step;
        }
        states
    }

    /// Goes on from saved states; the variables themselves are the caller's to restore.
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

    /// An error for variables of other types than f32 and f64.
    fn new(vars: Vec<Var>, rule: Rule) -> Result<Self> {
        let states = vars.iter().map(|var| match var.dtype() {
            DType::F32 => Ok(RefCell::new(VarState::F32(rule.init(var.elem_count())))),
            DType::F64 => Ok(RefCell::new(VarState::F64(rule.init(var.elem_count())))),
            other => bail!("cannot optimize a variable of {other:?}; convert it to f32 or f64"),
        });
        let states = states.collect::<Result<_>>()?;
        Ok(Self { rule, vars, states, step: 0 })
    }

    fn step(&mut self, gradients: &GradStore) -> Result<()> {
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
#[derive(Clone, Debug)]
pub struct OptList(CandleOptimizer);

impl OptList {
    /// Entry `index` (0 to 999, best first) over `vars`, for a run of `training_steps` steps.
    ///
    /// # Errors
    /// For an index beyond 999, and for variables of other types than f32 and f64.
    pub fn new(vars: Vec<Var>, index: usize, training_steps: u64) -> Result<Self> {
        let entry = list::entry(index).map_err(Error::wrap)?;
        CandleOptimizer::new(vars, entry.config.rule(Mode::OptList, training_steps)).map(Self)
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
        let rule = named(name).unwrap().config.rule(Mode::OptList, 8);
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
        let rule = named("nadamw_grid_seed0").unwrap().config.rule(Mode::OptList, 8);
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
        let mut optimizer = OptList::new(vec![var(DType::F32)], 0, 10).unwrap();
        assert!(message(optimizer.inner().restore(vec![]).unwrap_err()).contains("0 optimizer states"));
        let other = OptList::new(vec![var(DType::F64)], 0, 10).unwrap().inner().states();
        assert!(message(optimizer.inner().restore(other).unwrap_err()).contains("F64"));
    }
}
