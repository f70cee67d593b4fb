//! Figure 2b: the share of the configurations that reach a loss, for each task.

mod claims;

use taskset_figures::{Color, Guide, LineChart, Point, Series, Table, counted};
use taskset_meta::ScoreMatrix;

use super::{FAMILY, LOWEST_POINT, Panel};
use crate::data_words;
use crate::figures::{Context, DataFile, Picture};
use crate::scored_curves::Study;
pub(super) use claims::claims;

/// Normalised losses that are to be reached: 1 is the loss at the start, 0 the lowest of any configuration. The paper does
/// not say which ones it takes.
const LEVELS: [f64; 8] = [0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.01];

/// The shares of configurations that reach each level.
pub(super) struct Difficulty {
    /// Names of the tasks on which something was learned.
    tasks: Vec<String>,
    /// Their families, for resampling.
    groups: Vec<&'static str>,
    configurations: usize,
    /// For each of the [`LEVELS`] and each task, from 0 to 1.
    shares: Vec<Vec<f64>>,
}

impl Difficulty {
    fn new(matrix: &ScoreMatrix, study: &Study) -> Self {
        let tasks = matrix.tasks().to_vec();
        let mut groups = vec![""; tasks.len()];
        for group in study.groups_of(tasks.iter().map(String::as_str)) {
            group.tasks.iter().for_each(|&task| groups[task] = group.label());
        }
        let share = |task: usize, level: f64| {
            let reached = matrix.valid(task).iter().filter(|loss| **loss <= level).count();
            reached as f64 / matrix.configs().len() as f64
        };
        let shares = LEVELS.map(|level| (0..tasks.len()).map(|task| share(task, level)).collect());
        Self { groups, configurations: matrix.configs().len(), shares: shares.to_vec(), tasks }
    }

    /// The shares at one of the levels.
    fn at(&self, level: f64) -> &[f64] {
        let place = LEVELS.iter().position(|other| other.total_cmp(&level).is_eq());
        place.map_or(&[], |place| &self.shares[place])
    }
}

pub(super) fn panel(context: &Context<'_>) -> Panel {
    let matrix = match context.study.matrix(LOWEST_POINT, FAMILY) {
        Ok(matrix) => matrix,
        Err(lack) => {
            let reason = lack.reason();
            let claims = claims(None).into_iter();
            let claims = claims.map(|claim| taskset_figures::Claim {
                verdict: crate::claim_thresholds::cannot_tell(&*reason),
                ..claim
            });
            return Panel { claims: claims.collect(), picture: Err(lack), table: None };
        }
    };
    let difficulty = Difficulty::new(&matrix, context.study);
    Panel {
        picture: Ok(Picture {
            stem: "figure2b",
            panels: vec![chart(&difficulty, context.note.clone()).into()],
            columns: 1,
            caption: caption(&difficulty, context.study),
        }),
        table: Some(DataFile {
            file: "figure2b.csv",
            label: "difficulty",
            table: table(&difficulty, context.study),
        }),
        claims: claims(Some(&difficulty)),
    }
}

fn chart(difficulty: &Difficulty, note: Option<String>) -> LineChart {
    let series = LEVELS.iter().zip(&difficulty.shares).enumerate().map(|(i, (level, shares))| {
        let mut shares = shares.clone();
        shares.sort_by(|a, b| b.total_cmp(a));
        let point = |(rank, share): (usize, &f64)| Point::bare(rank as f64 + 1.0, 100.0 * share);
        let points = shares.iter().enumerate().map(point).collect();
        // The hardest level is the darkest.
        let color = Color::sequence(1.0 - i as f64 / (LEVELS.len() - 1) as f64);
        Series::new(format!("loss {level}"), color, points)
    });
    LineChart {
        title: "Difficulty of the tasks".to_owned(),
        subtitle: Some(format!(
            "{}; loss 0 is the lowest, loss 1 that at the start",
            counted(difficulty.tasks.len() as u64, "task")
        )),
        x_label: "tasks, in falling order of the percentage".to_owned(),
        y_label: "configurations that reach the loss (%)".to_owned(),
        series: series.collect(),
        guides: vec![Guide::horizontal(50.0).label("half of the configurations")],
        note,
        ..LineChart::default()
    }
}

fn caption(difficulty: &Difficulty, study: &Study) -> String {
    let dropped = study.tasks.iter().filter(|task| task.dropped).count();
    format!(
        "For each task, the percentage of {} of {} that reach a normalised loss. A configuration reaches it if the lowest \
         point of its validation curve is at this loss or below. Each line is for one loss and has its own order of tasks. \
         So a line crosses 50 % at the number of tasks on which more than half of the configurations reach its loss. The \
         paper names neither the losses nor the configurations that it counts.{}",
        counted(difficulty.configurations as u64, "configuration"),
        FAMILY.info().name,
        super::stacks::left_out(dropped, "no configuration got below the loss at the start")
    )
}

fn table(difficulty: &Difficulty, study: &Study) -> Table {
    let levels = LEVELS.map(|level| format!("share_that_reaches_{level}"));
    let mut table = Table::new(["task", "group", "data"].map(str::to_owned).into_iter().chain(levels));
    for (i, name) in difficulty.tasks.iter().enumerate() {
        let data = study.task(name).map_or("", data_words::data_of);
        let cells = [name.as_str(), difficulty.groups[i], data].map(str::to_owned).into_iter();
        table.push(cells.chain(difficulty.shares.iter().map(|shares| shares[i].to_string())));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_words::tests::task;
    use crate::scored_curves::tests::study_of;

    fn difficulty(scores: &[Vec<f64>]) -> (Difficulty, Study) {
        let tasks = (0..scores.len()).map(|i| task(&format!("t{i}"), None)).collect();
        let study = study_of(tasks, &[LOWEST_POINT], FAMILY, scores);
        (Difficulty::new(&study.matrix(LOWEST_POINT, FAMILY).unwrap(), &study), study)
    }

    #[test]
    fn shares_by_hand() {
        let (found, study) = difficulty(&[vec![0.0, 0.1, 0.15, 1.0], vec![1.0, 0.95, 1.0, 1.0]]);
        assert_eq!(
            (found.at(0.1), found.at(0.2), found.at(0.9)),
            (&[0.5, 0.0][..], &[0.75, 0.0][..], &[0.75, 0.0][..])
        );
        let table = table(&found, &study);
        assert_eq!(table.header[3..5], ["share_that_reaches_0.9", "share_that_reaches_0.7"]);
        assert_eq!(table.rows[0][..4], ["t0", "other", "none needed", "0.75"]);
    }

    #[test]
    fn lines_fall() {
        let (found, _) = difficulty(&[vec![1.0, 1.0], vec![0.0, 0.02], vec![0.0, 0.5]]);
        let chart = chart(&found, None);
        let hardest: Vec<f64> = chart.series[7].points.iter().map(|point| point.y).collect();
        assert_eq!(hardest, [50.0, 50.0, 0.0]);
        assert!(chart.svg().is_ok());
    }
}
