//! What an optimizer is: a description that can be started, and the run that it becomes, in f32 or f64.
//!
//! The pair mirrors `Task` and `Problem` of `taskset-tasks`. Whatever trains, sweeps, checks or adapts an optimizer takes
//! these traits, so a rule of your own works wherever the built-in ones do.

use std::fmt::Debug;
use std::sync::Arc;

use num_traits::Float;
use serde::Serialize;
use serde::de::DeserializeOwned;
use taskset_params::Layout;
use taskset_rng::StreamId;
use taskset_trial::OptimizerIdentity;

use crate::{Error, Slots};

/// The number types of parameters: f32 and f64.
pub trait Real: Float + Debug + Default + Send + Sync + Serialize + DeserializeOwned + 'static {}

impl Real for f32 {}
impl Real for f64 {}

/// Rounds a number to the type of the parameters.
pub fn real<T: Float>(x: f64) -> T {
    T::from(x).unwrap_or_else(T::nan)
}

/// An optimizer: its hyperparameters, and how its runs start.
///
/// Implement it for a type that holds hyperparameters. An elementwise rule can leave the run to
/// [`elementwise`](crate::elementwise):
///
/// ```
/// use std::sync::Arc;
/// use taskset_optim::{Elementwise, Error, Facts, Optimizer, OptimizerIdentity, Real, Run, elementwise, real};
/// use taskset_params::Layout;
/// use taskset_rng::StreamId;
///
/// #[derive(Clone, Copy, Debug)]
/// struct SignDescent { learning_rate: f64 }
///
/// impl Elementwise<0> for SignDescent {
///     const STATE: [&'static str; 0] = [];
///     type Numbers<T: Real> = T;
///     fn numbers<T: Real>(&self, _step: u64) -> T {
///         real(self.learning_rate)
///     }
///     fn element<T: Real>(rate: &T, gradient: T, p: T, state: [T; 0]) -> (T, [T; 0]) {
///         (if gradient == T::zero() { p } else { p - *rate * gradient.signum() }, state)
///     }
/// }
///
/// impl Optimizer for SignDescent {
///     fn identity(&self) -> OptimizerIdentity {
///         OptimizerIdentity::new("my-sign-descent", "sign_descent", [("learning_rate", self.learning_rate)], 1)
///     }
///     fn facts(&self) -> Facts {
///         Facts { elementwise: true, ..Facts::default() }
///     }
///     fn state_bytes(&self, _: &Layout) -> usize {
///         0
///     }
///     fn start(&self, layout: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
///         Ok(elementwise(*self, layout))
///     }
///     fn start_f64(&self, layout: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
///         Ok(elementwise(*self, layout))
///     }
/// }
/// ```
pub trait Optimizer: Debug + Send + Sync {
    /// What its curves are known by: name, family, hyperparameters, mode, horizon, revision. Two optimizers that compute
    /// different updates must differ in it: raise the revision when the code changes what it computes.
    fn identity(&self) -> OptimizerIdentity;

    /// What a trainer must know, and what it may exploit.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// Bytes that the state of one run in f32 takes, an estimate: it limits how many runs are kept in memory at once. By
    /// default that of two vectors as long as the parameters, as Adam has.
    fn state_bytes(&self, layout: &Layout) -> usize {
        2 * size_of::<f32>() * layout.len()
    }

    /// Starts a run in single precision before its first update. `params` are the initial parameters, laid out as `layout`
    /// says. A rule that draws takes all of its random numbers from streams below `noise`, which the caller names by task,
    /// replica and purpose. Starting changes nothing: it can be done any number of times.
    ///
    /// # Errors
    /// If the rule cannot work with these parameters, or with its hyperparameters.
    fn start(
        &self,
        layout: &Arc<Layout>,
        params: &[f32],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f32>>, Error>;

    /// The same run in double precision, for traces and tests.
    ///
    /// # Errors
    /// As [`start`](Optimizer::start).
    fn start_f64(
        &self,
        layout: &Arc<Layout>,
        params: &[f64],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f64>>, Error>;
}

/// What a trainer must know of an optimizer. Every default is the safe answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether the trainer projects the parameters onto the task's constraint after every update, and those at which it
    /// evaluates. Upstream's hand-written adam6p and adam8p are not projected; all other rules are. `true` by default.
    pub projects: bool,
    /// Whether a parameter that is NaN stays NaN for ever. Then a trainer may end a run whose parameters are all NaN. Rules that
    /// clip, take signs or restart may turn NaN into numbers. `false` by default.
    pub keeps_nan: bool,
    /// Whether every parameter is updated from its own gradient and state alone, the same way at every place. Such a rule needs
    /// nothing of the layout but its length, and may be run on parts of the parameters. `false` by default.
    pub elementwise: bool,
    /// Whether the loss must be evaluated at other parameters than those at which gradients are taken
    /// ([`Run::evaluation_params`]). `false` by default.
    pub evaluates_elsewhere: bool,
    /// Whether parameters may move although every gradient so far was 0: by weight decay, penalties, or noise. `false` by
    /// default.
    pub moves_without_gradient: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            projects: true,
            keeps_nan: false,
            elementwise: false,
            evaluates_elsewhere: false,
            moves_without_gradient: false,
        }
    }
}

