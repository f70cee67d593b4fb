//! Parameter counts and cost estimates of models, from their widths alone.

use std::ops::{Add, Mul};

/// Number of trainable parameters of (a part of) a model, and multiplications of its forward pass on one example.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Trainable parameters.
    pub num_params: u64,
    /// Multiply-add operations of the forward pass on one example, an estimate.
    pub macs: f64,
}

impl Size {
    /// Floating-point operations of one training step: two for each multiplication, and the backward pass costs twice
    /// the forward pass.
    pub fn flops_per_step(self, batch_size: usize) -> f64 {
        6.0 * self.macs * batch_size as f64
    }

    /// The same parameters, used `times` times per example, as those of a recurrent core are.
    #[must_use]
    pub fn unrolled(self, times: usize) -> Self {
        Self { macs: self.macs * times as f64, ..self }
    }

    /// Parameters whose computation costs next to nothing: embeddings, initial states.
    pub const fn free(num_params: u64) -> Self {
        Self { num_params, macs: 0.0 }
    }
}

impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { num_params: self.num_params + other.num_params, macs: self.macs + other.macs }
    }
}

/// So many copies, each with its own parameters.
impl Mul<usize> for Size {
    type Output = Self;

    fn mul(self, copies: usize) -> Self {
        Self { num_params: self.num_params * copies as u64, macs: self.macs * copies as f64 }
    }
}

/// What a task costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Trainable parameters.
    pub num_params: u64,
    /// Floating-point operations of one training step without the optimizer, an estimate.
    pub flops_per_step: f64,
}

impl Size {
    /// The cost with minibatches of this many examples.
    pub fn with_batch(self, batch_size: usize) -> Cost {
        Cost { num_params: self.num_params, flops_per_step: self.flops_per_step(batch_size) }
    }
}

/// Fully connected layers with biases: `widths` from the input to the output.
pub(crate) fn dense(widths: impl IntoIterator<Item = usize>) -> Size {
    let mut widths = widths.into_iter();
    let mut size = Size::default();
    let Some(mut inputs) = widths.next() else { return size };
    for outputs in widths {
        let weights = inputs as u64 * outputs as u64;
        size = size + Size { num_params: weights + outputs as u64, macs: weights as f64 };
        inputs = outputs;
    }
    size
}

/// A 3×3 convolution (or transposed convolution) that is applied at `positions` places.
pub(crate) fn conv3x3(inputs: usize, outputs: usize, bias: bool, positions: usize) -> Size {
    let weights = 9 * inputs as u64 * outputs as u64;
    Size {
        num_params: weights + if bias { outputs as u64 } else { 0 },
        macs: weights as f64 * positions as f64,
    }
}

/// The kinds of recurrent core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoreKind {
    /// `h' = act(x W + b + h U + c)`: two biases.
    Vrnn,
    /// Gated recurrent unit.
    Gru,
    /// Long short-term memory.
    Lstm,
}

impl CoreKind {
    /// One step of a core with this input and hidden width, without the initial state.
    pub(crate) fn size(self, inputs: usize, hidden: usize) -> Size {
        let (e, r) = (inputs as u64, hidden as u64);
        let weights = (e + r) * r;
        let (gates, biases) = match self {
            Self::Vrnn => (1, 2 * r),
            Self::Gru => (3, 3 * r),
            Self::Lstm => (4, 4 * r),
        };
        Size { num_params: gates * weights + biases, macs: (gates * weights) as f64 }
    }

    /// Parameters of a trainable initial state.
    pub(crate) const fn state_len(self, hidden: usize) -> u64 {
        match self {
            Self::Vrnn | Self::Gru => hidden as u64,
            Self::Lstm => 2 * hidden as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_count_weights_and_biases() {
        assert_eq!(dense([784, 128, 10]).num_params, 785 * 128 + 129 * 10);
        assert_eq!(dense([7]), Size::default());
        assert_eq!(conv3x3(3, 32, true, 256).num_params, 27 * 32 + 32);
        assert_eq!(conv3x3(3, 32, false, 1).num_params, 27 * 32);
        assert_eq!(CoreKind::Vrnn.size(5, 3).num_params, 15 + 9 + 6);
        assert_eq!(CoreKind::Gru.size(5, 3).num_params, 3 * (15 + 9 + 3));
        assert_eq!(CoreKind::Lstm.size(5, 3).num_params, (5 + 3) * 12 + 12);
        assert_eq!((dense([2, 3]) * 4).num_params, 36);
        assert_eq!(dense([2, 3]).unrolled(10).num_params, 9);
    }
}
