//! Pooling of whole images to one number per channel.

use super::LayerKind;
use crate::kernels::{ColumnReduction, maxima_backward};
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// Reduction of `[height, width, channels]` images over height and width, to `[channels]` vectors.
///
/// Backward, with `n` pixels: `∂x = ∂y / n`; `∂y / m` for the `m` pixels that are the maximum, else 0; `2 x ∂y / n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpatialPool {
    /// Mean.
    Mean,
    /// Maximum; equal maxima share the gradient (TensorFlow).
    Max,
    /// Mean of the squares.
    SquaredMean,
}

impl LayerKind for SpatialPool {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Image { channels, .. } if !input.is_empty() => Ok(Shape::Features(channels)),
            _ => Err(format!("takes images, not {input}")),
        }
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let Shape::Image { height, width, channels } = planning.input else { return None };
        Some(Box::new(PoolStep { kind: *self, pixels: height * width, channels, shares: Vec::new() }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let x = x.flatten(1, 2)?;
        let y = match self {
            Self::Mean => x.mean(1)?,
            Self::Max => {
                let largest = x.max_keepdim(1)?.broadcast_as(x.shape())?;
                let mask = x.eq(&largest)?.to_dtype(x.dtype())?.detach();
                ((x * &mask)?.sum(1)? / mask.sum(1)?)?
            }
            Self::SquaredMean => x.sqr()?.mean(1)?,
        };
        Ok((y, None))
    }
}

#[derive(Debug)]
struct PoolStep<T> {
    kind: SpatialPool,
    pixels: usize,
    channels: usize,
    /// The gradient that each pixel of an image gets; for maxima, how many pixels share it.
    shares: Vec<T>,
}

impl<T: Scalar> Step<T> for PoolStep<T> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let mean = T::of(1.0 / self.pixels as f64);
        let (reduction, start, scale) = match self.kind {
            SpatialPool::Mean => (ColumnReduction::Sum, T::zero(), mean),
            SpatialPool::Max => (ColumnReduction::Max, T::neg_infinity(), T::one()),
            SpatialPool::SquaredMean => (ColumnReduction::SquaredSum, T::zero(), mean),
        };
        let images = x.chunks_exact(self.pixels * self.channels);
        for (image, y) in images.zip(y.chunks_exact_mut(self.channels)) {
            y.fill(start);
            T::reduce_columns(pass.backend, image, reduction, y);
            y.iter_mut().for_each(|y| *y = *y * scale);
        }
        0.0
    }

    fn backward(
        &mut self,
        _: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        _: &mut [T],
    ) {
        let Some(dx) = dx else { return };
        let scale = T::of(1.0 / self.pixels as f64);
        let (channels, len) = (self.channels, self.pixels * self.channels);
        let values = y.chunks_exact(channels).zip(dy.chunks_exact(channels));
        for ((x, dx), (y, dy)) in x.chunks_exact(len).zip(dx.chunks_exact_mut(len)).zip(values) {
            let shares = &mut self.shares;
            shares.clear();
            match self.kind {
                SpatialPool::Mean => {
                    shares.extend(dy.iter().map(|&dy| dy * scale));
                    for dx in dx.chunks_exact_mut(channels) {
                        dx.copy_from_slice(shares);
                    }
                }
                SpatialPool::Max => maxima_backward(x, y, dy, dx, shares),
                SpatialPool::SquaredMean => {
                    shares.extend(dy.iter().map(|&dy| T::of(2.0) * dy * scale));
                    for (dx, x) in dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                        for (dx, (&x, &share)) in dx.iter_mut().zip(x.iter().zip(&*shares)) {
                            *dx = x * share;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Scratch;
    use crate::testing::check;
    use crate::{Activation, Backend, Conv, Dense, Layer, Loss, Network, Padding};
    use proptest::prelude::*;

    const KINDS: [SpatialPool; 3] = [SpatialPool::Mean, SpatialPool::Max, SpatialPool::SquaredMean];

    fn network(kind: SpatialPool, [height, width, channels]: [usize; 3], layers: Vec<Layer>) -> Network {
        let mut layers = layers;
        layers.extend([kind.into(), Dense { outputs: 3 }.into()]);
        Network::new(Shape::Image { height, width, channels }, layers, Loss::SoftmaxCrossEntropy)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn gradients_of_every_shape(
            size in prop::array::uniform3(1usize..7), outputs in 1usize..20, rows in 1usize..8,
            kind in prop::sample::select(&KINDS[..]), activation in prop::sample::select(&Activation::ALL[..]),
        ) {
            let conv = Conv { outputs, kernel: 1, stride: 1, padding: Padding::Same, bias: true };
            check(&network(kind, size, vec![conv.into(), activation.into()]), rows);
            check(&network(kind, size, Vec::new()), rows);
        }
    }

    fn run(kind: SpatialPool, x: &[f64], dy: f64) -> (f64, Vec<f64>) {
        let input = Shape::Image { height: 1, width: x.len(), channels: 1 };
        let mut step = kind
            .step::<f64>(Planning { input, rows: 1, activation: None, tokens: None, unused_steps: 0 })
            .unwrap();
        let (mut y, mut dx) = ([f64::NAN], vec![f64::NAN; x.len()]);
        let mut scratch = Scratch::default();
        step.forward(pass(&mut scratch), x, &mut y);
        step.backward(pass(&mut scratch), x, &y, &mut [dy], Some(&mut dx), &mut []);
        (y[0], dx)
    }

    fn pass(scratch: &mut Scratch<f64>) -> Pass<'_, f64> {
        let backend = Backend::portable();
        Pass { backend, rows: 1, keep: true, params: &[], input: &[], tokens: &[], labels: &[], scratch }
    }

    #[test]
    fn values_ties_and_nan() {
        assert_eq!(run(SpatialPool::Mean, &[1.0, 2.0, 3.0, 6.0], 8.0), (3.0, vec![2.0; 4]));
        assert_eq!(run(SpatialPool::SquaredMean, &[1.0, -3.0], 2.0), (5.0, vec![2.0, -6.0]));
        assert_eq!(run(SpatialPool::Max, &[1.0, 4.0, -2.0], 3.0), (4.0, vec![0.0, 3.0, 0.0]));
        assert_eq!(run(SpatialPool::Max, &[4.0, 1.0, 4.0, 4.0], 3.0), (4.0, vec![1.0, 0.0, 1.0, 1.0]));
        for x in [[f64::NAN, 1.0], [1.0, f64::NAN]] {
            for kind in KINDS {
                let (y, dx) = run(kind, &x, 1.0);
                assert!(y.is_nan(), "{kind:?}");
                assert!(kind != SpatialPool::Max || dx.iter().all(|dx| dx.is_nan()));
            }
        }
    }

    #[test]
    fn vectors_are_refused() {
        assert_eq!(SpatialPool::Max.output(Shape::Features(3)).unwrap_err(), "takes images, not 3 features");
    }
}
