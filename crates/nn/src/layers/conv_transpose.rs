//! Transposed convolutions of images.

use super::LayerKind;
use super::conv::{self, ConvStep, check_size};
use crate::sliding_windows::{Axis, Direction, Windows};
use crate::step::{Planning, Step};
use crate::{Padding, Parameter, Scalar, Shape};

/// Transposed convolution of `[height, width, inputs]` images with a square kernel, to
/// `[stride · height, stride · width, outputs]` images:
/// `y[s p + i − a, s q + j − a, o] += x[p, q, c] w[i, j, o, c]` from `y = b` on, where `s` is the stride, and pixels
/// outside of the image are dropped. It is the gradient with respect to its input of the [`Conv`](crate::Conv) with
/// `Same` padding from the larger image to the smaller one, which has `a = max(kernel − s, 0) / 2` (rounded down) zeros
/// before the image (`Conv2DTranspose` of Sonnet and TensorFlow). Parameters: `w` `[kernel, kernel, outputs, inputs]`,
/// initialised as the network's weights with the fan-in `kernel · kernel · inputs`, and, with a bias, `b` `[outputs]`,
/// zero.
///
/// Backward: `∂x[p, q, c] = Σ_{i, j, o} ∂y[s p + i − a, s q + j − a, o] w[i, j, o, c]`, which is that convolution,
/// `∂w[i, j, o, c] = Σ ∂y[s p + i − a, s q + j − a, o] x[p, q, c]`, `∂b = Σ ∂y`.
///
/// Memory: as [`Conv`](crate::Conv).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Number of outputs: channels behind it.
    pub outputs: usize,
    /// Height and width of the kernel, in pixels.
    pub kernel: usize,
    /// Pixels of the output from one input to the next, in both directions; at least 1.
    pub stride: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

impl ConvTranspose {
    /// The windows of the convolution from its output to its input.
    fn windows(&self, input: Shape) -> Option<Windows> {
        let Shape::Image { height, width, channels } = input else { return None };
        let axis =
            |size: usize| Axis::new(size.checked_mul(self.stride)?, self.kernel, self.stride, Padding::Same);
        Some(Windows { y: axis(height)?, x: axis(width)?, inputs: self.outputs, outputs: channels })
    }
}

impl LayerKind for ConvTranspose {
    const FUSES_ACTIVATION: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        if !matches!(input, Shape::Image { .. }) {
            return Err(format!("takes images, not {input}"));
        }
        let (kernel, stride) = (self.kernel, self.stride);
        let windows = self.windows(input).ok_or_else(|| {
            format!("a transposed {kernel}x{kernel} convolution with stride {stride} does not fit {input}")
        })?;
        check_size(&windows, input)?;
        Ok(Shape::Image { height: windows.y.input, width: windows.x.input, channels: self.outputs })
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let Shape::Image { channels, .. } = input else { return Vec::new() };
        let shape = [self.kernel, self.kernel, self.outputs, channels];
        conv::parameters(&shape, 2, self.bias)
    }

    /// Products with pixels that are dropped are counted, as is usual, although they are not computed.
    fn macs(&self, input: Shape) -> f64 {
        self.windows(input).map_or(0.0, |w| w.output_pixels() as f64 * w.kernel_len() as f64)
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let windows = self.windows(planning.input)?;
        Some(Box::new(ConvStep::<T>::new(windows, Direction::Transposed, planning)))
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
        let x = x.permute((0, 3, 1, 2))?.contiguous()?;
        let kernel = params[0].permute((3, 2, 0, 1))?.contiguous()?;
        let all = x.conv_transpose2d(&kernel, 0, 0, self.stride, 1)?;
        // Candle keeps the pixels outside of the image, and leaves out those at the end that nothing reaches.
        let cut = |y: &candle_core::Tensor, dim: usize, axis: Axis| {
            let missing = (axis.before + axis.input).saturating_sub(y.dim(dim)?);
            y.pad_with_zeros(dim, 0, missing)?.narrow(dim, axis.before, axis.input)
        };
        let y = cut(&cut(&all, 2, windows.y)?, 3, windows.x)?.permute((0, 2, 3, 1))?;
        Ok((conv::with_bias(y, params.get(1))?, None))
    }
}

#[cfg(test)]
mod tests;
