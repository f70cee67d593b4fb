//! What a report does not show, from the registries: the families of tasks that are not in it, and the figures that are not.

use std::collections::BTreeSet;

use taskset_figures::natural_order;

use crate::{Error, FIGURES, FigureRow};

/// Figures of the paper that this program does not draw, and why.
const NOT_DRAWN: &str = "7, 8 and 10 need models that are no tasks of the set (a ResNet-50 on ImageNet, Transformers on LM1B); 9 and \
                         the other half of A.1 need reinforcement learning";

/// Names and values for the page.
///
/// # Errors
/// Only if the registry is broken.
pub(crate) fn rows<'a>(
    used: impl IntoIterator<Item = &'a str>,
    figures: &[&FigureRow],
) -> Result<Vec<(String, String)>, Error> {
    let used: BTreeSet<String> = used
        .into_iter()
        .filter_map(|name| taskset_tasks::describe(name).ok())
        .map(|task| task.family)
        .collect();
    let groups = taskset_tasks::SUITES.into_iter().flat_map(|suite| suite.groups());
    let mut unused: Vec<&str> = groups.filter(|group| !used.contains(*group)).collect();
    unused.sort_by(|a, b| natural_order(a, b));
    let unused =
        if unused.is_empty() { "nothing: every family is in it".to_owned() } else { unused.join(", ") };
    let others: Vec<&str> = FIGURES
        .iter()
        .filter(|row| !figures.iter().any(|drawn| drawn.name == row.name))
        .map(|row| row.label)
        .collect();
    let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
    Ok(vec![
        ("Families of tasks that are not in it".to_owned(), unused),
        ("Figures that were not asked for".to_owned(), others),
        ("Figures that cannot be drawn".to_owned(), NOT_DRAWN.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_that_are_used_are_not_called_missing() {
        let rows = rows(["mlp_family_seed3", "TwoD_Bowl1", "no such task"], &[]).unwrap();
        let words: BTreeSet<&str> = rows[0].1.split(", ").collect();
        for group in taskset_tasks::SUITES.into_iter().flat_map(|suite| suite.groups()) {
            let used = ["mlp_family", "fixed_two_d"].contains(&group);
            assert_eq!(words.contains(group), !used, "{group}");
        }
        assert_eq!(words.len(), 24);
    }

    #[test]
    fn nothing_is_missing_where_all_are_used() {
        let groups = taskset_tasks::SUITES
            .into_iter()
            .flat_map(|suite| suite.groups().into_iter().map(move |g| (suite, g)));
        let names: Vec<String> =
            groups.filter_map(|(suite, group)| suite.members(group).into_iter().next()).collect();
        let rows = rows(names.iter().map(String::as_str), &[]).unwrap();
        assert!(rows[0].1.starts_with("nothing"), "{}", rows[0].1);
    }
}