/// What one update is computed from, besides parameters and state.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Step<'a, T> {
    /// The gradient of the training loss, one number per parameter.
    pub gradients: &'a [T],
    /// The training loss before the update; NaN where the caller does not know it.
    pub loss: T,
    /// The task's constraint: 1 where a parameter is free, 0 where the trainer resets it to 0 after this update. `None`
    /// where all are free, and for rules that are [not projected](Facts::projects).
    pub mask: Option<&'a [T]>,
}

impl<'a, T: Float> Step<'a, T> {
    /// A step of which only the gradient is known.
    pub fn new(gradients: &'a [T]) -> Self {
        Self { gradients, loss: T::nan(), mask: None }
    }

    /// The same step with the training loss.
    #[must_use]
    pub fn with_loss(self, loss: T) -> Self {
        Self { loss, ..self }
    }

    /// The same step with the task's constraint.
    #[must_use]
    pub fn with_mask(self, mask: Option<&'a [T]>) -> Self {
        Self { mask, ..self }
    }
}

/// An optimizer at work on the parameters of one trial: its state between two updates.
///
/// An update must not allocate memory, and depends on nothing but its arguments and the state. Infinite and NaN gradients
/// are results of diverged runs, never errors.
pub trait Run<T: Real>: Send {
    /// Does one update in place.
    ///
    /// # Panics
    /// If gradients and parameters are not of the layout's length: the caller has mixed up two problems.
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]);

    /// Writes the parameters at which the loss is evaluated, and which are the result of training. They are those at which
    /// gradients are taken, unless the rule [evaluates elsewhere](Facts::evaluates_elsewhere).
    fn evaluation_params(&self, params: &[T], out: &mut [T]) {
        out.copy_from_slice(params);
    }

    /// Counts a step in which none of these parameters had a gradient, for example because a part of a network was frozen. A
    /// rule whose schedule goes on in such a step counts it; the default does nothing.
    fn skip(&mut self) {}

    /// The learning rate of the next update, after the schedule and before bias corrections; `None` for a rule that has
    /// none.
    fn learning_rate(&self) -> Option<f64> {
        None
    }

    /// The learning rate that the schedule multiplies; `None` for a rule that has none.
    fn base_learning_rate(&self) -> Option<f64> {
        None
    }

    /// Replaces the learning rate that the schedule multiplies; the shape of the schedule stays. Returns whether the rule can
    /// do it; the default cannot.
    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        let _ = base;
        false
    }

    /// Everything that the run remembers. A new run of the same optimizer that [restores](Run::restore) it goes on with the
    /// same bits.
    ///
    /// # Errors
    /// If the state cannot be read, as that of optimizers from elsewhere.
    fn save(&self) -> Result<Slots<T>, Error>;

    /// Continues from a saved state. Parameters are saved by the caller.
    ///
    /// # Errors
    /// If the state is not one of this optimizer on this layout. The run is then as it was before.
    fn restore(&mut self, slots: &Slots<T>) -> Result<(), Error>;
}

impl<O: Optimizer + ?Sized> Optimizer for Arc<O> {
    fn identity(&self) -> OptimizerIdentity {
        (**self).identity()
    }

    fn facts(&self) -> Facts {
        (**self).facts()
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        (**self).state_bytes(layout)
    }

    fn start(
        &self,
        layout: &Arc<Layout>,
        params: &[f32],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f32>>, Error> {
        (**self).start(layout, params, noise)
    }

    fn start_f64(
        &self,
        layout: &Arc<Layout>,
        params: &[f64],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f64>>, Error> {
        (**self).start_f64(layout, params, noise)
    }
}

/// Checks that gradients and parameters have the length that a run was started for.
///
/// # Panics
/// If they have not.
#[inline]
pub(crate) fn check_lengths<T>(gradients: &[T], params: &[T], n: usize) {
    assert!(params.len() == n, "{} parameters, and the run was started for {n}", params.len());
    assert!(gradients.len() == n, "{} gradients for {n} parameters", gradients.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, named};

    #[test]
    fn an_optimizer_behind_a_pointer_says_the_same_of_itself() {
        let layout = Layout::flat(10);
        // Adam keeps two numbers for each parameter, and a parameter that is NaN stays NaN.
        let adam = named("adam_lr_-3.00").unwrap().configured(Mode::Upstream, 20).unwrap();
        let behind = Arc::new(adam.clone());
        assert_eq!((behind.identity(), behind.facts()), (adam.identity(), adam.facts()));
        assert_eq!((behind.state_bytes(&layout), adam.state_bytes(&layout)), (80, 80));
        assert_ne!(adam.facts(), Facts::default());
    }
}
