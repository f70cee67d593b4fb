//! TaskSet's optimizer families: update rules, schedules, search spaces, the published list.
//!
//! A name is a whole optimizer: [`named`] regenerates its hyperparameters from the seed in it, as upstream drew them
//! (paper, appendix D). A [`Config`] with a [`Mode`] and a number of training steps becomes a [`Rule`]: the equations of
//! one update, on slices, in f32 or f64.
//!
//! ```
//! use taskset_optim::{Mode, named};
//! let rule = named("adam4p_wide_grid_seed107")?.config.rule(Mode::Upstream, 10_000)?;
//! let mut params = [1.0f32, -2.0];
//! let mut state = rule.init(params.len());
//! rule.update(&[0.5, 0.1], &mut params, &mut state);
//! assert_eq!(state.step, 1);
//! # Ok::<(), taskset_optim::Error>(())
//! ```
//!
//! **Precision.** What is one number a step (schedule, bias corrections) is computed in f64 and then rounded to the type of
//! the parameters; everything per parameter is computed in that type, with separate multiplications and additions, so a
//! trajectory has the same bits on every machine.
//!
//! **Features.** `candle`: every rule as a `candle_nn::Optimizer`. `contract`: property tests for any optimizer, yours too.

mod adagrad;
mod adam;
#[cfg(feature = "candle")]
pub mod candle;
mod config;
mod configured;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod families;
pub mod list;
mod mode;
mod names;
mod registry;
mod rule;
mod schedule;
mod space;
mod trace;

pub use configured::Configured;
pub use error::{Error, Hint};
pub use families::{Adagrad, AdagradLr, Adam1p, Adam4p, Adam6p, Adam8p, AdamLr, Nadamw, Zero};
pub use mode::{EpsilonPlacement, Mode, Nesterov, Switches, WarmupRule};
pub use names::{Named, all_names, named, select};
pub use registry::{Config, Family, FamilyInfo, Naming, families};
pub use rule::{Rule, State};
pub use space::{Dimension, Scale};
pub use trace::{Trace, trace};

/// The number of steps over which upstream's schedules run unless told otherwise, and that of every released curve.
pub const UPSTREAM_TRAINING_STEPS: u64 = 10_000;
