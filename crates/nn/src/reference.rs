//! The reference execution of a [`Network`]: a candle graph, differentiated by candle. Slow and readable: planned steps
//! are tested against it, and it runs on devices that plans do not know.

use candle_core::{Result, Tensor};

use crate::losses::ReferenceTarget;
use crate::{Activation, Network, Parameter, Shape};

/// A minibatch as the reference takes it, for example from [`Plan::reference_batch`](crate::Plan::reference_batch).
/// All tensors are flat; they are given their shapes by the network.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Input numbers; empty for tokens.
    pub features: Tensor,
    /// Input tokens, `u32`; empty unless the input is tokens.
    pub tokens: Tensor,
    /// Labels, `u32`, `[rows, labels per row]`.
    pub labels: Tensor,
    /// The noise of each layer; `None`, or missing at the end, for deterministic ones.
    pub noise: Vec<Option<Tensor>>,
    /// The noise of the loss.
    pub loss_noise: Option<Tensor>,
}

/// The loss of a minibatch at flat parameters; differentiate it with `backward`.
///
/// # Errors
/// If the network's parts do not fit together, and errors of candle.
pub fn loss(network: &Network, params: &Tensor, batch: &Batch) -> Result<Tensor> {
    let shapes = network.shapes().map_err(candle_core::Error::wrap)?;
    let mut x = match network.input {
        Shape::Features(n) => batch.features.reshape(((), n))?,
        Shape::Image { height, width, channels } => batch.features.reshape(((), height, width, channels))?,
        Shape::Tokens { length, .. } => batch.tokens.reshape(((), length))?,
        Shape::Sequence { length, width } => batch.features.reshape((length, (), width))?,
    };
    let (features, tokens) = (x.clone(), x.clone());
    let (mut offset, mut added) = (0, None::<Tensor>);
    for (i, (layer, &input)) in network.layers.iter().zip(&shapes).enumerate() {
        let mut own = Vec::new();
        for parameter in layer.parameters(input) {
            own.push(tensor(params, &parameter, &mut offset)?);
        }
        let noise = batch.noise.get(i).and_then(Option::as_ref);
        let (y, more) = layer.reference(input, &x, &own, noise)?;
        // One-hot vectors are integers so far.
        x = y.to_dtype(params.dtype())?;
        added = match (added, more) {
            (Some(sum), Some(more)) => Some((sum + more)?),
            (sum, more) => sum.or(more),
        };
    }
    let target = ReferenceTarget {
        features: &features,
        tokens: &tokens,
        labels: &batch.labels,
        noise: batch.loss_noise.as_ref(),
    };
    let loss = network.loss.reference(&x, &target)?;
    match added {
        Some(added) => loss + added.mean_all()?,
        None => Ok(loss),
    }
}

/// The next parameter tensor of the flat vector.
fn tensor(params: &Tensor, parameter: &Parameter, offset: &mut usize) -> Result<Tensor> {
    let count = parameter.count();
    *offset += count;
    params.narrow(0, *offset - count, count)?.reshape(&parameter.shape[..])
}

/// An activation with TensorFlow's subgradients, from differentiable parts whose kinks are masks.
///
/// # Errors
/// Errors of candle.
pub fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    let mask = |mask: Tensor| mask.to_dtype(x.dtype());
    let leaky = |slope: f64| {
        let positive = mask(x.gt(0.0)?)?;
        x * ((positive * (1.0 - slope))? + slope)?
    };
    let sigmoid = || (x.neg()?.exp()? + 1.0)?.recip();
    match activation {
        Activation::Cos => x.cos(),
        Activation::Elu => {
            let negative = mask(x.lt(0.0)?)?;
            let positive = (1.0 - &negative)?;
            // The exponential of what is not negative is never taken: it might overflow.
            (x * positive)? + (((x * &negative)?.exp()? - 1.0)? * negative)?
        }
        Activation::LeakyRelu1 => leaky(0.1),
        Activation::LeakyRelu2 => leaky(0.2),
        Activation::LeakyRelu4 => leaky(0.4),
        Activation::Relu => x * mask(x.gt(0.0)?)?,
        Activation::Sigmoid => sigmoid(),
        Activation::Swish => x * sigmoid()?,
        Activation::Tanh => x.tanh(),
    }
}
