//! Reductions of a sequence over its time steps.

use super::LayerKind;
use crate::kernels::maxima_backward;
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// A sequence `[length, rows, width]` to features `[rows, width]`; padding counts like text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePool {
    /// The last time step.
    Last,
    /// The largest value of each feature. Equal maxima share the gradient equally; NaN is larger than all numbers.
    Max,
    /// The mean over the time steps.
    Mean,
}

impl LayerKind for TimePool {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Sequence { length, width } if length > 0 => Ok(Shape::Features(width)),
            _ => Err(format!("takes sequences, not {input}")),
        }
    }

    fn step<T: Scalar>(&self, _: Planning) -> Option<Box<dyn Step<T>>> {
        Some(Box::new(TimePoolStep { pool: *self, ties: Vec::new() }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        _: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let y = match self {
            Self::Last => x.get(x.dim(0)? - 1)?,
            Self::Mean => x.mean(0)?,
            Self::Max => {
                let largest = x.broadcast_eq(&x.max_keepdim(0)?)?.to_dtype(x.dtype())?;
                let shares = largest.broadcast_div(&largest.sum_keepdim(0)?)?.detach();
                (x * shares)?.sum(0)?
            }
        };
        Ok((y, None))
    }
}

#[derive(Debug)]
struct TimePoolStep<T> {
    pool: TimePool,
    /// How often each maximum occurs, `[rows, width]`.
    ties: Vec<T>,
}

impl<T: Scalar> Step<T> for TimePoolStep<T> {
    fn forward(&mut self, _: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let n = y.len();
        let last = x.len() - n;
        match self.pool {
            TimePool::Last => y.copy_from_slice(&x[last..]),
            TimePool::Max => {
                y.copy_from_slice(&x[..n]);
                for step in x.chunks_exact(n).skip(1) {
                    for (y, &x) in y.iter_mut().zip(step) {
                        // A NaN that is already there is never exceeded.
                        *y = if x > *y || x.is_nan() { x } else { *y };
                    }
                }
            }
            TimePool::Mean => {
                y.fill(T::zero());
                for step in x.chunks_exact(n) {
                    y.iter_mut().zip(step).for_each(|(y, &x)| *y = *y + x);
                }
                let length = T::of((x.len() / n) as f64);
                y.iter_mut().for_each(|y| *y = *y / length);
            }
        }
        0.0
    }

    fn backward(
        &mut self,
        _: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        _: &mut [T],
    ) {
        let Some(dx) = dx else { return };
        let n = y.len();
        let last = x.len() - n;
        match self.pool {
            TimePool::Last => {
                dx[..last].fill(T::zero());
                dx[last..].copy_from_slice(dy);
            }
            TimePool::Max => maxima_backward(x, y, dy, dx, &mut self.ties),
            TimePool::Mean => {
                let length = T::of((x.len() / n) as f64);
                dy.iter_mut().for_each(|d| *d = *d / length);
                for dx in dx.chunks_exact_mut(n) {
                    dx.copy_from_slice(dy);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use crate::{Activation, Backend, Dense, Embed, Layer, Loss, Network, Plan};
    use proptest::prelude::*;

    const POOLS: [TimePool; 3] = [TimePool::Last, TimePool::Max, TimePool::Mean];

    fn network(input: Shape, pool: TimePool, before: Vec<Layer>) -> Network {
        let layers = [before, vec![pool.into(), Dense { outputs: 3 }.into()]].concat();
        Network::new(input, layers, Loss::SoftmaxCrossEntropy)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn gradients_of_every_shape(
            length in 1usize..9, width in 1usize..20, rows in 1usize..9, pool in prop::sample::select(&POOLS[..]),
        ) {
            let input = Shape::Sequence { length, width };
            check(&network(input, pool, vec![Dense { outputs: 5 }.into(), Activation::Tanh.into()]), rows);
        }
    }

    /// The gradient that reaches the table of three tokens for a given text, pooled by the maximum.
    fn table_gradient(tokens: [u16; 4], table: [f64; 3]) -> Vec<f64> {
        let layers = vec![Embed { width: 1 }.into(), TimePool::Max.into(), Dense { outputs: 2 }.into()];
        let input = Shape::Tokens { length: 4, vocabulary: 3 };
        let network = Network::new(input, layers, Loss::SoftmaxCrossEntropy);
        let mut plan = Plan::<f64>::with_backend(&network, 1, Backend::portable()).unwrap();
        plan.batch_mut().tokens.copy_from_slice(&tokens);
        let params = [&table[..], &[1.0, -1.0, 0.0, 0.0]].concat();
        let mut gradients = vec![0.0; params.len()];
        plan.loss_and_gradients(&params, &mut gradients);
        gradients.truncate(3);
        gradients
    }

    #[test]
    fn equal_maxima_share_the_gradient_by_their_number() {
        let alone = table_gradient([0, 1, 1, 1], [2.0, 1.0, 0.0])[0];
        let shared = table_gradient([0, 1, 1, 2], [2.0, 2.0, 0.0]);
        assert!(alone.abs() > 1e-3);
        assert!((shared[0] - alone / 3.0).abs() < 1e-15 && (shared[1] - alone * 2.0 / 3.0).abs() < 1e-15);
        assert!(shared[2].abs() < 1e-300);
    }

    #[test]
    fn nan_is_never_hidden() {
        for tokens in [[0, 1, 2, 1], [1, 2, 2, 0], [2, 0, 1, 1]] {
            assert!(table_gradient(tokens, [f64::NAN, 1.0, 2.0]).iter().any(|g| g.is_nan()));
        }
    }
}
