//! What curves that are compared with each other must share.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::spec::or_none;
use crate::{Protocol, TrialSpec};

/// Curves that cannot be compared: they come from trials that differ in more than what is compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "curves of different trials are mixed: {place} there are some with {field} `{first}` and some with `{second}`; choose one"
)]
pub struct Mixture {
    /// Where, in words, e.g. ``on task `x` ``.
    pub place: String,
    /// The column in which they differ, e.g. `mode`.
    pub field: &'static str,
    /// One of its values.
    pub first: String,
    /// Another one.
    pub second: String,
}

/// What all curves of a comparison share: the protocol and, of each family of optimizers, mode, schedule and revision.
///
/// Differences between optimizers are what a comparison is about. Everything else must be equal, or the comparison means
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uniform {
    protocol: Option<Protocol>,
    /// By family: values of the columns `mode`, `schedule_steps`, `revisions` (of the rule alone).
    families: BTreeMap<String, [String; 3]>,
}

/// The columns of [`Uniform::families`].
const OF_FAMILY: [&str; 3] = ["mode", "schedule_steps", "revisions"];

impl Uniform {
    /// What the trials of one task share.
    ///
    /// # Errors
    /// [`Mixture`] if they differ in the data, the task's version, the protocol, the arithmetic or the trainer; if an
    /// optimizer's name stands for different hyperparameters; or if optimizers of one family differ in mode, schedule or
    /// revision.
    pub fn of_task<'a>(specs: impl IntoIterator<Item = &'a TrialSpec>) -> Result<Self, Mixture> {
        let mut shared = Self::default();
        let mut first: Option<&TrialSpec> = None;
        let mut optimizers: BTreeMap<&str, &TrialSpec> = BTreeMap::new();
        let mut last: Option<&TrialSpec> = None;
        for spec in specs {
            let first = *first.get_or_insert(spec);
            let task = || format!("on task `{}`", spec.task.name);
            // The first spec with this one's optimizer and replica differs in what all curves of a task must share.
            if !Arc::ptr_eq(&first.task, &spec.task)
                || (first.protocol, first.arithmetic) != (spec.protocol, spec.arithmetic)
                || first.source != spec.source
            {
                let aligned = TrialSpec {
                    optimizer: Arc::clone(&spec.optimizer),
                    replica: spec.replica,
                    ..first.clone()
                };
                if let Some(d) = aligned.first_difference(spec) {
                    return Err(Mixture { place: task(), field: d.field, first: d.first, second: d.second });
                }
            }
            // Curves are sorted as a rule: the replicas of an optimizer follow each other.
            if last.replace(spec).is_some_and(|last| Arc::ptr_eq(&last.optimizer, &spec.optimizer)) {
                continue;
            }
            let known = *optimizers.entry(&spec.optimizer.name).or_insert(spec);
            if !Arc::ptr_eq(&known.optimizer, &spec.optimizer) {
                let aligned = TrialSpec { replica: spec.replica, ..known.clone() };
                if let Some(d) = aligned.first_difference(spec) {
                    let place = format!("for `{}` {}", spec.optimizer.name, task());
                    return Err(Mixture { place, field: d.field, first: d.first, second: d.second });
                }
                continue;
            }
            if std::ptr::eq(known, spec) {
                let optimizer = &spec.optimizer;
                let setting = [
                    or_none(optimizer.mode.as_ref()),
                    or_none(optimizer.schedule_steps.as_ref()),
                    or_none(optimizer.revision.as_ref()),
                ];
                let one = Self {
                    protocol: Some(spec.protocol),
                    families: [(optimizer.family.clone(), setting)].into(),
                };
                shared.join(&one, &task())?;
            }
        }
        Ok(shared)
    }

    /// Takes in what the trials of another task share; `place` says in words where that is.
    ///
    /// # Errors
    /// [`Mixture`] if the two differ.
    pub fn join(&mut self, other: &Self, place: &str) -> Result<(), Mixture> {
        let Self { protocol, families } = other;
        let mixture = |place: String, field, first: &str, second: &str| {
            Err(Mixture { place, field, first: first.to_owned(), second: second.to_owned() })
        };
        match (self.protocol, *protocol) {
            (Some(a), Some(b)) if a != b => {
                return mixture(place.to_owned(), "protocol", &a.to_string(), &b.to_string());
            }
            (a, b) => self.protocol = a.or(b),
        }
        for (family, setting) in families {
            let Some(known) = self.families.get(family) else {
                self.families.insert(family.clone(), setting.clone());
                continue;
            };
            for (field, (a, b)) in OF_FAMILY.into_iter().zip(known.iter().zip(setting)) {
                if a != b {
                    return mixture(format!("in family `{family}` {place}"), field, a, b);
                }
            }
        }
        Ok(())
    }

    /// The protocol; none where there were no curves.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{changes, spec};
    use crate::{OptimizerIdentity, TaskIdentity};

    #[test]
    fn trials_that_differ_in_more_than_the_optimizer_and_the_replica_are_not_compared() {
        let base = spec();
        assert!(Uniform::of_task([&base, &base]).is_ok());
        for (field, other) in changes() {
            let found = Uniform::of_task([&base, &other]).map_err(|mixture| mixture.field);
            match field {
                "replica" => assert!(found.is_ok()),
                // A name of its own may have other hyperparameters.
                "optimizer" => assert!(found.is_ok()),
                _ => assert_eq!(found, Err(field)),
            }
        }
    }

    #[test]
    fn equal_specifications_that_are_read_from_two_files_are_one() {
        let base = spec();
        let copy = TrialSpec {
            task: Arc::new((*base.task).clone()),
            optimizer: Arc::new((*base.optimizer).clone()),
            ..base.clone()
        };
        assert!(Uniform::of_task([&base, &copy, &base]).is_ok());
    }

    #[test]
    fn a_family_has_one_mode_schedule_and_revision_over_all_tasks() {
        let base = spec();
        let with = |change: &dyn Fn(&mut OptimizerIdentity)| {
            let mut optimizer = OptimizerIdentity { name: "adam_8".into(), ..(*base.optimizer).clone() };
            change(&mut optimizer);
            TrialSpec { optimizer: Arc::new(optimizer), ..base.clone() }
        };
        let check = |other: &TrialSpec, field: Option<&str>| {
            let here = Uniform::of_task([&base, other]).map_err(|mixture| mixture.field.to_owned());
            assert_eq!(here.as_ref().err().map(String::as_str), field);
            let task = TaskIdentity { name: "other".into(), ..(*base.task).clone() };
            let there = TrialSpec { task: Arc::new(task), ..other.clone() };
            let mut all = Uniform::of_task([&base]).unwrap();
            let there = all.join(&Uniform::of_task([&there]).unwrap(), "on task `other`");
            assert_eq!(there.as_ref().err().map(|mixture| mixture.field), field);
            if let Err(mixture) = there {
                assert!(mixture.to_string().contains("`other`"), "{mixture}");
            }
        };
        check(&with(&|_| ()), None);
        check(&with(&|o| o.mode = Some("paper".into())), Some("mode"));
        check(&with(&|o| o.schedule_steps = Some(20)), Some("schedule_steps"));
        check(&with(&|o| o.revision = Some(9)), Some("revisions"));
        check(&with(&|o| (o.family, o.mode) = ("other".into(), None)), None);
        let mut longer = base.clone();
        longer.protocol.steps = 40;
        let mut all = Uniform::of_task([&base]).unwrap();
        let mixture = all.join(&Uniform::of_task([&longer]).unwrap(), "on task `b`").unwrap_err();
        assert_eq!(mixture.field, "protocol");
        assert_eq!(all.protocol(), Some(base.protocol));
    }
}
