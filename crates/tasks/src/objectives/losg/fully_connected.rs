//! A small fully connected classifier of random data.

use taskset_nn::Activation;
use taskset_rng::StreamId;

use super::Objective;
use super::classifier::{add_penalty_gradient, cross_entropy, penalty};
use super::data::{Batches, network_labels};
use crate::Feed;
use crate::objectives::element_draw::ElementDraw;
use crate::objectives::linalg::{axpy, dot};
use crate::objectives::real::Real;

/// Layer sizes `n_features → hidden … → 2`; parameters W [in, out], then b [out] of each layer.
///
/// There are at most 30 examples, and minibatches are usually larger: each example that occurs is computed once and
/// weighted by how often it does. Of the output layer only the first logit is computed (QUIRK-28).
pub(super) struct FullyConnected<T> {
    /// Input width, then each hidden width; the output layer is not listed.
    sizes: Vec<usize>,
    activation: Activation,
    features: Vec<T>,
    labels: Vec<bool>,
    batches: Batches,
    counts: Vec<u32>,
    /// Examples of the minibatch with their shares.
    active: Vec<(usize, T)>,
    /// Per hidden layer, before and after the activation: rows of the active examples.
    layers: Vec<(Vec<T>, Vec<T>)>,
    /// Gradients by the values before the activation of a layer and of the one below it.
    delta: Vec<T>,
    delta_below: Vec<T>,
}

impl<T: Real> FullyConnected<T> {
    /// Draws the data: N(0, 1) features, labels by a random network.
    pub(super) fn new(
        replica: &StreamId,
        features: usize,
        hidden: &[usize],
        activation: Activation,
        samples: usize,
        size: usize,
    ) -> Self {
        let data = replica.child("data");
        let rows = ElementDraw::STANDARD_NORMAL.many(&mut data.stream(), samples * features);
        let labels = network_labels(&rows, features, &mut data.child("labels").stream());
        let sizes: Vec<usize> = [features].into_iter().chain(hidden.iter().copied()).collect();
        let widest = sizes.iter().copied().max().unwrap_or(0);
        Self {
            activation,
            features: rows.into_iter().map(T::of).collect(),
            labels,
            batches: Batches::new(replica, samples, size),
            counts: vec![0; samples],
            active: Vec::with_capacity(samples),
            layers: hidden
                .iter()
                .map(|h| (vec![T::zero(); samples * h], vec![T::zero(); samples * h]))
                .collect(),
            delta: vec![T::zero(); samples * widest],
            delta_below: vec![T::zero(); samples * widest],
            sizes,
        }
    }

    fn tensors(&self) -> usize {
        2 * self.sizes.len()
    }

    /// Values of the layer below layer `l` for the active example number `row`.
    fn input(&self, l: usize, row: usize) -> &[T] {
        let width = self.sizes[l];
        if l == 0 {
            let example = self.active[row].0;
            &self.features[example * width..(example + 1) * width]
        } else {
            &self.layers[l - 1].1[row * width..(row + 1) * width]
        }
    }

    /// Runs the hidden layers; returns the offset of the output layer's parameters.
    fn forward(&mut self, p: &[T]) -> usize {
        let mut offset = 0;
        for l in 0..self.layers.len() {
            let (n_in, n_out) = (self.sizes[l], self.sizes[l + 1]);
            let (w, bias) = p[offset..offset + (n_in + 1) * n_out].split_at(n_in * n_out);
            offset += (n_in + 1) * n_out;
            let (mut before, mut after) = std::mem::take(&mut self.layers[l]);
            for row in 0..self.active.len() {
                let out = &mut before[row * n_out..(row + 1) * n_out];
                out.copy_from_slice(bias);
                for (&x, weights) in self.input(l, row).iter().zip(w.chunks_exact(n_out)) {
                    axpy(x, weights, out);
                }
                for (after, &z) in after[row * n_out..].iter_mut().zip(&*out) {
                    *after = activate(self.activation, z);
                }
            }
            self.layers[l] = (before, after);
        }
        offset
    }

