//! Figure 14: training times by family of tasks (appendix B).

use taskset_figures::{Block, BoxChart, BoxRow, Claim, Verdict, count, counted};
use taskset_normalize::quantile;
use taskset_optim::Family;

use super::fig2::{STEPS, hour_guide, task_seconds, times_table};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture, task_category};
use crate::claim_thresholds::{MIN_TASKS, cannot_tell};
use crate::scale::PAPER_TASKS;
use crate::scored_curves::TaskGroup;
use crate::scored_task::TaskSummary;

/// Whiskers reach to the last task within this many interquartile ranges of the box, as in usual box plots.
const WHISKER: f64 = 1.5;

/// A narrow distribution: the upper quartile is at most this many times the lower one, half an order of magnitude.
const NARROW: f64 = 3.2;

/// Timed tasks of a sampled family that say how wide it is. The paper has about 90 of each family.
const MIN_SAMPLED: usize = 50;

/// Families with so many tasks.
const MIN_FAMILIES: usize = 5;

/// With fewer tasks than this, most boxes are made of few tasks.
const FEW_TASKS: usize = 100;

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig14",
    label: "Figure 14",
    title: "Training times by family",
    part: Part::Appendix,
    place: "appendix B",
    // The times are those of all curves. These ones are asked for so that there are some.
    families: &[Family::Adam8p],
    options: &[],
    readings: &[],
    claims: || vec![super::unmeasured(claim(&[]))],
    analyse,
};

/// The times of one family or group.
struct Times {
    label: &'static str,
    name: Option<&'static str>,
    /// Seconds of each task, in rising order.
    seconds: Vec<f64>,
    /// Whether there are so many tasks of it that its distribution can be seen.
    enough: bool,
}

impl Times {
    fn new(group: &TaskGroup, all: &[(&TaskSummary, f64)]) -> Self {
        let mut seconds: Vec<f64> = group.tasks.iter().map(|&task| all[task].1).collect();
        seconds.sort_by(f64::total_cmp);
        let enough = group.name.is_some_and(|name| seconds.len() >= needed(name));
        Self { label: group.label(), name: group.name, seconds, enough }
    }

    fn quartiles(&self) -> [f64; 3] {
        [0.25, 0.5, 0.75].map(|q| quantile(&self.seconds, q))
    }

    fn is_narrow(&self) -> bool {
        let [q1, _, q3] = self.quartiles();
        q3 <= NARROW * q1
    }

    fn row(&self) -> BoxRow {
        let [q1, median, q3] = self.quartiles();
        let (low, high) = (q1 - WHISKER * (q3 - q1), q3 + WHISKER * (q3 - q1));
        let inside = || self.seconds.iter().copied().filter(|seconds| (low..=high).contains(seconds));
        let five = [
            inside().fold(f64::INFINITY, f64::min),
            q1,
            median,
            q3,
            inside().fold(f64::NEG_INFINITY, f64::max),
        ];
        let outliers = self.seconds.iter().copied().filter(|seconds| !(low..=high).contains(seconds));
        let label = format!("{} ({})", self.label, count(self.seconds.len() as u64));
        BoxRow::new(label, task_category(self.name).color, five).outliers(outliers.collect())
    }
}

/// Timed tasks that a family or group needs: many of a sampled family; all of a group of fixed tasks, if these are not few.
fn needed(group: &str) -> usize {
    let members = taskset_tasks::SUITES.into_iter().map(|suite| suite.members(group).len()).sum::<usize>();
    members.clamp(MIN_TASKS, MIN_SAMPLED)
}

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let all = &context.study.tasks;
    let timed: Vec<(&TaskSummary, f64)> =
        all.iter().filter_map(|task| Some((task, task_seconds(task)?))).collect();
    if timed.is_empty() {
        return Err(Lack::new("The curves do not record how long the training took."));
    }
    let groups = context.study.groups_of(timed.iter().map(|(task, _)| task.name.as_str()));
    let times: Vec<Times> = groups.iter().map(|group| Times::new(group, &timed)).collect();
    let few = (timed.len() < FEW_TASKS).then(|| {
        Block::Paragraph(format!(
            "The paper's figure has {} tasks and this one has {}. Boxes of few tasks say little about their family.",
            count(PAPER_TASKS as u64),
            count(timed.len() as u64)
        ))
    });
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure14",
            panels: vec![chart(&times, context.note.clone()).into()],
            columns: 1,
            caption: caption(all.len() - timed.len()),
        }],
        tables: vec![DataFile { file: "figure14.csv", label: "times", table: times_table(&timed) }],
        claims: vec![claim(&times)],
        blocks: few.into_iter().collect(),
        ..Findings::default()
    })
}

fn chart(times: &[Times], note: Option<String>) -> BoxChart {
    BoxChart {
        title: ROW.title.to_owned(),
        subtitle: Some("in parentheses: the number of tasks".to_owned()),
        x_label: format!("seconds for {} steps", count(STEPS.into())),
        x_log: true,
        rows: times.iter().map(Times::row).collect(),
        guides: vec![hour_guide()],
        note,
    }
}

fn caption(missing: usize) -> String {
    let left_out = match missing {
        0 => String::new(),
        missing => {
            format!(
                " Left out: {}, because no trial that ran to its end has a recorded time.",
                counted(missing as u64, "task")
            )
        }
    };
    format!(
        "How long {} training steps take in each family or group of tasks. The time of a task is the median over its trials \
         of the seconds of one step, times {}. A box goes from the 25th to the 75th percentile of the tasks, with a thick line \
         at the median. Whiskers end at the last task within {WHISKER} times the length of the box; all tasks beyond are \
         dots. The length is measured in seconds, not on the logarithmic axis. The paper's times come from several kinds \
         of machines. These come from the machines that made the curves.{left_out}",
        count(STEPS.into()),
        count(STEPS.into())
    )
}

