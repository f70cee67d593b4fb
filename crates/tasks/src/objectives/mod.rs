//! Tasks whose loss is a formula: `quadratic_family`, `losg_tasks_family` and the two-dimensional fixed tasks.
//!
//! All of them work on plain slices, are generic over f32 and f64, differentiate by hand and allocate nothing in a
//! step. Transcendental functions come from the `libm` crate; matrix products (quadratics, losg's quadratic and norm) are
//! `taskset_nn`'s, and round as the machine's kernels do.
//!
//! Random numbers are children of the replica's name:
//!
//! | stream | use |
//! |---|---|
//! | `init` | initial parameters |
//! | `instance` | matrices that upstream leaves unseeded (QUIRK-26, QUIRK-31) |
//! | `data` | the data set of a losg problem (QUIRK-32) |
//! | `batches`/feed | order of the minibatches |
//! | `noise`/feed/step | the noise matrix of `quadratic_family` |
//! | `gradient-noise` | gradient noise and zeroing of losg problems |
//!
//! A feed is `training` or `evaluation`/split. Before the first [`next_batch`](crate::Problem::next_batch) there is no
//! minibatch and no noise: terms that need one are 0.

mod element_draw;
pub(crate) mod feed;
mod linalg;
pub(crate) mod losg;
mod matrix;
mod orthogonal;
pub(crate) mod quadratic;
mod real;
pub(crate) mod two_d_functions;
pub mod two_d_task;

use crate::{Kind, Position, Role};

/// The role of the variables of a test function: they belong to no layer, whatever their shape.
const PLAIN: Role = Role::new(Kind::Plain, Position::Hidden);

#[cfg(test)]
mod testing;
