//! The base problem in scaled parameters.

use super::Objective;
use crate::Feed;
use crate::objectives::linalg::scale;
use crate::objectives::real::Real;

/// `base(p / scale)` (DISAGREES-11: the paper says that the loss is scaled).
pub(super) struct Rescale<T> {
    base: Box<dyn Objective<T>>,
    scale: T,
    unscaled: Vec<T>,
}

impl<T: Real> Rescale<T> {
    /// A base problem, scaled.
    pub(super) fn new(base: Box<dyn Objective<T>>, scale: f64) -> Self {
        Self { base, scale: T::of(scale), unscaled: Vec::new() }
    }

    fn unscale(&mut self, p: &[T]) {
        self.unscaled.clear();
        self.unscaled.extend(p.iter().map(|&p| p / self.scale));
    }
}

impl<T: Real> Objective<T> for Rescale<T> {
    fn next_batch(&mut self, feed: Feed) {
        self.base.next_batch(feed);
    }

    fn loss(&mut self, p: &[T]) -> T {
        self.unscale(p);
        self.base.loss(&self.unscaled)
    }

    fn loss_and_gradients(&mut self, p: &[T], g: &mut [T]) -> T {
        self.unscale(p);
        let loss = self.base.loss_and_gradients(&self.unscaled, g);
        scale(self.scale.recip(), g);
        loss
    }

    fn losses(&mut self, p: &[T], losses: &mut [T]) {
        self.unscale(p);
        self.base.losses(&self.unscaled, losses);
    }

    fn losses_and_gradients(&mut self, p: &[T], g: &mut [T], losses: &mut [T]) {
        self.unscale(p);
        self.base.losses_and_gradients(&self.unscaled, g, losses);
        scale(self.scale.recip(), g);
    }
}
