//! TaskSet's optimizer families: update rules, schedules, search spaces, the published list.
//!
//! A [`Config`] holds the hyperparameters of one optimizer. With a [`Mode`] and a number of training steps, it becomes a
//! [`Rule`]: the equations of one update, on slices, in f32 or f64. This example minimises a sum of squares with Adam:
//!
//! ```
//! use taskset_optim::{Adam4p, Config, Mode};
//!
//! let adam = Config::from(Adam4p { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
//! let rule = adam.rule(Mode::Upstream, 10_000)?;
//! let mut params = [1.0f32, -2.0];
//! let mut state = rule.init(params.len());
//! for _ in 0..1000 {
//!     let gradients = params.map(|p| 2.0 * p);
//!     rule.update(&gradients, &mut params, &mut state);
//! }
//! assert!(params.iter().all(|p| p.abs() < 0.01), "{params:?}");
//! # Ok::<(), taskset_optim::Error>(())
//! ```
//!
//! TaskSet's optimizers have names. [`named`] computes the hyperparameters from the seed in the name, as the original
//! code drew them (paper, appendix D):
//!
//! ```
//! use taskset_optim::{Mode, named};
//!
//! let named = named("nadamw_grid_seed107")?;
//! println!("{:?}", named.config);
//! let rule = named.config.rule(Mode::Upstream, 10_000)?;
//! assert!(rule.learning_rate(10_000) <= rule.learning_rate(5_000)); // cosine decay
//! # Ok::<(), taskset_optim::Error>(())
//! ```
//!
//! **Precision.** Numbers that a step needs once (schedule, bias corrections) are computed in f64 and then rounded to the
//! type of the parameters. Everything else is computed in that type, with separate multiplications and additions, so that
//! a trajectory has the same bits on every machine.
//!
//! **Features.** With `candle`, every optimizer can be used as a `candle_nn::Optimizer`, and the other way round.
//! `contract` has property tests for any optimizer, also for your own.

mod adagrad_update;
mod adam_update;
#[cfg(feature = "candle")]
pub mod candle;
mod clip;
mod configured_optimizer;
#[cfg(feature = "contract")]
pub mod contract;
mod elementwise;
mod error;
mod families;
mod family_registry;
mod find_by_name;
mod hyperparameters;
mod mode_switches;
mod newton_schulz;
mod norm;
mod optimizer;
mod optimizer_state;
pub mod published_list;
mod schedule;
mod search_space;
mod trace;
mod unnamed_optimizer;
mod update_rule;

pub use clip::Clipped;
pub use configured_optimizer::Configured;
pub use elementwise::{Elementwise, elementwise};
pub use error::{Error, Hint};
pub use families::{
    Adagrad, AdagradLr, Adam1p, Adam4p, Adam6p, Adam8p, AdamLr, AdamW, Lamb, Muon, MuonScale, MuonTensors,
    Nadamw, ScheduleFreeAdamW, Sgd, Zero,
};
pub use family_registry::{Config, Family, FamilyInfo, Naming, families};
pub use find_by_name::{Named, all_names, named, select};
pub use mode_switches::{EpsilonPlacement, Mode, Nesterov, Switches, WarmupRule};
pub use optimizer::{Facts, Optimizer, Real, Run, Step, real};
pub use optimizer_state::Slots;
pub use search_space::{Dimension, Scale};
pub use taskset_trial::OptimizerIdentity;
pub use trace::{Trace, trace};
pub use update_rule::{Rule, State};

/// The number of steps over which upstream's schedules run unless told otherwise, and that of every released curve.
pub const UPSTREAM_TRAINING_STEPS: u64 = 10_000;
