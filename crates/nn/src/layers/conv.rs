//! Convolutions of images.

use super::Kind;
use crate::kernels::{ColumnReduction, Gathered, Start};
use crate::parameter::Initial;
use crate::sliding_windows::{Axis, Direction, PixelGroup, Windows};
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Padding, Parameter, Scalar, Shape};

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

impl Kind for Conv {
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
        let mut parameters = vec![Parameter::new("w", &shape, Initial::Weights)];
        if self.bias {
            parameters.push(Parameter::new("b", &[self.outputs], Initial::Constant(0.0)));
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
mod tests {
    use super::*;
    use crate::testing::{check, check_layers, started};
    use crate::{Backend, Dense, Flatten, Layer, Loss, Network, Plan, SpatialPool};
    use proptest::prelude::*;

    fn conv(outputs: usize, kernel: usize, stride: usize, padding: Padding) -> Conv {
        Conv { outputs, kernel, stride, padding, bias: true }
    }

    fn image(height: usize, width: usize, channels: usize) -> Shape {
        Shape::Image { height, width, channels }
    }

    #[test]
    fn gradients_with_every_activation() {
        for activation in Activation::ALL {
            let layers: Vec<Layer> = vec![
                conv(5, 3, 1, Padding::Same).into(),
                activation.into(),
                Conv { bias: false, ..conv(6, 3, 2, Padding::Valid) }.into(),
                activation.into(),
                Flatten.into(),
                Dense { outputs: 3 }.into(),
            ];
            check_layers(image(7, 8, 2), layers);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(25))]
        #[test]
        fn gradients_of_every_shape(
            size in [1usize..9, 1usize..9], channels in prop::array::uniform3(1usize..20), kernels in [1usize..6, 1usize..6],
            strides in [1usize..4, 1usize..4], same in prop::array::uniform2(any::<bool>()), bias: bool,
            rows in 1usize..6, activation in prop::sample::select(&[Activation::Tanh, Activation::Cos][..]),
        ) {
            let mut shape = image(size[0], size[1], channels[0]);
            let mut layers: Vec<Layer> = Vec::new();
            for i in 0..2 {
                let padding = if same[i] { Padding::Same } else { Padding::Valid };
                let layer = Conv { bias, ..conv(channels[i + 1], kernels[i], strides[i], padding) };
                match layer.output(shape) {
                    Ok(output) => shape = output,
                    Err(_) => continue,
                }
                layers.extend([layer.into(), activation.into()]);
            }
            layers.extend([Flatten.into(), Dense { outputs: 3 }.into()]);
            check(&Network::new(image(size[0], size[1], channels[0]), layers, Loss::SoftmaxCrossEntropy), rows);
        }
    }

    #[test]
    fn several_blocks_of_images_are_one_sum() {
        let (first, second) = (conv(9, 3, 1, Padding::Same), conv(4, 3, 2, Padding::Same));
        let layers = vec![
            first.into(),
            Activation::Swish.into(),
            second.into(),
            Activation::Relu.into(),
            SpatialPool::Mean.into(),
            Dense { outputs: 3 }.into(),
        ];
        let network = Network::new(image(24, 24, 2), layers, Loss::SoftmaxCrossEntropy);
        let images = BLOCK / (24 * 24 * 11);
        check(&network, images + 3);
    }

    /// The smallest cases by hand: what is where, and which side TensorFlow pads.
    #[test]
    fn known_values() {
        let run = |layer: Conv, x: &[f64], input: Shape, w: &[f64]| -> Vec<f64> {
            let planning =
                Planning { input, rows: 1, activation: None, vocabulary: None, last_step_unused: false };
            let mut step = layer.step::<f64>(planning).unwrap();
            let mut y = vec![f64::NAN; layer.output(input).unwrap().len()];
            let pass = Pass {
                backend: Backend::portable(),
                rows: 1,
                keep: true,
                params: w,
                input: &[],
                tokens: &[],
                labels: &[],
                scratch: &mut crate::kernels::Scratch::default(),
            };
            step.forward(pass, x, &mut y);
            y
        };
        let check = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        };
        let bare = |kernel, stride, padding| Conv { bias: false, ..conv(1, kernel, stride, padding) };
        let x: Vec<f64> = (1..=16).map(f64::from).collect();
        let w: Vec<f64> = (0..9).map(|i| 10f64.powi(i)).collect();
        // A tap's digit says which pixel it met; stride 2 on an even size has zeros only below and on the right.
        let small = [1.0, 2.0, 3.0, 4.0];
        check(run(bare(3, 2, Padding::Same), &small, image(2, 2, 1), &w), &[43_021.0]);
        check(run(bare(3, 1, Padding::Same), &[5.0], image(1, 1, 1), &w), &[50_000.0]);
        let ones = [1.0; 9];
        check(run(bare(3, 1, Padding::Valid), &x, image(4, 4, 1), &ones), &[54.0, 63.0, 90.0, 99.0]);
        check(run(bare(3, 2, Padding::Same), &x, image(4, 4, 1), &ones), &[54.0, 45.0, 72.0, 54.0]);
        // Channels: one pixel, two inputs, two outputs.
        let kernel = [1.0, 2.0, 3.0, 4.0];
        let two = Conv { outputs: 2, ..bare(1, 1, Padding::Valid) };
        check(run(two, &[10.0, 1.0], image(1, 1, 2), &kernel), &[13.0, 24.0]);
    }

