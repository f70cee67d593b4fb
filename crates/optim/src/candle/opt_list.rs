//! The published list of optimizers for candle, in one line.

use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{Error, Result, Tensor, Var, bail};
use candle_nn::{Optimizer, VarMap};

use super::CandleOptimizer;
use super::variables::{all_of, numbered};
use crate::{Configured, Mode, published_list};

/// An entry of the [published list](crate::published_list): a tuned NAdamW that needs only the number of training steps.
///
/// Try entry 0 first, then 1, 2, …; turn other regularisation off.
///
/// The schedule runs over the given number of steps. After them the learning rate stays at its minimum, which is 0 for
/// many entries. So a longer run must be given a larger number from its start.
#[derive(Debug)]
pub struct OptList(CandleOptimizer);

impl OptList {
    /// Entry `index` (0 to 999, best first) over `vars`, for a run of `training_steps` steps.
    ///
    /// # Errors
    /// If the index is above 999, if there are 0 steps, or if a variable has another floating-point type than f32 or
    /// f64, or is not contiguous in memory.
    pub fn new(vars: Vec<Var>, index: usize, training_steps: u64) -> Result<Self> {
        let entry = entry(index, training_steps)?;
        CandleOptimizer::from_variables(numbered(vars), entry).map(Self)
    }

    /// The same over all variables of a map, in the order of their names.
    ///
    /// # Errors
    /// As [`new`](Self::new), and for a map without variables.
    pub fn from_varmap(vars: &VarMap, index: usize, training_steps: u64) -> Result<Self> {
        let vars = all_of(vars)?;
        CandleOptimizer::from_variables(vars, entry(index, training_steps)?).map(Self)
    }

    /// The optimizer inside, e.g. to save its states.
    pub fn inner(&mut self) -> &mut CandleOptimizer {
        &mut self.0
    }
}

fn entry(index: usize, training_steps: u64) -> Result<Arc<Configured>> {
    if training_steps == 0 {
        bail!("a schedule over 0 training steps; give the number of steps of the whole run");
    }
    let entry = published_list::entry(index).map_err(Error::wrap)?;
    entry.configured(Mode::OptList, training_steps).map(Arc::new).map_err(Error::wrap)
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
