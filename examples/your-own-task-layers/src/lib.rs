//! Telling two spirals apart: a task described with layers. The network is planned and trains fast; gradients, precisions,
//! evaluation in large passes and trials in lockstep come with it.

use std::f64::consts::PI;

use taskset_names::Split;
use taskset_nn::{Activation, BatchMut, Dropout, Loss, Network, Scalar};
use taskset_rng::Stream;
use taskset_tasks::{Draw, Drawn, Error, NetworkTask};

/// Points on two spirals, a class each, drawn anew for every minibatch.
#[derive(Debug)]
pub struct Spirals {
    /// Turns of each spiral.
    pub turns: f64,
    /// Standard deviation of the points around it.
    pub noise: f64,
}

impl Draw for Spirals {
    fn batch_size(&self) -> usize {
        64
    }

    // Curves of the task are used again by a later sweep only if this text is the same: change it with the draws.
    fn description(&self) -> Option<String> {
        Some(format!("spirals, version 1: {} turns, noise {}", self.turns, self.noise))
    }

    // All splits are draws from one distribution. With examples in memory, draw from a part of them for each split.
    fn draw<T: Scalar>(&self, _: Split, stream: &mut Stream, batch: BatchMut<'_, T>) {
        for (point, label) in batch.features.chunks_exact_mut(2).zip(batch.labels) {
            *label = stream.below(2) as u16;
            let radius = stream.unit_f64();
            let angle = 2.0 * PI * self.turns * radius + PI * f64::from(*label);
            for (x, direction) in point.iter_mut().zip([angle.cos(), angle.sin()]) {
                *x = T::of(radius * direction + self.noise * stream.normal());
            }
        }
    }
}

/// The task: 2-32-32-2 with dropout behind the first hidden layer, softmax cross-entropy.
///
/// # Errors
/// Where layers do not fit together.
pub fn task() -> Result<NetworkTask<Drawn<Spirals>>, Error> {
    let mut network = Network::mlp(2, &[32, 32, 2], Activation::Relu, Loss::SoftmaxCrossEntropy);
    network.layers.insert(2, Dropout { keep: 0.95 }.into());
    NetworkTask::new("your_own/spirals", network, Drawn(Spirals { turns: 0.8, noise: 0.02 }))
}
