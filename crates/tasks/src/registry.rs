//! From names to tasks: describing, building and choosing all sampled and fixed tasks.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use taskset_datasets::Datasets;

use crate::families::{FAMILIES, SEEDS, TaskFamily};
use crate::fixed::{self, FixedTask};
use crate::spec::{Infeasible, Overhead, Specification};
use crate::{Error, Task, python_json};

/// Everything that is known of a task without its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Name.
    pub name: String,
    /// Sampled family, e.g. `mlp_family`, or group of fixed tasks, e.g. `fixed_mlp`.
    pub family: String,
    /// One line: what is optimised.
    pub summary: String,
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
    /// Whether this version can train it.
    pub trainable: bool,
    /// Floating-point operations of one training step without the optimizer, a rough estimate.
    pub flops_per_step: f64,
    /// What a step costs besides those.
    pub overhead: Overhead,
}

/// A name, taken apart.
enum Found {
    Sampled(Box<Specification>),
    Fixed(&'static FixedTask),
}

/// All sampled families.
pub fn families() -> &'static [TaskFamily] {
    &FAMILIES
}

/// Describes the task of a name.
///
/// # Errors
/// [`Error::UnknownTask`], with the nearest name if one is near; [`Error::Pattern`] for a seed outside 0 to 999.
pub fn describe(name: &str) -> Result<Description, Error> {
    Ok(match find(name)? {
        Found::Sampled(spec) => Description {
            num_params: spec.num_params(),
            feasible: spec.body.is_ok(),
            reason: spec.body.as_ref().err().map(|Infeasible(reason)| reason.clone()),
            trainable: spec.body.is_ok(),
            flops_per_step: spec.flops_per_step(),
            overhead: spec.overhead(),
            name: spec.name,
            family: spec.group.name.to_owned(),
            summary: spec.summary,
            config: spec.config,
            dataset: spec.dataset,
        },
        Found::Fixed(task) => {
            let cost = task.cost();
            Description {
                name: name.to_owned(),
                family: task.group.name().to_owned(),
                summary: task.summary(),
                config: None,
                dataset: task.dataset.map(str::to_owned),
                num_params: cost.num_params,
                feasible: true,
                reason: None,
                trainable: task.trainable(),
                flops_per_step: cost.flops_per_step,
                overhead: Overhead::default(),
            }
        }
    })
}

/// Builds the task of a name, loading its data.
///
/// # Errors
/// [`Error::UnknownTask`]; [`Error::Infeasible`] where no such model exists; [`Error::NotTrainableYet`] where this
/// version has no builder; and errors of the data.
pub fn build(name: &str, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    let not_yet = |family: &str| Error::NotTrainableYet { name: name.to_owned(), family: family.to_owned() };
    match find(name)? {
        Found::Sampled(spec) => spec.build(data),
        Found::Fixed(task) => task.build(data).unwrap_or_else(|| Err(not_yet(task.group.name()))),
    }
}

/// The names that patterns stand for, in their order, each once. A pattern is a name, a name with ranges
/// (`mlp_family_seed{0..99}`), a wildcard over all names (`TwoD_*`; sampled families have their seeds 0 to 999), a
/// family or group of fixed tasks (all of it), or `fixed` (all fixed tasks).
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
    if let Some(family) = FAMILIES.iter().find(|family| family.name == pattern) {
        return Ok(seeds_of(family).collect());
    }
    let group: Vec<String> = fixed::TASKS
        .iter()
        .filter(|task| pattern == "fixed" || task.group.name() == pattern)
        .map(|task| task.name.to_owned())
        .collect();
    if !group.is_empty() {
        return Ok(group);
    }
    locate(&pattern)?;
    Ok(vec![pattern])
}

/// Every name that upstream knows: the seeds 0 to 999 of each family, then the fixed tasks.
pub fn all_names() -> impl Iterator<Item = String> {
    let sampled = FAMILIES.iter().flat_map(seeds_of);
    sampled.chain(fixed::TASKS.iter().map(|task| task.name.to_owned()))
}

fn seeds_of(family: &'static TaskFamily) -> impl Iterator<Item = String> {
    (0..SEEDS).map(|seed| family.task_name(seed))
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

/// What a name stands for, before anything is sampled.
enum Located {
    Sampled(&'static TaskFamily, u32),
    Fixed(&'static FixedTask),
}

fn locate(name: &str) -> Result<Located, Error> {
    if let Some(task) = fixed::TASKS.iter().find(|task| task.name == name) {
        return Ok(Located::Fixed(task));
    }
    for family in &FAMILIES {
        if let Some(seed) = taskset_names::seed_of(family.name, name)? {
            return Ok(Located::Sampled(family, seed));
        }
    }
    Err(Error::UnknownTask { name: name.to_owned(), suggestion: suggestion(name) })
}

fn find(name: &str) -> Result<Found, Error> {
    match locate(name)? {
        Located::Fixed(task) => Ok(Found::Fixed(task)),
        Located::Sampled(family, seed) => match family.specification(seed) {
            Some(spec) => Ok(Found::Sampled(Box::new(spec))),
            None => Err(Error::UnknownTask { name: name.to_owned(), suggestion: None }),
        },
    }
}

/// The nearest name. Sampled names are compared by family and keep their seed where it exists.
fn suggestion(name: &str) -> Option<String> {
    let (stem, seed) = name.rsplit_once("_seed").unwrap_or((name, "0"));
    let family = taskset_names::closest(stem, FAMILIES.iter().map(|family| family.name))
        .and_then(|nearest| FAMILIES.iter().find(|family| family.name == nearest));
    let sampled = family.map(|family| {
        // `parse` also reads padded numbers; anything else, or beyond the last seed, falls back to a name that exists.
        let seed = seed.parse().ok().filter(|&seed: &u32| seed < SEEDS);
        family.task_name(seed.unwrap_or(0))
    });
    sampled.or_else(|| {
        taskset_names::closest(name, fixed::TASKS.iter().map(|task| task.name)).map(str::to_owned)
    })
}
