//! One training curve.

use std::cmp::Ordering;
use std::sync::Arc;

use taskset_names::{Origin, Split};

use crate::{Source, TrialId, TrialSpec};

/// The losses of one trial on the four splits.
///
/// A diverged trial is a result: its non-finite losses are kept as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Which trial.
    pub spec: TrialSpec,
    /// Steps at which the loss was evaluated, rising.
    pub steps: Arc<[u32]>,
    /// Losses at `steps`, one vector per split, in the order of [`Split::ALL`]. Empty for a split that the source of the curve
    /// lacks, or that was not read.
    pub losses: [Vec<f32>; 4],
    /// First step with a non-finite loss, if any.
    pub diverged_at: Option<u32>,
    /// Number of parameters of the task.
    pub num_params: u64,
    /// Seconds spent in optimizer updates.
    pub train_seconds: f64,
    /// Seconds spent in evaluations.
    pub eval_seconds: f64,
}

/// A curve whose parts do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("curve of `{optimizer}` on `{task}`, replica {replica}: {reason}")]
pub struct InvalidCurve {
    /// Its task.
    pub task: String,
    /// Its optimizer.
    pub optimizer: String,
    /// Its replica.
    pub replica: u32,
    /// What does not fit.
    pub reason: String,
}

impl Curve {
    /// Name of the task.
    pub fn task(&self) -> &str {
        &self.spec.task.name
    }

    /// Name of the optimizer configuration.
    pub fn optimizer(&self) -> &str {
        &self.spec.optimizer.name
    }

    /// Number of the random initialisation, from 0.
    pub fn replica(&self) -> u32 {
        self.spec.replica
    }

    /// How much of the task's data is real.
    pub fn origin(&self) -> Origin {
        self.spec.task.origin
    }

    /// The identity of the trial. Computed at every call.
    pub fn id(&self) -> TrialId {
        self.spec.id()
    }

    /// The losses on one split; empty if the curve has none.
    pub fn split(&self, split: Split) -> &[f32] {
        &self.losses[split.index()]
    }

    /// The order of results: by task, then optimizer, then replica. Different trials with the same names count as equal.
    pub fn order(&self, other: &Self) -> Ordering {
        // Most curves of a list share their task, and then names need not be compared.
        let (a, b) = (&self.spec, &other.spec);
        let tasks =
            if Arc::ptr_eq(&a.task, &b.task) { Ordering::Equal } else { a.task.name.cmp(&b.task.name) };
        tasks
            .then_with(|| match Arc::ptr_eq(&a.optimizer, &b.optimizer) {
                true => Ordering::Equal,
                false => a.optimizer.name.cmp(&b.optimizer.name),
            })
            .then_with(|| a.replica.cmp(&b.replica))
    }

