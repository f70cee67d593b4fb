//! The page of figure 3.

use taskset_curves::Metadata;
use taskset_figures::{
    Block, Claim, Figure, FileLink, Notice, Report, Section, Table, Verdict, count, counted, natural_order,
    significant,
};
use taskset_trial::Protocol;

use super::analysis::{Figure3, NORMALIZER};
use super::picture::Pictures;
use super::settings::{PAPER_CONFIGURATIONS, PAPER_REPLICAS, PAPER_TASKS};
use super::{Material, Request, missing, words};
use crate::Error;

/// What the page is made of.
pub(crate) struct Content<'a> {
    pub(crate) figure: &'a Figure3,
    pub(crate) claims: &'a [Claim],
    pub(crate) pictures: Option<&'a Pictures>,
    /// Why no claim gets a verdict, at scales that give none.
    pub(crate) withheld: Option<&'a str>,
    pub(crate) request: &'a Request,
    pub(crate) material: &'a Material,
    pub(crate) analysis_seconds: f64,
}

/// The report.
///
/// # Errors
/// Only if the registry of tasks is broken.
pub(crate) fn page(content: &Content<'_>) -> Result<Report, Error> {
    let what = match &content.request.curves {
        Some(_) => "Given curves".to_owned(),
        None => format!("Scale {}", content.request.settings.scale.name()),
    };
    Ok(Report {
        title: "TaskSet, section 5.1, figure 3".to_owned(),
        subtitle: format!(
            "The paper's claim: learned hyperparameter lists are more efficient than random search. {what}; {}.",
            words::data(&content.figure.tasks)
        ),
        notices: notices(content.figure, content.claims, content.withheld),
        sections: vec![
            figure_section(content),
            claims(content),
            how(content),
            boxes(content.figure),
            list(content.figure),
            tasks(content.figure),
            missing(content.figure)?,
        ],
    })
}

/// What must be known before any number: stand-ins, a small set, no verdicts.
fn notices(figure: &Figure3, claims: &[Claim], withheld: Option<&str>) -> Vec<Notice> {
    let mut notices = words::data_notices(&figure.tasks);
    let extent =
        words::extent(figure).map(|extent| format!("This report saw {extent}. ")).unwrap_or_default();
    let open = |claim: &Claim| matches!(claim.verdict, Verdict::CannotTell { .. });
    if let Some(why) = withheld {
        let text = format!("No claim gets a verdict, because {why}. {extent}");
        notices.push(Notice::new("No verdicts.", text.trim_end()));
    } else if claims.iter().all(open) {
        let text = format!("{extent}The measurement decides none of the claims, and each says why.");
        notices.push(Notice::new("No verdicts.", text));
    } else if !extent.is_empty() {
        let text =
            format!("{extent}The verdicts are about this smaller set; those about the paper's may differ.");
        notices.push(Notice::new("Smaller than the paper's set.", text));
    }
    notices
}

fn figure_section(content: &Content<'_>) -> Section {
    let numbers = &content.figure.numbers;
    let mut files = Vec::new();
    if content.pictures.is_some() {
        files.extend([("SVG", "figure3.svg"), ("PNG", "figure3.png")]);
    }
    files.extend([
        ("numbers (CSV)", "figure3.csv"),
        ("every resampling (CSV)", "figure3_resamplings.csv"),
        ("list (CSV)", "figure3_list.csv"),
    ]);
    let Some(pictures) = content.pictures else {
        let text = format!(
            "There is no picture: the curves have {} on which something was learned, and {} of adam8p. A picture needs two \
             tasks and one configuration of adam8p, from which the list is learned.",
            counted(numbers.tasks as u64, "task"),
            counted(numbers.candidates("adam8p") as u64, "configuration")
        );
        return Section { heading: "Figure 3".to_owned(), blocks: vec![Block::Paragraph(text)] };
    };
    let caption = format!(
        "J is the score on held-out tasks. For each of them, of the first k configurations the one with the best \
         validation score is taken, and its test score counts; J is the mean over the tasks. 1 is the loss at the start, 0 \
         the best loss that any configuration reached. Black: a list learned greedily on the other half of the tasks. \
         Colours: k configurations drawn at random without replacement, the same for all tasks. The split of the tasks \
         and the draws are made {} times.",
        numbers.resamplings
    );
    Section {
        heading: "Figure 3".to_owned(),
        blocks: vec![
            Block::Figure(Figure {
                svg: pictures.wide.clone(),
                narrow: Some(pictures.narrow.clone()),
                caption,
                files: files.into_iter().map(|(label, path)| FileLink::new(label, path)).collect(),
            }),
            Block::Paragraph(scale_note(content.figure)),
        ],
    }
}