    #[test]
    fn an_image_does_not_depend_on_its_company() {
        let layers = vec![conv(7, 3, 2, Padding::Same).into(), Flatten.into()];
        let network = Network::new(image(9, 9, 3), layers, Loss::SoftmaxCrossEntropy);
        for backend in Backend::available() {
            let (mut all, params) = started::<f32>(&network, 6, backend);
            let (pixels, label) = (all.input_mut()[5 * 243..].to_vec(), all.labels_mut()[5]);
            let mut one = Plan::<f32>::with_backend(&network, 1, backend).unwrap();
            one.input_mut().copy_from_slice(&pixels);
            one.labels_mut()[0] = label;
            for row in 0..6 {
                all.input_mut()[row * 243..][..243].copy_from_slice(&pixels);
                all.labels_mut()[row] = label;
            }
            // Equal losses of all rows: their sum and their mean round to nearly nothing.
            assert!((one.loss(&params) - all.loss(&params)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_weight_that_is_nan_reaches_every_gradient_behind_it() {
        let layers = vec![
            conv(4, 3, 1, Padding::Same).into(),
            Activation::Relu.into(),
            SpatialPool::Max.into(),
            Dense { outputs: 3 }.into(),
        ];
        let network = Network::new(image(6, 6, 2), layers, Loss::SoftmaxCrossEntropy);
        for backend in Backend::available() {
            let (mut plan, mut params) = started::<f32>(&network, 4, backend);
            params[5] = f32::NAN;
            let mut gradients = params.clone();
            assert!(plan.loss_and_gradients(&params, &mut gradients).is_nan());
            assert!(gradients.iter().all(|g| g.is_nan()));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let check = |layer: Conv, input: Shape, expected: &str| {
            assert_eq!(layer.output(input).unwrap_err(), expected);
        };
        let valid = conv(4, 3, 2, Padding::Valid);
        check(
            valid,
            image(2, 5, 1),
            "a 3x3 convolution with stride 2 and Valid padding does not fit 2x5x1 images",
        );
        check(valid, Shape::Features(9), "takes images, not 9 features");
        assert!(conv(4, 3, 0, Padding::Same).output(image(5, 5, 1)).is_err());
        assert!(conv(1 << 30, 3, 1, Padding::Same).output(image(5, 5, 1)).unwrap_err().contains("too large"));
        assert_eq!(conv(4, 3, 2, Padding::Same).output(image(5, 6, 1)), Ok(image(3, 3, 4)));
    }
}
