//! Models as data, executed as planned steps over flat parameters.

mod activation;
mod initializer;

pub use activation::Activation;
pub use initializer::Initializer;
