//! Models as data, executed as planned steps over flat parameters.
//!
//! A [`Network`] is a description: a list of typed layers and a loss. A [`Plan`] executes it for a given number of rows.
//! All buffers are allocated once, and parameters and gradients are one flat vector each. Forward and backward passes are
//! written by hand for every kind of layer, and the gradient of the input is never computed. [`kernels`] has the
//! computations of which the steps of a plan consist. It chooses AVX-512, AVX2 or portable code at run time.
//!
//! ```
//! use taskset_nn::{Activation, Loss, Network, Plan};
//! let network = Network::mlp(4, &[8, 3], Activation::Tanh, Loss::SoftmaxCrossEntropy);
//! let mut params = vec![0f32; network.parameter_count()];
//! let mut gradients = params.clone();
//! network.init(&mut params, &mut taskset_rng::StreamId::root("doc").stream());
//! let mut plan = Plan::new(&network, 2)?;
//! plan.input_mut().copy_from_slice(&[1.0, 0.0, 0.5, 0.0, 0.0, 1.0, 0.0, 0.5]);
//! plan.labels_mut().copy_from_slice(&[0, 2]);
//! let before = plan.loss_and_gradients(&params, &mut gradients);
//! for (p, g) in params.iter_mut().zip(&gradients) {
//!     *p -= 0.1 * g;
//! }
//! assert!(plan.loss(&params) < before);
//! # Ok::<(), taskset_nn::InvalidNetwork>(())
//! ```
//!
//! With the feature `candle`, the module `reference` executes the same description as a candle graph. This graph is slow
//! but readable, and every planned layer is tested against it.

mod allocator;
pub mod denormals;
mod initializer;
mod layers;
mod losses;
mod network;
mod parameter;
mod plan;
#[cfg(feature = "candle")]
pub mod reference;
mod shape;
mod sliding_windows;
mod step;
#[cfg(test)]
mod testing;

pub use allocator::CacheLines;
pub use initializer::Initializer;
pub use layers::{
    Autoregressive, BatchNorm, Conv, ConvTranspose, Core, Coupling, Dense, Dropout, Embed, Flatten,
    FrozenBatchNorm, GaussianNoise, Gru, Latent, Layer, LayerNorm, Lstm, OneHot, Permutation, Recurrent,
    SpatialPool, SplitChannels, TimePool, Unflatten, Vrnn,
};
pub use losses::{Loss, NO_LABEL};
pub use network::{InvalidNetwork, Network, mlp_layers};
pub use parameter::{BlockMask, Initial, Mask, Parameter};
pub use plan::{BatchMut, InvalidNoise, Plan};
pub use shape::Shape;
pub use sliding_windows::Padding;
pub use taskset_kernels as kernels;
pub use taskset_kernels::{
    Activation, Backend, Distance, GaussianLikelihood, Output, Reconstruction, Reduction, Scalar,
    UnknownBackend,
};
pub use taskset_params::{Kind, Position, Role};
