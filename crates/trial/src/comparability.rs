//! What curves that are compared with each other must share.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::trial_spec::or_none;
use crate::{Arithmetic, OptimizerIdentity, Protocol, Source, TrialSpec};

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

/// What all curves of a comparison share: protocol, arithmetic and trainer; what each optimizer's name stands for; and, of
/// each family of optimizers, mode, schedule and revision.
///
/// A comparison is about differences between optimizers. If anything else differs, it means nothing. Different tasks may
/// have data of different origins: a result is labelled with the least real one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uniform {
    setting: Option<(Protocol, Arithmetic, Source)>,
    /// By family: values of the columns `mode`, `schedule_steps`, `revisions` (of the rule alone).
    families: BTreeMap<String, [String; 3]>,
    /// Sorted by name.
    optimizers: Vec<Arc<OptimizerIdentity>>,
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
            // Curves of several files may have copies of the same identity.
            let same_task = Arc::ptr_eq(&first.task, &spec.task) || first.task == spec.task;
            if !same_task
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
            // Curves are usually sorted: the replicas of an optimizer follow each other.
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
                    // As the column has it, so that it can be chosen by.
                    optimizer
                        .revision
                        .map_or_else(|| "external:".to_owned(), |rule| format!("\"rule\":{rule},")),
                ];
                let one = Self {
                    setting: Some((spec.protocol, spec.arithmetic, spec.source.clone())),
                    families: [(optimizer.family.clone(), setting)].into(),
                    optimizers: Vec::new(),
                };
                shared.join(&one, &task())?;
            }
        }
        shared.optimizers = optimizers.into_values().map(|spec| Arc::clone(&spec.optimizer)).collect();
        Ok(shared)
    }

    /// Takes in what the trials of another task share; `place` says in words where that is.
    ///
    /// # Errors
    /// [`Mixture`] if the two differ.
    pub fn join(&mut self, other: &Self, place: &str) -> Result<(), Mixture> {
        let Self { setting, families, optimizers } = other;
        let mixture = |place: String, field, first: &str, second: &str| {
            Err(Mixture { place, field, first: first.to_owned(), second: second.to_owned() })
        };
        match (&self.setting, setting) {
            (Some((protocol, arithmetic, source)), Some((p, a, s))) => {
                if protocol != p {
                    return mixture(place.to_owned(), "protocol", &protocol.to_string(), &p.to_string());
                }
                if arithmetic != a {
                    return mixture(place.to_owned(), "arithmetic", arithmetic.name(), a.name());
                }
                if source != s {
                    return mixture(place.to_owned(), "revisions", &words(source), &words(s));
                }
            }
            (None, setting) => self.setting.clone_from(setting),
            (Some(_), None) => {}
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
        self.join_optimizers(optimizers, place)
    }

    /// A name must stand for the same optimizer everywhere.
    fn join_optimizers(&mut self, others: &[Arc<OptimizerIdentity>], place: &str) -> Result<(), Mixture> {
        let same = |(a, b): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(a, b);
        if self.optimizers.len() == others.len() && self.optimizers.iter().zip(others).all(same) {
            return Ok(());
        }
        for other in others {
            match self.optimizers.binary_search_by(|known| known.name.cmp(&other.name)) {
                Ok(at) if Arc::ptr_eq(&self.optimizers[at], other) || self.optimizers[at] == *other => {}
                Ok(at) => {
                    let known = &self.optimizers[at];
                    let values =
                        |o: &OptimizerIdentity| o.hyperparameters.to_json().unwrap_or_else(|e| e.text);
                    let (field, first, second) = if known.family == other.family {
                        ("hyperparameters", values(known), values(other))
                    } else {
                        ("family", known.family.clone(), other.family.clone())
                    };
                    let place = format!("for `{}` {place}", other.name);
                    return Err(Mixture { place, field, first, second });
                }
                Err(at) => self.optimizers.insert(at, Arc::clone(other)),
            }
        }
        Ok(())
    }

    /// The protocol; none where there were no curves.
    pub fn protocol(&self) -> Option<Protocol> {
        self.setting.as_ref().map(|(protocol, ..)| *protocol)
    }

    /// The optimizer that a name stands for, if the name occurs.
    pub fn optimizer(&self, name: &str) -> Option<&Arc<OptimizerIdentity>> {
        let found = self.optimizers.binary_search_by(|known| known.name.as_str().cmp(name));
        found.ok().map(|at| &self.optimizers[at])
    }
}

