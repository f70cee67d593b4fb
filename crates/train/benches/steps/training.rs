//! What is timed: something that takes training steps and may evaluate, and the peak that it is measured by.

use std::hint::black_box;

use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{Backend, Scalar};

/// A training in progress.
pub(crate) trait Training {
    /// One whole step, of all trials if there are several; the loss before it, of the first.
    fn step(&mut self) -> f32;

    /// Trials that a step advances.
    fn trials(&self) -> u32 {
        1
    }

    /// Floating-point operations of a step of one trial.
    fn flops(&self) -> f64;

    /// A forward pass on the present minibatch, where there are minibatches.
    fn forward(&mut self) {}

    /// Evaluates on some minibatches of a split, where there are splits.
    fn evaluate(&mut self, _batches: u32) {}
}

/// A matrix product of 128 × 512 by 512 × 128 as if it were a training: its rate is the peak of the core.
pub(crate) struct Product {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    scratch: Scratch<f32>,
}

const SHAPE: (usize, usize, usize) = (128, 512, 128);

impl Product {
    pub(crate) fn new() -> Self {
        let (m, k, n) = SHAPE;
        Self { a: vec![0.5; m * k], b: vec![0.25; k * n], c: vec![0.0; m * n], scratch: Scratch::default() }
    }
}

impl Training for Product {
    fn step(&mut self) -> f32 {
        let (m, k, n) = SHAPE;
        let (a, b) = (MatrixRef::new(&self.a, m, k), MatrixRef::new(&self.b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut self.c, &mut self.scratch);
        black_box(&self.c);
        self.c[0]
    }

    fn flops(&self) -> f64 {
        let (m, k, n) = SHAPE;
        2.0 * (m * k * n) as f64
    }
}
