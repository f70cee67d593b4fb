//! Dropout.

use std::ops::Range;

use taskset_rng::Stream;

use super::{LayerKind, vectors};
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// `y = x m / keep` with a mask `m` of 0 and 1 drawn with the minibatch, for training and evaluation alike.
///
/// Its noise ([`Plan::noise`](crate::Plan::noise), [`Plan::set_noise`](crate::Plan::set_noise)): the factors `m / keep`,
/// `[rows, features]`, each 0 or `1 / keep`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of keeping an element.
    pub keep: f64,
}

impl LayerKind for Dropout {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match vectors(input)? {
            (1, _) => Ok(input),
            _ => Err(format!("takes one vector per row, not {input}")),
        }
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let width = planning.input.len();
        Some(Box::new(DropoutStep { keep: self.keep, width, mask: vec![T::one(); planning.rows * width] }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        noise: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let mask = noise.ok_or_else(|| candle_core::Error::Msg("dropout needs its mask".to_owned()))?;
        Ok((x.mul(&mask.reshape(x.shape())?)?, None))
    }
}

#[derive(Debug)]
struct DropoutStep<T> {
    keep: f64,
    width: usize,
    mask: Vec<T>,
}

impl<T: Scalar> Step<T> for DropoutStep<T> {
    fn forward(&mut self, _: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        multiply(x, &self.mask, y);
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
            multiply(dy, &self.mask, dx);
        }
    }

    fn noise(&self) -> Option<&[T]> {
        Some(&self.mask)
    }

    fn noise_mut(&mut self) -> Option<&mut [T]> {
        Some(&mut self.mask)
    }

    fn draw_noise(&mut self, rows: Range<usize>, stream: &mut Stream) {
        let kept = T::of(1.0 / self.keep);
        for x in &mut self.mask[rows.start * self.width..rows.end * self.width] {
            *x = if stream.bernoulli(self.keep) { kept } else { T::zero() };
        }
    }
}

fn multiply<T: Scalar>(x: &[T], factors: &[T], out: &mut [T]) {
    for (out, (&x, &f)) in out.iter_mut().zip(x.iter().zip(factors)) {
        *out = x * f;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_layers;
    use crate::{Activation, Dense};

    #[test]
    fn gradients() {
        let layers = vec![Dense { outputs: 8 }.into(), Dropout { keep: 0.6 }.into(), Activation::Tanh.into()];
        check_layers(Shape::Features(7), [layers, vec![Dense { outputs: 4 }.into()]].concat());
        check_layers(Shape::Features(7), vec![Dropout { keep: 0.6 }.into(), Dense { outputs: 4 }.into()]);
    }
}
