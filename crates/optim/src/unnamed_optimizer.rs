//! What a family makes of its hyperparameters: an optimizer without a name.

use std::fmt::Debug;
use std::sync::Arc;

use taskset_params::Layout;
use taskset_rng::StreamId;

use crate::elementwise::{Elementwise, elementwise};
use crate::{Error, Facts, Rule, Run};

/// As [`Optimizer`](crate::Optimizer), without an identity; [`Configured`](crate::Configured) adds it.
pub(crate) trait Method: Debug + Send + Sync {
    fn facts(&self) -> Facts;

    fn state_bytes(&self, layout: &Layout) -> usize;

    fn start(
        &self,
        layout: &Arc<Layout>,
        params: &[f32],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f32>>, Error>;

    fn start_f64(
        &self,
        layout: &Arc<Layout>,
        params: &[f64],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f64>>, Error>;

    /// The method as a [`Rule`], if it is one.
    fn as_rule(&self) -> Option<&Rule> {
        None
    }
}

/// An elementwise rule with `N` numbers of state per parameter, as a method.
#[derive(Debug)]
pub(crate) struct ByElement<E, const N: usize> {
    rule: E,
    facts: Facts,
}

impl<E: Elementwise<N> + Sync, const N: usize> ByElement<E, N> {
    /// `facts` are those of the rule; that it is elementwise is added here.
    pub(crate) fn method(rule: E, facts: Facts) -> Arc<dyn Method> {
        Arc::new(Self { rule, facts: Facts { elementwise: true, ..facts } })
    }
}

impl<E: Elementwise<N> + Sync, const N: usize> Method for ByElement<E, N> {
    fn facts(&self) -> Facts {
        self.facts
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        N * size_of::<f32>() * layout.len()
    }

    fn start(&self, layout: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(elementwise(self.rule.clone(), layout))
    }

    fn start_f64(&self, layout: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(elementwise(self.rule.clone(), layout))
    }
}