fn claims(content: &Content<'_>) -> Section {
    Section { heading: "Claims".to_owned(), blocks: vec![Block::Claims(content.claims.to_vec())] }
}

/// What a smaller scale than the paper's does to the figure.
fn scale_note(figure: &Figure3) -> String {
    let most = figure.numbers.configurations.values().copied().max().unwrap_or(0);
    let mut note =
        "Random search draws without replacement. At the right end of the axis it has tried every \
                    configuration, as the list has, and both must meet."
            .to_owned();
    if most < PAPER_CONFIGURATIONS as usize {
        note += &format!(
            " The paper has {} configurations in each family and {} tasks. With fewer, fewer configurations are the best \
             for some task, so that the boxes are smaller than the paper's. Also, a family of one dimension is sampled \
             more densely than one of eight: towards the right, adam1p can pass the best that adam8p has.",
            count(PAPER_CONFIGURATIONS.into()),
            count(PAPER_TASKS as u64),
        );
    }
    note
}

fn how(content: &Content<'_>) -> Section {
    let (figure, material) = (content.figure, content.material);
    let trials = figure.trials as u64;
    let choice = if content.request.curves.is_some() {
        "those of the given curves".to_owned()
    } else {
        content.request.settings.task_rule.clone()
    };
    let source = match &content.request.curves {
        Some(path) => format!("recorded in {}", path.display()),
        None => content.request.datasets.source().to_string(),
    };
    let time = if material.trained > 0 {
        format!(
            "{} for {}, {} at a time; {} of analysis",
            seconds(material.train_seconds),
            counted(material.trained as u64, "trial"),
            count(content.request.jobs as u64),
            seconds(content.analysis_seconds)
        )
    } else {
        format!("nothing trained now; {} of analysis", seconds(content.analysis_seconds))
    };
    let configurations =
        figure.numbers.configurations.iter().map(|(name, n)| format!("{} of {name}", count(*n as u64)));
    let protocol = figure.protocol.as_ref().map_or_else(|| "not recorded".to_owned(), words::protocol);
    let row = |key: &str, value: String| (key.to_owned(), value);
    Section {
        heading: "How".to_owned(),
        blocks: vec![Block::KeyValues(vec![
            row("Tasks", format!("{}: {choice}", count(figure.tasks.len() as u64))),
            row("Optimizers", configurations.collect::<Vec<_>>().join(", ")),
            row("Replicas", format!("{} (paper: {PAPER_REPLICAS})", figure.replicas)),
            row("Protocol", format!("{protocol} (paper: {})", words::protocol(&Protocol::PAPER))),
            row("Data", format!("{}; {source}", words::data(&figure.tasks))),
            row(
                "Score",
                format!(
                    "normaliser “{NORMALIZER}”: the mean over the points of a curve, averaged over replicas; 0 is the best \
                     loss that any configuration reached, 1 the loss at the start, and 1 counts from where a trial \
                     diverged"
                ),
            ),
            row("Splits", "chosen on valid_outer, reported on test".to_owned()),
            row("Diverged", format!("{} of {}", count(figure.diverged as u64), counted(trials, "trial"))),
            row(
                "Curves",
                format!(
                    "{} in {}, of which {} were there before",
                    count(trials),
                    material.place.display(),
                    count(trials - material.trained as u64)
                ),
            ),
            row("Time", time),
            row("Machine", machine(material)),
            row("Program", format!("taskset-rs {}", material.metadata.program_version)),
        ])],
    }
}

