//! Everything that decides the numbers of a curve.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_names::Origin;

use crate::{Digest, Protocol, TrialId};

/// Which trial: everything that decides the numbers of its curve, and nothing else.
///
/// The machine, the kernels inside a class of arithmetic, threads, times, and the trials that are trained beside it are
/// not part of it, because they change no bit (`docs/determinism.md`).
#[derive(Clone, Debug, PartialEq)]
pub struct TrialSpec {
    /// What is optimised.
    pub task: Arc<TaskIdentity>,
    /// What optimises it.
    pub optimizer: Arc<OptimizerIdentity>,
    /// Number of the random initialisation, from 0: initial parameters and minibatches depend on it.
    pub replica: u32,
    /// Steps and evaluations.
    pub protocol: Protocol,
    /// How sums of products are rounded.
    pub arithmetic: Arithmetic,
    /// Who made the curve.
    pub source: Source,
}

/// What a task computes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskIdentity {
    /// TaskSet's name, e.g. `mlp_family_seed12`.
    pub name: String,
    /// Whether its data are real, a part of them, or a stand-in; real where it needs none.
    pub origin: Origin,
    /// Digest of the decoded data; none for a task without data, or where an import does not say.
    pub data_digest: Option<Digest>,
    /// Which computation the name stands for; none in an import.
    pub version: Option<TaskVersion>,
}

/// Which computation a task's name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskVersion {
    /// Tasks that share their code, e.g. `mlp_family`.
    pub group: String,
    /// Revision of that code: it rises whenever a change of the program changes a bit of these tasks' curves.
    pub revision: u32,
    /// Digest of the description: the network or objective as data, with its whole configuration.
    pub fingerprint: Digest,
}

/// Which optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerIdentity {
    /// Its name, e.g. `adam8p_wide_grid_seed107`.
    pub name: String,
    /// Its family, e.g. `adam8p`.
    pub family: String,
    /// Its hyperparameters by name.
    pub hyperparameters: Hyperparameters,
    /// `upstream`, `opt_list` or `paper`; none for optimizers that have no modes.
    pub mode: Option<String>,
    /// Steps over which its schedules run; none for optimizers without schedules that need it.
    pub schedule_steps: Option<u64>,
    /// Revision of the family's rule: it rises whenever a change of the program changes a bit of its updates. None in an
    /// import.
    pub revision: Option<u32>,
}

/// Hyperparameters by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hyperparameters(pub BTreeMap<String, HyperparameterValue>);

/// The value of one hyperparameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HyperparameterValue {
    /// True or false.
    Flag(bool),
    /// A finite number.
    Number(f64),
    /// A choice by name.
    Text(String),
}

/// How sums of products are rounded. Curves of different classes differ in their last bits, and visibly after long
/// unstable training. Inside a class, all instruction sets give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arithmetic {
    /// Fused multiply-add: AVX2, AVX-512, NEON.
    Fma,
    /// Separate multiplications and additions.
    Portable,
}

/// Who made a curve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// This program.
    Trained {
        /// Revision of the trainer: protocol, streams, order of minibatches. It rises whenever a change of these changes a
        /// bit of curves of all tasks.
        trainer: u32,
    },
    /// Another program; where the curve comes from, in a word, e.g. `task_set`.
    External(String),
}

impl TaskIdentity {
    /// The identity of a task that needs no data: `description` is anything that changes whenever the task computes
    /// something else.
    pub fn without_data(name: &str, group: &str, revision: u32, description: &str) -> Self {
        let fingerprint = Digest::of(description.as_bytes());
        let version = TaskVersion { group: group.to_owned(), revision, fingerprint };
        Self { name: name.to_owned(), origin: Origin::Real, data_digest: None, version: Some(version) }
    }
}

impl OptimizerIdentity {
    /// An optimizer with numbers for hyperparameters, without modes and schedules.
    pub fn new<'a>(
        name: &str,
        family: &str,
        hyperparameters: impl IntoIterator<Item = (&'a str, f64)>,
        revision: u32,
    ) -> Self {
        let value = |(name, x): (&str, f64)| (name.to_owned(), HyperparameterValue::Number(x));
        Self {
            name: name.to_owned(),
            family: family.to_owned(),
            hyperparameters: Hyperparameters(hyperparameters.into_iter().map(value).collect()),
            mode: None,
            schedule_steps: None,
            revision: Some(revision),
        }
    }
}

