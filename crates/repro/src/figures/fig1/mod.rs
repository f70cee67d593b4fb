//! Figure 1: a map of the tasks, made by t-SNE from the scores of many configurations (sections 1 and 4).

mod claims;
mod neighbours;

use taskset_figures::{Block, PointGroup, ScatterChart, Table, count, counted};
use taskset_meta::ScoreMatrix;
use taskset_meta::tsne::{Embedding, Tsne};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture, task_category};
use crate::claim_thresholds::percent;
use crate::data_words;
use crate::figure_options::{FigureOption, OptionKind};
use crate::scale::{PAPER_CONFIGURATIONS, PAPER_TASKS};
use crate::scored_curves::{Study, TaskGroup};
use neighbours::Neighbours;

/// The family whose scores are the features. The paper does not name it; it uses this one for most of its figures.
const FAMILY: Family = Family::Adam8p;

/// With fewer tasks than this, clusters of one family have only a few points.
const FEW_TASKS: usize = 100;

/// The root of the names of all random numbers of this figure.
const STREAM: &str = "taskset-rs/sec4/figure1";

const PERPLEXITY: FigureOption = FigureOption {
    name: "perplexity",
    doc: "About how many neighbours of each task t-SNE takes into account. The paper does not give the number.",
    kind: OptionKind::Number(2, 200),
    default: "30",
};

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig1",
    label: "Figure 1",
    title: "Map of the tasks",
    part: Part::Section4,
    place: "section 4",
    families: &[FAMILY],
    options: &[&PERPLEXITY],
    readings: &[],
    claims: || claims::check(&Neighbours::none()).into_iter().map(super::unmeasured).collect(),
    analyse,
};

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let matrix = context.matrix(FAMILY)?;
    let perplexity = context.number(&PERPLEXITY) as f64;
    let rows: Vec<&[f64]> = (0..matrix.tasks().len()).map(|task| matrix.valid(task)).collect();
    let groups = context.study.groups_of(matrix.tasks().iter().map(String::as_str));
    let neighbours = Neighbours::new(&matrix, &groups, &StreamId::root(STREAM).child("families"))?;
    if context.claims_only {
        return Ok(Findings { claims: claims::check(&neighbours), ..Findings::default() });
    }
    let map = Tsne { perplexity, ..Tsne::default() }.embed(&rows, &StreamId::root(STREAM).child("start"))?;
    let mut blocks = Vec::new();
    if !neighbours.families.is_empty() {
        blocks.extend([Block::Paragraph(explanation()), Block::Table(by_family(&neighbours))]);
    }
    blocks.extend(scale_note(matrix.tasks().len(), matrix.configs().len()).map(Block::Paragraph));
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure1",
            panels: vec![chart(&map, &groups, context.note.clone()).into()],
            columns: 1,
            caption: caption(&map, &matrix),
        }],
        tables: vec![DataFile {
            file: "figure1.csv",
            label: "positions",
            table: table(&map, &matrix, context.study),
        }],
        claims: claims::check(&neighbours),
        blocks,
        ..Findings::default()
    })
}

fn chart(map: &Embedding, groups: &[TaskGroup], note: Option<String>) -> ScatterChart {
    let tasks = map.points.len();
    let group = |group: &TaskGroup| {
        let points = group.tasks.iter().map(|&task| (map.points[task][0], map.points[task][1])).collect();
        PointGroup::new(group.label(), task_category(group.name), points)
    };
    ScatterChart {
        title: ROW.title.to_owned(),
        subtitle: Some(format!(
            "t-SNE with perplexity {}; {}",
            short(map.perplexity),
            counted(tasks as u64, "task")
        )),
        groups: groups.iter().map(group).collect(),
        axes: false,
        radius: if tasks < 400 { 5.0 } else { 3.0 },
        note,
        ..ScatterChart::default()
    }
}

