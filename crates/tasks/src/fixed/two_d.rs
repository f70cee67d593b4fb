//! Functions of two parameters (paper G.3).

use std::sync::Arc;

use super::{FixedModel, group};
use crate::objectives::two_d_task::{Function, TwoDBody, TwoDStart};
use crate::spec::{Body, Group, Infeasible};

/// A function of two parameters, without data or noise. All four splits have the same loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoD {
    /// The function.
    pub function: Function,
    /// The point from which all five of upstream's "random initialisations" start.
    pub start: [f64; 2],
    /// The function as summaries show it.
    pub formula: &'static str,
}

impl TwoD {
    /// What is computed from another start.
    pub fn body_from(&self, start: TwoDStart) -> Body {
        Body::Objective(Arc::new(TwoDBody { function: self.function, point: self.start, start }))
    }
}

impl FixedModel for TwoD {
    const GROUP: Group = group("fixed_two_d");

    fn summary(&self) -> String {
        self.formula.to_owned()
    }

    fn body(&self) -> Result<Body, Infeasible> {
        Ok(self.body_from(TwoDStart::Upstream))
    }
}
