//! Convolutions of images.

use super::LayerKind;
use crate::kernels::{ColumnReduction, Gathered, Start};
use crate::parameter::Initial;
use crate::sliding_windows::{Axis, Direction, PixelGroup, Windows};
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Kind, Padding, Parameter, Scalar, Shape};

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

/// Numbers before and behind the layer that are processed at a time, rounded to whole images. Together with the input's
/// gradient they stay in the second-level cache from one use to the next.
const BLOCK: usize = 1 << 17;

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
        let largest = windows.input_len().max(windows.output_len()).max(windows.kernel_len());
        if u32::try_from(largest).is_err() {
            return Err(format!(
                "a convolution of {input} is too large: {largest} numbers, at most 2^32 - 1 are possible"
            ));
        }
        Ok(Shape::Image { height: windows.y.output, width: windows.x.output, channels: self.outputs })
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let Shape::Image { channels, .. } = input else { return Vec::new() };
        let shape = [self.kernel, self.kernel, channels, self.outputs];
        let mut parameters = vec![Parameter::new("w", Kind::Kernel, &shape, Initial::Weights)];
        if self.bias {
            parameters.push(Parameter::new("b", Kind::Bias, &[self.outputs], Initial::Constant(0.0)));
        }
        parameters
    }

    /// Products with zeros of the padding are counted, as is usual, although they are not computed.
    fn macs(&self, input: Shape) -> f64 {
        self.windows(input).map_or(0.0, |w| w.output_pixels() as f64 * w.kernel_len() as f64)
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        Some(Box::new(ConvStep::<T>::new(self.windows(planning.input)?, planning)))
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
        match params.get(1) {
            Some(bias) => Ok((y.broadcast_add(bias)?, None)),
            None => Ok((y, None)),
        }
    }
}

#[derive(Debug)]
struct ConvStep<T> {
    windows: Windows,
    activation: Option<Activation>,
    /// Images of a block: depends on shapes only.
    block: usize,
    forward: Vec<PixelGroup>,
    /// Made by the first backward pass that needs them: not for a network's first layer.
    transposed: Vec<PixelGroup>,
    /// The kernel `[height · width · outputs, inputs]`.
    kernel: Vec<T>,
    /// The activation's inputs, where its derivative needs them.
    saved: Vec<T>,
}

impl<T: Scalar> ConvStep<T> {
    fn new(windows: Windows, planning: Planning) -> Self {
        let image = (windows.input_len() + windows.output_len()).max(1);
        let block = (BLOCK / image).clamp(1, planning.rows.max(1));
        Self {
            windows,
            activation: planning.activation,
            block,
            forward: windows.groups(Direction::Forward, block),
            transposed: Vec::new(),
            kernel: Vec::new(),
            saved: Vec::new(),
        }
    }

    /// The blocks: first image and number of images.
    fn blocks(&self, rows: usize) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let block = self.block;
        (0..rows).step_by(block).map(move |first| (first, block.min(rows - first)))
    }

    /// Writes the kernel `[height, width, inputs, outputs]` as `[height, width, outputs, inputs]`.
    fn transpose_kernel(&mut self, w: &[T]) {
        let (inputs, outputs) = (self.windows.inputs, self.windows.outputs);
        self.kernel.resize(w.len(), T::zero());
        if w.is_empty() {
            return;
        }
        for (from, to) in w.chunks_exact(inputs * outputs).zip(self.kernel.chunks_exact_mut(inputs * outputs))
        {
            for (o, row) in to.chunks_exact_mut(inputs).enumerate() {
                for (x, from) in row.iter_mut().zip(from.chunks_exact(outputs)) {
                    *x = from[o];
                }
            }
        }
    }
}

impl<T: Scalar> Step<T> for ConvStep<T> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let w = self.windows;
        let (kernel, bias) = pass.params.split_at(w.kernel_len());
        let start = if bias.is_empty() { Start::Zero } else { Start::Bias(bias) };
        self.saved.clear();
        for (first, images) in self.blocks(pass.rows) {
            let x = &x[first * w.input_len()..][..images * w.input_len()];
            let y = &mut y[first * w.output_len()..][..images * w.output_len()];
            for group in &self.forward {
                let rows = &group.rows[..images * group.per_image];
                let windows = Gathered { data: x, rows, depth: &group.depth };
                let relu = self.activation == Some(Activation::Relu);
                T::gather_gemm(pass.backend, windows, kernel, start, relu, w.outputs, y);
            }
            match self.activation {
                None | Some(Activation::Relu) => {}
                Some(activation) => {
                    if activation.derivative_needs_input() {
                        self.saved.extend_from_slice(y);
                    }
                    T::activate(pass.backend, activation, y);
                }
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
        mut dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        let w = self.windows;
        gradients.fill(T::zero());
        let (dw, db) = gradients.split_at_mut(w.kernel_len());
        if dx.is_some() {
            self.transpose_kernel(&pass.params[..w.kernel_len()]);
            if self.transposed.is_empty() {
                self.transposed = w.groups(Direction::Transposed, self.block);
            }
        }
        for (first, images) in self.blocks(pass.rows) {
            let (inputs, outputs) = (w.input_len(), w.output_len());
            let x = &x[first * inputs..][..images * inputs];
            let dy = &mut dy[first * outputs..][..images * outputs];
            if let Some(activation) = self.activation {
                let saved = if activation.derivative_needs_input() { &self.saved } else { y };
                let saved = &saved[first * outputs..][..images * outputs];
                T::multiply_by_derivative(pass.backend, activation, saved, dy);
            }
            if !db.is_empty() {
                T::reduce_columns(pass.backend, dy, ColumnReduction::Sum, db);
            }
            for group in &self.forward {
                // The windows transposed: the tables change places.
                let rows = &group.rows[..images * group.per_image];
                let windows = Gathered { data: x, rows: &group.depth, depth: rows };
                T::gather_gemm(pass.backend, windows, dy, Start::Accumulate, false, w.outputs, dw);
            }
            if let Some(dx) = dx.as_deref_mut() {
                let dx = &mut dx[first * inputs..][..images * inputs];
                for group in &self.transposed {
                    let rows = &group.rows[..images * group.per_image];
                    let windows = Gathered { data: dy, rows, depth: &group.depth };
                    T::gather_gemm(pass.backend, windows, &self.kernel, Start::Zero, false, w.inputs, dx);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
