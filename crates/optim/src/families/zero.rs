//! zero: sets every parameter to 0; a sanity check.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::family_registry::FamilyMember;
use crate::unnamed_optimizer::Method;
use crate::{Dimension, Naming, Rule, Switches};

/// `p = 0 · p`, so NaN stays NaN. Tells how good a task's loss is without any model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zero {}

impl FamilyMember for Zero {
    const NAME: &'static str = "zero";
    const PREFIX: &'static str = "zero";
    const NAMING: Naming = Naming::Single;
    const REVISION: u32 = 1;
    const SUMMARY: &'static str = "Sets all parameters to 0";
    const SPACE: &'static [Dimension] = &[];

    fn member(_: u32) -> Self {
        Self {}
    }

    fn method(&self, _: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(Rule::zero())
    }
}
