//! What the data were and how much of the paper's set was seen, in words that are true of mixtures too.

use std::collections::BTreeSet;

use taskset_figures::{Notice, count, counted};
use taskset_names::Origin;
use taskset_trial::Protocol;

use crate::scale::{PAPER_CONFIGURATIONS, PAPER_REPLICAS, PAPER_TASKS};
use crate::scored_curves::Study;
use crate::scored_task::TaskSummary;

/// The data of one task.
pub(crate) fn data_of(task: &TaskSummary) -> &'static str {
    if task.on_data { task.origin.name() } else { "none needed" }
}

/// The data of all tasks: "real" only where every task that needs data is on real ones; of a mixture, how many are on
/// what.
pub(crate) fn data(tasks: &[TaskSummary]) -> String {
    let number = |origin| tasks.iter().filter(|task| task.on_data && task.origin == origin).count();
    let (real, partial, synthetic) =
        (number(Origin::Real), number(Origin::Partial), number(Origin::Synthetic));
    let none = tasks.len() - real - partial - synthetic;
    if partial + synthetic == 0 {
        return if real > 0 { "real data" } else { "tasks that need no data" }.to_owned();
    }
    let parts = [
        (synthetic, "on synthetic stand-ins"),
        (partial, "on parts of the original data"),
        (real, "on real data"),
        (none, "without data"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", count(*n as u64)))
        .collect();
    format!("{}: {}", counted(tasks.len() as u64, "task"), parts.join(", "))
}

/// What must be said of the data before any number: stand-ins, parts.
pub(crate) fn data_notices(tasks: &[TaskSummary]) -> Vec<Notice> {
    let notice = |origin, heading: &str, what: &str, meaning: &str| {
        let of: Vec<&TaskSummary> = tasks.iter().filter(|task| task.origin == origin).collect();
        let sets: BTreeSet<&str> = of.iter().filter_map(|task| task.dataset.as_deref()).collect();
        let sets = if sets.is_empty() {
            String::new()
        } else {
            format!(" ({})", sets.into_iter().collect::<Vec<_>>().join(", "))
        };
        let were = if of.len() == 1 { "was" } else { "were" };
        let text = format!(
            "{} of {} {were} trained on {what}{sets}. {meaning}",
            count(of.len() as u64),
            counted(tasks.len() as u64, "task")
        );
        (!of.is_empty()).then(|| Notice::new(heading, text))
    };
    let synthetic = notice(
        Origin::Synthetic,
        "Synthetic stand-in data.",
        "generated data with the shapes of the real data sets",
        "Their numbers test the method and say nothing about the real data.",
    );
    let partial = notice(
        Origin::Partial,
        "Parts of data sets.",
        "a part of the original data",
        "Their numbers may differ from those on the whole.",
    );
    synthetic.into_iter().chain(partial).collect()
}

/// How much of the paper's set was seen; none if no less than all of it. `families` are those that the figures need, with
/// the number of configurations that there are of each.
pub(crate) fn extent(study: &Study, families: &[(&'static str, usize)]) -> Option<String> {
    // Only families with seeds have as many members as the paper used.
    let steps = study.protocol.map_or(0, |protocol| u64::from(protocol.steps));
    let of = |n: u64, all: u64, what: &str| format!("{} of {} {what}", count(n), count(all));
    let first = families.first().map_or(0, |(_, n)| *n);
    let configurations = if families.iter().all(|(_, n)| *n == first) {
        of(first as u64, PAPER_CONFIGURATIONS.into(), "configurations in each family")
    } else {
        let each = families.iter().map(|(name, n)| format!("{} in {name}", count(*n as u64)));
        format!(
            "of {} configurations in each family {}",
            count(PAPER_CONFIGURATIONS.into()),
            each.collect::<Vec<_>>().join(", ")
        )
    };
    let (tasks, replicas) = (study.tasks.len() as u64, study.replicas as u64);
    let whole = tasks >= PAPER_TASKS as u64
        && families.iter().all(|(_, n)| *n >= PAPER_CONFIGURATIONS as usize)
        && replicas >= u64::from(PAPER_REPLICAS)
        && steps >= u64::from(Protocol::PAPER.steps);
    let parts = [
        of(tasks, PAPER_TASKS as u64, "tasks"),
        configurations,
        of(replicas, PAPER_REPLICAS.into(), "replicas"),
        of(steps, Protocol::PAPER.steps.into(), "steps"),
    ];
    (!whole).then(|| parts.join("; "))
}

/// A protocol with commas in its numbers.
pub(crate) fn protocol(protocol: &Protocol) -> String {
    let Protocol { steps, eval_every, eval_batches } = *protocol;
    let minibatches = if eval_batches == 1 { "minibatch" } else { "minibatches" };
    format!(
        "{}, evaluated every {} on {} {minibatches} of each split",
        counted(steps.into(), "step"),
        counted(eval_every.into(), "step"),
        count(eval_batches.into())
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A task on data of this origin, or on none.
    pub(crate) fn task(name: &str, origin: Option<Origin>) -> TaskSummary {
        TaskSummary {
            name: name.to_owned(),
            group: None,
            step_seconds: None,
            families: Vec::new(),
            parameters: 10,
            origin: origin.unwrap_or(Origin::Real),
            on_data: origin.is_some(),
            dataset: origin.map(|_| "mnist".to_owned()),
            initial: 1.0,
            best: 0.5,
            best_optimizer: "adam8p_wide_grid_seed0".to_owned(),
            dropped: false,
        }
    }

    #[test]
    fn only_what_is_real_throughout_is_called_real() {
        let (real, partial, synthetic) = (Some(Origin::Real), Some(Origin::Partial), Some(Origin::Synthetic));
        let check = |origins: &[Option<Origin>], words: &str, headings: &[&str]| {
            let tasks: Vec<TaskSummary> = origins.iter().map(|origin| task("t", *origin)).collect();
            assert_eq!(data(&tasks), words);
            let notices = data_notices(&tasks);
            assert_eq!(notices.iter().map(|notice| notice.heading.as_str()).collect::<Vec<_>>(), headings);
        };
        check(&[real, real], "real data", &[]);
        check(&[real, None], "real data", &[]);
        check(&[None], "tasks that need no data", &[]);
        check(
            &[real, partial],
            "2 tasks: 1 on parts of the original data, 1 on real data",
            &["Parts of data sets."],
        );
        check(
            &[None, partial, synthetic, synthetic],
            "4 tasks: 2 on synthetic stand-ins, 1 on parts of the original data, 1 without data",
            &["Synthetic stand-in data.", "Parts of data sets."],
        );
        let notice = data_notices(&[task("t", synthetic), task("u", None)]).remove(0);
        assert!(notice.text.starts_with("1 of 2 tasks was trained on generated data"), "{}", notice.text);
        assert!(notice.text.contains("(mnist)"), "{}", notice.text);
    }

    #[test]
    fn what_is_smaller_than_the_papers_set_says_how_much_of_it_was_seen() {
        let study = |tasks, replicas, protocol| {
            let tasks = (0..tasks).map(|i| task(&format!("t{i}"), None)).collect();
            let mut study = crate::scored_curves::tests::study(tasks);
            (study.replicas, study.protocol) = (replicas, Some(protocol));
            study
        };
        let quick = study(62, 1, Protocol { steps: 500, ..Protocol::PAPER });
        let words = extent(&quick, &[("adam8p", 100), ("adam1p", 100)]).unwrap();
        for part in [
            "62 of 1,162 tasks",
            "100 of 1,000 configurations in each family",
            "1 of 5 replicas",
            "500 of 10,000 steps",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let paper = study(1162, 5, Protocol::PAPER);
        assert_eq!(extent(&paper, &[("adam8p", 1000)]), None);
        let words = extent(&paper, &[("adam8p", 7), ("adam4p", 0)]).unwrap();
        assert!(words.contains("7 in adam8p, 0 in adam4p"), "{words}");
    }

    #[test]
    fn a_protocol_reads_well() {
        let paper = "10,000 steps, evaluated every 200 steps on 50 minibatches of each split";
        assert_eq!(protocol(&Protocol::PAPER), paper);
        let short = Protocol { steps: 1, eval_every: 1, eval_batches: 1 };
        assert_eq!(protocol(&short), "1 step, evaluated every 1 step on 1 minibatch of each split");
    }
}