/// The part of the column `revisions` that says who made a curve.
fn words(source: &Source) -> String {
    match source {
        Source::Trained { trainer } => format!("\"trainer\":{trainer}}}"),
        Source::External(source) => format!("external:{source}"),
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

    /// Specifications of one sweep share what is equal. What differs must be seen all the same.
    #[test]
    fn sharing_tasks_and_optimizers_hides_no_difference() {
        let base = spec();
        for (field, mut other) in changes() {
            if other.task == base.task {
                other.task = Arc::clone(&base.task);
            }
            if other.optimizer == base.optimizer {
                other.optimizer = Arc::clone(&base.optimizer);
            }
            let found = Uniform::of_task([&base, &other]).map_err(|mixture| mixture.field);
            match field {
                "replica" | "optimizer" => assert!(found.is_ok()),
                _ => assert_eq!(found, Err(field)),
            }
        }
    }

    #[test]
    fn tasks_with_more_optimizers_add_theirs() {
        let base = spec();
        let mut more = base.clone();
        Arc::make_mut(&mut more.optimizer).name = "adam_8".into();
        let copy = TrialSpec { optimizer: Arc::new((*base.optimizer).clone()), ..base.clone() };
        for first in [&base, &copy] {
            let both = Uniform::of_task([&base, &more]).unwrap();
            let one = Uniform::of_task([first]).unwrap();
            for (mut all, other) in [(one.clone(), &both), (both.clone(), &one)] {
                all.join(other, "on task `b`").unwrap();
                assert!(["adam_7", "adam_8"].iter().all(|name| all.optimizer(name).is_some()));
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
        // Across tasks, a name stands for one optimizer, and arithmetic and trainer are the same.
        let across = |change: &dyn Fn(&mut TrialSpec)| {
            let mut there = base.clone();
            Arc::make_mut(&mut there.task).name = "other".into();
            change(&mut there);
            let mut all = Uniform::of_task([&base]).unwrap();
            let joined = all.join(&Uniform::of_task([&there]).unwrap(), "on task `other`");
            joined.err().map(|mixture| mixture.field)
        };
        assert_eq!(across(&|_| ()), None);
        assert_eq!(across(&|s| s.arithmetic = Arithmetic::Portable), Some("arithmetic"));
        assert_eq!(across(&|s| s.source = Source::Trained { trainer: 99 }), Some("revisions"));
        // A mixture names both values as the column has them, so that one can be chosen.
        let sources = [Source::Trained { trainer: 5 }, Source::External("task_set".into())];
        assert_eq!(sources.each_ref().map(words), ["\"trainer\":5}", "external:task_set"]);
        assert!(base.revisions().ends_with(&words(&base.source)));
        let change =
            |s: &mut TrialSpec| drop(Arc::make_mut(&mut s.optimizer).hyperparameters.0.remove("beta1"));
        assert_eq!(across(&change), Some("hyperparameters"));
        let shared = Uniform::of_task([&base, &with(&|_| ())]).unwrap();
        assert_eq!(shared.optimizer("adam_8").unwrap().name, "adam_8");
        assert!(shared.optimizer("adam_9").is_none());
        let mut longer = base.clone();
        longer.protocol.steps = 40;
        let mut all = Uniform::of_task([&base]).unwrap();
        let mixture = all.join(&Uniform::of_task([&longer]).unwrap(), "on task `b`").unwrap_err();
        assert_eq!(mixture.field, "protocol");
        assert_eq!(all.protocol(), Some(base.protocol));
    }
}