    /// First logit of an active example.
    fn logit(&self, row: usize, output: &[T]) -> T {
        let input = self.input(self.layers.len(), row);
        let weighted: T = input.iter().zip(output.chunks_exact(2)).map(|(&h, w)| h * w[0]).sum();
        weighted + output[2 * input.len()]
    }
}

impl<T: Real> Objective<T> for FullyConnected<T> {
    fn next_batch(&mut self, feed: Feed) {
        let batch = self.batches.next(feed);
        let share = T::of(batch.len() as f64).recip();
        self.counts.fill(0);
        for &i in batch {
            self.counts[i as usize] += 1;
        }
        self.active.clear();
        for (i, &count) in self.counts.iter().enumerate() {
            if count > 0 {
                self.active.push((i, T::of(f64::from(count)) * share));
            }
        }
    }

    fn loss(&mut self, p: &[T]) -> T {
        let output = &p[self.forward(p)..];
        let mut loss = penalty(p, self.tensors());
        for (row, &(example, share)) in self.active.iter().enumerate() {
            loss += share * cross_entropy(self.logit(row, output), self.labels[example]).0;
        }
        loss
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        let mut offset = self.forward(p);
        g.fill(T::zero());
        let mut loss = penalty(p, self.tensors());
        let top = self.layers.len();
        let width = self.sizes[top];
        let output = &p[offset..];
        let mut delta = std::mem::take(&mut self.delta);
        let mut below = std::mem::take(&mut self.delta_below);
        for (row, &(example, share)) in self.active.iter().enumerate() {
            let (value, slope) = cross_entropy(self.logit(row, output), self.labels[example]);
            loss += share * value;
            let slope = share * slope;
            let g = &mut g[offset..];
            for (i, &h) in self.input(top, row).iter().enumerate() {
                g[2 * i] += slope * h;
                delta[row * width + i] = slope * output[2 * i];
            }
            g[2 * width] += slope;
        }
        // Here `delta` holds gradients by a layer's outputs; they become those by its values before the activation.
        for l in (0..top).rev() {
            let (n_in, n_out) = (self.sizes[l], self.sizes[l + 1]);
            offset -= (n_in + 1) * n_out;
            let w = &p[offset..offset + n_in * n_out];
            let (gw, gb) = g[offset..offset + (n_in + 1) * n_out].split_at_mut(n_in * n_out);
            for row in 0..self.active.len() {
                let range = row * n_out..(row + 1) * n_out;
                let d = &mut delta[range.clone()];
                for ((d, &z), &h) in
                    d.iter_mut().zip(&self.layers[l].0[range.clone()]).zip(&self.layers[l].1[range])
                {
                    *d *= slope(self.activation, z, h);
                }
                axpy(T::one(), d, gb);
                let rows = w.chunks_exact(n_out).zip(gw.chunks_exact_mut(n_out));
                for (i, (&x, (w, gw))) in self.input(l, row).iter().zip(rows).enumerate() {
                    axpy(x, d, gw);
                    if l > 0 {
                        below[row * n_in + i] = dot(w, d);
                    }
                }
            }
            std::mem::swap(&mut delta, &mut below);
        }
        (self.delta, self.delta_below) = (delta, below);
        add_penalty_gradient(p, self.tensors(), g);
        loss
    }
}

fn sigmoid<T: Real>(z: T) -> T {
    (T::one() + (-z).math_exp()).recip()
}

/// An activation of TaskSet.
#[inline]
fn activate<T: Real>(activation: Activation, z: T) -> T {
    match activation {
        Activation::Cos => z.math_cos(),
        Activation::Elu => {
            if z < T::zero() {
                z.math_exp() - T::one()
            } else {
                z
            }
        }
        Activation::LeakyRelu1 => leaky(z, 0.1),
        Activation::LeakyRelu2 => leaky(z, 0.2),
        Activation::LeakyRelu4 => leaky(z, 0.4),
        // Not `max`, which drops NaN.
        Activation::Relu => {
            if z < T::zero() {
                T::zero()
            } else {
                z
            }
        }
        Activation::Sigmoid => sigmoid(z),
        Activation::Swish => z * sigmoid(z),
        Activation::Tanh => z.math_tanh(),
    }
}

