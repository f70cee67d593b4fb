//! Vectors as images.

use super::{LayerKind, one_vector};
use crate::step::{Planning, Step};
use crate::{Scalar, Shape};

/// A vector of `height · width · channels` features as an image `[height, width, channels]`, in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unflatten {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl LayerKind for Unflatten {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let Self { height, width, channels } = *self;
        let image = Shape::Image { height, width, channels };
        if one_vector(input)? != image.len() {
            return Err(format!("makes {image} of {} features, not of {input}", image.len()));
        }
        Ok(image)
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
        Ok((x.reshape(((), self.height, self.width, self.channels))?, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_layers;
    use crate::{Activation, Conv, Dense, Flatten, Padding, SpatialPool};

    #[test]
    fn gradients() {
        let conv = Conv { outputs: 5, kernel: 3, stride: 1, padding: Padding::Same, bias: true };
        let image = Unflatten { height: 3, width: 2, channels: 4 };
        for activation in [None, Some(Activation::Tanh)] {
            let mut layers = vec![Dense { outputs: 24 }.into()];
            layers.extend(activation.map(Into::into));
            layers.extend([image.into(), conv.into(), Activation::Tanh.into(), SpatialPool::Mean.into()]);
            check_layers(Shape::Features(7), layers);
        }
        check_layers(
            Shape::Features(24),
            vec![image.into(), Activation::Elu.into(), Flatten.into(), Dense { outputs: 3 }.into()],
        );
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let image = Unflatten { height: 3, width: 2, channels: 4 };
        assert_eq!(
            image.output(Shape::Features(23)).unwrap_err(),
            "makes 3x2x4 images of 24 features, not of 23 features"
        );
        assert!(image.output(Shape::Sequence { length: 2, width: 12 }).is_err());
    }
}
