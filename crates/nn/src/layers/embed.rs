//! Embeddings of tokens.

use super::LayerKind;
use crate::parameter::Initial;
use crate::step::{Pass, Planning, Step};
use crate::{Initializer, Kind, Parameter, Scalar, Shape};

/// A row of a table for every token: tokens `[rows, length]` to a sequence `[length, rows, width]`. Parameter: `table`
/// `[vocabulary, width]`, standard normal whatever the network's initialiser.
///
/// Backward: each row of the table gets the sum of the gradients of the places where its token stands; rows of tokens
/// that do not occur get 0.
///
/// A [`Recurrent`](crate::Recurrent) layer right behind takes the embedding in: the embedded sequence is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embed {
    /// Width of the table.
    pub width: usize,
}

impl LayerKind for Embed {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Tokens { length, .. } => Ok(Shape::Sequence { length, width: self.width }),
            _ => Err(format!("takes tokens, not {input}")),
        }
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let vocabulary = if let Shape::Tokens { vocabulary, .. } = input { vocabulary } else { 0 };
        let start = Initial::By(Initializer::RandomNormal { std: 1.0 });
        vec![Parameter::new("table", Kind::Embedding, &[vocabulary, self.width], start)]
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let Shape::Tokens { length, .. } = planning.input else { return None };
        Some(Box::new(EmbedStep { length, width: self.width }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        params: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let (rows, length) = x.dims2()?;
        let tokens = x.t()?.flatten_all()?;
        Ok((params[0].index_select(&tokens, 0)?.reshape((length, rows, self.width))?, None))
    }
}

#[derive(Debug)]
struct EmbedStep {
    length: usize,
    width: usize,
}

impl EmbedStep {
    /// The tokens in the order of the sequence: time-major.
    fn tokens<'a>(&self, tokens: &'a [u16]) -> impl Iterator<Item = usize> + 'a {
        let length = self.length;
        (0..length).flat_map(move |t| tokens.chunks_exact(length).map(move |row| usize::from(row[t])))
    }
}

impl<T: Scalar> Step<T> for EmbedStep {
    fn forward(&mut self, pass: Pass<'_, T>, _: &[T], y: &mut [T]) -> f64 {
        for (token, y) in self.tokens(pass.tokens).zip(y.chunks_exact_mut(self.width)) {
            y.copy_from_slice(&pass.params[token * self.width..][..self.width]);
        }
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        _: &[T],
        _: &[T],
        dy: &mut [T],
        _: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        gradients.fill(T::zero());
        for (token, dy) in self.tokens(pass.tokens).zip(dy.chunks_exact(self.width)) {
            let sum = &mut gradients[token * self.width..][..self.width];
            sum.iter_mut().zip(dy).for_each(|(sum, &d)| *sum = *sum + d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use crate::{Dense, LayerNorm, Loss, Network, TimePool};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn gradients_of_every_shape(
            length in 2usize..8, vocabulary in 2usize..20, width in 1usize..20, rows in 1usize..9, norm: bool,
        ) {
            let input = Shape::Tokens { length, vocabulary };
            let mut layers = vec![Embed { width }.into()];
            if norm && width > 1 {
                layers.push(LayerNorm.into());
            }
            layers.push(Dense { outputs: vocabulary }.into());
            check(&Network::new(input, layers, Loss::NextToken), rows);
            let layers = vec![Embed { width }.into(), TimePool::Mean.into(), Dense { outputs: 3 }.into()];
            check(&Network::new(input, layers, Loss::SoftmaxCrossEntropy), rows);
        }
    }

    #[test]
    fn tables_are_standard_normal_whatever_the_initialiser() {
        let input = Shape::Tokens { length: 4, vocabulary: 1000 };
        let layers = vec![Embed { width: 30 }.into(), Dense { outputs: 1000 }.into()];
        let network = Network::new(input, layers, Loss::NextToken).with_weights(Initializer::Zeros);
        let mut params = vec![0f64; network.parameter_count()];
        network.init(&mut params, &mut crate::testing::stream("embed"));
        let (table, rest) = params.split_at(30_000);
        let variance = table.iter().map(|x| x * x).sum::<f64>() / 30_000.0;
        // The variance of 30,000 squares has a standard error of 0.008.
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
        assert!(rest.iter().all(|x| x.to_bits() == 0));
    }

    #[test]
    fn only_tokens_are_embedded() {
        assert!(Embed { width: 2 }.output(Shape::Features(3)).unwrap_err().contains("takes tokens, not 3"));
    }
}
