//! What a report does not show, from the registry of tasks: what this version cannot train, and what was left out.

use std::collections::{BTreeMap, BTreeSet};

use taskset_figures::{counted, natural_order};

use crate::Error;

/// Seeds of a sampled family that are looked at: whether a family can be trained does not depend on the seed, but some
/// seeds stand for no model at all.
const SEEDS: u32 = 20;

/// Figures of section 5 that this version does not draw.
const FIGURES: &str = "4, 5 and 6";

/// Tasks of a family (or of a group of fixed tasks), and how many of them can be trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Family {
    trainable: u64,
    tasks: u64,
    fixed: bool,
}

/// Names and values for the page: what cannot be trained, what could be but is not in the figure, and the figures that
/// are not drawn.
///
/// # Errors
/// Only if the registry is broken.
pub(crate) fn rows<'a>(used: impl IntoIterator<Item = &'a str>) -> Result<Vec<(String, String)>, Error> {
    let families = families()?;
    let used: BTreeSet<String> = used
        .into_iter()
        .filter_map(|name| taskset_tasks::describe(name).ok())
        .map(|task| task.family)
        .collect();
    Ok(rows_of(&families, &used))
}

fn rows_of(families: &BTreeMap<String, Family>, used: &BTreeSet<String>) -> Vec<(String, String)> {
    let list = |names: Vec<String>, none: &str| {
        let mut names = names;
        names.sort_by(|a, b| natural_order(a, b));
        if names.is_empty() { none.to_owned() } else { names.join(", ") }
    };
    let untrainable = families.iter().filter(|(_, family)| family.trainable < family.tasks);
    let untrainable = untrainable.map(|(name, family)| {
        let missing = family.tasks - family.trainable;
        if family.fixed { format!("{name} ({})", counted(missing, "task")) } else { name.clone() }
    });
    let unused = families.iter().filter(|(name, family)| family.trainable > 0 && !used.contains(*name));
    let row = |key: &str, value: String| (key.to_owned(), value);
    vec![
        row(
            "Not trainable in this version",
            list(untrainable.collect(), "nothing: every family can be trained"),
        ),
        row(
            "Trainable, but not in this figure",
            list(unused.map(|(name, _)| name.clone()).collect(), "nothing: every trainable family is in it"),
        ),
        row("Figures of section 5 that are not drawn", FIGURES.to_owned()),
    ]
}

/// All families and groups of the registry.
fn families() -> Result<BTreeMap<String, Family>, Error> {
    let sampled =
        taskset_tasks::families().iter().flat_map(|family| (0..SEEDS).map(|seed| family.task_name(seed)));
    let fixed = taskset_tasks::select(&["fixed"])?;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for name in sampled.chain(fixed) {
        let task = taskset_tasks::describe(&name)?;
        let family = families.entry(task.family).or_default();
        family.fixed |= task.config.is_none();
        family.tasks += u64::from(task.feasible);
        family.trainable += u64::from(task.trainable);
    }
    Ok(families)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_trains_is_not_called_missing() {
        let rows = rows(["mlp_family_seed3", "TwoD_Bowl1", "no such task"]).unwrap();
        let words = |row: usize| {
            rows[row].1.split(", ").map(|w| w.split(' ').next().unwrap()).collect::<BTreeSet<_>>()
        };
        for name in taskset_tasks::families().iter().map(|family| family.name) {
            let task = (0..SEEDS).map(|seed| taskset_tasks::describe(&format!("{name}_seed{seed}")).unwrap());
            let trainable = task.into_iter().filter(|task| task.feasible).all(|task| task.trainable);
            assert_eq!(words(0).contains(name), !trainable, "{name}");
            assert_eq!(words(1).contains(name), trainable && name != "mlp_family", "{name}");
        }
        for name in taskset_tasks::select(&["fixed"]).unwrap() {
            let task = taskset_tasks::describe(&name).unwrap();
            assert!(task.trainable || words(0).contains(task.family.as_str()), "{name}");
        }
    }

    #[test]
    fn partly_trainable_groups_say_how_many_are_missing() {
        let family = |trainable, tasks, fixed| Family { trainable, tasks, fixed };
        let families = BTreeMap::from([
            ("fixed_b".to_owned(), family(3, 5, true)),
            ("a_family".to_owned(), family(20, 20, false)),
            ("c_family".to_owned(), family(0, 20, false)),
        ]);
        let rows = rows_of(&families, &BTreeSet::from(["a_family".to_owned()]));
        assert_eq!([&*rows[0].1, &*rows[1].1], ["c_family, fixed_b (2 tasks)", "fixed_b"]);
        let all = BTreeMap::from([("a_family".to_owned(), family(20, 20, false))]);
        assert!(
            rows_of(&all, &BTreeSet::from(["a_family".to_owned()]))[..2]
                .iter()
                .all(|row| row.1.starts_with("nothing"))
        );
    }
}
