//! The halves of an image's channels, one after the other.

use super::LayerKind;
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// An image `[height, width, 2c]` as a vector: the image `[height, width, c]` of its first `c` channels, and behind it
/// the image of its last `c` channels. So a decoder that makes a mean and the logarithm of a deviation for every pixel and
/// channel makes what [`GaussianLikelihood`](crate::Loss::GaussianLikelihood) takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitChannels;

impl LayerKind for SplitChannels {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Image { channels, .. } if channels > 0 && channels.is_multiple_of(2) => {
                Ok(Shape::Features(input.len()))
            }
            _ => Err(format!("takes images with an even number of channels, not {input}")),
        }
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let Shape::Image { channels, .. } = planning.input else { return None };
        Some(Box::new(SplitStep { image: planning.input.len(), half: channels / 2 }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let halves = x.chunk(2, 3)?;
        let [first, last] = &halves[..] else { candle_core::bail!("an image of one channel has no halves") };
        Ok((candle_core::Tensor::cat(&[first.flatten_from(1)?, last.flatten_from(1)?], 1)?, None))
    }
}

#[derive(Debug)]
struct SplitStep {
    /// Numbers of an image.
    image: usize,
    /// Half of its channels.
    half: usize,
}

impl<T: Scalar> Step<T> for SplitStep {
    fn forward(&mut self, _: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let image = self.image;
        // Gray and color images: copies of a few numbers are no calls if their length is a constant.
        match self.half {
            1 => split(image, 1, x, y),
            3 => split(image, 3, x, y),
            half => split(image, half, x, y),
        }
        0.0
    }

    fn backward(
        &mut self,
        _: Pass<'_, T>,
        _: &[T],
        _: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        _: &mut [T],
    ) {
        let Some(dx) = dx else { return };
        let image = self.image;
        match self.half {
            1 => join(image, 1, dy, dx),
            3 => join(image, 3, dy, dx),
            half => join(image, half, dy, dx),
        }
    }
}

/// The pixels `x` of images of so many numbers to their halves `y`.
#[inline(always)]
fn split<T: Copy>(image: usize, half: usize, x: &[T], y: &mut [T]) {
    for (x, y) in x.chunks_exact(image).zip(y.chunks_exact_mut(image)) {
        let (first, last) = y.split_at_mut(image / 2);
        let pixels = first.chunks_exact_mut(half).zip(last.chunks_exact_mut(half));
        for (x, (first, last)) in x.chunks_exact(2 * half).zip(pixels) {
            first.copy_from_slice(&x[..half]);
            last.copy_from_slice(&x[half..]);
        }
    }
}

/// Undoes [`split`].
#[inline(always)]
fn join<T: Copy>(image: usize, half: usize, y: &[T], x: &mut [T]) {
    for (x, y) in x.chunks_exact_mut(image).zip(y.chunks_exact(image)) {
        let (first, last) = y.split_at(image / 2);
        let pixels = first.chunks_exact(half).zip(last.chunks_exact(half));
        for (x, (first, last)) in x.chunks_exact_mut(2 * half).zip(pixels) {
            x[..half].copy_from_slice(first);
            x[half..].copy_from_slice(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use crate::{Activation, Backend, Conv, Dense, GaussianLikelihood, Layer, Loss, Network, Padding, Plan};
    use proptest::prelude::*;

    fn conv(outputs: usize) -> Layer {
        Conv { outputs, kernel: 1, stride: 1, padding: Padding::Same, bias: true }.into()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn gradients_of_every_shape(size in [1usize..6, 1usize..6], half in 1usize..6, rows in 1usize..6) {
            let image = Shape::Image { height: size[0], width: size[1], channels: 2 };
            let layers = vec![conv(2 * half), Activation::Tanh.into(), SplitChannels.into(), Dense { outputs: 3 }.into()];
            check(&Network::new(image, layers, Loss::SoftmaxCrossEntropy), rows);
            let loss = Loss::GaussianLikelihood(GaussianLikelihood { clip: 10.0, dequantize: Some(0.1) });
            check(&Network::new(image, vec![conv(4), SplitChannels.into()], loss), rows);
        }
    }

    /// A pixel's mean and logarithm of the deviation are what the likelihood reads for that pixel.
    #[test]
    fn halves_are_means_and_deviations() {
        let image = Shape::Image { height: 1, width: 2, channels: 2 };
        let loss = Loss::GaussianLikelihood(GaussianLikelihood { clip: f64::INFINITY, dequantize: None });
        let network = Network::new(image, vec![conv(4), SplitChannels.into()], loss);
        let x = [0.5, -1.0, 2.0, 0.25];
        let w = [1.0, 0.0, 0.5, 0.0, 0.0, 1.0, 0.0, 0.5];
        let b = [0.25, -0.5, 0.125, 0.0];
        let mut expected = 0.0;
        for pixel in x.chunks_exact(2) {
            for c in 0..2 {
                let (error, log_deviation): (f64, f64) = (-b[c], 0.5 * pixel[c] + b[2 + c]);
                expected +=
                    0.5 * (error / log_deviation.exp()).powi(2) + log_deviation + 0.918_938_533_204_672_7;
            }
        }
        let mut plan = Plan::<f64>::with_backend(&network, 1, Backend::portable()).unwrap();
        plan.input_mut().copy_from_slice(&x);
        assert!((plan.loss(&[&w[..], &b].concat()) - expected).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_halves_is_refused() {
        let odd = Shape::Image { height: 2, width: 2, channels: 3 };
        let message = "takes images with an even number of channels, not 2x2x3 images";
        assert_eq!(SplitChannels.output(odd).unwrap_err(), message);
        assert!(SplitChannels.output(Shape::Features(4)).is_err());
    }
}
