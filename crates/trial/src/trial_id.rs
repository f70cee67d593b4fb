//! The identity of a trial: a hash of its specification.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::{
    Digest, HyperparameterValue, InvalidDigest, OptimizerIdentity, Protocol, Source, TaskIdentity,
    TaskVersion, TrialSpec,
};

/// Version of the layout below. It rises when the layout changes, and then every identity does.
const FORMAT: u64 = 1;

/// The identity of a trial: SHA-256 of its [`TrialSpec`], written as 64 hexadecimal digits.
///
/// # Layout
/// The hash is taken over these fields, one after the other. A text is its length in bytes (u64, little-endian) and its UTF-8
/// bytes; a number is a u64, little-endian; a digest is its 32 bytes; an optional field begins with a number: 0 (absent,
/// nothing follows) or 1.
///
/// 1. the text `taskset-trial`, the number 1 (version of this layout);
/// 2. task: name, origin (`real`, `partial`, `synthetic`), data digest or absent, version or absent: group, revision,
///    fingerprint;
/// 3. optimizer: name, family, number of hyperparameters, each in the order of their names: name, then `flag` and the
///    number 0 or 1, or `number` and the bits of the f64, or `text` and the text; mode or absent, schedule steps or absent,
///    revision or absent;
/// 4. steps, eval_every, eval_batches;
/// 5. arithmetic (`fma`, `portable`);
/// 6. `trained` and the trainer's revision, or `external` and the source;
/// 7. replica.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrialId(pub Digest);

impl TrialId {
    /// The first 16 digits: enough for a reader to tell trials apart.
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TrialId {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.parse().map(Self)
    }
}

/// Computes identities of many trials. Consecutive trials that share their task or optimizer cost little.
#[derive(Clone, Debug, Default)]
pub struct Identifier {
    /// The last task, and the hash behind it.
    task: Option<(Arc<TaskIdentity>, Sha256)>,
    /// What the last trial shares with other replicas, and the hash behind it.
    shared: Option<(TrialSpec, Sha256)>,
}

impl Identifier {
    /// The identity of a trial.
    pub fn id(&mut self, spec: &TrialSpec) -> TrialId {
        // Taken apart completely, so that a new field cannot be forgotten.
        let TrialSpec { task, optimizer, replica, protocol, arithmetic, source } = spec;
        let same = |other: &TrialSpec| {
            Arc::ptr_eq(&other.task, task)
                && Arc::ptr_eq(&other.optimizer, optimizer)
                && other.protocol == *protocol
                && other.arithmetic == *arithmetic
                && other.source == *source
        };
        if self.shared.as_ref().is_none_or(|(other, _)| !same(other)) {
            if self.task.as_ref().is_none_or(|(other, _)| !Arc::ptr_eq(other, task)) {
                let mut fields = Fields(Sha256::new());
                fields.text("taskset-trial");
                fields.number(FORMAT);
                fields.task(task);
                self.task = Some((Arc::clone(task), fields.0));
            }
            let mut fields = Fields(self.task.as_ref().map_or_else(Sha256::new, |(_, hash)| hash.clone()));
            fields.optimizer(optimizer);
            let Protocol { steps, eval_every, eval_batches } = protocol;
            for &number in [steps, eval_every, eval_batches] {
                fields.number(number.into());
            }
            fields.text(arithmetic.name());
            match source {
                Source::Trained { trainer } => {
                    fields.text("trained");
                    fields.number((*trainer).into());
                }
                Source::External(source) => {
                    fields.text("external");
                    fields.text(source);
                }
            }
            self.shared = Some((spec.clone(), fields.0));
        }
        let mut fields = Fields(self.shared.as_ref().map_or_else(Sha256::new, |(_, hash)| hash.clone()));
        fields.number((*replica).into());
        TrialId(Digest(fields.0.finalize().into()))
    }
}

/// A hash over fields.
struct Fields(Sha256);

