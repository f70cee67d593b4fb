//! How parameters lie in one flat vector: named tensors, their shapes and their roles.
//!
//! Tasks describe their parameters with a [`Layout`]; optimizers read it. An elementwise rule such as Adam needs nothing
//! of it but the length. A rule that treats each tensor by itself needs the tensors' places, and one that treats matrices
//! otherwise than biases needs their [`Role`]s:
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
