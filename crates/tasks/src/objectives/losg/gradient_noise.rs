//! Noise on the gradient: additive, and zeroing of elements.

use taskset_rng::Stream;

use crate::Feed;
use crate::objectives::real::Real;

/// Each element of the gradient is set to 0 with a probability, else it gets independent normal noise.
///
/// The numbers are drawn with the training minibatch, so that its gradient is the same however often it is asked for.
pub(super) struct GradientNoise<T> {
    zero_probability: f64,
    std: f64,
    stream: Stream,
    /// One per element: `None` is zeroed. Empty while there is nothing to do.
    current: Vec<Option<T>>,
    params: usize,
}

impl<T: Real> GradientNoise<T> {
    /// Noise of standard deviation `std` on the elements that survive zeroing, for `params` parameters.
    pub(super) fn new(zero_probability: f64, std: f64, stream: Stream, params: usize) -> Self {
        Self { zero_probability, std, stream, current: Vec::with_capacity(params), params }
    }

    /// Draws the noise of the next training minibatch; other feeds have none.
    pub(super) fn next_batch(&mut self, feed: Feed) {
        self.current.clear();
        if feed != Feed::Training || (self.zero_probability == 0.0 && self.std == 0.0) {
            return;
        }
        for _ in 0..self.params {
            let zeroed = self.zero_probability > 0.0 && self.stream.bernoulli(self.zero_probability);
            let noise =
                (!zeroed).then(|| T::of(if self.std == 0.0 { 0.0 } else { self.std * self.stream.normal() }));
            self.current.push(noise);
        }
    }

    /// Applies the noise of the current minibatch to a gradient.
    pub(super) fn apply(&self, g: &mut [T]) {
        for (g, noise) in g.iter_mut().zip(&self.current) {
            *g = noise.map_or(T::zero(), |noise| *g + noise);
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "untouched numbers stay the same")]
mod tests {
    use super::*;
    use taskset_names::Split;
    use taskset_rng::StreamId;

    #[test]
    fn moments_of_noise_and_zeroing() {
        let n = 40_000;
        let mut noise = GradientNoise::<f64>::new(0.9, 2.0, StreamId::root("t").stream(), n);
        noise.next_batch(Feed::Training);
        let mut g = vec![5.0; n];
        noise.apply(&mut g);
        let kept: Vec<f64> = g.iter().copied().filter(|&x| x != 0.0).collect();
        let share = kept.len() as f64 / n as f64;
        assert!((share - 0.1).abs() < 0.0075, "{share}");
        let mean = kept.iter().sum::<f64>() / kept.len() as f64;
        let variance = kept.iter().map(|x| (x - 5.0) * (x - 5.0)).sum::<f64>() / kept.len() as f64;
        assert!((mean - 5.0).abs() < 0.16 && (variance - 4.0).abs() < 0.5, "{mean} {variance}");
    }

    #[test]
    fn evaluation_has_none() {
        let mut noise = GradientNoise::<f32>::new(0.5, 2.0, StreamId::root("t").stream(), 3);
        noise.next_batch(Feed::Training);
        noise.next_batch(Feed::Evaluation(Split::Test));
        let mut g = [1.0; 3];
        noise.apply(&mut g);
        assert_eq!(g, [1.0; 3]);
    }
}