impl Fields {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<&T>, put: impl FnOnce(&mut Self, &T)) {
        self.number(value.is_some().into());
        if let Some(value) = value {
            put(self, value);
        }
    }

    fn digest(&mut self, digest: &Digest) {
        self.0.update(digest.0);
    }

    fn task(&mut self, task: &TaskIdentity) {
        let TaskIdentity { name, origin, data_digest, version } = task;
        self.text(name);
        self.text(origin.name());
        self.optional(data_digest.as_ref(), Self::digest);
        self.optional(version.as_ref(), |fields, TaskVersion { group, revision, fingerprint }| {
            fields.text(group);
            fields.number((*revision).into());
            fields.digest(fingerprint);
        });
    }

    fn optimizer(&mut self, optimizer: &OptimizerIdentity) {
        let OptimizerIdentity { name, family, hyperparameters, mode, schedule_steps, revision } = optimizer;
        self.text(name);
        self.text(family);
        self.number(hyperparameters.0.len() as u64);
        for (name, value) in &hyperparameters.0 {
            self.text(name);
            match value {
                HyperparameterValue::Flag(flag) => {
                    self.text("flag");
                    self.number((*flag).into());
                }
                HyperparameterValue::Number(number) => {
                    self.text("number");
                    self.number(number.to_bits());
                }
                HyperparameterValue::Text(text) => {
                    self.text("text");
                    self.text(text);
                }
            }
        }
        self.optional(mode.as_ref(), |fields, mode| fields.text(mode));
        self.optional(schedule_steps.as_ref(), |fields, &steps| fields.number(steps));
        self.optional(revision.as_ref(), |fields, &revision| fields.number(revision.into()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Arithmetic;
    use crate::testing::{changes, spec};

    /// Made by an independent Python script from the documented layout (hashlib, struct).
    #[test]
    fn golden_identities() {
        let base = spec();
        assert_eq!(base.id().to_string(), "8bc7295fe7bdeee8da4ac7a9e99c953071ac1a30484272726911a5887cdcc3a8");
        let bare = TrialSpec {
            task: Arc::new(TaskIdentity { version: None, data_digest: None, ..(*base.task).clone() }),
            optimizer: Arc::new(OptimizerIdentity {
                mode: None,
                schedule_steps: None,
                revision: None,
                ..(*base.optimizer).clone()
            }),
            source: Source::External("task_set".into()),
            ..base
        };
        assert_eq!(bare.id().to_string(), "d3ab10244b113b28db4b69f84813fa22871def1816e171966515495996e6223c");
    }

    #[test]
    fn every_change_gives_another_identity() {
        let all = changes();
        let ids: BTreeSet<TrialId> = all.iter().map(|(_, spec)| spec.id()).chain([spec().id()]).collect();
        assert_eq!(ids.len(), all.len() + 1);
        assert_eq!(spec().id(), spec().id());
        let text = spec().id().to_string();
        assert_eq!(text.parse(), Ok(spec().id()));
        assert_eq!((spec().id().short().as_str(), format!("{:?}", spec().id())), (&text[..16], text.clone()));
    }

    #[test]
    fn what_was_computed_before_changes_nothing() {
        let mut identifier = Identifier::default();
        let base = spec();
        let mut specs = vec![base.clone(), TrialSpec { replica: 1, ..base.clone() }];
        specs.extend(changes().into_iter().map(|(_, spec)| spec));
        // The same task with another optimizer, and back.
        let other = Arc::new(OptimizerIdentity::new("o", "f", [], 1));
        specs.push(TrialSpec { optimizer: other, ..base.clone() });
        // The same task and optimizer in another setting, and back.
        let mut longer = base.clone();
        longer.protocol.steps += 1;
        specs.extend([base.clone(), longer, base.clone()]);
        specs.push(TrialSpec { arithmetic: Arithmetic::Portable, ..base.clone() });
        specs.extend([base.clone(), TrialSpec { source: Source::Trained { trainer: 6 }, ..base.clone() }]);
        specs.push(base);
        for spec in &specs {
            assert_eq!(identifier.id(spec), spec.id());
        }
    }
}
