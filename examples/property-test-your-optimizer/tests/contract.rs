//! The contract on the toy optimizer: these lines are all that an optimizer of your own needs.

use property_test_your_optimizer::Momentum;
use proptest::prelude::*;
use taskset_optim::contract::{self, Real, Subject};

/// The optimizer as the contract sees it.
#[derive(Debug)]
struct Toy(Momentum);

impl Subject for Toy {
    type State<T: Real> = Vec<T>;

    fn init<T: Real>(&self, n: usize) -> Vec<T> {
        vec![T::zero(); n]
    }

    fn update<T: Real>(&self, gradients: &[T], params: &mut [T], velocity: &mut Vec<T>) {
        self.0.update(gradients, params, velocity);
    }
}

proptest! {
    #[test]
    fn momentum_keeps_the_contract(
        rate in 1e-6f64..1.0,
        momentum in 0.0f64..0.999,
        problem in contract::problems(),
    ) {
        contract::all(&Toy(Momentum { rate, momentum }), &problem)?;
    }
}
