//! Rank correlations between tasks (appendix A.1), without those with reinforcement learning.

use taskset_figures::{Block, Heatmap, HeatmapRow, Table, count, counted, significant};
use taskset_meta::ScoreMatrix;
use taskset_meta::correlation::{group_correlations, ranks};
use taskset_optim::Family;

use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::scale::{PAPER_CONFIGURATIONS, PAPER_TASKS};
use crate::scored_curves::TaskGroup;

/// The family whose configurations are ranked. The paper ranks those of NAdamW.
const FAMILY: Family = Family::Adam8p;

/// With fewer tasks than this, most cells are means over few pairs.
const FEW_TASKS: usize = 100;

pub(super) const ROW: FigureRow = FigureRow {
    name: "correlation",
    label: "Appendix A.1",
    title: "Rank correlation between tasks",
    part: Part::Appendix,
    place: "appendix A.1",
    families: &[FAMILY],
    options: &[],
    readings: &[],
    // The paper compares with reinforcement learning, and claims nothing of the tasks alone.
    claims: Vec::new,
    analyse,
};

/// Mean correlations between groups of tasks.
struct Correlations {
    labels: Vec<&'static str>,
    /// By group and group; NaN where there is no pair.
    means: Vec<Vec<f64>>,
    /// Tasks of each group whose configurations have a ranking.
    tasks: Vec<usize>,
}

impl Correlations {
    fn new(matrix: &ScoreMatrix, groups: &[TaskGroup]) -> Self {
        let members: Vec<Vec<usize>> = groups.iter().map(|group| group.tasks.clone()).collect();
        let ranked =
            |group: &TaskGroup| group.tasks.iter().filter(|&&task| is_ranked(matrix.valid(task))).count();
        Self {
            labels: groups.iter().map(TaskGroup::label).collect(),
            means: group_correlations(matrix, &members),
            tasks: groups.iter().map(ranked).collect(),
        }
    }

    /// Pairs of different tasks behind a cell.
    fn pairs(&self, row: usize, column: usize) -> usize {
        match row == column {
            true => self.tasks[row] * self.tasks[row].saturating_sub(1) / 2,
            false => self.tasks[row] * self.tasks[column],
        }
    }

    /// The mean over all pairs within groups, or over all between groups, with their number.
    fn mean(&self, within: bool) -> Option<(f64, usize)> {
        let groups = self.labels.len();
        let cells = (0..groups).flat_map(|row| (0..=row).map(move |column| (row, column)));
        let (mut sum, mut pairs) = (0.0, 0);
        for (row, column) in cells.filter(|(row, column)| (row == column) == within) {
            let number = self.pairs(row, column);
            if number > 0 {
                sum += self.means[row][column] * number as f64;
                pairs += number;
            }
        }
        (pairs > 0).then(|| (sum / pairs as f64, pairs))
    }
}

/// Whether not all scores are equal.
fn is_ranked(scores: &[f64]) -> bool {
    ranks(scores).windows(2).any(|pair| pair[0].total_cmp(&pair[1]).is_ne())
}

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let matrix = context.matrix(FAMILY)?;
    let groups = context.study.groups_of(matrix.tasks().iter().map(String::as_str));
    let correlations = Correlations::new(&matrix, &groups);
    let tasks: usize = correlations.tasks.iter().sum();
    if tasks < 2 {
        return Err(Lack::new(format!(
            "A correlation needs two tasks, on each of which the configurations of {} differ in their scores; the curves have \
             {tasks} of them.",
            FAMILY.info().name
        )));
    }
    let mut blocks = vec![Block::Paragraph(summary(&correlations))];
    blocks.extend(scale_note(matrix.tasks().len()).map(Block::Paragraph));
    Ok(Findings {
        pictures: vec![Picture {
            stem: "correlation",
            panels: vec![chart(&correlations, context.note.clone()).into()],
            columns: 1,
            caption: caption(&matrix),
        }],
        tables: vec![DataFile {
            file: "correlation.csv",
            label: "correlations",
            table: table(&correlations),
        }],
        blocks,
        ..Findings::default()
    })
}

fn chart(correlations: &Correlations, note: Option<String>) -> Heatmap {
    let finite = correlations.means.iter().flatten().copied().filter(|mean| mean.is_finite());
    let lowest = finite.fold(0.0, f64::min);
    let rows = correlations.labels.iter().zip(&correlations.means);
    Heatmap {
        title: ROW.title.to_owned(),
        subtitle: Some("mean over all pairs of two tasks, one of each family".to_owned()),
        value_label: "Spearman's rank correlation".to_owned(),
        columns: correlations.labels.iter().map(|label| (*label).to_owned()).collect(),
        rows: rows.map(|(label, means)| HeatmapRow::new(*label, means.clone())).collect(),
        range: Some((lowest, 1.0)),
        note,
        ..Heatmap::default()
    }
}

fn caption(matrix: &ScoreMatrix) -> String {
    format!(
        "On each task, {} of {} are ranked by their validation scores. A cell is the mean of Spearman's rank correlation of \
         two rankings over all pairs of different tasks, one from each of the two families. 1 means that the best configurations of one \
         task are the best ones of the other, too; 0 means that one ranking says nothing about the other. Hatched cells have \
         no pair of tasks. Tasks on which all configurations have the same score are left out. The paper compares such \
         correlations with those of two reinforcement learning tasks, which are not in TaskSet, and ranks configurations of \
         NAdamW.",
        counted(matrix.configs().len() as u64, "configuration"),
        FAMILY.info().name
    )
}