    /// Which part of two curves differs, apart from the times (`train_seconds`, `eval_seconds`); none where they are equal. A NaN
    /// equals any NaN. Both must have been read with the same splits.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        // Taken apart completely, so that a new field cannot be forgotten.
        let Self { spec, steps, losses, diverged_at, num_params, train_seconds: _, eval_seconds: _ } = self;
        if let Some(difference) = spec.first_difference(&other.spec) {
            return Some(difference.field);
        }
        if *steps != other.steps {
            return Some("steps");
        }
        let equal = |a: &f32, b: &f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        for split in Split::ALL {
            let (a, b) = (&losses[split.index()], other.split(split));
            if a.len() != b.len() || !a.iter().zip(b).all(|(a, b)| equal(a, b)) {
                return Some(split.name());
            }
        }
        if *diverged_at != other.diverged_at {
            return Some("diverged_at");
        }
        (*num_params != other.num_params).then_some("num_params")
    }

    /// Checks a whole curve: it is evaluated at the steps of its protocol, has a loss at each step on every
    /// split, and says where it diverged. An import may lack splits and be evaluated at fewer steps.
    ///
    /// # Errors
    /// [`InvalidCurve`] with the first thing that does not fit.
    pub fn check(&self) -> Result<(), InvalidCurve> {
        self.check_read(&Split::ALL, true)
    }

    /// Checks a curve of which only some steps were kept: as [`Curve::check`], except that the steps need only rise and
    /// lie inside the protocol.
    ///
    /// # Errors
    /// [`InvalidCurve`] with the first thing that does not fit.
    pub fn check_points(&self) -> Result<(), InvalidCurve> {
        self.check_read(&Split::ALL, false)
    }

    /// The same for a curve of which only some splits were read; `whole` says whether it must have all of its steps.
    ///
    /// # Errors
    /// [`InvalidCurve`] with the first thing that does not fit.
    pub fn check_read(&self, splits: &[Split], whole: bool) -> Result<(), InvalidCurve> {
        let (version, revision) = (&self.spec.task.version, self.spec.optimizer.revision);
        let trained = match &self.spec.source {
            Source::External(_) if version.is_some() || revision.is_some() => {
                return Err(
                    self.invalid("it is an import, and its task or optimizer has a revision".to_owned())
                );
            }
            Source::External(_) => false,
            Source::Trained { .. } if revision == Some(0) => {
                return Err(
                    self.invalid("the revision of its optimizer is 0; revisions begin with 1".to_owned())
                );
            }
            Source::Trained { .. } => true,
        };
        let protocol = self.spec.protocol;
        let Some(&last) = self.steps.last() else {
            return Err(self.invalid("it has no points".to_owned()));
        };
        if let Some(w) = self.steps.windows(2).find(|w| w[0] >= w[1]) {
            return Err(self.invalid(format!("step {} is followed by step {}; steps must rise", w[0], w[1])));
        }
        if last > protocol.steps {
            return Err(
                self.invalid(format!("it has step {last}, and its protocol ends after {}", protocol.steps))
            );
        }
        let points = self.steps.len();
        let all = points as u64 == protocol.evaluations()
            && self.steps.iter().copied().eq(protocol.each_eval_step());
        if trained && whole && !all {
            let first = |steps: &mut dyn Iterator<Item = u32>| {
                steps.take(3).map(|step| step.to_string()).collect::<Vec<_>>().join(", ")
            };
            return Err(self.invalid(format!(
                "it has {points} points (at steps {}, …), and its protocol ({protocol}) evaluates at {} (at steps {}, …)",
                first(&mut self.steps.iter().copied()),
                protocol.evaluations(),
                first(&mut protocol.each_eval_step()),
            )));
        }
        let mut first_bad: Option<u32> = None;
        for &split in splits {
            let losses = self.split(split);
            if losses.len() != points && (trained || !losses.is_empty()) {
                return Err(self.invalid(format!("{points} steps but {} losses on {split}", losses.len())));
            }
            if let Some(at) = losses.iter().position(|loss| !loss.is_finite()) {
                first_bad = Some(first_bad.map_or(self.steps[at], |step| step.min(self.steps[at])));
            }
        }
        if let Some(step) = first_bad
            && self.diverged_at.is_none_or(|diverged| diverged > step)
        {
            let said = self.diverged_at.map_or("nothing".to_owned(), |step| format!("step {step}"));
            return Err(self.invalid(format!(
                "its loss at step {step} is not finite, and its column `diverged_at` says {said}"
            )));
        }
        if let Some(diverged) = self.diverged_at
            && diverged > protocol.steps
        {
            return Err(self.invalid(format!("it diverged at step {diverged}, after its protocol's end")));
        }
        Ok(())
    }

    fn invalid(&self, reason: String) -> InvalidCurve {
        InvalidCurve {
            task: self.task().to_owned(),
            optimizer: self.optimizer().to_owned(),
            replica: self.replica(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;
    use crate::testing::{changes, curve};

    #[test]
    fn curves_that_do_not_fit_their_steps_are_refused() {
        let check = |change: &dyn Fn(&mut Curve), words: &str| {
            let mut c = curve();
            assert_eq!(c.check(), Ok(()));
            change(&mut c);
            let message = c.check().unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("`mlp_family_seed12`"), "{message}");
        };
        check(&|c| c.steps = [0, 0, 20].into(), "must rise");
        check(&|c| c.steps = [0, 10, 20, 30].into(), "ends after 20");
        check(&|c| c.steps = [0, 5, 20].into(), "evaluated every 10");
        check(&|c| c.steps = [].into(), "no points");
        check(&|c| c.losses[0].push(1.0), "4 losses on train");
        check(
            &|c| c.losses[3][1] = f32::NAN,
            "step 10 is not finite, and its column `diverged_at` says nothing",
        );
        check(&|c| (c.losses[3][1], c.diverged_at) = (f32::INFINITY, Some(11)), "says step 11");
        check(&|c| c.diverged_at = Some(21), "after its protocol's end");
        check(&|c| c.losses[1].clear(), "0 losses on valid_inner");
        check(
            &|c| c.spec.protocol = Protocol { steps: u32::MAX, eval_every: 1, eval_batches: 1 },
            "4294967296",
        );
        check(&|c| Arc::make_mut(&mut c.spec.optimizer).revision = Some(0), "begin with 1");
        check(&|c| c.spec.source = Source::External("elsewhere".into()), "it is an import");
        let import_with = |version: bool, revision: bool| {
            let mut c = curve();
            c.spec.source = Source::External("elsewhere".into());
            if !version {
                Arc::make_mut(&mut c.spec.task).version = None;
            }
            if !revision {
                Arc::make_mut(&mut c.spec.optimizer).revision = None;
            }
            c.check().is_ok()
        };
        let all = [(true, true), (true, false), (false, true), (false, false)];
        assert_eq!(all.map(|(v, r)| import_with(v, r)), [false, false, false, true]);
        check(&|c| (c.losses[3][1], c.losses[0][2]) = (f32::NAN, f32::NAN), "loss at step 10 is not");
        check(&|c| (c.losses[0][1], c.losses[3][2]) = (f32::NAN, f32::NAN), "loss at step 10 is not");
        let mut import = curve();
        import.spec.source = Source::External("elsewhere".into());
        Arc::make_mut(&mut import.spec.task).version = None;
        Arc::make_mut(&mut import.spec.optimizer).revision = None;
        import.losses[1].clear();
        assert_eq!(import.check(), Ok(()), "an import may lack a split");
        import.steps = [0, 20].into();
        import.losses = Default::default();
        assert_eq!(import.check(), Ok(()), "an import may be evaluated at fewer steps");
        let mut cut = curve();
        cut.steps = [0, 20].into();
        cut.losses.iter_mut().for_each(|losses| losses.truncate(2));
        assert_eq!(cut.check_points(), Ok(()));
        assert!(cut.check().is_err());
        cut.losses[3].pop();
        assert!(cut.check_points().unwrap_err().to_string().contains("1 losses on test"));
        let mut read = curve();
        (0..3).for_each(|split| read.losses[split].clear());
        assert_eq!(read.check_read(&[Split::Test], true), Ok(()), "only what was read is looked at");
        let mut diverged = curve();
        diverged.diverged_at = Some(9);
        assert_eq!(diverged.check(), Ok(()), "a training loss may tell, and later ones be finite");
        diverged.diverged_at = Some(20);
        assert_eq!(diverged.check(), Ok(()), "the last step may be the first that diverges");
        (diverged.losses[3][1], diverged.diverged_at) = (f32::NAN, Some(10));
        assert_eq!(diverged.check(), Ok(()), "it diverged where its loss is not finite");
    }

    #[test]
    fn curves_are_ordered_by_task_then_optimizer_then_replica() {
        let named = |task: &str, optimizer: &str, replica: u32| {
            let mut c = curve();
            Arc::make_mut(&mut c.spec.task).name = task.into();
            Arc::make_mut(&mut c.spec.optimizer).name = optimizer.into();
            c.spec.replica = replica;
            c
        };
        let sorted = [named("a", "o", 1), named("a", "p", 0), named("a", "p", 2), named("b", "o", 0)];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(a.order(b), i.cmp(&j), "{i} and {j}");
            }
        }
        // What is shared need not be compared.
        let mut same = sorted[0].clone();
        assert_eq!(same.order(&sorted[0]), Ordering::Equal);
        same.spec.replica = 0;
        assert_eq!(same.order(&sorted[0]), Ordering::Less);
        same.spec.optimizer = Arc::clone(&sorted[1].spec.optimizer);
        assert_eq!(same.order(&sorted[0]), Ordering::Greater);
    }

    #[test]
    fn a_curve_says_what_its_specification_says() {
        let c = curve();
        assert_eq!((c.task(), c.optimizer(), c.replica()), ("mlp_family_seed12", "adam_7", 4));
        assert_eq!((c.origin(), c.id()), (Origin::Synthetic, c.spec.id()));
        assert_eq!(
            Split::ALL.map(|split| c.split(split)[0].to_bits()),
            [1.0f32, 2.0, 3.0, 4.0].map(f32::to_bits)
        );
    }

    #[test]
    fn curves_are_compared_but_for_the_clock() {
        let base = curve();
        let check = |change: &dyn Fn(&mut Curve), expected: Option<&str>| {
            let mut c = curve();
            change(&mut c);
            assert_eq!(base.difference(&c), expected);
            assert_eq!(c.difference(&base), expected);
        };
        check(&|c| (c.train_seconds, c.eval_seconds) = (9.0, 9.0), None);
        check(&|c| c.losses[2][1] = 0.0, Some("valid_outer"));
        check(&|c| c.losses[2].clear(), Some("valid_outer"));
        check(&|c| c.steps = [0, 10, 19].into(), Some("steps"));
        check(&|c| c.diverged_at = Some(3), Some("diverged_at"));
        check(&|c| c.num_params = 3, Some("num_params"));
        for (field, spec) in changes() {
            check(&|c| c.spec = spec.clone(), Some(field));
        }
        let mut nan = curve();
        nan.losses[0][0] = f32::NAN;
        let mut other = nan.clone();
        other.losses[0][0] = f32::from_bits(f32::NAN.to_bits() | 1);
        assert_eq!(nan.difference(&other), None);
        assert_eq!(nan.difference(&base), Some("train"), "only one of them is NaN");
    }
}