fn claim(times: &[Times]) -> Claim {
    let enough: Vec<&Times> = times.iter().filter(|times| times.enough).collect();
    let narrow = enough.iter().filter(|times| times.is_narrow()).count();
    let measured = (!enough.is_empty()).then(|| {
        let widths = enough.iter().map(|times| {
            let [q1, _, q3] = times.quartiles();
            format!("{} {:.1}", times.label, q3 / q1)
        });
        format!(
            "{narrow} of {} with enough tasks {} narrow; upper quartile divided by lower quartile: {}",
            if enough.len() == 1 { "1 family".to_owned() } else { format!("{} families", enough.len()) },
            if narrow == 1 { "is" } else { "are" },
            widths.collect::<Vec<_>>().join(", ")
        )
    });
    let verdict = if enough.len() < MIN_FAMILIES {
        cannot_tell(format!(
            "the number of families with enough tasks is {}, and at least {MIN_FAMILIES} are needed",
            enough.len()
        ))
    } else if 2 * narrow > enough.len() {
        Verdict::Holds
    } else {
        Verdict::DoesNotHold
    };
    Claim {
        text: "Most task families have a narrow distribution of compute times.".to_owned(),
        rule: format!(
            "A family is narrow if the upper quartile of its times is at most {NARROW} times the lower one. Holds if more than \
             half of the families are narrow; does not hold otherwise. A sampled family counts if at least {MIN_SAMPLED} of its \
             tasks were timed, and a group of fixed tasks if all of them, and at least {MIN_TASKS}, were: a smaller scale may \
             have only the cheap tasks of a family. At least {MIN_FAMILIES} families must count."
        ),
        measured: measured.into_iter().collect(),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_words::tests::task;
    use crate::figure_options::Options;
    use crate::score_readings::Reading;
    use crate::scored_curves::tests::study;

    const GROUPS: [&str; 5] =
        ["mlp_family", "mlp_ae_family", "maf_family", "quadratic_family", "fixed_two_d"];

    fn times(label: &'static str, seconds: &[f64]) -> Times {
        let tasks: Vec<TaskSummary> = seconds.iter().map(|_| task("t", None)).collect();
        let all: Vec<(&TaskSummary, f64)> = tasks.iter().zip(seconds.iter().copied()).collect();
        Times::new(&TaskGroup { name: Some(label), tasks: (0..seconds.len()).collect() }, &all)
    }

    /// The verdict on the first families, of which some are narrow.
    fn check_words(families: usize, narrow: usize, tasks: usize, words: &str) {
        let seconds = |wide: bool| -> Vec<f64> {
            (0..tasks)
                .map(|i| if wide { 10f64.powf(i as f64 / 10.0) } else { 5.0 + i as f64 / 100.0 })
                .collect()
        };
        let of = |(i, label): (usize, &&'static str)| times(label, &seconds(i >= narrow));
        let times: Vec<Times> = GROUPS[..families].iter().enumerate().map(of).collect();
        let claim = claim(&times);
        assert_eq!(claim.verdict.words(), words, "{claim:?}");
    }

    #[test]
    fn all_verdicts_are_possible() {
        check_words(5, 3, 60, "holds");
        check_words(5, 2, 60, "does not hold");
        check_words(4, 4, 60, "cannot tell");
        check_words(5, 5, 49, "cannot tell");
    }

    #[test]
    fn all_fixed_tasks_of_a_group_are_enough_if_they_are_not_few() {
        let members = |group: &str| {
            taskset_tasks::SUITES.into_iter().map(|suite| suite.members(group).len()).sum::<usize>()
        };
        for group in crate::task_kinds::groups() {
            let expected = if members(group) > 100 { MIN_SAMPLED } else { members(group).max(MIN_TASKS) };
            assert_eq!(needed(group), expected, "{group}");
        }
    }

    #[test]
    fn boxes_by_hand() {
        let row = times("mlp_family", &[1.0, 100.0, 2.0, 3.0, 4.0]).row();
        assert_eq!((row.low, row.q1, row.median, row.q3, row.high), (1.0, 2.0, 3.0, 4.0, 4.0));
        assert_eq!((row.outliers, row.label.as_str()), (vec![100.0], "mlp_family (5)"));
        let single = times("mlp_family", &[7.0]).row();
        assert_eq!((single.low, single.q1, single.q3, single.high), (7.0, 7.0, 7.0, 7.0));
    }

    #[test]
    fn curves_without_times_have_no_figure() {
        let timed = TaskSummary { step_seconds: Some(0.01), ..task("b", None) };
        let analysed = |tasks| {
            let study = study(tasks);
            let base = Reading::whole("default");
            analyse(&Context {
                study: &study,
                base,
                options: &Options::default(),
                note: Some("a note".to_owned()),
                claims_only: false,
            })
        };
        let lack = analysed(vec![task("a", None)]).unwrap_err();
        assert!(lack.sentence().contains("do not record how long"), "{lack:?}");
        let findings = analysed(vec![task("a", None), timed]).unwrap();
        let picture = &findings.pictures[0];
        assert!(
            picture
                .caption
                .ends_with("Left out: 1 task, because no trial that ran to its end has a recorded time.")
        );
        let svg = taskset_figures::panels(&picture.panels, 1).unwrap();
        assert!(svg.contains("other (1)") && svg.contains("a note"));
        assert_eq!(findings.tables[0].table.rows.len(), 1);
    }
}