fn seconds(time: f64) -> String {
    match time {
        _ if time < 0.1 => "less than 0.1 s".to_owned(),
        _ if time < 10.0 => format!("{time:.1} s"),
        _ => format!("{} s", count(time.round() as u64)),
    }
}

/// Where the curves were trained, in words.
fn machine(material: &Material) -> String {
    let Metadata { machine, kernels, threads, .. } = &material.metadata;
    format!("{machine}; {kernels} kernels; {}", counted((*threads).into(), "thread"))
}

fn tasks(figure: &Figure3) -> Section {
    let mut table = Table::new([
        "Task",
        "Parameters",
        "Data",
        "Loss at start",
        "Best loss",
        "Best configuration",
        "Used",
    ]);
    let mut tasks: Vec<_> = figure.tasks.iter().collect();
    tasks.sort_by(|a, b| natural_order(&a.name, &b.name));
    for task in tasks {
        table.push([
            task.name.clone(),
            count(task.parameters),
            words::data_of(task).to_owned(),
            significant(task.initial),
            significant(task.best),
            // Where nothing learned, none is the best.
            if task.dropped { "–".to_owned() } else { task.best_optimizer.clone() },
            if task.dropped { "no: nothing learned" } else { "yes" }.to_owned(),
        ]);
    }
    let text = format!(
        "Losses are on valid_outer. The best loss is the lowest at any point of the curve of any configuration of any \
         family. {} of {} are used: where no configuration got below the loss at the start, there is no scale for scores.",
        count(figure.numbers.tasks as u64),
        counted(figure.tasks.len() as u64, "task")
    );
    Section { heading: "Tasks".to_owned(), blocks: vec![Block::Paragraph(text), Block::Table(table)] }
}

fn boxes(figure: &Figure3) -> Section {
    let heading = "Search boxes".to_owned();
    let [min_max, percentile] = &figure.numbers.boxes[..] else {
        let text = "There are no boxes, because there is no picture.".to_owned();
        return Section { heading, blocks: vec![Block::Paragraph(text)] };
    };
    let mut table = Table::new(["Hyperparameter", "Min–max box", "5–95 percentile box"]);
    let range = |lo: f64, hi: f64| format!("{} to {}", significant(lo), significant(hi));
    for ((name, lo, hi), (_, lo5, hi95)) in min_max.ranges.iter().zip(&percentile.ranges) {
        table.push([name.clone(), range(*lo, *hi), range(*lo5, *hi95)]);
    }
    let text = "A box holds the best configurations of all tasks, held-out ones included: it is drawn with hindsight. The \
                first goes from their smallest to their largest value of each hyperparameter, the second from their 5th to \
                their 95th percentile."
        .to_owned();
    Section { heading, blocks: vec![Block::Paragraph(text), Block::Table(table)] }
}

fn list(figure: &Figure3) -> Section {
    let heading = "Learned list".to_owned();
    let entries = &figure.numbers.list.entries;
    let Some(first) = entries.first() else {
        let text = "No list was learned.".to_owned();
        return Section { heading, blocks: vec![Block::Paragraph(text)] };
    };
    let mut table = Table::new(["Entry", "Configuration", "Mean score of the list so far"]);
    for (i, entry) in entries.iter().enumerate() {
        let score = entry.train_score_after.map(significant).unwrap_or_default();
        table.push([i.to_string(), entry.name.clone(), score]);
    }
    let text = "The first entries of a list that was learned on all tasks: what to try on a new one, in this order. The \
                score is the mean over the tasks of the best score on valid_outer among the entries so far. This command \
                prints the hyperparameters of an entry:"
        .to_owned();
    Section {
        heading,
        blocks: vec![
            Block::Paragraph(text),
            Block::Code(format!("taskset-rs optimizers show {}", first.name)),
            Block::Table(table),
        ],
    }
}

