//! Figure 3: learned lists against random search (section 5.1).

mod analysis;
mod claims;
mod tables;

use taskset_figures::{
    Block, Color, Dash, LineChart, Point, Section, Series, Table, count, counted, significant,
};
use taskset_meta::learned_against_random::{BoxTasks, Method, MethodCurve};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::clustered_confidence::Differences;
use crate::figure_options::{FigureOption, OptionKind, RESAMPLINGS};
use crate::scale::{PAPER_CONFIGURATIONS, PAPER_TASKS};
use analysis::Numbers;
use claims::label;

/// The families that the figure compares; the list is learned from the first.
const FAMILIES: [Family; 3] = [Family::Adam8p, Family::Adam4p, Family::Adam1p];

/// Budgets of the bootstrap that draws whole families of tasks.
const CLUSTERED: [usize; 2] = [1, 10];

/// Entries of the list that the page shows.
const SHOWN: usize = 10;

const BOX_TASKS: FigureOption = FigureOption {
    name: "box-tasks",
    doc: "The boxes of figure 3 are drawn around the best configurations of these tasks.",
    kind: OptionKind::Choice(&[
        ("all", "all tasks, including the held-out ones; this uses hindsight, as the paper's text suggests"),
        ("train", "the tasks on which the list is learned"),
    ]),
    default: "all",
};

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig3",
    label: "Figure 3",
    title: "Learned list against random search",
    part: Part::Section5,
    place: "section 5.1",
    families: &FAMILIES,
    options: &[&RESAMPLINGS, &BOX_TASKS],
    readings: &[],
    claims: || claims::check(&Numbers::none(0)).into_iter().map(super::unmeasured).collect(),
    analyse,
};

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let mut matrices = Vec::new();
    for family in FAMILIES {
        // A family without any curve is for the claims to name.
        if context.study.has(family) {
            matrices.push((family, context.matrix(family)?));
        }
    }
    if matrices.is_empty() {
        let names = FAMILIES.map(|family| family.info().name).join(", ");
        return Err(Lack::new(format!("There are no curves of {names}.")));
    }
    let box_tasks = match context.options.value(&BOX_TASKS) {
        "train" => BoxTasks::Train,
        _ => BoxTasks::All,
    };
    let resamplings = context.number(&RESAMPLINGS);
    let numbers = analysis::numbers(&matrices, context.base.normalizer, resamplings, box_tasks)?;
    let mut findings = Findings {
        tables: vec![
            DataFile {
                file: "figure3.csv",
                label: "numbers",
                table: tables::table(&numbers, context.study.origin),
            },
            DataFile {
                file: "figure3_resamplings.csv",
                label: "every resampling",
                table: tables::resamplings_table(&numbers, context.study.origin),
            },
            DataFile {
                file: "figure3_list.csv",
                label: "list",
                table: tables::list_table(&numbers, context.study.origin),
            },
        ],
        claims: claims::check(&numbers),
        sections: vec![boxes(&numbers, box_tasks), list(&numbers)],
        ..Findings::default()
    };
    if let (Some(result), [(_, matrix), ..]) = (&numbers.result, &matrices[..]) {
        let id = StreamId::root(analysis::STREAM);
        for k in CLUSTERED {
            let words = Differences::of(matrix, &result.lists, 0, k).words(
                context.study,
                matrix,
                "The list against random search",
                &id.child("clusters"),
            );
            findings.blocks.extend(words.map(|words| Block::Paragraph(format!("{words}."))));
        }
    }
    match chart(&numbers, context.note.clone()) {
        Some(chart) => {
            findings.pictures.push(Picture { stem: "figure3", panels: vec![chart.into()], columns: 1, caption: caption(&numbers, box_tasks) });
            findings.blocks.push(Block::Paragraph(scale_note(&numbers)));
        }
        None => findings.lacks.push(Lack::new(format!(
            "A picture needs two tasks and one configuration of adam8p, from which the list is learned; the curves have {} \
             on which something was learned, and {} of adam8p.",
            counted(numbers.tasks as u64, "task"),
            counted(numbers.candidates("adam8p") as u64, "configuration")
        ))),
    }
    Ok(findings)
}

