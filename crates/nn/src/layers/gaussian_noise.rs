//! Additive normal noise.

use std::ops::Range;

use taskset_rng::Stream;

use super::LayerKind;
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// `y = x + n` with independent normal `n` drawn with the minibatch, for training and evaluation alike; any numbers but
/// sequences. Memory: one number of noise for every number of `x`.
///
/// Its noise ([`Plan::noise`](crate::Plan::noise), [`Plan::set_noise`](crate::Plan::set_noise)): `n` in the layout of `x`,
/// normal with the standard deviation `std` (so it is already multiplied by it).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNoise {
    /// Standard deviation.
    pub std: f64,
}

impl LayerKind for GaussianNoise {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Features(_) | Shape::Image { .. } => Ok(input),
            _ => Err(format!("takes features or images, not {input}")),
        }
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let width = planning.input.len();
        Some(Box::new(GaussianNoiseStep {
            std: self.std,
            width,
            noise: vec![T::zero(); planning.rows * width],
        }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        noise: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let noise = noise.ok_or_else(|| candle_core::Error::Msg("the noise is missing".to_owned()))?;
        Ok((x.add(&noise.reshape(x.shape())?)?, None))
    }
}

#[derive(Debug)]
struct GaussianNoiseStep<T> {
    std: f64,
    width: usize,
    /// `[rows, width]`, times the standard deviation.
    noise: Vec<T>,
}

impl<T: Scalar> Step<T> for GaussianNoiseStep<T> {
    fn forward(&mut self, _: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        for (y, (&x, &noise)) in y.iter_mut().zip(x.iter().zip(&self.noise)) {
            *y = x + noise;
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
        if let Some(dx) = dx {
            dx.copy_from_slice(dy);
        }
    }

    fn noise(&self) -> Option<&[T]> {
        Some(&self.noise)
    }

    fn noise_mut(&mut self) -> Option<&mut [T]> {
        Some(&mut self.noise)
    }

    fn draw_noise(&mut self, rows: Range<usize>, stream: &mut Stream) {
        let noise = &mut self.noise[rows.start * self.width..rows.end * self.width];
        stream.fill_normal(T::of(self.std), noise);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_layers, stream};
    use crate::{Activation, Dense, Flatten, Loss, Network, Plan};

    #[test]
    fn gradients() {
        let noise = GaussianNoise { std: 0.3 };
        check_layers(Shape::Features(7), vec![noise.into(), Dense { outputs: 4 }.into()]);
        let layers = vec![Dense { outputs: 8 }.into(), noise.into(), Activation::Tanh.into()];
        check_layers(Shape::Features(7), [layers, vec![Dense { outputs: 4 }.into()]].concat());
        let image = Shape::Image { height: 2, width: 3, channels: 2 };
        check_layers(image, vec![noise.into(), Flatten.into(), Dense { outputs: 4 }.into()]);
        let tokens = Shape::Tokens { length: 3, vocabulary: 4 };
        assert!(noise.output(tokens).unwrap_err().contains("tokens"));
    }

    #[test]
    fn the_noise_has_its_standard_deviation_and_is_drawn_anew() {
        // The loss of x = 0 is half the squared length of the noise, and a constant.
        let network =
            Network::new(Shape::Features(500), vec![GaussianNoise { std: 0.2 }.into()], Loss::StandardNormal);
        let mut plan = Plan::<f32>::new(&network, 40).unwrap();
        let mut stream = stream("noise");
        let mut square = || {
            plan.draw_noise(0..40, &mut stream);
            2.0 * plan.loss(&[]) - 500.0 * (2.0 * std::f64::consts::PI).ln()
        };
        let (first, second) = (square(), square());
        // Five standard errors of a mean of 40 sums of 500 squares.
        let error = 5.0 * 0.04 * (2.0 * 500.0 / 40.0f64).sqrt();
        assert!((first - 500.0 * 0.04).abs() < error && (second - 500.0 * 0.04).abs() < error);
        assert!((first - second).abs() > 1e-6);
    }
}
