//! Kinds of layers, one file each: description, parameters, planned step, candle form.

mod activation;
mod autoregressive;
mod batch_norm;
mod conditioner;
mod conv;
mod conv_transpose;
mod coupling;
mod dense;
mod dropout;
mod embed;
mod flatten;
mod frozen_batch_norm;
mod gaussian_noise;
mod latent;
mod layer_norm;
mod one_hot;
mod permutation;
mod recurrent;
mod split_channels;
mod time_pool;
mod unflatten;

pub use autoregressive::Autoregressive;
pub use batch_norm::BatchNorm;
pub use coupling::Coupling;
mod spatial_pool;

pub use conv::Conv;
pub use conv_transpose::ConvTranspose;
pub use dense::Dense;
pub use dropout::Dropout;
pub use embed::Embed;
pub use flatten::Flatten;
pub use frozen_batch_norm::FrozenBatchNorm;
pub use gaussian_noise::GaussianNoise;
pub use latent::Latent;
pub use layer_norm::LayerNorm;
pub use one_hot::OneHot;
pub use permutation::Permutation;
pub use recurrent::{Core, Gru, Lstm, Recurrent, Vrnn};
pub use spatial_pool::SpatialPool;
pub use split_channels::SplitChannels;
pub use time_pool::TimePool;
pub use unflatten::Unflatten;

#[cfg(feature = "candle")]
use candle_core::{Result as CandleResult, Tensor};

use crate::step::{Planning, Step};
use crate::{Activation, Parameter, Scalar, Shape};

/// What every kind of layer defines.
pub(crate) trait LayerKind {
    /// Whether the planned step can apply the activation behind it.
    const FUSES_ACTIVATION: bool = false;
    /// Whether its parameters are named after the layer with weights before it.
    const FOLLOWS: bool = false;
    /// Whether its parameters are those of a network of its own, which gives them their positions.
    const HOLDS_NETWORK: bool = false;
    /// Whether one network ends before it and another begins behind it; positions count in each of them.
    const DIVIDES_NETWORK: bool = false;
    /// Whether the planned step can take in a layer before it that turns tokens into numbers.
    const TAKES_TOKENS: bool = false;
    /// Whether the values of a row depend on the other rows of the minibatch.
    const MIXES_ROWS: bool = false;

    /// Shape of the output, or an error text if the layer cannot take the input.
    fn output(&self, input: Shape) -> Result<Shape, String>;

    /// Parameter tensors in order, names without the layer's prefix. The network gives them their positions.
    fn parameters(&self, _input: Shape) -> Vec<Parameter> {
        Vec::new()
    }

    /// Multiply-adds of a forward pass per row, of matrix products only.
    fn macs(&self, _input: Shape) -> f64 {
        0.0
    }

    /// The planned step; `None` if there is nothing to do.
    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>>;

    /// The candle form: output (in the layout of [`Shape`]) and what is added to the loss, one number per row, from
    /// the input, the parameters in order, and the noise that the planned step has drawn.
    #[cfg(feature = "candle")]
    fn reference(
        &self,
        input: Shape,
        x: &Tensor,
        params: &[Tensor],
        noise: Option<&Tensor>,
    ) -> CandleResult<(Tensor, Option<Tensor>)>;
}

macro_rules! layers {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// One layer of a [`Network`](crate::Network).
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Layer {
            $($(#[$doc])* $kind($kind),)*
        }

        $(impl From<$kind> for Layer {
            fn from(kind: $kind) -> Self {
                Self::$kind(kind)
            }
        })*

        impl Layer {
            /// Shape of the output for a shape of the input.
            ///
            /// # Errors
            /// If the layer cannot take such an input: why.
            pub fn output(&self, input: Shape) -> Result<Shape, String> {
                match self { $(Self::$kind(kind) => kind.output(input),)* }
            }

            pub(crate) fn parameters(&self, input: Shape) -> Vec<Parameter> {
                match self { $(Self::$kind(kind) => kind.parameters(input),)* }
            }

            /// Multiply-adds of a forward pass per row, of matrix products only.
            pub fn macs(&self, input: Shape) -> f64 {
                match self { $(Self::$kind(kind) => kind.macs(input),)* }
            }

            pub(crate) fn fuses_activation(&self) -> bool {
                match self { $(Self::$kind(_) => <$kind as LayerKind>::FUSES_ACTIVATION,)* }
            }

            pub(crate) fn follows(&self) -> bool {
                match self { $(Self::$kind(_) => <$kind as LayerKind>::FOLLOWS,)* }
            }

            pub(crate) fn holds_network(&self) -> bool {
                match self { $(Self::$kind(_) => <$kind as LayerKind>::HOLDS_NETWORK,)* }
            }

            pub(crate) fn divides_network(&self) -> bool {
                match self { $(Self::$kind(_) => <$kind as LayerKind>::DIVIDES_NETWORK,)* }
            }

            pub(crate) fn takes_tokens(&self) -> bool {
                match self { $(Self::$kind(_) => <$kind as LayerKind>::TAKES_TOKENS,)* }
            }

            pub(crate) fn mixes_rows(&self) -> bool {
                match self { $(Self::$kind(_) => <$kind as LayerKind>::MIXES_ROWS,)* }
            }

            pub(crate) fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
                match self { $(Self::$kind(kind) => kind.step(planning),)* }
            }

            #[cfg(feature = "candle")]
            pub(crate) fn reference(
                &self,
                input: Shape,
                x: &Tensor,
                params: &[Tensor],
                noise: Option<&Tensor>,
            ) -> CandleResult<(Tensor, Option<Tensor>)> {
                match self { $(Self::$kind(kind) => kind.reference(input, x, params, noise),)* }
            }
        }
    };
}

layers! {
    /// `f(x)`, element by element.
    Activation,
    /// A masked autoregressive bijector of a flow.
    Autoregressive,
    /// Normalisation of each channel over the minibatch.
    BatchNorm,
    /// Convolution of images.
    Conv,
    /// Transposed convolution of images.
    ConvTranspose,
    /// An affine coupling of a flow.
    Coupling,
    /// `x W + b`.
    Dense,
    /// Random zeros.
    Dropout,
    /// A row of a table for every token.
    Embed,
    /// Images to vectors.
    Flatten,
    /// The batch norm of the fixed MLP tasks, which never updates its moving averages.
    FrozenBatchNorm,
    /// Additive noise.
    GaussianNoise,
    /// A sample of the distribution whose parameters it is given.
    Latent,
    /// Normalisation of each row.
    LayerNorm,
    /// A unit vector for every token.
    OneHot,
    /// Features in another order.
    Permutation,
    /// A recurrent core over a sequence.
    Recurrent,
    /// From images to one number per channel.
    SpatialPool,
    /// The halves of an image's channels, one after the other.
    SplitChannels,
    /// Last, largest or mean values of a sequence.
    TimePool,
    /// Vectors to images.
    Unflatten,
}

/// The feature count of vectors, or why there is none.
pub(crate) fn vectors(input: Shape) -> Result<(usize, usize), String> {
    input.vectors().ok_or_else(|| format!("takes vectors, not {input}"))
}

/// The features of a row that is one vector, or why it is not.
pub(crate) fn one_vector(input: Shape) -> Result<usize, String> {
    match input {
        Shape::Features(n) => Ok(n),
        _ => Err(format!("takes one vector per row, not {input}")),
    }
}
