//! What the bars of figures 2a and 2c are made of.

use taskset_figures::{Category, Color, Marker, Stack, counted};

use crate::figures::task_category;
use crate::scored_curves::Study;
use crate::scored_task::TaskSummary;

/// The look of all fixed tasks together. Their groups have looks of their own in other figures, but are too many for bars.
const FIXED: Category = Category { color: Color::new(0xbb, 0xbb, 0xbb), marker: Marker::Circle };

/// The numbers of some tasks, stacked by family: the sampled families, then all fixed tasks, then those that the registry
/// does not know.
pub(super) fn stacks(study: &Study, tasks: &[(&TaskSummary, f64)]) -> Vec<Stack> {
    let (mut stacks, mut others, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    for group in study.groups_of(tasks.iter().map(|(task, _)| task.name.as_str())) {
        let values = group.tasks.iter().map(|&place| tasks[place].1);
        match group.name {
            Some(name) if is_fixed(name) => fixed.extend(values),
            Some(name) => stacks.push(Stack::new(name, task_category(Some(name)), values.collect())),
            None => others.push(Stack::new(group.label(), task_category(None), values.collect())),
        }
    }
    if !fixed.is_empty() {
        stacks.push(Stack::new("fixed tasks", FIXED, fixed));
    }
    stacks.extend(others);
    stacks
}

fn is_fixed(group: &str) -> bool {
    let suites = taskset_tasks::SUITES.into_iter();
    suites.filter(|suite| suite.name() == "fixed").any(|suite| suite.groups().contains(&group))
}

/// A sentence about tasks that a picture does not show; empty if there are none.
pub(super) fn left_out(number: usize, why: &str) -> String {
    match number {
        0 => String::new(),
        number => format!(" Left out: {}, because {why}.", counted(number as u64, "task")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_words::tests::task;
    use crate::scored_curves::tests::study;

    #[test]
    fn fixed_tasks_are_one_stack_between_families_and_unknown_tasks() {
        let of = |name: &str, group: Option<&str>| TaskSummary {
            group: group.map(str::to_owned),
            ..task(name, None)
        };
        let study = study(vec![
            of("a", Some("fixed_mlp")),
            of("b", None),
            of("c", Some("fixed_two_d")),
            of("d", Some("nvp_family")),
        ]);
        let tasks: Vec<(&TaskSummary, f64)> = study.tasks.iter().zip([1.0, 2.0, 3.0, 4.0]).collect();
        let found: Vec<(String, Vec<f64>)> =
            stacks(&study, &tasks).into_iter().map(|stack| (stack.label, stack.values)).collect();
        let expected = [("nvp_family", vec![4.0]), ("fixed tasks", vec![3.0, 1.0]), ("other", vec![2.0])];
        let sorted = |(label, mut values): (String, Vec<f64>)| {
            values.sort_by(|a, b| b.total_cmp(a));
            (label, values)
        };
        assert_eq!(
            found.into_iter().map(sorted).collect::<Vec<_>>(),
            expected.map(|(label, values)| (label.to_owned(), values))
        );
    }

    #[test]
    fn sentences_about_tasks_left_out() {
        assert_eq!(left_out(0, "x"), "");
        assert_eq!(left_out(1, "it is so"), " Left out: 1 task, because it is so.");
    }
}
