//! Tokens as unit vectors.

use super::LayerKind;
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// A vector for every token, with 1 in the place of the token and 0 elsewhere: tokens `[rows, length]` to a sequence
/// `[length, rows, vocabulary]`. No parameters.
///
/// A [`Recurrent`](crate::Recurrent) layer right behind takes it in: the vectors are never stored, and their products with
/// the input weights are rows of these, which are never multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneHot;

impl LayerKind for OneHot {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Tokens { length, vocabulary } => Ok(Shape::Sequence { length, width: vocabulary }),
            _ => Err(format!("takes tokens, not {input}")),
        }
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let Shape::Tokens { length, vocabulary } = planning.input else { return None };
        Some(Box::new(OneHotStep { length, vocabulary }))
    }

    /// The vectors are integers, because nothing says here which precision the network has.
    #[cfg(feature = "candle")]
    fn reference(
        &self,
        input: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let Shape::Tokens { length, vocabulary } = input else {
            candle_core::bail!("one-hot vectors of {input}")
        };
        let tokens = x.t()?.flatten_all()?;
        let vectors = candle_core::Tensor::eye(vocabulary, candle_core::DType::U32, x.device())?;
        Ok((vectors.index_select(&tokens, 0)?.reshape((length, (), vocabulary))?, None))
    }
}

#[derive(Debug)]
struct OneHotStep {
    length: usize,
    vocabulary: usize,
}

impl<T: Scalar> Step<T> for OneHotStep {
    fn forward(&mut self, pass: Pass<'_, T>, _: &[T], y: &mut [T]) -> f64 {
        y.fill(T::zero());
        for (r, row) in pass.tokens.chunks_exact(self.length).enumerate() {
            for (t, &token) in row.iter().enumerate() {
                let vector = &mut y[(t * pass.rows + r) * self.vocabulary..][..self.vocabulary];
                vector[usize::from(token)] = T::one();
            }
        }
        0.0
    }

    /// Nothing: tokens have no gradient, and there are no parameters.
    fn backward(&mut self, _: Pass<'_, T>, _: &[T], _: &[T], _: &mut [T], _: Option<&mut [T]>, _: &mut [T]) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use crate::{Activation, Dense, LayerNorm, Loss, Network, TimePool};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn gradients_of_every_shape(
            length in 1usize..8, vocabulary in 2usize..20, hidden in 1usize..9, rows in 1usize..9, norm: bool,
        ) {
            let input = Shape::Tokens { length, vocabulary };
            let mut layers = vec![OneHot.into()];
            if norm {
                layers.push(LayerNorm.into());
            }
            layers.extend([Dense { outputs: hidden }.into(), Activation::Tanh.into()]);
            layers.extend([TimePool::Mean.into(), Dense { outputs: 3 }.into()]);
            check(&Network::new(input, layers, Loss::SoftmaxCrossEntropy), rows);
        }
    }

    #[test]
    fn only_tokens_are_one_hot() {
        assert!(OneHot.output(Shape::Features(3)).unwrap_err().contains("takes tokens, not 3"));
        assert!(OneHot.parameters(Shape::Tokens { length: 4, vocabulary: 9 }).is_empty());
    }
}