fn leaky<T: Real>(z: T, alpha: f64) -> T {
    if z > T::zero() { z } else { T::of(alpha) * z }
}

/// Derivative of an activation at `z`, where its value is `h`, with TensorFlow's choices at kinks.
#[inline]
fn slope<T: Real>(activation: Activation, z: T, h: T) -> T {
    let one = T::one();
    let positive_or = |alpha: f64| if z > T::zero() { one } else { T::of(alpha) };
    match activation {
        Activation::Cos => -z.math_sin(),
        Activation::Elu => {
            if z < T::zero() {
                h + one
            } else {
                one
            }
        }
        Activation::LeakyRelu1 => positive_or(0.1),
        Activation::LeakyRelu2 => positive_or(0.2),
        Activation::LeakyRelu4 => positive_or(0.4),
        Activation::Relu => positive_or(0.0),
        Activation::Sigmoid => h * (one - h),
        Activation::Swish => {
            let s = sigmoid(z);
            s + h * (one - s)
        }
        Activation::Tanh => one - h * h,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::testing::assert_close;

    #[test]
    fn subgradients_at_zero_are_tensorflows() {
        let expected = [
            (Activation::Elu, 1.0),
            (Activation::LeakyRelu1, 0.1),
            (Activation::LeakyRelu2, 0.2),
            (Activation::LeakyRelu4, 0.4),
            (Activation::Relu, 0.0),
        ];
        for (activation, expected) in expected {
            assert_close(slope(activation, 0.0, activate(activation, 0.0)), expected, 0.0);
        }
    }

    #[test]
    fn slopes_are_derivatives() {
        for activation in Activation::ALL {
            for z in [-2.0, -0.3, 0.4, 1.7f64] {
                let difference = (activate(activation, z + 1e-6) - activate(activation, z - 1e-6)) / 2e-6;
                assert_close(slope(activation, z, activate(activation, z)), difference, 1e-8);
            }
        }
    }

    #[test]
    fn weighted_examples_give_the_mean_over_the_minibatch() {
        // One hidden unit, computed by hand for each element of the minibatch.
        let mut objective =
            FullyConnected::<f64>::new(&StreamId::root("t"), 2, &[1], Activation::Tanh, 7, 23);
        let mut replay = Batches::new(&StreamId::root("t"), 7, 23);
        // W [2, 1], b [1], W [1, 2], b [2].
        let p = [0.5, -1.0, 0.25, 2.0, 9.0, -0.5, 7.0];
        objective.next_batch(Feed::Training);
        let mut mean = 0.0;
        for &i in replay.next(Feed::Training) {
            let x = &objective.features[2 * i as usize..][..2];
            let z = 2.0 * (0.5 * x[0] - x[1] + 0.25).tanh() - 0.5;
            let y = f64::from(u8::from(objective.labels[i as usize]));
            mean += (z.max(0.0) - z * y + (1.0 + (-z.abs()).exp()).ln()) / 23.0;
        }
        let squares: f64 = p.iter().map(|x| x * x).sum();
        assert_close(objective.loss(&p), mean + 1e-3 * squares / 4.0, 1e-12);
    }

    #[test]
    fn the_second_logit_is_trained_by_the_penalty_alone() {
        let mut objective =
            FullyConnected::<f64>::new(&StreamId::root("t"), 2, &[1], Activation::Relu, 7, 23);
        let p = [0.5, -1.0, 0.25, 2.0, 9.0, -0.5, 7.0];
        let mut g = [0.0; 7];
        objective.next_batch(Feed::Training);
        objective.loss_and_gradients(&p, &mut g);
        assert_close(g[4], 2e-3 / 4.0 * 9.0, 1e-15);
        assert_close(g[6], 2e-3 / 4.0 * 7.0, 1e-15);
    }
}
