//! The stack of 3×3 convolutions that both convolutional families begin with.

use serde_json::{Value, json};
use taskset_nn::{Activation, Initializer, Padding};

use super::Infeasible;
use super::image_dataset::InputShape;
use super::size::{Size, conv3x3};
use crate::sampling::Sampler;

/// Convolutions with an activation after every one of them; no normalisation, no pooling in between.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvStack {
    /// Strides of the layers.
    pub strides: StridePattern,
    /// Channels behind each layer, 1 to 5 of them, each 8 to 64.
    pub hidden_units: Vec<usize>,
    /// Activation behind every layer.
    pub activation: Activation,
    /// Initialiser of every kernel, here and in what follows the stack.
    pub w_init: Initializer,
    /// Padding of each layer.
    pub padding: Vec<Padding>,
}

/// Which layers halve the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StridePattern {
    /// 2, 2, 2, …
    AllTwo,
    /// 1, 2, 1, …
    OneTwo,
    /// 2, 1, 2, …
    TwoOne,
}

impl StridePattern {
    /// The stride of a layer, counted from 0, in both directions.
    pub const fn stride(self, layer: usize) -> usize {
        match self {
            Self::AllTwo => 2,
            Self::OneTwo => 1 + layer % 2,
            Self::TwoOne => 2 - layer % 2,
        }
    }
}

const fn padding_name(padding: Padding) -> &'static str {
    match padding {
        Padding::Same => "SAME",
        Padding::Valid => "VALID",
    }
}

/// What comes out of a stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StackOutput {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) size: Size,
}

impl ConvStack {
    /// Draws a stack.
    pub fn sample(r: &mut Sampler) -> Self {
        let n = r.choice(&[1, 2, 3, 4, 5]);
        Self {
            strides: r.choice(&[StridePattern::AllTwo, StridePattern::OneTwo, StridePattern::TwoOne]),
            hidden_units: r.log_ints(n, 8, 64),
            activation: r.activation(),
            w_init: r.initializer(),
            padding: (0..n).map(|_| r.choice(&[Padding::Same, Padding::Valid])).collect(),
        }
    }

    /// Shape and size of the stack on an input.
    pub(crate) fn output(&self, input: InputShape, bias: bool) -> Result<StackOutput, Infeasible> {
        let (mut height, mut width, mut channels) = (input.height, input.width, input.channels);
        let mut size = Size::default();
        for (layer, (&filters, &padding)) in self.hidden_units.iter().zip(&self.padding).enumerate() {
            let stride = self.strides.stride(layer);
            let infeasible = || {
                Infeasible(format!(
                    "layer {}: {} convolution on {height}x{width} input",
                    layer + 1,
                    padding_name(padding)
                ))
            };
            let rows = padding.output_size(height, 3, stride).ok_or_else(infeasible)?;
            let columns = padding.output_size(width, 3, stride).ok_or_else(infeasible)?;
            size = size + conv3x3(channels, filters, bias, rows * columns);
            (height, width, channels) = (rows, columns, filters);
        }
        Ok(StackOutput { height, width, channels, size })
    }

    /// `[[stride, stride], …]`.
    pub(crate) fn strides_json(&self) -> Value {
        let pairs = (0..self.hidden_units.len()).map(|layer| {
            let stride = self.strides.stride(layer);
            json!([stride, stride])
        });
        pairs.collect()
    }

    pub(crate) fn padding_json(&self) -> Value {
        self.padding.iter().map(|padding| padding_name(*padding)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_shrink_the_image() {
        let stack = ConvStack {
            strides: StridePattern::OneTwo,
            hidden_units: vec![4, 5, 6],
            activation: Activation::Relu,
            w_init: Initializer::HeNormal,
            padding: vec![Padding::Same, Padding::Valid, Padding::Valid],
        };
        let input = |size| InputShape { height: size, width: size, channels: 3, classes: 10 };
        let output = stack.output(input(28), true).unwrap();
        assert_eq!((output.height, output.width, output.channels), (11, 11, 6));
        assert_eq!(output.size.num_params, 9 * (3 * 4 + 4 * 5 + 5 * 6) + 15);
        let error = stack.output(input(5), true).unwrap_err();
        assert_eq!(error.0, "layer 3: VALID convolution on 2x2 input");
    }
}
