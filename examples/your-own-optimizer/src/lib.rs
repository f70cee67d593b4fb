//! Lion, as an optimizer that neither taskset-rs nor its registry knows.

use std::sync::Arc;

use taskset::optim::{Elementwise, Error, Facts, Optimizer, OptimizerIdentity, Real, Run, elementwise, real};
use taskset::params::Layout;
use taskset::rng::StreamId;

/// Lion (Chen et al. 2023): `p = p - rate (sign(β₁ m + (1 - β₁) g) + decay p);  m = β₂ m + (1 - β₂) g`
#[derive(Clone, Copy, Debug)]
pub struct Lion {
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub weight_decay: f64,
}

impl Elementwise<1> for Lion {
    const STATE: [&'static str; 1] = ["m"];
    /// Learning rate, decay, β₁, 1 - β₁, β₂, 1 - β₂.
    type Numbers<T: Real> = [T; 6];

    fn numbers<T: Real>(&self, _step: u64) -> [T; 6] {
        let Self { learning_rate, beta1, beta2, weight_decay } = *self;
        [learning_rate, learning_rate * weight_decay, beta1, 1.0 - beta1, beta2, 1.0 - beta2].map(real)
    }

    #[inline(always)]
    fn element<T: Real>(&[rate, decay, b1, f1, b2, f2]: &[T; 6], g: T, p: T, [m]: [T; 1]) -> (T, [T; 1]) {
        let direction = b1 * m + f1 * g;
        // 0 has no sign; NaN stays NaN.
        let sign = if direction == T::zero() { direction } else { direction.signum() };
        (p - decay * p - rate * sign, [b2 * m + f2 * g])
    }
}

impl Optimizer for Lion {
    fn identity(&self) -> OptimizerIdentity {
        let Self { learning_rate, beta1, beta2, weight_decay } = *self;
        let hyperparameters = [
            ("learning_rate", learning_rate),
            ("beta1", beta1),
            ("beta2", beta2),
            ("weight_decay", weight_decay),
        ];
        let name = format!("lion_lr{learning_rate}_b{beta1}_{beta2}_wd{weight_decay}");
        OptimizerIdentity::new(&name, "lion", hyperparameters, 1)
    }

    fn facts(&self) -> Facts {
        let moves_without_gradient = self.weight_decay != 0.0;
        Facts { elementwise: true, keeps_nan: true, moves_without_gradient, ..Facts::default() }
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        size_of::<f32>() * layout.len()
    }

    fn start(&self, layout: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(elementwise(*self, layout))
    }

    fn start_f64(&self, layout: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(elementwise(*self, layout))
    }
}