/// A perplexity with at most one decimal.
fn short(perplexity: f64) -> String {
    let text = format!("{perplexity:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn caption(map: &Embedding, matrix: &ScoreMatrix) -> String {
    format!(
        "Each point is a task. Its colour and shape show its family or group. The features of a task are the validation \
         scores of {} of {}. t-SNE puts two tasks near each other if the same configurations do well on both. Only short \
         distances have a meaning, and the directions have none. The paper gives neither the family of optimizers nor \
         the settings of t-SNE; {} is likely, because most of its figures use it. The perplexity here is {}.",
        counted(matrix.configs().len() as u64, "configuration"),
        FAMILY.info().name,
        FAMILY.info().name,
        short(map.perplexity)
    )
}

fn table(map: &Embedding, matrix: &ScoreMatrix, study: &Study) -> Table {
    let mut table = Table::new(["task", "group", "data", "x", "y"]);
    for (name, [x, y]) in matrix.tasks().iter().zip(&map.points) {
        let task = study.task(name);
        table.push([
            name.clone(),
            task.map_or("", |task| task.group_label()).to_owned(),
            task.map_or("", data_words::data_of).to_owned(),
            x.to_string(),
            y.to_string(),
        ]);
    }
    table
}

fn explanation() -> String {
    "The next table does not use the map, because a map in two dimensions is only an approximation. For each task, it \
     takes the task with the nearest features. It shows for each family how often this nearest task is of the same family, \
     and how often it would be if the nearest task were any other task with equal chance."
        .to_owned()
}

fn by_family(neighbours: &Neighbours) -> Table {
    let mut table = Table::new(["Family", "Tasks", "Nearest task is of the same family", "By chance"]);
    for family in &neighbours.families {
        table.push([
            family.name.to_owned(),
            count(family.tasks as u64),
            percent(family.same),
            percent(family.chance),
        ]);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    table.push([
        "all of these".to_owned(),
        count(neighbours.same.len() as u64),
        percent(mean(&neighbours.same)),
        percent(mean(&neighbours.chance)),
    ]);
    table
}

/// What a smaller scale than the paper's does to the figure.
fn scale_note(tasks: usize, configurations: usize) -> Option<String> {
    (tasks < FEW_TASKS).then(|| {
        format!(
            "The paper's map has {} tasks and {} features. Here it has {} and {}: most families have only a few points, \
             so that clusters cannot be seen well.",
            count(PAPER_TASKS as u64),
            count(PAPER_CONFIGURATIONS.into()),
            count(tasks as u64),
            count(configurations as u64),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_options::Options;
    use crate::score_readings::Reading;
    use crate::scored_curves::tests::study_of;
    use crate::scored_task::TaskSummary;

    const READING: Reading = Reading::whole("default");

    fn analysed(tasks: &[(&str, Option<&str>)], scores: &[Vec<f64>]) -> Result<Findings, Lack> {
        let task = |(name, group): &(&str, Option<&str>)| TaskSummary {
            group: group.map(str::to_owned),
            ..data_words::tests::task(name, None)
        };
        let study = study_of(tasks.iter().map(task).collect(), &[READING], FAMILY, scores);
        let note = Some("a note".to_owned());
        analyse(&Context {
            study: &study,
            base: READING,
            options: &Options::default(),
            note,
            claims_only: false,
        })
    }

    #[test]
    fn tasks_are_drawn_by_family_and_written_in_their_order() {
        let tasks =
            [("b", Some("mlp_family")), ("a", None), ("c", Some("mlp_family")), ("d", Some("nvp_family"))];
        let scores = [vec![0.1, 0.2], vec![0.9, 0.1], vec![0.1, 0.3], vec![0.5, 0.5]];
        let findings = analysed(&tasks, &scores).unwrap();
        let [picture] = &findings.pictures[..] else { panic!("{findings:?}") };
        let [taskset_figures::Chart::Scatter(chart)] = &picture.panels[..] else { panic!("{picture:?}") };
        let groups: Vec<(&str, usize)> =
            chart.groups.iter().map(|group| (group.label.as_str(), group.points.len())).collect();
        assert_eq!(groups, [("mlp_family", 2), ("nvp_family", 1), ("other", 1)]);
        assert_eq!(chart.note.as_deref(), Some("a note"));
        let rows = &findings.tables[0].table.rows;
        let cells: Vec<(&str, &str)> = rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
        assert_eq!(cells, [("a", "other"), ("b", "mlp_family"), ("c", "mlp_family"), ("d", "nvp_family")]);
        assert!(chart.subtitle.as_ref().is_some_and(|text| text.contains("perplexity 1;")), "{chart:?}");
    }

    #[test]
    fn what_is_too_little_is_said() {
        let check = |tasks: &[(&str, Option<&str>)], scores: &[Vec<f64>], words: &str| {
            let lack = analysed(tasks, scores).unwrap_err();
            assert!(lack.sentence().contains(words) && lack.sentence().ends_with('.'), "{lack:?}");
        };
        check(&[], &[], "no task");
        check(&[("a", None)], &[vec![]], "no curves of adam8p");
        check(&[("a", None)], &[vec![0.5]], "4");
        // Four tasks that are all equal are a map, too.
        let four = ["a", "b", "c", "d"].map(|name| (name, None));
        let findings = analysed(&four, &vec![vec![0.5, 0.5]; 4]).unwrap();
        assert!(findings.claims.iter().all(|claim| claim.verdict.reason().is_some()));
        // Without families there is no table by family, only the note on the scale.
        assert_eq!(findings.blocks.len(), 1);
    }

    #[test]
    fn tasks_on_which_nothing_learned_have_no_place() {
        let mut tasks: Vec<TaskSummary> = ["a", "b"].map(|name| data_words::tests::task(name, None)).to_vec();
        tasks.iter_mut().for_each(|task| task.dropped = true);
        let study = study_of(tasks, &[READING], FAMILY, &[vec![1.0], vec![1.0]]);
        let context = Context {
            study: &study,
            base: READING,
            options: &Options::default(),
            note: None,
            claims_only: false,
        };
        let lack = analyse(&context).unwrap_err();
        assert!(lack.sentence().contains("no task on which"), "{lack:?}");
    }

    #[test]
    fn perplexities_have_at_most_one_decimal() {
        assert_eq!([short(30.0), short(29.0 / 3.0)], ["30", "9.7"]);
    }
}
