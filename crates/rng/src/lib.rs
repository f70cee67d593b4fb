//! Named deterministic random streams and NumPy's legacy generator.
//!
//! Every random number of taskset-rs comes from a [`Stream`], and every stream has a *name*: a path such as
//! `(task, replica, purpose)` built with [`StreamId`]. Equal names give equal numbers on every platform, in any
//! thread, in any order; different names give independent streams. There is no global generator.
//!
//! ```
//! use taskset_rng::StreamId;
//! let replica = StreamId::root("my-experiment").child("mlp_family_seed12").index(0);
//! let mut init = replica.child("init").stream();
//! let mut again = replica.child("init").stream();
//! assert_eq!(init.next_u64(), again.next_u64());
//! ```
//!
//! [`NumpyLegacy`] is not such a stream. It reproduces `numpy.random.RandomState` bit for bit, because the original code
//! draws TaskSet's sampled configurations with it.

mod bulk;
mod exp_ln;
mod normal;
mod numpy;
mod stream_id;
mod xoshiro;

pub use numpy::{EmptyChoice, NumpyLegacy};
pub use stream_id::StreamId;
pub use xoshiro::Stream;
