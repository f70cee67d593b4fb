//! Parameter tensors of a network: names, shapes, initial values.

use taskset_rng::Stream;

use crate::{Initializer, Kind, Position, Role, Scalar};

/// One named parameter tensor of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `layer<i>/w`, `/b`, `/gamma`, …, `i` counting the layers that have weights.
    pub name: String,
    /// What it does, and where its layer stands in its network.
    pub role: Role,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    /// The axis whose entries belong to one output each, counted from 0: the last one, but for the kernels of
    /// [transposed convolutions](crate::ConvTranspose). It has no meaning below two axes.
    pub output_axis: usize,
    /// Its initial values.
    pub start: Initial,
    /// Elements that are 0 initially, and that projecting optimizers must keep at 0.
    pub mask: Mask,
}

/// The initial values of a parameter tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// The network's initialiser of weights, or that of the layer.
    Weights,
    /// An initialiser of its own.
    By(Initializer),
    /// Normal with this standard deviation, redrawn until within two standard deviations.
    Truncated {
        /// Standard deviation before the truncation.
        std: f64,
    },
    /// All elements equal.
    Constant(f64),
}

/// Which elements of a tensor are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// All.
    Free,
    /// An element `[i, j]` is free if this block mask of TensorFlow Probability says so.
    Blocks(BlockMask),
}

/// The mask of a kernel `[inputs, outputs]` of a masked autoregressive network with `blocks` blocks, as TensorFlow
/// Probability 0.8 builds it: with `d_in = inputs / blocks` and `d_out = outputs / blocks` (rounded down), the input
/// rows `[q d_in, (q + 1) d_in)` of block `q` reach the outputs from `first + q d_out` on, where `first` is `d_out` if
/// `strict` and else 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockMask {
    /// Number of blocks.
    pub blocks: usize,
    /// Whether a block must not reach its own outputs: the first layer.
    pub strict: bool,
}

impl BlockMask {
    /// Whether the element `[input, output]` of a kernel `[inputs, outputs]` is free.
    pub const fn is_free(self, [inputs, outputs]: [usize; 2], [input, output]: [usize; 2]) -> bool {
        let (d_in, d_out) = (inputs / self.blocks, outputs / self.blocks);
        if d_in == 0 || input >= d_in * self.blocks {
            return false;
        }
        let first = if self.strict { d_out } else { 0 };
        output >= first + input / d_in * d_out
    }
}

impl Parameter {
    /// A parameter of a layer between others, whose outputs are the last axis.
    pub(crate) fn new(name: &str, kind: Kind, shape: &[usize], start: Initial) -> Self {
        let role = Role::new(kind, Position::Hidden);
        let output_axis = shape.len().saturating_sub(1);
        Self { name: name.to_owned(), role, shape: shape.to_vec(), output_axis, start, mask: Mask::Free }
    }

    /// The same at another position.
    pub(crate) fn at(self, position: Position) -> Self {
        Self { role: Role { position, ..self.role }, ..self }
    }

    /// Whether it multiplies the inputs of its layer or is looked up by them: biases and gains do not.
    pub(crate) const fn is_weights(&self) -> bool {
        !matches!(self.role.kind, Kind::Bias | Kind::Gain | Kind::Plain)
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Writes the initial values.
    pub(crate) fn init<T: Scalar>(&self, weights: Initializer, out: &mut [T], stream: &mut Stream) {
        match self.start {
            Initial::Weights => weights.fill_oriented(&self.shape, self.output_axis, out, stream),
            Initial::By(initializer) => initializer.fill_oriented(&self.shape, self.output_axis, out, stream),
            Initial::Truncated { std } => {
                out.iter_mut().for_each(|x| *x = T::of(std * stream.truncated_normal()));
            }
            Initial::Constant(x) => out.fill(T::of(x)),
        }
        self.for_masked(|i| out[i] = T::zero());
    }

    /// Calls `f` with the number of every element that must stay 0.
    pub(crate) fn for_masked(&self, mut f: impl FnMut(usize)) {
        let (Mask::Blocks(mask), &[inputs, outputs]) = (self.mask, &self.shape[..]) else { return };
        for input in 0..inputs {
            for output in 0..outputs {
                if !mask.is_free([inputs, outputs], [input, output]) {
                    f(input * outputs + output);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_two_blocks() {
        let free = |strict, shape: [usize; 2]| {
            let mask = BlockMask { blocks: 2, strict };
            let rows =
                (0..shape[0]).map(|i| (0..shape[1]).filter(|&j| mask.is_free(shape, [i, j])).collect());
            rows.collect::<Vec<Vec<usize>>>()
        };
        assert_eq!(free(true, [2, 4]), [vec![2, 3], vec![]]);
        assert_eq!(free(false, [4, 2]), [vec![0, 1], vec![0, 1], vec![1], vec![1]]);
        // Fewer units than blocks (QUIRK-21): the first kernel is dense, later ones are all masked.
        assert_eq!(free(true, [2, 1]), [vec![0], vec![0]]);
        assert_eq!(free(false, [1, 4]), [Vec::<usize>::new()]);
    }
}
