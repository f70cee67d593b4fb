//! Batch normalisation with the statistics of the current minibatch.

use super::LayerKind;
use crate::parameter::Initial;
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Kind, Parameter, Scalar, Shape};

/// `y = (x − μ) / sqrt(v + 1e-3) + β` for each channel of images, where `μ` and `v` are the mean and the biased variance
/// of the channel over rows, height and width of the minibatch; there is no gain (Ioffe and Szegedy 2015; Sonnet's
/// `BatchNorm` without scale). A vector counts as an image of one pixel. Parameter: `beta`, zero, one per channel.
///
/// The statistics are those of the minibatch at hand, whether the network is trained or evaluated. So the values of a row
/// depend on the other rows, and a [minibatch must not be joined with another one](crate::Network::minibatches_may_be_fused).
///
/// Backward, with `n` pixels of all rows, `s = 1 / sqrt(v + 1e-3)`, and sums over these pixels: `∂β = Σ ∂y`,
/// `∂x = s (∂y − Σ ∂y / n − s² (x − μ) Σ ∂y (x − μ) / n)`.
///
/// Means and variances are computed in two passes, in double precision but for the sums of 32 numbers. Normalised values
/// are not stored: the backward passes compute them again from the layer's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNorm;

const EPSILON: f64 = 1e-3;

/// Channels of an input.
fn channels(input: Shape) -> Option<usize> {
    match input {
        Shape::Image { channels, .. } => Some(channels),
        Shape::Features(n) => Some(n),
        _ => None,
    }
}

impl LayerKind for BatchNorm {
    const FUSES_ACTIVATION: bool = true;
    const FOLLOWS: bool = true;
    const MIXES_ROWS: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        match channels(input) {
            Some(channels) if channels > 0 => Ok(input),
            _ => Err(format!("takes images or one vector per row, not {input}")),
        }
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let channels = channels(input).unwrap_or(0);
        vec![Parameter::new("beta", Kind::Bias, &[channels], Initial::Constant(0.0))]
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let channels = channels(planning.input)?;
        Some(Box::new(BatchNormStep::<T>::new(channels, planning.activation)))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        input: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let pixels = x.reshape(((), channels(input).unwrap_or(0)))?;
        let centred = pixels.broadcast_sub(&pixels.mean_keepdim(0)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(0)? + EPSILON)?.sqrt()?;
        let y = centred.broadcast_div(&deviation)?.broadcast_add(&params[0])?;
        Ok((y.reshape(x.shape())?, None))
    }
}

/// Target of numbers that are handled side by side.
const SIDE_BY_SIDE: usize = 256;
/// Chunks of that many numbers which stay in the cache from a pass to the next.
const CHUNKS: usize = 32;

#[derive(Debug)]
struct BatchNormStep<T> {
    channels: usize,
    activation: Option<Activation>,
    /// What belongs to the channels, repeated up to the width of a chunk: the mean, the inverse deviation `s`, β, and the
    /// coefficients of the gradient with respect to the input.
    mean: Vec<T>,
    inverse: Vec<T>,
    beta: Vec<T>,
    slope: Vec<T>,
    offset: Vec<T>,
    /// Sums of a few chunks.
    partial: Vec<T>,
    totals: Vec<f64>,
    /// The activation's inputs of a block, where its derivative needs them.
    inputs: Vec<T>,
}

impl<T: Scalar> BatchNormStep<T> {
    fn new(channels: usize, activation: Option<Activation>) -> Self {
        let width = channels * (SIDE_BY_SIDE / channels).max(1);
        let zeros = |n: usize| vec![T::zero(); n];
        let inputs = activation.is_some_and(Activation::derivative_needs_input);
        Self {
            channels,
            activation,
            mean: zeros(width),
            inverse: zeros(width),
            beta: zeros(width),
            slope: zeros(width),
            offset: zeros(width),
            partial: zeros(2 * width),
            totals: vec![0.0; 2 * width],
            inputs: zeros(if inputs { CHUNKS * width } else { 0 }),
        }
    }

    /// Mean and inverse deviation of each channel of `x`.
    fn measure(&mut self, pass: &Pass<'_, T>, x: &[T]) {
        let (width, channels) = (self.mean.len(), self.channels);
        let pixels = (x.len() / channels) as f64;
        let (partial, totals) = (&mut self.partial[..width], &mut self.totals[..width]);
        totals.fill(0.0);
        T::column_totals(pass.backend, x, partial, totals);
        repeat(totals, channels, &mut self.mean, |total| total / pixels);
        totals.fill(0.0);
        T::column_squares(pass.backend, x, &self.mean, partial, totals);
        repeat(totals, channels, &mut self.inverse, |total| 1.0 / (total / pixels + EPSILON).sqrt());
    }
}

/// Adds up the parts of each channel's total and writes a number made of it to all of its places.
fn repeat<T: Scalar>(totals: &[f64], channels: usize, out: &mut [T], number: impl Fn(f64) -> f64) {
    for channel in 0..channels {
        let value = T::of(number(totals[channel..].iter().step_by(channels).sum()));
        out[channel..].iter_mut().step_by(channels).for_each(|out| *out = value);
    }
}

impl<T: Scalar> Step<T> for BatchNormStep<T> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        self.measure(&pass, x);
        for beta in self.beta.chunks_exact_mut(self.channels) {
            beta.copy_from_slice(pass.params);
        }
        let (backend, relu) = (pass.backend, self.activation == Some(Activation::Relu));
        let block = CHUNKS * self.mean.len();
        for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
            T::normalise_columns(backend, x, &self.mean, &self.inverse, &self.beta, relu, y);
            match self.activation {
                None | Some(Activation::Relu) => {}
                Some(activation) => T::activate(backend, activation, y),
            }
        }
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        let (backend, channels, width) = (pass.backend, self.channels, self.mean.len());
        let block = CHUNKS * width;
        self.totals.fill(0.0);
        for ((dy, x), y) in dy.chunks_mut(block).zip(x.chunks(block)).zip(y.chunks(block)) {
            if let Some(activation) = self.activation {
                let mut saved = y;
                if activation.derivative_needs_input() {
                    let inputs = &mut self.inputs[..x.len()];
                    T::normalise_columns(backend, x, &self.mean, &self.inverse, &self.beta, false, inputs);
                    saved = inputs;
                }
                T::multiply_by_derivative(backend, activation, saved, dy);
            }
            T::column_products(backend, dy, x, &self.mean, &mut self.partial, &mut self.totals);
        }
        let (sums, products) = self.totals.split_at(width);
        repeat(sums, channels, &mut self.offset, |sum| sum);
        gradients.copy_from_slice(&self.offset[..channels]);
        let Some(dx) = dx else { return };
        let pixels = (x.len() / channels) as f64;
        repeat(sums, channels, &mut self.offset, |sum| -sum / pixels);
        repeat(products, channels, &mut self.slope, |product| -product / pixels);
        for ((offset, slope), &inverse) in self.offset.iter_mut().zip(&mut self.slope).zip(&self.inverse) {
            *offset = inverse * *offset;
            *slope = inverse * inverse * inverse * *slope;
        }
        let coefficients = [&self.inverse[..], &self.slope, &self.offset];
        T::normalise_columns_backward(backend, dy, x, &self.mean, coefficients, dx);
    }
}

#[cfg(test)]
mod tests;
