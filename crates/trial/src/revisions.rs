//! The column `revisions` of a curve file: which version of the program's code made a curve.

use serde::{Deserialize, Serialize};

use crate::{Digest, Source, TaskVersion, TrialSpec};

/// What an import's revisions begin with.
const EXTERNAL: &str = "external:";

/// The JSON of the column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    fingerprint: String,
    group: String,
    rule: u32,
    task: u32,
    trainer: u32,
}

/// A text that is not the revisions of a curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` does not say the revisions of a curve: {reason}")]
pub struct InvalidRevisions {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl TrialSpec {
    /// The revisions as a curve file has them: `external:<source>` for an import, else JSON with the task's group, its
    /// revision (`task`) and fingerprint, the revision of the optimizer's rule (`rule`) and that of the `trainer`.
    pub fn revisions(&self) -> String {
        let trainer = match &self.source {
            Source::External(source) => return format!("{EXTERNAL}{source}"),
            Source::Trained { trainer } => *trainer,
        };
        let (group, task, fingerprint) = match &self.task.version {
            Some(TaskVersion { group, revision, fingerprint }) => {
                (group.clone(), *revision, fingerprint.to_string())
            }
            None => (String::new(), 0, String::new()),
        };
        let rule = self.optimizer.revision.unwrap_or(0);
        serde_json::json!({
            "fingerprint": fingerprint, "group": group, "rule": rule, "task": task, "trainer": trainer
        })
        .to_string()
    }
}

impl Source {
    /// Reads the column `revisions`: who made the curve, the version of its task, the revision of its optimizer's rule.
    ///
    /// # Errors
    /// [`InvalidRevisions`] for a text that [`TrialSpec::revisions`] does not write.
    pub fn parse(text: &str) -> Result<(Self, Option<TaskVersion>, Option<u32>), InvalidRevisions> {
        if let Some(source) = text.strip_prefix(EXTERNAL) {
            return Ok((Self::External(source.to_owned()), None, None));
        }
        let invalid = |reason: String| InvalidRevisions { text: text.to_owned(), reason };
        let columns: Columns = serde_json::from_str(text).map_err(|e| invalid(e.to_string()))?;
        let Columns { fingerprint, group, rule, task, trainer } = columns;
        let version = if group.is_empty() && fingerprint.is_empty() {
            None
        } else {
            let fingerprint: Digest = fingerprint.parse().map_err(|e| invalid(format!("{e}")))?;
            Some(TaskVersion { group, revision: task, fingerprint })
        };
        Ok((Self::Trained { trainer }, version, (rule > 0).then_some(rule)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::spec;
    use crate::{OptimizerIdentity, TaskIdentity};

    #[test]
    fn what_is_written_is_read() {
        let base = spec();
        let check = |spec: &TrialSpec| {
            let read = Source::parse(&spec.revisions()).unwrap();
            assert_eq!(read, (spec.source.clone(), spec.task.version.clone(), spec.optimizer.revision));
        };
        check(&base);
        let bare = TrialSpec {
            task: Arc::new(TaskIdentity { version: None, ..(*base.task).clone() }),
            optimizer: Arc::new(OptimizerIdentity { revision: None, ..(*base.optimizer).clone() }),
            ..base
        };
        check(&bare);
        check(&TrialSpec { source: Source::External("task_set".into()), ..bare });
        let half = [
            r#"{"fingerprint":"xy","group":"g","rule":1,"task":1,"trainer":1}"#,
            r#"{"fingerprint":"","group":"g","rule":1,"task":1,"trainer":1}"#,
            r#"{"fingerprint":"xy","group":"","rule":1,"task":1,"trainer":1}"#,
        ];
        for wrong in ["", "{}", "task_set"].into_iter().chain(half) {
            assert!(Source::parse(wrong).unwrap_err().to_string().contains("revisions"), "{wrong}");
        }
    }
}
