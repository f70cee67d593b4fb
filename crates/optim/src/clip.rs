//! Clipping by the global norm: an optimizer around an optimizer.

use std::sync::Arc;

use taskset_params::Layout;
use taskset_rng::StreamId;
use taskset_trial::{HyperparameterValue, OptimizerIdentity};

use crate::norm::norm;
use crate::{Error, Facts, Optimizer, Real, Run, Slots, Step};

/// An optimizer whose gradients are clipped: where the norm of the whole gradient exceeds `max_norm`, the gradient is scaled
/// down to that norm (Pascanu et al. 2013). The norm is summed in f64, in an order that depends on the number of parameters alone.
///
/// Weights that a task keeps at 0 count in the norm, as they do for optimizers that know nothing of constraints.
///
/// A gradient whose norm is infinite is scaled to 0, except for its infinite entries, which become NaN; one that holds NaN
/// becomes NaN everywhere.
#[derive(Clone, Debug)]
pub struct Clipped<O> {
    inner: O,
    max_norm: f64,
}

impl<O: Optimizer> Clipped<O> {
    /// `inner` on gradients of at most this norm.
    pub const fn new(inner: O, max_norm: f64) -> Self {
        Self { inner, max_norm }
    }

    fn run<T: Real>(&self, inner: Box<dyn Run<T>>, n: usize) -> Box<dyn Run<T>> {
        Box::new(ClippedRun { inner, max_norm: self.max_norm, gradients: vec![T::zero(); n] })
    }

    fn check(&self) -> Result<(), Error> {
        if self.max_norm > 0.0 && self.max_norm.is_finite() {
            return Ok(());
        }
        let reason =
            format!("the largest norm of its gradients is {}, and must be above 0 and finite", self.max_norm);
        Err(Error::Unsuitable { optimizer: self.identity().name, reason })
    }
}

impl<O: Optimizer> Optimizer for Clipped<O> {
    fn identity(&self) -> OptimizerIdentity {
        let mut identity = self.inner.identity();
        identity.name = format!("{}:clip={:?}", identity.name, self.max_norm);
        identity.family = format!("{}_clipped", identity.family);
        let value = HyperparameterValue::Number(self.max_norm);
        identity.hyperparameters.0.insert("clip_global_norm".to_owned(), value);
        identity
    }

    fn facts(&self) -> Facts {
        Facts { elementwise: false, ..self.inner.facts() }
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        self.inner.state_bytes(layout) + size_of::<f32>() * layout.len()
    }

    fn start(
        &self,
        layout: &Arc<Layout>,
        params: &[f32],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f32>>, Error> {
        self.check()?;
        Ok(self.run(self.inner.start(layout, params, noise)?, layout.len()))
    }

    fn start_f64(
        &self,
        layout: &Arc<Layout>,
        params: &[f64],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f64>>, Error> {
        self.check()?;
        Ok(self.run(self.inner.start_f64(layout, params, noise)?, layout.len()))
    }
}

struct ClippedRun<T: Real> {
    inner: Box<dyn Run<T>>,
    max_norm: f64,
    /// Of the current update; no state.
    gradients: Vec<T>,
}

impl<T: Real> Run<T> for ClippedRun<T> {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        assert_eq!(step.gradients.len(), self.gradients.len(), "one gradient per parameter");
        let norm = norm(step.gradients);
        // Not `norm > max_norm`: a norm that is NaN must reach every parameter.
        let scale = if norm <= self.max_norm { T::one() } else { crate::real(self.max_norm / norm) };
        for (clipped, &g) in self.gradients.iter_mut().zip(step.gradients) {
            *clipped = g * scale;
        }
        self.inner.update(Step { gradients: &self.gradients, ..step }, params);
    }

    fn evaluation_params(&self, params: &[T], out: &mut [T]) {
        self.inner.evaluation_params(params, out);
    }

    fn skip(&mut self) {
        self.inner.skip();
    }

    fn learning_rate(&self) -> Option<f64> {
        self.inner.learning_rate()
    }

    fn base_learning_rate(&self) -> Option<f64> {
        self.inner.base_learning_rate()
    }

    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        self.inner.set_base_learning_rate(base)
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        self.inner.save()
    }

    fn restore(&mut self, slots: &Slots<T>) -> Result<(), Error> {
        self.inner.restore(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Mode, ScheduleFreeAdamW, Sgd};

    fn update(gradients: [f64; 2], max_norm: f64) -> [f64; 2] {
        let sgd = Config::from(Sgd { learning_rate: 1.0, momentum: 0.0, nesterov: false });
        let optimizer = Clipped::new(sgd.configured(Mode::default(), 1).unwrap(), max_norm);
        let (layout, mut params) = (Arc::new(Layout::flat(2)), [0.0; 2]);
        let mut run = optimizer.start_f64(&layout, &params, &StreamId::root("clip")).unwrap();
        run.update(Step::new(&gradients), &mut params);
        params
    }

    #[test]
    fn only_long_gradients_are_scaled() {
        let check = |max_norm, expected: [f64; 2]| {
            let found = update([3.0, -4.0], max_norm);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        };
        check(5.0, [-3.0, 4.0]);
        check(2.5, [-1.5, 2.0]);
        assert!(update([f64::NAN, 1.0], 1.0).iter().all(|p| p.is_nan()));
        let [zero, infinite] = update([1.0, f64::INFINITY], 1.0);
        assert!(zero == 0.0 && infinite.is_nan());
    }

    #[test]
    fn the_largest_norm_is_part_of_the_identity_and_must_be_positive() {
        let sgd = Config::from(Sgd::DEFAULT).configured(Mode::default(), 1).unwrap();
        let clipped = Clipped::new(sgd.clone(), 0.5).identity();
        assert_ne!(clipped, Clipped::new(sgd.clone(), 0.25).identity());
        assert_eq!(clipped.family, "sgd_clipped");
        let layout = Arc::new(Layout::flat(1));
        let start =
            |norm| Clipped::new(sgd.clone(), norm).start(&layout, &[0.0], &StreamId::root("clip")).err();
        assert!(start(f64::NAN).unwrap().to_string().contains("must be above 0 and finite"));
        assert!(start(0.0).is_some() && start(f64::INFINITY).is_some() && start(1.0).is_none());
    }

    #[test]
    fn it_is_evaluated_where_its_optimizer_is() {
        let inner = Config::from(ScheduleFreeAdamW::DEFAULT).configured(Mode::default(), 10).unwrap();
        let layout = Arc::new(Layout::flat(2));
        let trace = |optimizer: &dyn Optimizer| {
            let mut params = [1.0, -2.0];
            let mut run = optimizer.start_f64(&layout, &params, &StreamId::root("clip")).unwrap();
            for _ in 0..3 {
                run.update(Step::new(&[0.5, -0.25]), &mut params);
            }
            let mut evaluated = [0.0; 2];
            run.evaluation_params(&params, &mut evaluated);
            [params, evaluated].map(|numbers| numbers.map(f64::to_bits))
        };
        // The gradients are shorter than the bound, so nothing is clipped.
        let [params, evaluated] = trace(&Clipped::new(inner.clone(), 10.0));
        assert_eq!([params, evaluated], trace(&inner));
        assert_ne!(params, evaluated);
    }
}
