//! The rule: which sampled names are in the set of tasks. docs/task-set.md states it in words.

use std::ops::Range;

use taskset_names::Split;
use taskset_tasks::Description;
use taskset_tasks::task_set::{Entry, Reason, Verdict};
use taskset_train::{MachineRate, Rejection, estimate_minutes, screen};
use taskset_trial::{Curve, Protocol};

/// The machine of the estimate: a core of this speed, whatever machine makes the list.
pub const RATE: MachineRate = MachineRate::new(100.0);

/// The most minutes that a training by the paper's protocol may take, as estimated for [`RATE`].
pub const MAX_MINUTES: f64 = 60.0;

/// The trial that measures the loss before training: single minibatches, at parameters that hardly move.
pub const INITIAL: Protocol = Protocol { steps: 20, eval_every: 1, eval_batches: 1 };

/// The optimizer of [`INITIAL`]. In 20 steps, it moves each parameter by at most about 2e-6.
pub const INITIAL_OPTIMIZER: &str = "adam_lr_-7.00";

/// The trials that show whether a task can be optimised.
pub const TRAINING: Protocol = Protocol { steps: 300, eval_every: 100, eval_batches: 10 };

/// The fixed set of configurations, in the order in which they are tried. In a pilot on 23 tasks with seeds beyond those of
/// the list, the first one was enough for 22.
pub const OPTIMIZERS: [&str; 16] = [
    "adam_lr_-2.50",
    "adam_lr_-1.50",
    "adam_lr_-3.50",
    "adam_lr_-0.50",
    "adam_lr_-2.00",
    "adam_lr_-3.00",
    "adam_lr_-1.00",
    "adam_lr_0.00",
    "adam_lr_0.50",
    "adam_lr_1.00",
    "adam_lr_-4.00",
    "adam_lr_-4.50",
    "adam_lr_-5.50",
    "adagrad_lr_-2.00",
    "adagrad_lr_-1.00",
    "adagrad_lr_0.00",
];

/// The configurations that are trained together. Most tasks need only the first part.
pub(super) const PARTS: [Range<usize>; 3] = [0..1, 1..4, 4..16];

/// Standard errors of the difference by which the loss has to fall. The lowest of three evaluations counts, with each of 16
/// configurations: with three standard errors, a loss that does not fall at all would pass too often.
pub const STANDARD_ERRORS: f64 = 4.0;

/// Share of the absolute value of the initial loss by which the loss has to fall at least.
pub const SHARE: f64 = 0.01;

/// What the description of a task decides: the estimated minutes of a training, or the entry of a rejected name.
///
/// # Errors
/// The [`Entry`] of a name that is rejected.
pub fn by_description(task: &Description) -> Result<f64, Entry> {
    match screen(task, &Protocol::PAPER, &RATE, MAX_MINUTES) {
        Ok(minutes) => Ok(minutes),
        Err(Rejection::TooSlow { minutes, .. }) => {
            Err(Entry { minutes: Some(minutes), ..Entry::rejected(task.name.clone(), Reason::TooSlow) })
        }
        Err(_) => Err(Entry::rejected(task.name.clone(), Reason::Infeasible)),
    }
}

/// Seconds of a task besides its trials: it is built, and two files are written.
const TASK_SECONDS: f64 = 0.2;

/// Estimated seconds of a task that passes with the first configuration.
pub fn estimated_seconds(task: &Description) -> f64 {
    let minutes = [INITIAL, TRAINING].iter().map(|protocol| estimate_minutes(task, protocol, &RATE));
    TASK_SECONDS + 60.0 * minutes.sum::<f64>()
}

/// The loss on `valid_outer` before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Initial {
    /// Mean over minibatches.
    pub mean: f64,
    /// Standard deviation of a minibatch.
    pub deviation: f64,
    /// The smallest loss of a minibatch.
    pub smallest: f64,
    /// Number of minibatches.
    pub minibatches: usize,
}

impl Initial {
    /// Of a curve of the protocol [`INITIAL`]; none if any loss of it, on any split, is not finite.
    pub fn of(curve: &Curve) -> Option<Self> {
        if curve.losses.iter().flatten().any(|loss| !loss.is_finite()) {
            return None;
        }
        let losses = || curve.split(Split::ValidOuter).iter().map(|&loss| f64::from(loss));
        let minibatches = losses().len();
        let mean = losses().sum::<f64>() / minibatches as f64;
        let squares = losses().map(|loss| (loss - mean).powi(2)).sum::<f64>();
        let deviation = (squares / (minibatches as f64 - 1.0)).sqrt();
        let smallest = losses().fold(f64::INFINITY, f64::min);
        Some(Self { mean, deviation, smallest, minibatches })
    }

    /// What the mean loss of an evaluation of [`TRAINING`] has to fall below.
    pub fn needed(&self) -> f64 {
        let shares = 1.0 / self.minibatches as f64 + 1.0 / f64::from(TRAINING.eval_batches);
        let error = self.deviation * shares.sqrt();
        // Where a few minibatches have huge losses, four standard errors can be more than the whole loss. A mean of ten
        // minibatches below the smallest of 21 is as clear.
        let clear = (self.mean - STANDARD_ERRORS * error).max(self.smallest);
        clear.min(self.mean - SHARE * self.mean.abs())
    }
}

/// The lowest loss on `valid_outer` after training began; infinite if none is finite.
pub fn lowest_loss(curve: &Curve) -> f64 {
    let after = curve.split(Split::ValidOuter).iter().skip(1);
    after.filter(|loss| loss.is_finite()).map(|&loss| f64::from(loss)).fold(f64::INFINITY, f64::min)
}

/// What curves decide of a task whose description did not reject it. `trial` gives the curve of a configuration, if it is
/// there. Returns the entry, or the number of the configuration whose curve is missing.
///
/// # Errors
/// The number of the configuration.
pub fn by_curves<'a>(
    name: &str,
    minutes: f64,
    initial: &Curve,
    trial: impl Fn(&str) -> Option<&'a Curve>,
) -> Result<Entry, usize> {
    let rejected = |reason| Entry { minutes: Some(minutes), ..Entry::rejected(name.to_owned(), reason) };
    let Some(initial) = Initial::of(initial) else { return Ok(rejected(Reason::InitialLoss)) };
    let needed = initial.needed();
    let mut lowest = f64::INFINITY;
    for (number, optimizer) in OPTIMIZERS.into_iter().enumerate() {
        let loss = lowest_loss(trial(optimizer).ok_or(number)?);
        lowest = lowest.min(loss);
        if loss < needed {
            return Ok(Entry {
                name: name.to_owned(),
                verdict: Verdict::Kept,
                minutes: Some(minutes),
                initial_loss: Some(initial.mean),
                needed: Some(needed),
                lowest_loss: Some(loss),
                optimizer: Some(optimizer.to_owned()),
            });
        }
    }
    Ok(Entry {
        initial_loss: Some(initial.mean),
        needed: Some(needed),
        lowest_loss: Some(lowest),
        ..rejected(Reason::NotOptimised)
    })
}
