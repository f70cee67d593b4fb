//! Classification of sums of embedding rows: five binary features.

use taskset_rng::StreamId;

use super::Objective;
use super::classifier::{add_penalty_gradient, cross_entropy, penalty};
use super::data::Batches;
use crate::Feed;
use crate::objectives::linalg::{axpy, dot};
use crate::objectives::real::Real;

/// Features of an example, each of them 0 or 1.
const IDS: usize = 5;
/// Parameter tensors: embedding, weights, bias.
const TENSORS: usize = 3;

/// With parameters emb [2, F], W [F, 2] and b [2], an example with ids `x_1 … x_5` has the logits
/// `(Σ_j emb[x_j]) W + b`. They depend on the number k of ones alone, so a minibatch is a table of how often each
/// (k, label) occurs.
pub(super) struct SparseSoftmax<T> {
    features: usize,
    /// Number of ones and label of each example.
    examples: Vec<(usize, bool)>,
    batches: Batches,
    /// Share of the minibatch with k ones and label 0 or 1.
    shares: [[T; 2]; IDS + 1],
    /// The first column of W, gathered.
    column: Vec<T>,
}

impl<T: Real> SparseSoftmax<T> {
    /// Draws the data: fair ids; the label is the parity of the number of ones, flipped with probability ¼.
    pub(super) fn new(replica: &StreamId, features: usize, samples: usize, size: usize) -> Self {
        let mut stream = replica.child("data").stream();
        let examples = (0..samples)
            .map(|_| {
                let ones = (0..IDS).filter(|_| stream.bernoulli(0.5)).count();
                (ones, (ones % 2 == 1) != stream.bernoulli(0.25))
            })
            .collect();
        Self {
            features,
            examples,
            batches: Batches::new(replica, samples, size),
            shares: [[T::zero(); 2]; IDS + 1],
            column: vec![T::zero(); features],
        }
    }

    /// The loss, and the derivatives by the logit's three parts: `emb[0] · w`, `emb[1] · w` and the bias.
    fn forward(&mut self, p: &[T]) -> (T, [T; 3]) {
        let f = self.features;
        for (w, pair) in self.column.iter_mut().zip(p[2 * f..4 * f].chunks_exact(2)) {
            *w = pair[0];
        }
        let products = [dot(&p[..f], &self.column), dot(&p[f..2 * f], &self.column)];
        let mut loss = penalty(p, TENSORS);
        let mut slopes = [T::zero(); 3];
        for (ones, shares) in self.shares.iter().enumerate() {
            let (zeros, ones) = (T::of((IDS - ones) as f64), T::of(ones as f64));
            for (label, &share) in [false, true].into_iter().zip(shares) {
                if share > T::zero() {
                    let z = zeros * products[0] + ones * products[1] + p[4 * f];
                    let (value, slope) = cross_entropy(z, label);
                    loss += share * value;
                    slopes[0] += share * slope * zeros;
                    slopes[1] += share * slope * ones;
                    slopes[2] += share * slope;
                }
            }
        }
        (loss, slopes)
    }
}

impl<T: Real> Objective<T> for SparseSoftmax<T> {
    fn next_batch(&mut self, feed: Feed) {
        let batch = self.batches.next(feed);
        let share = T::of(batch.len() as f64).recip();
        self.shares = [[T::zero(); 2]; IDS + 1];
        for &i in batch {
            let (ones, label) = self.examples[i as usize];
            self.shares[ones][usize::from(label)] += share;
        }
    }

    fn loss(&mut self, p: &[T]) -> T {
        self.forward(p).0
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let f = self.features;
        let (loss, [zero, one, bias]) = self.forward(p);
        g.fill(T::zero());
        axpy(zero, &self.column, &mut g[..f]);
        axpy(one, &self.column, &mut g[f..2 * f]);
        for i in 0..f {
            g[2 * f + 2 * i] = zero * p[i] + one * p[f + i];
        }
        g[4 * f] = bias;
        add_penalty_gradient(p, TENSORS, g);
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn the_table_gives_the_mean_over_examples() {
        let f = 3;
        let mut objective = SparseSoftmax::<f64>::new(&StreamId::root("t"), f, 20, 13);
        let p: Vec<f64> = (0..4 * f + 2).map(|i| ((i * i) as f64).sin()).collect();
        let (emb, w, b) = (&p[..2 * f], &p[2 * f..4 * f], &p[4 * f..]);
        let mut replay = Batches::new(&StreamId::root("t"), 20, 13);
        for _ in 0..4 {
            objective.next_batch(Feed::Training);
            let mut mean = 0.0;
            for &i in replay.next(Feed::Training) {
                let (ones, label) = objective.examples[i as usize];
                let mut z = b[0];
                for id in (0..IDS).map(|j| usize::from(j < ones)) {
                    z += (0..f).map(|k| emb[id * f + k] * w[2 * k]).sum::<f64>();
                }
                let y = f64::from(u8::from(label));
                mean += (z.max(0.0) - z * y + (1.0 + (-z.abs()).exp()).ln()) / 13.0;
            }
            let squares: f64 = p.iter().map(|x| x * x).sum();
            assert_close(objective.loss(&p), mean + 1e-3 * squares / 3.0, 1e-12);
        }
    }

    #[test]
    fn labels_are_noisy_parities() {
        let objective = SparseSoftmax::<f32>::new(&StreamId::root("t"), 1, 20_000, 1);
        let odd = objective.examples.iter().filter(|(ones, label)| (ones % 2 == 1) == *label).count() as f64;
        let ones = objective.examples.iter().map(|(ones, _)| ones).sum::<usize>() as f64;
        assert!((odd / 20_000.0 - 0.75).abs() < 0.02 && (ones / 20_000.0 - 2.5).abs() < 0.05);
    }
}
