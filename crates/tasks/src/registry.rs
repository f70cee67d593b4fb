//! From names to tasks: describing, building and choosing the tasks of all suites.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use taskset_datasets::Datasets;

use crate::families::{FAMILIES, SEEDS, Sampled, TaskFamily};
use crate::fixed::Fixed;
use crate::spec::{Infeasible, Overhead, Specification};
use crate::suite::Suite;
use crate::{Error, Task, python_json, task_set};

/// All suites, in the order of listings.
pub static SUITES: [&dyn Suite; 2] = [&Sampled, &Fixed];

/// Everything that is known of a task without its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Name.
    pub name: String,
    /// Sampled family, e.g. `mlp_family`, or group of fixed tasks, e.g. `fixed_mlp`.
    pub family: String,
    /// One line: what is optimised.
    pub summary: String,
    /// One sentence on where the name misleads, if it does.
    pub note: Option<&'static str>,
    /// The sampled configuration in upstream's form (keys, order, values); none for fixed tasks.
    pub config: Option<Value>,
    /// The data that the task really uses, whatever its name says.
    pub dataset: Option<String>,
    /// Trainable parameters; 0 where no such model exists.
    pub num_params: u64,
    /// Whether the task can be built at all; upstream stores names that cannot (QUIRK-2).
    pub feasible: bool,
    /// Why it cannot be built.
    pub reason: Option<String>,
    /// Floating-point operations of one training step without the optimizer, a rough estimate.
    pub flops_per_step: f64,
    /// What a step costs besides those.
    pub overhead: Overhead,
}

impl From<Specification> for Description {
    fn from(spec: Specification) -> Self {
        Self {
            num_params: spec.num_params(),
            feasible: spec.body.is_ok(),
            reason: spec.body.as_ref().err().map(|Infeasible(reason)| reason.clone()),
            flops_per_step: spec.flops_per_step(),
            overhead: spec.overhead(),
            name: spec.name,
            family: spec.group.name.to_owned(),
            summary: spec.summary,
            note: spec.note,
            config: spec.config,
            dataset: spec.dataset,
        }
    }
}

/// All sampled families.
pub fn families() -> &'static [TaskFamily] {
    &FAMILIES
}

/// What a name stands for.
///
/// # Errors
/// [`Error::UnknownTask`], with the nearest name if one is near; [`Error::Pattern`] for a seed outside 0 to 999.
pub fn specification(name: &str) -> Result<Specification, Error> {
    for suite in SUITES {
        if let Some(found) = suite.find(name)? {
            return Ok(found);
        }
    }
    Err(unknown(name))
}

/// Describes the task of a name.
///
/// # Errors
/// As [`specification`].
pub fn describe(name: &str) -> Result<Description, Error> {
    Ok(specification(name)?.into())
}

/// Builds the task of a name, loading its data.
///
/// # Errors
/// As [`specification`]; [`Error::Infeasible`] where no such model exists; and errors of the data.
pub fn build(name: &str, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    specification(name)?.build(data)
}

/// The names that patterns stand for, in their order, each once. A pattern is a name, a name with ranges
/// (`mlp_family_seed{0..99}`), a wildcard over all names (`TwoD_*`; sampled families have their seeds 0 to 999), a
/// family or group of fixed tasks (all of it), a suite (`sampled` or `fixed`), or `set`: the tasks of our list ([`task_set`]).
///
/// # Errors
/// [`Error::Pattern`] for broken ranges and seeds outside 0 to 999, [`Error::NoMatch`] for a wildcard without a match, [`Error::UnknownTask`] for
/// names that do not exist.
pub fn select(patterns: &[impl AsRef<str>]) -> Result<Vec<String>, Error> {
    let mut seen = HashSet::new();
    let mut selected = Vec::new();
    for pattern in patterns {
        for name in taskset_names::expand_ranges(pattern.as_ref())? {
            for name in names_of(name)? {
                if seen.insert(name.clone()) {
                    selected.push(name);
                }
            }
        }
    }
    Ok(selected)
}

/// The names of a pattern without ranges.
fn names_of(pattern: String) -> Result<Vec<String>, Error> {
    if pattern.contains('*') {
        let names: Vec<String> = all_names().filter(|name| taskset_names::matches(&pattern, name)).collect();
        return if names.is_empty() { Err(Error::NoMatch { pattern }) } else { Ok(names) };
    }
    if pattern == task_set::NAME {
        return Ok(task_set::names());
    }
    for suite in SUITES {
        if suite.name() == pattern {
            return Ok(suite.names());
        }
        let members = suite.members(&pattern);
        if !members.is_empty() {
            return Ok(members);
        }
        if suite.contains(&pattern)? {
            return Ok(vec![pattern]);
        }
    }
    Err(unknown(&pattern))
}

/// Every name that upstream knows: the seeds 0 to 999 of each family, then the fixed tasks.
pub fn all_names() -> impl Iterator<Item = String> {
    SUITES.into_iter().flat_map(|suite| suite.names())
}

fn unknown(name: &str) -> Error {
    let suggestion = SUITES.into_iter().find_map(|suite| suite.suggestion(name));
    Error::UnknownTask { name: name.to_owned(), suggestion }
}

/// The text of upstream's configuration file of a family, seeds 0 to 999, as its generator writes it. Floats may differ
/// from upstream's copy in the last digit, where its `exp` and `log` did.
pub fn upstream_json(family: &TaskFamily) -> String {
    let mut entries: Vec<(String, u32)> = (0..SEEDS).map(|seed| (family.task_name(seed), seed)).collect();
    entries.sort();
    let lines: Vec<String> = entries
        .into_iter()
        .filter_map(|(name, seed)| {
            let value = Value::from(vec![family.config(seed)?.to_json(), Value::from(family.name)]);
            Some(format!("\"{name}\":{}", python_json::dumps(&value)))
        })
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}
