//! Fixed permutations of features.

use std::sync::Arc;

use super::{LayerKind, one_vector};
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// `y[j] = x[order[j]]` in every row, `[rows, n]` to `[rows, n]`; `order` holds each of `0..n` once. Not trained.
///
/// Backward: `∂x[order[j]] = ∂y[j]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permutation(pub Arc<[u32]>);

impl Permutation {
    /// The permutation that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let mut inverse: Vec<u32> = vec![0; self.0.len()];
        for (to, &from) in (0u32..).zip(self.0.iter()) {
            if let Some(x) = inverse.get_mut(from as usize) {
                *x = to;
            }
        }
        Self(inverse.into())
    }

    /// Whether every index occurs once.
    fn is_valid(&self) -> bool {
        let mut seen = vec![false; self.0.len()];
        let mut first =
            |&i: &u32| seen.get_mut(i as usize).is_some_and(|seen| !std::mem::replace(seen, true));
        self.0.iter().all(&mut first)
    }
}

impl LayerKind for Permutation {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let features = one_vector(input)?;
        if features != self.0.len() {
            return Err(format!("is an order of {} features, not of {input}", self.0.len()));
        }
        if !self.is_valid() {
            return Err("is not an order: an index occurs twice or lies outside".to_owned());
        }
        Ok(input)
    }

    fn step<T: Scalar>(&self, _: Planning) -> Option<Box<dyn Step<T>>> {
        Some(Box::new(PermutationStep { order: Arc::clone(&self.0), inverse: self.inverse().0 }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let order = candle_core::Tensor::from_slice(&self.0, self.0.len(), x.device())?;
        Ok((x.index_select(&order, 1)?, None))
    }
}

#[derive(Debug)]
struct PermutationStep {
    order: Arc<[u32]>,
    inverse: Arc<[u32]>,
}

impl<T: Scalar> Step<T> for PermutationStep {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        T::gather(pass.backend, &self.order, x, y);
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        _: &[T],
        _: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        _: &mut [T],
    ) {
        if let Some(dx) = dx {
            T::gather(pass.backend, &self.inverse, dy, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use crate::{Dense, Layer, Loss, Network};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn gradients_and_inverses(
            order in (1u32..60).prop_flat_map(|n| Just((0..n).collect::<Vec<_>>()).prop_shuffle()), rows in 1usize..9,
        ) {
            let permutation = Permutation(order.into());
            let n = permutation.0.len();
            let dense = |outputs| Layer::from(Dense { outputs });
            let layers = vec![dense(n), permutation.clone().into(), dense(3)];
            check(&Network::new(Shape::Features(4), layers, Loss::SoftmaxCrossEntropy), rows);
            let inverse = permutation.inverse();
            prop_assert!((0..n).all(|i| permutation.0[inverse.0[i] as usize] as usize == i));
            prop_assert_eq!(inverse.inverse(), permutation);
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let output = |order: &[u32], n| Permutation(order.into()).output(Shape::Features(n));
        assert!(output(&[2, 0, 1], 3).is_ok());
        assert!(output(&[2, 0, 1], 4).unwrap_err().contains("an order of 3 features, not of 4 features"));
        for broken in [[0, 0, 1], [0, 1, 3]] {
            assert!(output(&broken, 3).unwrap_err().contains("twice or lies outside"));
        }
    }
}
