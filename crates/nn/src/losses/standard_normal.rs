//! The loss of flows: minus the log density of a standard normal.

use std::f64::consts::PI;

use super::LossPlanning;
use crate::Scalar;
use crate::step::{Gradients, Objective, Pass};

/// `½ ‖z‖² + n/2 log 2π` of each row `z` of `n` numbers; the mean over rows. Gradient: `z / rows`.
#[derive(Debug)]
pub(super) struct StandardNormal {
    width: usize,
}

impl StandardNormal {
    pub(super) const fn new(planning: LossPlanning) -> Self {
        Self { width: planning.values.len() }
    }
}

/// `n/2 log 2π`.
fn constant(width: usize) -> f64 {
    0.5 * width as f64 * (2.0 * PI).ln()
}

impl<T: Scalar> Objective<T> for StandardNormal {
    fn evaluate(&mut self, pass: Pass<'_, T>, x: &[T], gradients: Option<Gradients<'_, T>>) -> f64 {
        let scale = pass.per_row();
        let gradient = gradients.and_then(|gradients| gradients.dx).map(|dx| (scale, dx));
        T::half_squares(pass.backend, self.width, x, gradient) / pass.rows as f64 + constant(self.width)
    }
}

/// The candle form, for values `[rows, n]`.
#[cfg(feature = "candle")]
pub(super) fn reference(values: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
    let (rows, width) = values.dims2()?;
    (values.sqr()?.sum_all()? * (0.5 / rows as f64))? + constant(width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use crate::{Activation, Dense, Loss, Network, Plan, Shape};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn gradients_of_every_shape(outputs in 1usize..50, rows in 1usize..20) {
            let layers = vec![Dense { outputs }.into(), Activation::Tanh.into()];
            check(&Network::new(Shape::Features(3), layers, Loss::StandardNormal), rows);
        }
    }

    #[test]
    fn one_by_hand() {
        let network = Network::new(Shape::Features(2), Vec::new(), Loss::StandardNormal);
        let mut plan = Plan::<f64>::new(&network, 2).unwrap();
        plan.input_mut().copy_from_slice(&[1.0, 2.0, 0.0, -1.0]);
        assert!((plan.loss(&[]) - (0.25 * 6.0 + (2.0 * PI).ln())).abs() < 1e-14);
        plan.input_mut()[3] = f64::NAN;
        assert!(plan.loss(&[]).is_nan());
    }
}
