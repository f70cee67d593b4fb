//! Optimizers for candle: every [`Optimizer`](crate::Optimizer) as a `candle_nn::Optimizer`, the published list in one line,
//! and candle's optimizers as ours.
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
//! Any other optimizer is put into a [`CandleOptimizer`]: a configuration of the registry, a clipped one, or yours.
//!
//! ```
//! # use candle_core::{DType, Device, Result, Tensor};
//! # use candle_nn::{Module, Optimizer, VarBuilder, VarMap, linear};
//! use std::sync::Arc;
//! use taskset_optim::candle::CandleOptimizer;
//! use taskset_optim::{Clipped, Config, Lamb, Mode};
//!
//! # fn main() -> Result<()> {
//! # let vars = VarMap::new();
//! # let model = linear(3, 1, VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu))?;
//! # let inputs = Tensor::ones((64, 3), DType::F32, &Device::Cpu)?;
//! let lamb = Config::from(Lamb::DEFAULT).configured(Mode::default(), 100).unwrap();
//! let mut optimizer = CandleOptimizer::from_varmap(&vars, Arc::new(Clipped::new(lamb, 1.0)))?;
//! optimizer.backward_step(&model.forward(&inputs)?.sqr()?.mean_all()?)?;
//! # Ok(())
//! # }
//! ```
//!
//! **Names.** States are saved and restored by the names of the variables. A [`VarMap`](candle_nn::VarMap) has names. Variables
//! that are given as a plain list are called `var0`, `var1`, … in the order of the list, so this order must be the same every
//! time. (`VarMap::all_vars` gives another order in every process.)
//!
//! **Roles.** Some optimizers, such as Muon, treat tensors differently by their [roles](taskset_params::Role). Candle does not
//! know roles: they are guessed from names and shapes ([`guess_role`]), and you can give them ([`NamedVar`]).
//!
//! **Learning rates.** In candle a learning rate is one number; here it is a schedule. `learning_rate` and `set_learning_rate`
//! of candle's trait read and replace the *base* rate, which the schedule multiplies. A rate that was set is read back
//! unchanged, and the shape of the schedule stays.
//!
//! **Evaluation.** Some optimizers, such as schedule-free AdamW, must be evaluated at other parameters than those at which
//! gradients are taken: see [`CandleOptimizer::evaluate`].
//!
//! **Devices.** Elementwise optimizers update variables on the CPU in place. Other optimizers copy all variables and gradients
//! into one vector, and the variables back. Variables on other devices are copied to the CPU and back at every step: correct,
//! but slow.

mod adapter;
mod from_candle;
mod memory;
mod opt_list;
mod part;
mod state;
mod variables;

pub use adapter::CandleOptimizer;
pub use from_candle::FromCandle;
pub use opt_list::OptList;
pub use state::{RunState, TypedSlots};
pub use variables::{NamedVar, guess_role};

#[cfg(test)]
mod from_candle_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod tests;