fn missing(figure: &Figure3) -> Result<Section, Error> {
    let rows = missing::rows(figure.tasks.iter().map(|task| task.name.as_str()))?;
    Ok(Section { heading: "What is not here".to_owned(), blocks: vec![Block::KeyValues(rows)] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sec5::analysis::Numbers;
    use crate::sec5::words::tests::task;
    use std::collections::BTreeMap;
    use taskset_meta::HyperparameterList;
    use taskset_names::Origin;

    /// A figure without curves, of so many tasks and configurations under a protocol.
    fn figure(tasks: usize, configurations: usize, replicas: usize, protocol: Protocol) -> Figure3 {
        let families = ["adam1p", "adam4p", "adam8p"];
        Figure3 {
            numbers: Numbers {
                result: None,
                tasks,
                configurations: families.map(|family| (family.to_owned(), configurations)).into(),
                boxes: Vec::new(),
                list: HyperparameterList::new("adam8p", NORMALIZER, 0, "made up", Vec::new()),
                resamplings: 50,
            },
            tasks: (0..tasks).map(|i| task(&format!("t_seed{i}"), None)).collect(),
            replicas,
            diverged: 0,
            trials: 0,
            origin: Origin::Real,
            protocol: Some(protocol),
        }
    }

    fn claim(verdict: Verdict) -> Claim {
        Claim { text: "c".to_owned(), rule: "r".to_owned(), measured: Vec::new(), verdict }
    }

    fn headings(figure: &Figure3, claims: &[Claim], withheld: Option<&str>) -> Vec<String> {
        notices(figure, claims, withheld).into_iter().map(|notice| notice.heading).collect()
    }

    #[test]
    fn what_is_smaller_than_the_papers_set_says_how_much_of_it_was_seen() {
        let quick = figure(62, 100, 1, Protocol { steps: 500, ..Protocol::PAPER });
        let notice = notices(&quick, &[claim(Verdict::Holds)], None).remove(0);
        assert_eq!(notice.heading, "Smaller than the paper's set.");
        for words in [
            "62 of 1,162 tasks",
            "100 of 1,000 configurations in each family",
            "1 of 5 replicas",
            "500 of 10,000 steps",
        ] {
            assert!(notice.text.contains(words), "{words}: {}", notice.text);
        }
        let paper = figure(1162, 1000, 5, Protocol::PAPER);
        assert!(headings(&paper, &[claim(Verdict::Holds)], None).is_empty());
        let mut uneven = figure(62, 100, 1, Protocol::PAPER);
        uneven.numbers.configurations = BTreeMap::from([("adam8p".to_owned(), 7)]);
        let text = words::extent(&uneven).unwrap();
        assert!(text.contains("7 in adam8p, 0 in adam4p, 0 in adam1p"), "{text}");
    }

    #[test]
    fn no_verdict_is_said_at_the_top() {
        let open = || claim(Verdict::CannotTell { reason: "few".to_owned() });
        let smoke = figure(12, 16, 1, Protocol::PAPER);
        assert_eq!(headings(&smoke, &[open()], Some("this only checks")), ["No verdicts."]);
        assert_eq!(headings(&smoke, &[open(), open()], None), ["No verdicts."]);
        assert_eq!(
            headings(&smoke, &[open(), claim(Verdict::Holds)], None),
            ["Smaller than the paper's set."]
        );
        let paper = figure(1162, 1000, 5, Protocol::PAPER);
        assert_eq!(headings(&paper, &[open()], None), ["No verdicts."]);
    }

    #[test]
    fn tasks_stand_in_natural_order_with_four_digits() {
        let mut small = figure(11, 1, 1, Protocol::PAPER);
        small.tasks.reverse();
        small.tasks[0].best = 0.123_456;
        let section = tasks(&small);
        let Some(Block::Table(table)) = section.blocks.last() else { panic!("{section:?}") };
        let names: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
        let expected: Vec<String> = (0..11).map(|i| format!("t_seed{i}")).collect();
        assert_eq!(names, expected);
        assert_eq!(table.rows[10][4], "0.1235");
    }

    #[test]
    fn a_figure_without_a_picture_has_all_its_sections() {
        let none = figure(1, 1, 1, Protocol::PAPER);
        for section in [boxes(&none), list(&none), tasks(&none), missing(&none).unwrap()] {
            assert!(!section.blocks.is_empty(), "{section:?}");
        }
    }
}