/// A text that holds no hyperparameters.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` does not hold hyperparameters: {reason}; expected is a JSON object of numbers, true, false and texts"
)]
pub struct InvalidHyperparameters {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Hyperparameters {
    /// As a JSON object, keys in alphabetical order, with the shortest numbers that give the same bits back.
    ///
    /// # Errors
    /// [`InvalidHyperparameters`] if a number is not finite: JSON has no NaN.
    pub fn to_json(&self) -> Result<String, InvalidHyperparameters> {
        let not_finite =
            |value: &HyperparameterValue| matches!(value, HyperparameterValue::Number(x) if !x.is_finite());
        if let Some((name, _)) = self.0.iter().find(|(_, value)| not_finite(value)) {
            return Err(InvalidHyperparameters {
                text: format!("{:?}", self.0),
                reason: format!("`{name}` is not finite"),
            });
        }
        serde_json::to_string(self)
            .map_err(|e| InvalidHyperparameters { text: String::new(), reason: e.to_string() })
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`InvalidHyperparameters`] for anything else.
    pub fn from_json(text: &str) -> Result<Self, InvalidHyperparameters> {
        serde_json::from_str(text)
            .map_err(|e| InvalidHyperparameters { text: text.to_owned(), reason: e.to_string() })
    }
}

impl Arithmetic {
    /// The word in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fma => "fma",
            Self::Portable => "portable",
        }
    }

    /// The class with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Fma, Self::Portable].into_iter().find(|class| class.name() == name)
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing in which two trials differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The column of a curve file that shows it, e.g. `mode`.
    pub field: &'static str,
    /// The first trial's value, in words.
    pub first: String,
    /// The second's.
    pub second: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` and `{}`", self.field, self.first, self.second)
    }
}

/// A value that may be absent, in words.
pub(crate) fn or_none(value: Option<&impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

impl TrialSpec {
    /// The identity.
    pub fn id(&self) -> TrialId {
        crate::Identifier::default().id(self)
    }

    /// The first thing in which two trials differ, in the order of the columns of a curve file; none for equal ones.
    pub fn first_difference(&self, other: &Self) -> Option<Difference> {
        // Taken apart completely, so that a new field cannot be forgotten.
        let Self { task, optimizer, replica, protocol, arithmetic, source: _ } = self;
        let differ = |field, first: String, second: String| {
            (first != second).then_some(Difference { field, first, second })
        };
        let TaskIdentity { name, origin, data_digest, version: _ } = &**task;
        let OptimizerIdentity {
            name: optimizer_name,
            family,
            hyperparameters,
            mode,
            schedule_steps,
            revision: _,
        } = &**optimizer;
        let values = |h: &Hyperparameters| h.to_json().unwrap_or_else(|e| e.text);
        let (t, o) = (&*other.task, &*other.optimizer);
        differ("task", name.clone(), t.name.clone())
            .or_else(|| differ("optimizer", optimizer_name.clone(), o.name.clone()))
            .or_else(|| differ("replica", replica.to_string(), other.replica.to_string()))
            .or_else(|| differ("mode", or_none(mode.as_ref()), or_none(o.mode.as_ref())))
            .or_else(|| {
                differ("schedule_steps", or_none(schedule_steps.as_ref()), or_none(o.schedule_steps.as_ref()))
            })
            .or_else(|| differ("protocol", protocol.to_string(), other.protocol.to_string()))
            .or_else(|| differ("data", origin.to_string(), t.origin.to_string()))
            .or_else(|| differ("data_digest", or_none(data_digest.as_ref()), or_none(t.data_digest.as_ref())))
            .or_else(|| differ("arithmetic", arithmetic.to_string(), other.arithmetic.to_string()))
            .or_else(|| differ("revisions", self.revisions(), other.revisions()))
            .or_else(|| differ("family", family.clone(), o.family.clone()))
            .or_else(|| differ("hyperparameters", values(hyperparameters), values(&o.hyperparameters)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{changes, spec};
    use proptest::prelude::*;

    #[test]
    fn every_change_is_found_by_its_field() {
        let base = spec();
        assert_eq!(base.first_difference(&base.clone()), None);
        for (field, other) in changes() {
            let difference = base.first_difference(&other).unwrap();
            assert_eq!(difference.field, field, "{difference}");
            assert_ne!(difference.first, difference.second);
        }
    }

    #[test]
    fn hyperparameters_are_a_json_object_in_alphabetical_order() {
        let text = r#"{"beta1":0.9,"learning_rate":0.001,"nesterov":false,"steps":10000.0}"#;
        let parsed = Hyperparameters::from_json(text).unwrap();
        assert_eq!(parsed.to_json().unwrap(), text);
        assert_eq!(parsed.0["steps"], HyperparameterValue::Number(1e4));
        assert_eq!(parsed.0["nesterov"], HyperparameterValue::Flag(false));
        for wrong in ["", "[]", r#"{"a":null}"#, r#"{"a":[1]}"#] {
            assert!(Hyperparameters::from_json(wrong).unwrap_err().to_string().contains("JSON object"));
        }
        let infinite = Hyperparameters([("a".to_owned(), HyperparameterValue::Number(f64::INFINITY))].into());
        assert!(infinite.to_json().unwrap_err().to_string().contains("`a` is not finite"));
    }

    #[test]
    fn classes_of_arithmetic_and_differences_in_words() {
        for class in [Arithmetic::Fma, Arithmetic::Portable] {
            assert_eq!(Arithmetic::from_name(&class.to_string()), Some(class));
        }
        assert_eq!(Arithmetic::from_name("avx2"), None);
        let other = TrialSpec { arithmetic: Arithmetic::Portable, ..spec() };
        let difference = spec().first_difference(&other).unwrap();
        assert_eq!(difference.to_string(), "arithmetic: `fma` and `portable`");
    }

    proptest! {
        #[test]
        fn numbers_keep_their_bits(x in any::<f64>().prop_filter("JSON has no others", |x| x.is_finite())) {
            let one = Hyperparameters([("x".to_owned(), HyperparameterValue::Number(x))].into());
            let read = Hyperparameters::from_json(&one.to_json().unwrap()).unwrap();
            let HyperparameterValue::Number(found) = read.0["x"] else { panic!("{read:?}") };
            prop_assert_eq!(found.to_bits(), x.to_bits());
        }
    }
}