fn summary(correlations: &Correlations) -> String {
    let words = |within: bool| {
        let what = if within { "of the same family" } else { "of different families" };
        correlations.mean(within).map_or_else(
            || format!("there are no pairs of tasks {what}"),
            |(mean, pairs)| {
                format!(
                    "the mean over {} of tasks {what} is {}",
                    counted(pairs as u64, "pair"),
                    significant(mean)
                )
            },
        )
    };
    format!(
        "Of the correlations, {}, and {}. The paper makes no claim about these correlations alone: it says that those with \
         reinforcement learning are considerably lower.",
        words(true),
        words(false)
    )
}

/// What a smaller scale than the paper's does to the figure.
fn scale_note(tasks: usize) -> Option<String> {
    (tasks < FEW_TASKS).then(|| {
        format!(
            "The paper has {} tasks and {} configurations. Here there are {}, so that many cells are means over few pairs.",
            count(PAPER_TASKS as u64),
            count(PAPER_CONFIGURATIONS.into()),
            counted(tasks as u64, "task")
        )
    })
}

/// One row for each cell.
fn table(correlations: &Correlations) -> Table {
    let mut table = Table::new(["group", "other_group", "mean_correlation", "pairs"]);
    for (row, label) in correlations.labels.iter().enumerate() {
        for (column, other) in correlations.labels.iter().enumerate() {
            let mean = correlations.means[row][column];
            table.push([
                (*label).to_owned(),
                (*other).to_owned(),
                if mean.is_finite() { mean.to_string() } else { String::new() },
                correlations.pairs(row, column).to_string(),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_words::tests::task;
    use crate::figure_options::Options;
    use crate::score_readings::Reading;
    use crate::scored_curves::tests::study_of;
    use crate::scored_task::TaskSummary;

    const READING: Reading = Reading::whole("default");

    fn analysed(tasks: &[(&str, Option<&str>)], scores: &[Vec<f64>]) -> Result<Findings, Lack> {
        let task = |(name, group): &(&str, Option<&str>)| TaskSummary {
            group: group.map(str::to_owned),
            ..task(name, None)
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
    fn cells_by_hand() {
        let tasks =
            [("a", Some("mlp_family")), ("b", Some("mlp_family")), ("c", Some("mlp_family")), ("d", None)];
        let scores = [vec![0.1, 0.2, 0.3], vec![0.2, 0.5, 0.9], vec![0.5, 0.5, 0.5], vec![0.9, 0.6, 0.1]];
        let findings = analysed(&tasks, &scores).unwrap();
        let cells: Vec<&[String]> = findings.tables[0].table.rows.iter().map(|row| &row[..]).collect();
        let expected = [
            ["mlp_family", "mlp_family", "1", "1"],
            ["mlp_family", "other", "-1", "2"],
            ["other", "mlp_family", "-1", "2"],
            ["other", "other", "", "0"],
        ];
        // Correlations are exact here but for rounding.
        for (cells, expected) in cells.iter().zip(expected) {
            assert_eq!(
                (&cells[0], &cells[1], &cells[3]),
                (&expected[0].to_owned(), &expected[1].to_owned(), &expected[3].to_owned())
            );
            match (cells[2].parse::<f64>(), expected[2].parse::<f64>()) {
                (Ok(found), Ok(expected)) => assert!((found - expected).abs() < 1e-12, "{cells:?}"),
                (found, expected) => assert_eq!(found.is_err(), expected.is_err(), "{cells:?}"),
            }
        }
        let Block::Paragraph(text) = &findings.blocks[0] else { panic!("{findings:?}") };
        assert!(text.contains("over 1 pair of tasks of the same family is 1.000"), "{text}");
        assert!(text.contains("over 2 pairs of tasks of different families is −1.000"), "{text}");
        assert!(taskset_figures::panels(&findings.pictures[0].panels, 1).unwrap().contains("a note"));
        assert!(findings.claims.is_empty());
    }

    #[test]
    fn what_is_too_little_is_said() {
        let check = |tasks: &[(&str, Option<&str>)], scores: &[Vec<f64>], words: &str| {
            let lack = analysed(tasks, scores).unwrap_err();
            assert!(lack.sentence().contains(words) && lack.sentence().ends_with('.'), "{lack:?}");
        };
        let (one, two) = ([("a", None)], [("a", None), ("b", None)]);
        check(&one, &[vec![]], "no curves of adam8p");
        check(&one, &[vec![0.1, 0.2]], "have 1 of them");
        check(&two, &[vec![0.1], vec![0.2]], "have 0 of them");
        check(&two, &[vec![0.1, 0.1], vec![0.2, 0.3]], "have 1 of them");
        let same = analysed(&two, &[vec![0.1, 0.2], vec![0.2, 0.3]]).unwrap();
        assert_eq!(same.tables[0].table.rows.len(), 1);
    }

    #[test]
    fn groups_of_single_tasks_are_compared_with_each_other() {
        let tasks = [("a", Some("mlp_family")), ("b", Some("nvp_family"))];
        let findings = analysed(&tasks, &[vec![0.1, 0.2], vec![0.2, 0.3]]).unwrap();
        let Block::Paragraph(text) = &findings.blocks[0] else { panic!("{findings:?}") };
        assert!(text.contains("no pairs of tasks of the same family"), "{text}");
        assert!(taskset_figures::narrow_panels(&findings.pictures[0].panels).is_ok());
    }
}
