//! Images as vectors.

use super::LayerKind;
use crate::step::{Planning, Step};
use crate::{Scalar, Shape};

/// An image `[height, width, channels]` as a vector in that order; a vector stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl LayerKind for Flatten {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Features(_) | Shape::Image { .. } => Ok(Shape::Features(input.len())),
            _ => Err(format!("takes images, not {input}")),
        }
    }

    /// Nothing is to be done: the values stand in memory as they must.
    fn step<T: Scalar>(&self, _: Planning) -> Option<Box<dyn Step<T>>> {
        None
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        Ok((x.flatten_from(1)?, None))
    }
}
