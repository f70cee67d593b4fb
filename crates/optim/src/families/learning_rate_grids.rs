//! adam_lr and adagrad_lr: default optimizers with the learning rate at half orders of magnitude.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::adam1p::default_adam;
use crate::family_registry::{FamilyMember, half_order};
use crate::unnamed_optimizer::Method;
use crate::{Dimension, Naming, Rule, Switches};

/// TensorFlow's default Adam with learning rate `10^x`, x = -7, -6.5, …, 1: the "learning rate tuned Adam" baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamLr {
    /// Learning rate α.
    pub learning_rate: f64,
}

/// TensorFlow's Adagrad, accumulators starting at 0.1, with learning rate `10^x`, x = -7, -6.5, …, 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdagradLr {
    /// Learning rate α.
    pub learning_rate: f64,
}

const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 1e-7, 1e1);

impl FamilyMember for AdamLr {
    const NAME: &'static str = "adam_lr";
    const PREFIX: &'static str = "adam_lr";
    const NAMING: Naming = Naming::HalfOrders;
    const REVISION: u32 = 1;
    const SUMMARY: &'static str =
        "Adam with default betas and epsilon, at 17 learning rates half an order of magnitude apart";
    const SPACE: &'static [Dimension] = &[LEARNING_RATE];

    fn member(index: u32) -> Self {
        Self { learning_rate: libm::pow(10.0, half_order(index)) }
    }

    fn method(&self, switches: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(default_adam(self.learning_rate, switches))
    }
}

impl FamilyMember for AdagradLr {
    const NAME: &'static str = "adagrad_lr";
    const PREFIX: &'static str = "adagrad_lr";
    const NAMING: Naming = Naming::HalfOrders;
    const REVISION: u32 = 1;
    const SUMMARY: &'static str =
        "Adagrad with its default initial accumulator, at 17 learning rates half an order of magnitude apart";
    const SPACE: &'static [Dimension] = &[LEARNING_RATE];

    fn member(index: u32) -> Self {
        Self { learning_rate: libm::pow(10.0, half_order(index)) }
    }

    fn method(&self, _: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(Rule::adagrad(self.learning_rate, 0.1))
    }
}
