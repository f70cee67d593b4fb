//! Whether the parts of a curve fit together.

use taskset_names::Split;

use crate::{Curve, Source};

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
    use std::sync::Arc;

    use super::*;
    use crate::Protocol;
    use crate::testing::curve;

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
}
