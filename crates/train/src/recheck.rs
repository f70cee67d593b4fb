//! Training stored trials again, to see whether their curves still hold.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use taskset_datasets::Datasets;
use taskset_names::in_full;
use taskset_nn::Backend;
use taskset_optim::{Configured, Mode, Optimizer, UPSTREAM_TRAINING_STEPS, named};
use taskset_trial::{Arithmetic, Curve, Source};

use crate::{Quiet, TrialError, arithmetic, run_trial, task_identity, trial_spec};

/// What training a stored trial again has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recheck {
    /// The same trial gives the same curve, bit for bit.
    Holds,
    /// The trial gives another curve.
    Differs {
        /// The first column that differs.
        column: &'static str,
        /// The first step at which losses differ; none if they are equal.
        step: Option<u32>,
    },
    /// This program has another revision than the one that made the curve.
    OtherRevision {
        /// Revisions of the curve, as its column has them.
        stored: String,
        /// Those of this program.
        here: String,
        /// Whether it gives the same curve all the same.
        equal: bool,
    },
    /// The trial cannot be trained here.
    Impossible {
        /// Why, in words.
        reason: String,
    },
}

/// Trains a stored trial again on the calling thread, on kernels of the curve's class of arithmetic, and compares the
/// curves.
///
/// # Errors
/// [`TrialError::Cancelled`] as soon as `cancel` is seen to be true.
pub fn recheck(stored: &Curve, data: &Datasets, cancel: &AtomicBool) -> Result<Recheck, TrialError> {
    let impossible = |reason: String| Ok(Recheck::Impossible { reason });
    let optimizer = match optimizer(stored) {
        Ok(optimizer) => optimizer,
        Err(reason) => return impossible(reason),
    };
    let here = arithmetic(Backend::detect());
    if here != stored.spec.arithmetic {
        return impossible(format!(
            "its arithmetic is {}, that of the chosen kernels {here}",
            stored.spec.arithmetic
        ));
    }
    let task = match taskset_tasks::build(stored.task(), data) {
        Ok(task) => task,
        Err(e) => return impossible(in_full(&e)),
    };
    let identity = Arc::new(task_identity(&*task));
    let spec =
        trial_spec(&identity, &Arc::new(optimizer.identity()), stored.replica(), &stored.spec.protocol);
    let (ours, theirs) = (&spec.task, &stored.spec.task);
    if (ours.origin, ours.data_digest) != (theirs.origin, theirs.data_digest) {
        let digest = |digest: Option<taskset_trial::Digest>| digest.map_or("none".to_owned(), |d| d.short());
        return impossible(format!(
            "it was trained on other data: {} (digest {}) there, {} (digest {}) here",
            theirs.origin,
            digest(theirs.data_digest),
            ours.origin,
            digest(ours.data_digest)
        ));
    }
    let mut again =
        run_trial(&*task, &optimizer, stored.replica(), &stored.spec.protocol, &mut Quiet, cancel)?;
    let revisions = (stored.spec.revisions(), again.spec.revisions());
    // Only the revisions can still differ. They are reported; here the curves are compared.
    again.spec = stored.spec.clone();
    let difference = stored.difference(&again);
    if revisions.0 != revisions.1 {
        return Ok(Recheck::OtherRevision {
            stored: revisions.0,
            here: revisions.1,
            equal: difference.is_none(),
        });
    }
    Ok(match difference {
        None => Recheck::Holds,
        Some(column) => Recheck::Differs { column, step: first_step(stored, &again) },
    })
}

/// The best kernels of a class of arithmetic on this machine.
pub fn kernels_of(class: Arithmetic) -> Option<Backend> {
    Backend::available().into_iter().rev().find(|&backend| arithmetic(backend) == class)
}

/// The optimizer of a stored trial, as this program knows it.
fn optimizer(stored: &Curve) -> Result<Configured, String> {
    if let Source::External(source) = &stored.spec.source {
        return Err(format!("it was imported from {source}"));
    }
    let identity = &stored.spec.optimizer;
    let known = named(&identity.name).map_err(|_| {
        format!(
            "this program has no optimizer `{}` (family `{}`), so it cannot train it again; only the program that made the \
             curve can",
            identity.name, identity.family
        )
    })?;
    let info = known.family.info();
    let mode = match &identity.mode {
        Some(mode) => mode.parse().map_err(|e| in_full(&e))?,
        None if !info.has_modes => Mode::default(),
        None => return Err(format!("its optimizer `{}` has no mode", identity.name)),
    };
    let steps = match identity.schedule_steps {
        Some(steps) => steps,
        None if !info.needs_horizon => UPSTREAM_TRAINING_STEPS,
        None => return Err(format!("its optimizer `{}` has no schedule steps", identity.name)),
    };
    let optimizer = known.configured(mode, steps).map_err(|e| in_full(&e))?;
    let here = optimizer.identity();
    if here.family != identity.family {
        return Err(format!("in this program `{}` is of another family", identity.name));
    }
    if here.hyperparameters != identity.hyperparameters {
        return Err(format!("in this program `{}` has other hyperparameters", identity.name));
    }
    Ok(optimizer)
}

/// The first step at which any losses differ.
fn first_step(first: &Curve, second: &Curve) -> Option<u32> {
    let differ = |(a, b): (&f32, &f32)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan());
    let at = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).position(differ);
    let point = first.losses.iter().zip(&second.losses).filter_map(at).min()?;
    first.steps.get(point).copied()
}
