//! Convolutions of images.

mod forward_backward;

use super::LayerKind;
use crate::parameter::Initial;
use crate::sliding_windows::{Axis, Direction, Windows};
use crate::step::{Planning, Step};
use crate::{Kind, Padding, Parameter, Scalar, Shape};
#[cfg(test)]
pub(super) use forward_backward::BLOCK;
pub(super) use forward_backward::ConvStep;

/// Cross-correlation of `[height, width, inputs]` images with a square kernel, to `[height', width', outputs]` images:
/// `y[p, q, o] = b[o] + Σ_{i, j, c} x[p s + i − a, q s + j − a', c] w[i, j, c, o]`, `x` being 0 outside of the image,
/// and `height'` and the zeros `a` before the image as [`Padding`] says. Parameters: `w`
/// `[kernel, kernel, inputs, outputs]`, initialised as the network's weights, and, with a bias, `b` `[outputs]`, zero.
///
/// Backward: `∂w[i, j, c, o] = Σ x[p s + i − a, q s + j − a', c] ∂y[p, q, o]`, `∂b = Σ ∂y`,
/// `∂x[u, v, c] = Σ_{i, j, o} ∂y[(u + a − i) / s, (v + a' − j) / s, o] w[i, j, c, o]` where the divisions are exact.
///
/// No windows are copied: besides the values before and behind it and their gradients, a planned convolution holds the
/// transposed kernel, tables of 8 bytes for each pixel before and behind it of a block of images (of 2¹⁷ numbers; one
/// image if that has more), and, for activations whose derivative needs their inputs, these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Number of outputs: channels behind it.
    pub outputs: usize,
    /// Height and width of the kernel, in pixels.
    pub kernel: usize,
    /// Pixels of the input from one output to the next, in both directions; at least 1.
    pub stride: usize,
    /// What happens at the border.
    pub padding: Padding,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Conv {
    fn windows(&self, input: Shape) -> Option<Windows> {
        let Shape::Image { height, width, channels } = input else { return None };
        let axis = |size| Axis::new(size, self.kernel, self.stride, self.padding);
        Some(Windows { y: axis(height)?, x: axis(width)?, inputs: channels, outputs: self.outputs })
    }
}

impl LayerKind for Conv {
    const FUSES_ACTIVATION: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        if !matches!(input, Shape::Image { .. }) {
            return Err(format!("takes images, not {input}"));
        }
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding);
        let windows = self.windows(input).ok_or_else(|| {
            format!("a {kernel}x{kernel} convolution with stride {stride} and {padding:?} padding does not fit {input}")
        })?;
        check_size(&windows, input)?;
        Ok(Shape::Image { height: windows.y.output, width: windows.x.output, channels: self.outputs })
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let Shape::Image { channels, .. } = input else { return Vec::new() };
        let shape = [self.kernel, self.kernel, channels, self.outputs];
        parameters(&shape, 3, self.bias)
    }

    /// Products with zeros of the padding are counted, as is usual, although they are not computed.
    fn macs(&self, input: Shape) -> f64 {
        self.windows(input).map_or(0.0, |w| w.output_pixels() as f64 * w.kernel_len() as f64)
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        Some(Box::new(ConvStep::<T>::new(self.windows(planning.input)?, Direction::Forward, planning)))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        input: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let windows =
            self.windows(input).ok_or_else(|| candle_core::Error::Msg("no window fits".to_owned()))?;
        // Exactly what the windows cover: padded on both sides, and cut at the end where no window reaches the last pixels.
        let cover = |x: &candle_core::Tensor, dim: usize, axis: Axis| {
            let covered = (axis.output - 1) * axis.stride + axis.kernel;
            let padded =
                x.pad_with_zeros(dim, axis.before, covered.saturating_sub(axis.before + axis.input))?;
            padded.narrow(dim, 0, covered)
        };
        let x = x.permute((0, 3, 1, 2))?.contiguous()?;
        let x = cover(&cover(&x, 2, windows.y)?, 3, windows.x)?.contiguous()?;
        let kernel = params[0].permute((3, 2, 0, 1))?.contiguous()?;
        let y = x.conv2d(&kernel, 0, self.stride, 1, 1)?.permute((0, 2, 3, 1))?;
        Ok((with_bias(y, params.get(1))?, None))
    }
}

/// The kernel of a shape, whose outputs are this axis, and the bias if there is one.
pub(super) fn parameters(shape: &[usize], output_axis: usize, bias: bool) -> Vec<Parameter> {
    let kernel = Parameter::new("w", Kind::Kernel, shape, Initial::Weights);
    let mut parameters = vec![Parameter { output_axis, ..kernel }];
    if bias {
        parameters.push(Parameter::new("b", Kind::Bias, &[shape[output_axis]], Initial::Constant(0.0)));
    }
    parameters
}

/// Images of candle with the bias of every channel, if there is one.
#[cfg(feature = "candle")]
pub(super) fn with_bias(
    y: candle_core::Tensor,
    bias: Option<&candle_core::Tensor>,
) -> candle_core::Result<candle_core::Tensor> {
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

/// An error if the tables of a convolution, which have 32-bit offsets, could not be made.
pub(super) fn check_size(windows: &Windows, input: Shape) -> Result<(), String> {
    let largest = windows.input_len().max(windows.output_len()).max(windows.kernel_len());
    match u32::try_from(largest) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "a convolution of {input} is too large: {largest} numbers, at most 2^32 - 1 are possible"
        )),
    }
}

#[cfg(test)]
mod tests;
