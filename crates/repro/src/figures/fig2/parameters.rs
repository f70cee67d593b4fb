//! Figure 2a: the numbers of parameters of the tasks.

use taskset_figures::{Claim, Histogram, Table, Verdict, count, counted};

use super::Panel;
use super::stacks::{left_out, stacks};
use crate::claim_thresholds::cannot_tell;
use crate::data_words;
use crate::figures::{Context, DataFile, Lack, Picture};
use crate::scale::PAPER_TASKS;
use crate::scored_task::TaskSummary;

/// Orders of magnitude that the paper finds.
const ORDERS: f64 = 7.0;

pub(super) fn panel(context: &Context<'_>) -> Panel {
    let tasks: Vec<&TaskSummary> = context.study.tasks.iter().filter(|task| task.parameters > 0).collect();
    let parameters: Vec<u64> = tasks.iter().map(|task| task.parameters).collect();
    let claims = vec![claim(context.study.tasks.len(), &parameters)];
    if tasks.is_empty() {
        let lack = Lack::new("The curves do not record the numbers of parameters of the tasks.");
        return Panel { picture: Err(lack), table: None, claims };
    }
    let values: Vec<(&TaskSummary, f64)> = tasks.iter().map(|task| (*task, task.parameters as f64)).collect();
    let chart = Histogram {
        title: "Parameters of the tasks".to_owned(),
        subtitle: Some(format!("{}, by family", counted(tasks.len() as u64, "task"))),
        x_label: "number of parameters".to_owned(),
        y_label: "number of tasks".to_owned(),
        x_log: true,
        stacks: stacks(context.study, &values),
        note: context.note.clone(),
        ..Histogram::default()
    };
    let caption = format!(
        "How many tasks have how many parameters. A parameter is one trained number. The colours show the family of the tasks.{}",
        left_out(context.study.tasks.len() - tasks.len(), "the curves do not record their parameters")
    );
    Panel {
        picture: Ok(Picture { stem: "figure2a", panels: vec![chart.into()], columns: 1, caption }),
        table: Some(DataFile { file: "figure2a.csv", label: "parameters", table: table(&tasks) }),
        claims,
    }
}

fn table(tasks: &[&TaskSummary]) -> Table {
    let mut table = Table::new(["task", "group", "data", "parameters"]);
    for task in tasks {
        table.push([
            task.name.clone(),
            task.group_label().to_owned(),
            data_words::data_of(task).to_owned(),
            task.parameters.to_string(),
        ]);
    }
    table
}

/// The claim about the sizes, from the number of all tasks and the known numbers of parameters.
pub(super) fn claim(tasks: usize, parameters: &[u64]) -> Claim {
    let mut measured = Vec::new();
    let verdict = match (parameters.iter().min(), parameters.iter().max()) {
        (Some(&least), Some(&most)) => {
            let orders = (most as f64 / least as f64).log10();
            measured.push(format!(
                "from {} to {}: {orders:.1} orders of magnitude",
                counted(least, "parameter"),
                count(most)
            ));
            if orders > ORDERS {
                Verdict::Holds
            } else if parameters.len() >= PAPER_TASKS && parameters.len() == tasks {
                Verdict::DoesNotHold
            } else {
                cannot_tell(format!(
                    "the sizes of {} are known, and smaller or larger ones may be among the others of the paper's {}",
                    counted(parameters.len() as u64, "task"),
                    count(PAPER_TASKS as u64)
                ))
            }
        }
        _ => cannot_tell("the curves do not record the numbers of parameters of the tasks"),
    };
    Claim {
        text: "The task suite spans more than 7 orders of magnitude in model size.".to_owned(),
        rule: format!(
            "Holds if the largest number of parameters of a task is more than 10⁷ times the smallest. Does not hold if it is \
             not and the set is not smaller than the paper's ({} tasks). Otherwise the measurement cannot tell, because a \
             smaller set may leave out the largest tasks.",
            count(PAPER_TASKS as u64)
        ),
        measured,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tasks: usize, parameters: &[u64], words: &str) {
        let claim = claim(tasks, parameters);
        assert_eq!(claim.verdict.words(), words, "{claim:?}");
    }

    #[test]
    fn all_verdicts_are_possible() {
        check(3, &[2, 500, 20_000_001], "holds");
        check(3, &[2, 500, 20_000_000], "cannot tell");
        check(1162, &[5; 1162], "does not hold");
        check(1163, &[5; 1162], "cannot tell");
        check(0, &[], "cannot tell");
    }
}
