//! What a report does not show, from the registry of tasks: the families that are not in its figure, and the figures that
//! are not drawn.

use std::collections::BTreeSet;

use taskset_figures::natural_order;

use crate::Error;

/// Figures of section 5 that this version does not draw.
const FIGURES: &str = "4, 5 and 6";

/// Names and values for the page.
///
/// # Errors
/// Only if the registry is broken.
pub(crate) fn rows<'a>(used: impl IntoIterator<Item = &'a str>) -> Result<Vec<(String, String)>, Error> {
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
    Ok(vec![
        ("Families that are not in this figure".to_owned(), unused),
        ("Figures of section 5 that are not drawn".to_owned(), FIGURES.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_that_are_used_are_not_called_missing() {
        let rows = rows(["mlp_family_seed3", "TwoD_Bowl1", "no such task"]).unwrap();
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
        let rows = rows(names.iter().map(String::as_str)).unwrap();
        assert!(rows[0].1.starts_with("nothing"), "{}", rows[0].1);
    }
}