/// The figure as a chart: black the learned list, colours the random searches, dashed those inside a box. None where there
/// is nothing to draw.
fn chart(numbers: &Numbers, note: Option<String>) -> Option<LineChart> {
    let result = numbers.result.as_ref()?;
    let mut boxes = 0;
    let series = result.curves.iter().map(|curve| {
        let points = quartiles(curve).map(|(k, [lo, y, hi])| Point { x: k as f64, y, lo, hi }).collect();
        let family = FAMILIES.into_iter().find(|family| family.info().name == curve.family);
        match curve.method {
            Method::Learned => Series::new(label(curve), Color::BLACK, points).emphasized(),
            Method::Random => {
                let color = family.map_or(Color::PURPLE, super::optimizer_color);
                Series::new(label(curve), color, points)
            }
            Method::RandomInBox { .. } => {
                boxes += 1;
                Series::new(label(curve), [Color::PURPLE, Color::ORANGE][(boxes - 1) % 2], points)
                    .dash(Dash::Dashed)
            }
        }
    });
    let series: Vec<Series> = series.collect();
    series.iter().any(|series| !series.points.is_empty()).then(|| LineChart {
        title: ROW.title.to_owned(),
        subtitle: Some(format!(
            "median and 25–75 percentiles over {}; {} to learn from, {} held out",
            counted(numbers.resamplings as u64, "resampling"),
            counted(result.train_tasks as u64, "task"),
            count(result.test_tasks as u64)
        )),
        x_label: "optimizers tried (k)".to_owned(),
        y_label: "J on held-out tasks (lower is better)".to_owned(),
        x_log: true,
        y_log: false,
        series,
        note,
        ..LineChart::default()
    })
}

fn caption(numbers: &Numbers, box_tasks: BoxTasks) -> String {
    format!(
        "J is the score on held-out tasks. For each of them, of the first k configurations the one with the best \
         validation score is taken, and its test score counts; J is the mean over the tasks. The section “How” says how \
         losses become scores; lower is better. Black: a list learned greedily on the other half of the tasks. \
         Colours: k configurations drawn at random without replacement, the same for all tasks. Dashed: the same, but \
         only of the configurations inside a box around the best configurations of {}. A dashed line ends where a box \
         has no more configurations. The split of the tasks and the draws are made {} times.",
        match box_tasks {
            BoxTasks::All => "all tasks, held-out ones included",
            BoxTasks::Train => "the tasks that the list is learned on",
        },
        count(numbers.resamplings as u64)
    )
}

/// What a smaller scale than the paper's does to the figure.
fn scale_note(numbers: &Numbers) -> String {
    let most = numbers.configurations.values().copied().max().unwrap_or(0);
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

/// The curves of the figure; none where it has none.
fn curves(numbers: &Numbers) -> &[MethodCurve] {
    numbers.result.as_ref().map_or(&[], |result| &result.curves)
}

fn quartiles(curve: &MethodCurve) -> impl Iterator<Item = (usize, [f64; 3])> {
    curve.quartiles.iter().enumerate().filter_map(|(i, q)| Some((i + 1, (*q)?)))
}

fn boxes(numbers: &Numbers, box_tasks: BoxTasks) -> Section {
    let heading = "Search boxes of figure 3".to_owned();
    let [min_max, percentile] = &numbers.boxes[..] else {
        let text = "There are no boxes, because there is no picture.".to_owned();
        return Section { heading, blocks: vec![Block::Paragraph(text)] };
    };
    let mut table = Table::new(["Hyperparameter", "Min–max box", "5–95 percentile box"]);
    let range = |lo: f64, hi: f64| format!("{} to {}", significant(lo), significant(hi));
    for ((name, lo, hi), (_, lo5, hi95)) in min_max.ranges.iter().zip(&percentile.ranges) {
        table.push([name.clone(), range(*lo, *hi), range(*lo5, *hi95)]);
    }
    let lines = match box_tasks {
        BoxTasks::All => {
            "The dashed lines of the figure are from these boxes. They are drawn with hindsight, because the held-out tasks \
             are included."
        }
        BoxTasks::Train => {
            "The dashed lines of the figure are from other boxes: each split has boxes around the best configurations of the \
             tasks that the list is learned on."
        }
    };
    let text = format!(
        "The boxes of this table are around the best configurations of all tasks. The first goes from their smallest to their \
         largest value of each hyperparameter, the second from their 5th to their 95th percentile. {lines}"
    );
    Section { heading, blocks: vec![Block::Paragraph(text), Block::Table(table)] }
}

fn list(numbers: &Numbers) -> Section {
    let heading = "Learned list".to_owned();
    let entries = &numbers.list.entries;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_scores_there_is_no_chart_and_every_section_says_so() {
        let none = Numbers::none(50);
        assert!(chart(&none, None).is_none());
        for section in [boxes(&none, BoxTasks::All), list(&none)] {
            assert!(!section.blocks.is_empty(), "{section:?}");
        }
    }

    #[test]
    fn the_caption_says_whose_boxes_the_dashed_lines_are_from() {
        let none = Numbers::none(50);
        assert!(caption(&none, BoxTasks::All).contains("all tasks, held-out ones included"));
        let train = caption(&none, BoxTasks::Train);
        assert!(train.contains("the tasks that the list is learned on") && !train.contains("held-out ones"));
    }
}
