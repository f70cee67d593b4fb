//! The stack of 3×3 convolutions that both convolutional families begin with.

use serde_json::{Value, json};
use taskset_nn::{Activation, Initializer};

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

/// What happens at the border of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Zeros around, so that the output has `ceil(n / stride)` rows.
    Same,
    /// Nothing around: the output has `floor((n - 3) / stride) + 1` rows, and an input below 3 is an error.
    Valid,
}

impl Padding {
    const fn name(self) -> &'static str {
        match self {
            Self::Same => "SAME",
            Self::Valid => "VALID",
        }
    }

    /// Rows behind a layer; `None` where there is no such layer.
    const fn output_rows(self, rows: usize, stride: usize) -> Option<usize> {
        match self {
            Self::Same => Some(rows.div_ceil(stride)),
            Self::Valid if rows < 3 => None,
            Self::Valid => Some((rows - 3) / stride + 1),
        }
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
                    padding.name()
                ))
            };
            let rows = padding.output_rows(height, stride).ok_or_else(infeasible)?;
            let columns = padding.output_rows(width, stride).ok_or_else(infeasible)?;
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
        self.padding.iter().map(|padding| padding.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_behind_a_layer() {
        let check = |padding: Padding, rows, stride, expected| {
            assert_eq!(padding.output_rows(rows, stride), expected, "{padding:?} {rows} {stride}");
        };
        check(Padding::Same, 32, 2, Some(16));
        check(Padding::Same, 15, 2, Some(8));
        check(Padding::Same, 1, 2, Some(1));
        check(Padding::Valid, 32, 2, Some(15));
        check(Padding::Valid, 32, 1, Some(30));
        check(Padding::Valid, 3, 2, Some(1));
        check(Padding::Valid, 2, 1, None);
    }
}
