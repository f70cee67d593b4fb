//! Figure 2c: how long the tasks train.

use taskset_figures::{Claim, Color, Guide, Histogram, Table, Verdict, count, counted, significant};
use taskset_trial::Protocol;

use super::Panel;
use super::stacks::{left_out, stacks};
use crate::claim_thresholds::{cannot_tell, percent};
use crate::data_words;
use crate::figures::{Context, DataFile, Lack, Picture};
use crate::scale::PAPER_TASKS;
use crate::scored_task::TaskSummary;

/// Steps of the paper's training.
pub(in crate::figures) const STEPS: u32 = Protocol::PAPER.steps;

/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// What "almost all tasks" means.
const ALMOST_ALL: f64 = 0.95;

/// Seconds of the paper's training on a task; none where the curves record no times.
pub(in crate::figures) fn task_seconds(task: &TaskSummary) -> Option<f64> {
    task.step_seconds.map(|seconds| seconds * f64::from(STEPS)).filter(|seconds| *seconds > 0.0)
}

/// The line at one hour.
pub(in crate::figures) fn hour_guide() -> Guide {
    Guide::vertical(HOUR).color(Color::BLACK).label("one hour")
}

pub(super) fn panel(context: &Context<'_>) -> Panel {
    let all = &context.study.tasks;
    let timed: Vec<(&TaskSummary, f64)> =
        all.iter().filter_map(|task| Some((task, task_seconds(task)?))).collect();
    let seconds: Vec<f64> = timed.iter().map(|(_, seconds)| *seconds).collect();
    let claims = vec![claim(all.len(), &seconds)];
    if timed.is_empty() {
        let lack = Lack::new("The curves do not record how long the training took.");
        return Panel { picture: Err(lack), table: None, claims };
    }
    let chart = Histogram {
        title: "Training times of the tasks".to_owned(),
        subtitle: Some(format!("{}, by family", counted(timed.len() as u64, "task"))),
        x_label: format!("seconds for {} steps", count(STEPS.into())),
        y_label: "number of tasks".to_owned(),
        x_log: true,
        stacks: stacks(context.study, &timed),
        guides: vec![hour_guide()],
        note: context.note.clone(),
        ..Histogram::default()
    };
    let caption = format!(
        "How long {} training steps take. The time of a task is the median over its trials of the seconds of one step, \
         times {}. Evaluations do not count. The times are those of the machine that made the curves, and other trials may \
         have run at the same time.{}",
        count(STEPS.into()),
        count(STEPS.into()),
        left_out(all.len() - timed.len(), "no trial that ran to its end has a recorded time")
    );
    Panel {
        picture: Ok(Picture { stem: "figure2c", panels: vec![chart.into()], columns: 1, caption }),
        table: Some(DataFile { file: "figure2c.csv", label: "times", table: table(&timed) }),
        claims,
    }
}

/// Task, family and seconds: the numbers of figures 2c and 14.
pub(in crate::figures) fn table(timed: &[(&TaskSummary, f64)]) -> Table {
    let mut table = Table::new(["task", "group", "data", "seconds_of_10000_steps"]);
    for (task, seconds) in timed {
        table.push([
            task.name.clone(),
            task.group_label().to_owned(),
            data_words::data_of(task).to_owned(),
            seconds.to_string(),
        ]);
    }
    table
}

/// The claim about the times, from the number of all tasks and the seconds of those that were timed.
pub(super) fn claim(tasks: usize, seconds: &[f64]) -> Claim {
    // Tasks that were not timed, or that the set leaves out, might be slow or fast.
    let all = tasks.max(PAPER_TASKS);
    let slow = seconds.iter().filter(|seconds| **seconds >= HOUR).count();
    let quick = seconds.len() - slow;
    let needed = ALMOST_ALL * all as f64;
    let verdict = if seconds.is_empty() {
        cannot_tell("the curves do not record how long the training took")
    } else if quick as f64 >= needed {
        Verdict::Holds
    } else if slow as f64 > all as f64 - needed {
        Verdict::DoesNotHold
    } else {
        cannot_tell(format!(
            "of {} tasks only {} were timed, and the others may be slower or faster",
            count(all as u64),
            count(seconds.len() as u64)
        ))
    };
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    let measured = (!seconds.is_empty()).then(|| {
        format!(
            "{} of {} would train {} steps in under an hour; the longest takes {} minutes",
            count(quick as u64),
            counted(seconds.len() as u64, "task"),
            count(STEPS.into()),
            significant(longest / 60.0)
        )
    });
    Claim {
        text: "Almost all tasks can be trained in under an hour.".to_owned(),
        rule: format!(
            "Of the paper's {} tasks (or of all tasks here, if there are more), at least {} must take less than an hour for \
             {} steps. Tasks that were not timed could be slow or fast. Holds if it is so even if all of them are slow; does \
             not hold if it is wrong even if all of them are fast; otherwise the measurement cannot tell.",
            count(PAPER_TASKS as u64),
            percent(ALMOST_ALL),
            count(STEPS.into())
        ),
        measured: measured.into_iter().collect(),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict on so many fast and slow tasks among all.
    fn check(tasks: usize, fast: usize, slow: usize, words: &str) {
        let seconds = [vec![10.0; fast], vec![HOUR; slow]].concat();
        let claim = claim(tasks, &seconds);
        assert_eq!(claim.verdict.words(), words, "{claim:?}");
    }

    #[test]
    fn all_verdicts_are_possible() {
        check(1162, 1104, 58, "holds");
        check(1162, 1103, 59, "does not hold");
        check(1162, 1103, 58, "cannot tell");
        check(80, 80, 0, "cannot tell");
        check(80, 20, 60, "does not hold");
        check(2000, 1104, 0, "cannot tell");
        check(0, 0, 0, "cannot tell");
    }

    #[test]
    fn a_task_takes_the_median_step_times_the_papers_steps() {
        let task = |step_seconds| TaskSummary { step_seconds, ..data_words::tests::task("t", None) };
        assert_eq!(task_seconds(&task(None)), None);
        assert_eq!(task_seconds(&task(Some(0.0))), None);
        assert!((task_seconds(&task(Some(0.25))).unwrap() - 2500.0).abs() < 1e-9);
    }
}
