//! The fully connected network inside a layer of a flow, which computes shifts and log-scales.

use super::dense::Product;
use crate::kernels::{MatrixRef, Start};
use crate::parameter::{BlockMask, Initial};
use crate::step::Pass;
use crate::{Activation, Kind, Mask, Parameter, Position, Scalar};

/// The parameters of dense layers between these widths, in order: `dense<i>/w` and `dense<i>/b`, `i` from 0. With
/// `blocks` the kernels are masked as those of a masked autoregressive network of so many blocks. The positions are those
/// in this network.
pub(super) fn parameters(widths: &[usize], blocks: Option<usize>) -> Vec<Parameter> {
    let layer = |(i, pair): (usize, &[usize])| {
        let at = Position::of(i, widths.len() - 1);
        let kernel = Parameter::new(&format!("dense{i}/w"), Kind::Dense, pair, Initial::Weights);
        let bias = Parameter::new(&format!("dense{i}/b"), Kind::Bias, &pair[1..], Initial::Constant(0.0));
        let mut kernel = kernel.at(at);
        if let Some(blocks) = blocks {
            kernel.mask = Mask::Blocks(BlockMask { blocks, strict: i == 0 });
        }
        [kernel, bias.at(at)]
    };
    widths.windows(2).enumerate().flat_map(layer).collect()
}

/// Multiply-adds of a row.
pub(super) fn macs(widths: &[usize]) -> f64 {
    widths.windows(2).map(|pair| (pair[0] * pair[1]) as f64).sum()
}

/// Planned dense layers with an activation behind every one but the last.
#[derive(Debug)]
pub(super) struct Conditioner<T> {
    products: Vec<Product<T>>,
    /// Outputs of every layer but the last; as many rows as have been in use at once.
    hidden: Vec<Vec<T>>,
    /// Gradients with respect to `hidden`; allocated by the first backward pass.
    deltas: Vec<Vec<T>>,
}

impl<T: Scalar> Conditioner<T> {
    pub(super) fn new(widths: &[usize], activation: Activation) -> Self {
        let last = widths.len() - 2;
        let product =
            |(i, pair): (usize, &[usize])| Product::new(pair[0], pair[1], (i < last).then_some(activation));
        let products = widths.windows(2).enumerate().map(product).collect();
        Self { products, hidden: vec![Vec::new(); last], deltas: vec![Vec::new(); last] }
    }

    /// Outputs for the rows of `x`, which overwrite `out`.
    pub(super) fn forward(&mut self, pass: &mut Pass<'_, T>, x: MatrixRef<'_, T>, out: &mut [T]) {
        let (mut params, rows) = (pass.params, x.rows());
        for i in 0..self.products.len() {
            let product = &mut self.products[i];
            let (own, rest) = params.split_at(product.parameters());
            params = rest;
            let (before, behind) = self.hidden.split_at_mut(i);
            let x = before.last().map_or(x, |x| MatrixRef::new(x, rows, x.len() / rows));
            let y = match behind.first_mut() {
                Some(hidden) => in_use(hidden, rows * product.outputs()),
                None => &mut *out,
            };
            product.forward(pass.part(own), x, y);
        }
    }

    /// From the gradient with respect to the outputs (which may be overwritten): those with respect to the parameters,
    /// and to `x` if wanted, added to what `Start` says.
    pub(super) fn backward(
        &mut self,
        pass: &mut Pass<'_, T>,
        x: MatrixRef<'_, T>,
        d_out: &mut [T],
        mut dx: Option<(Start<'_, T>, &mut [T])>,
        gradients: &mut [T],
    ) {
        let (mut params, mut gradients, rows) = (pass.params, gradients, x.rows());
        for i in (0..self.products.len()).rev() {
            let product = &self.products[i];
            let at = params.len() - product.parameters();
            let (rest, own) = params.split_at(at);
            let (rest_gradients, own_gradients) = gradients.split_at_mut(at);
            (params, gradients) = (rest, rest_gradients);
            let (before, behind) = self.deltas.split_at_mut(i);
            let dy = behind.first_mut().map_or(&mut *d_out, |delta| &mut delta[..]);
            let y = self.hidden.get(i).map_or(&[][..], Vec::as_slice);
            let pass = pass.part(own);
            match (i.checked_sub(1), before.last_mut()) {
                (Some(i), Some(delta)) => {
                    let x = &self.hidden[i];
                    let delta = in_use(delta, x.len());
                    let x = MatrixRef::new(x, rows, x.len() / rows);
                    product.backward(pass, x, y, dy, Some((Start::Zero, delta)), own_gradients);
                }
                _ => product.backward(pass, x, y, dy, dx.take(), own_gradients),
            }
        }
    }
}

/// A buffer of exactly this length; grows to the largest length once.
pub(super) fn in_use<T: Scalar>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    buffer.resize(len, T::zero());
    buffer
}

/// The candle form.
#[cfg(feature = "candle")]
pub(super) fn reference(
    x: &candle_core::Tensor,
    params: &[candle_core::Tensor],
    activation: Activation,
) -> candle_core::Result<candle_core::Tensor> {
    let last = params.len() / 2 - 1;
    let mut x = x.clone();
    for (i, pair) in params.chunks_exact(2).enumerate() {
        x = x.matmul(&pair[0])?.broadcast_add(&pair[1])?;
        if i < last {
            x = crate::reference::activate(activation, &x)?;
        }
    }
    Ok(x)
}
