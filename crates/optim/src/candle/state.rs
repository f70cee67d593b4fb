//! Saved states of optimizers for candle.

use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::Slots;

/// What one run of an optimizer remembers, and the variables it belongs to. An elementwise optimizer has one run for each
/// variable, and other optimizers have one run for all of them.
///
/// JSON has no NaN and no infinities; the state of a diverged run needs a format that has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunState {
    /// The names of the variables, in the order in which their numbers stand in the vectors of the state.
    pub variables: Vec<String>,
    /// The state.
    pub slots: TypedSlots,
}

/// The state of a run in the type of its variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TypedSlots {
    /// Of variables of f32.
    F32(Slots<f32>),
    /// Of variables of f64.
    F64(Slots<f64>),
}

impl TypedSlots {
    /// The type of the variables.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
        }
    }

    /// Number of updates done, and of those left out because no variable had a gradient, if the optimizer counts them.
    pub fn step(&self) -> u64 {
        match self {
            Self::F32(slots) => slots.step,
            Self::F64(slots) => slots.step,
        }
    }
}
