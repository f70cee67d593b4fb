//! How parameters lie in one flat vector: named tensors, their shapes and their roles.
//!
//! Tasks describe their parameters with a [`Layout`], and optimizers read it. An elementwise rule such as Adam needs only
//! the length. A rule that treats each tensor separately also needs the places of the tensors. A rule that treats
//! matrices differently from biases needs their [`Role`]s, too:
//!
//! ```
//! use taskset_params::{Kind, Layout, Position, Role};
//!
//! let mut layout = Layout::default();
//! layout.push_as("embedding", &[256, 32], Role::new(Kind::Embedding, Position::First));
//! layout.push_as("w", &[32, 64], Role::new(Kind::Dense, Position::Hidden));
//! layout.push("b", &[64]); // the default for this rank: a plain vector
//!
//! let w = &layout.tensors()[1];
//! assert_eq!((w.offset, w.fans()), (8192, Some((32, 64))));
//! assert_eq!(layout.len(), 8192 + 2048 + 64);
//! ```

mod layout;
mod role;

pub use layout::{Layout, Matrix, Tensor};
pub use role::{Kind, Position, Role, UnknownRole};
