//! Figure 4: how many tasks a list needs to be learned on (section 5.2).

use taskset_figures::{
    Block, Claim, Color, Guide, LineChart, Marker, Point, Series, Verdict, count, counted, significant,
};
use taskset_meta::ResampledCurve;
use taskset_meta::training_task_counts::{TaskNumbers, TaskNumbersResult, TestTasks};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::{CurveTable, J, J_IS, TRIED, series, shortages};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::claim_thresholds::{AGREEMENT, cannot_tell, claim, percent};
use crate::figure_options::{FigureOption, OptionKind, RESAMPLINGS};
use crate::list_comparison;

const FAMILY: Family = Family::Adam8p;

/// Numbers of tasks to learn on. The paper's are not in its text.
const SIZES: [usize; 10] = [2, 5, 10, 20, 50, 100, 200, 400, 600, 900];

/// Budgets of the right panel. The paper's are not in its text.
const BUDGETS: [usize; 4] = [1, 3, 10, 100];

/// The budget of the claims.
const CLAIMED: usize = 10;

/// Median J that is at most so much above that of the most tasks is near-optimal.
const NEAR: f64 = 0.05;

/// Tasks that the paper says are not enough.
const PAPERS_NUMBER: usize = 100;

/// Tasks to learn on from which on it can be told whether that number is enough.
const MIN_LARGEST: usize = 400;

/// Why the claims are not about the curves of the picture.
const JUDGED: &str = "The claims are judged on lists that are all tested on the same tasks, those that no list of a resampling \
                      was learned on. In the picture, a list may be tested on all tasks that it was not learned on, which are \
                      other tasks for each number. The file “numbers of the claims” has the judged curves.";

const TEST_TASKS: FigureOption = FigureOption {
    name: "test-tasks",
    doc: "The tasks on which the lists of figure 4 are tested.",
    kind: OptionKind::Choice(&[
        ("remaining", "all tasks on which a list was not learned, as the paper's text says"),
        (
            "shared",
            "the tasks on which no list of a resampling was learned; they are the same for all numbers of tasks",
        ),
    ]),
    default: "remaining",
};

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig4",
    label: "Figure 4",
    title: "More tasks to learn on",
    part: Part::Section5,
    place: "section 5.2",
    families: &[FAMILY],
    options: &[&RESAMPLINGS, &TEST_TASKS],
    readings: &[],
    claims: || claims(None),
    analyse,
};

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let matrix = context.matrix(FAMILY)?;
    let tasks = matrix.tasks().len();
    // At most four fifths, so that the test tasks do not become few.
    let sizes: Vec<usize> = SIZES.into_iter().filter(|&size| size * 5 <= tasks * 4).collect();
    if sizes.is_empty() {
        return Err(Lack::new(format!(
            "Lists must be learned on at least {} tasks and tested on others; something was learned on {}.",
            SIZES[0],
            counted(tasks as u64, "task")
        )));
    }
    let id = StreamId::root("taskset-rs/sec5/figure4");
    let experiment = TaskNumbers {
        matrix: &matrix,
        sizes: &sizes,
        test_tasks: match context.options.value(&TEST_TASKS) {
            "shared" => TestTasks::Shared,
            _ => TestTasks::Remaining,
        },
        resamplings: context.number(&RESAMPLINGS) as u64,
        k: matrix.configs().len(),
    };
    let shown = experiment.run(&id)?;
    // On the same tasks, so that numbers are compared on equal terms.
    let compared = TaskNumbers { test_tasks: TestTasks::Shared, ..experiment }.run(&id)?;
    let budgets: Vec<usize> = BUDGETS.into_iter().filter(|&k| k <= matrix.configs().len()).collect();
    let table = |result: &TaskNumbersResult| {
        let mut table = CurveTable::new(&["learned_on_tasks", "tested_on_tasks"], context.study.origin);
        for ((size, test), curve) in result.sizes.iter().zip(&result.test_tasks).zip(&result.curves) {
            table.push(&[size.to_string(), test.to_string()], curve);
        }
        table.table()
    };
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure4",
            panels: vec![left(&shown, &budgets, context).into(), right(&shown, &budgets).into()],
            columns: 2,
            caption: format!(
                "{J_IS} Left: lists that were learned on different numbers of tasks and tested on others; median and 25–75 \
                 percentiles over {} resamplings of the tasks. Right: the same at fixed numbers of optimizers tried, which \
                 are the dashed lines on the left.",
                count(context.number(&RESAMPLINGS) as u64)
            ),
        }],
        tables: vec![
            DataFile { file: "figure4.csv", label: "numbers", table: table(&shown) },
            DataFile { file: "figure4_judged.csv", label: "numbers of the claims", table: table(&compared) },
        ],
        blocks: vec![Block::Paragraph(JUDGED.to_owned())],
        claims: claims(Some((&compared, matrix.configs().len()))),
        ..Findings::default()
    })
}

/// Position of a number among `count` on the colour scale.
fn shade(number: usize, count: usize) -> Color {
    Color::sequence(if count > 1 { number as f64 / (count - 1) as f64 } else { 0.0 })
}

fn left(result: &TaskNumbersResult, budgets: &[usize], context: &Context<'_>) -> LineChart {
    let count = result.sizes.len();
    let line = |(i, (size, curve)): (usize, (&usize, &ResampledCurve))| {
        series(counted(*size as u64, "task"), shade(i, count), curve)
    };
    LineChart {
        title: ROW.title.to_owned(),
        subtitle: Some("J against the number of optimizers tried".to_owned()),
        x_label: TRIED.to_owned(),
        y_label: J.to_owned(),
        x_log: true,
        series: result.sizes.iter().zip(&result.curves).enumerate().map(line).collect(),
        guides: budgets
            .iter()
            .enumerate()
            .map(|(i, k)| Guide::vertical(*k as f64).color(Color::cycle(i)))
            .collect(),
        note: context.note.clone(),
        ..LineChart::default()
    }
}

fn right(result: &TaskNumbersResult, budgets: &[usize]) -> LineChart {
    let line = |(i, &k): (usize, &usize)| {
        let points = result.sizes.iter().zip(&result.curves).filter_map(|(size, curve)| {
            let [lo, y, hi] = curve.at(k)?;
            Some(Point { x: *size as f64, y, lo, hi })
        });
        Series::new(format!("k = {k}"), Color::cycle(i), points.collect()).markers(Marker::ALL[i % 8])
    };
    LineChart {
        title: "At a fixed number of optimizers tried".to_owned(),
        subtitle: Some("J against the number of tasks to learn on".to_owned()),
        x_label: "tasks to learn on".to_owned(),
        y_label: J.to_owned(),
        x_log: true,
        series: budgets.iter().enumerate().map(line).collect(),
        ..LineChart::default()
    }
}

/// The claims, from lists that are tested on the same tasks, and the number of configurations.
fn claims(measured: Option<(&TaskNumbersResult, usize)>) -> Vec<Claim> {
    let of = |judge: fn(&TaskNumbersResult) -> (Vec<String>, Verdict)| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some((result, candidates)) => {
            let largest = result.sizes.iter().copied().max().unwrap_or(0);
            let smaller = largest.min(result.test_tasks.iter().copied().min().unwrap_or(0));
            let resamplings = result.curves.first().map_or(0, |curve| curve.raw.len());
            let lacks = shortages(FAMILY.info().name, candidates, smaller, resamplings);
            let (measured, verdict) = judge(result);
            (measured, if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
    };
    vec![
        claim(
            "Performance continues to improve as lists are learned on more tasks.",
            format!(
                "Holds if the list from the most tasks is better at k = {CLAIMED} than the lists from every smaller number of \
                 tasks, in at least {} of the resamplings, on the same tasks; does not hold if it is worse in as many than \
                 one of them; otherwise the measurement cannot tell.",
                percent(AGREEMENT)
            ),
            of(improves),
        ),
        claim(
            "A large number of tasks, more than 100, is required for near-optimal performance.",
            format!(
                "Near-optimal is a median J at k = {CLAIMED} of at most {} above that of the most tasks. Holds if this needs more \
                 than {PAPERS_NUMBER} tasks; does not hold if {PAPERS_NUMBER} are enough; the measurement cannot tell if lists \
                 are learned on fewer than {MIN_LARGEST} tasks.",
                percent(NEAR)
            ),
            of(needs_many),
        ),
    ]
}

fn improves(result: &TaskNumbersResult) -> (Vec<String>, Verdict) {
    list_comparison::largest_is_best(&result.sizes, &result.curves, CLAIMED, "tasks")
}

fn needs_many(result: &TaskNumbersResult) -> (Vec<String>, Verdict) {
    let median = |curve: &ResampledCurve| curve.at(CLAIMED).map(|[_, median, _]| median);
    let best = result.curves.last().and_then(median);
    let most = result.sizes.last().copied().unwrap_or(0);
    let Some(best) = best else {
        return (Vec::new(), cannot_tell(format!("there is no J at k = {CLAIMED}")));
    };
    let near = result
        .sizes
        .iter()
        .zip(&result.curves)
        .find(|(_, curve)| median(curve).is_some_and(|median| median <= best * (1.0 + NEAR)))
        .map_or(most, |(size, _)| *size);
    let words = vec![format!(
        "median J {} with {most} tasks; {near} tasks are the fewest that come within {}",
        significant(best),
        percent(NEAR)
    )];
    let verdict = match most {
        _ if most < MIN_LARGEST => cannot_tell(format!("lists are learned on at most {most} tasks")),
        _ if near > PAPERS_NUMBER => Verdict::Holds,
        _ => Verdict::DoesNotHold,
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_options::Options;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::scored_curves::tests::scored;

    fn kinds(t: usize, c: usize, _: Family) -> (f64, f64) {
        let score = if c == t % 8 { 0.1 } else { 0.5 + 0.4 * noise(t, c) };
        (score, score)
    }

    #[test]
    fn both_panels_and_the_numbers_are_made() {
        let study = scored(BASE, &[("a", 60), ("b", 40)], &[FAMILY], 60, kinds);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(findings.pictures[0].panels.len(), 2);
        assert!(
            findings.tables[1].table.csv().contains("\n2,50,real,1,"),
            "the claims are about shared tasks"
        );
        let csv = findings.tables[0].table.csv();
        assert!(
            csv.starts_with("learned_on_tasks,tested_on_tasks,data,k,p25,median,p75\n2,98,real,1,"),
            "{csv}"
        );
        // On the same tasks for all numbers.
        let shared = Options::parse(&["test-tasks=shared".to_owned()], &[&ROW]).unwrap();
        let findings = analyse(&context(&study, &shared)).unwrap();
        assert!(findings.tables[0].table.csv().contains("\n2,50,real,1,"));
    }

    /// Twenty resamplings in which each number of tasks has these J at every k.
    fn result(sizes: &[(usize, [f64; 2])]) -> TaskNumbersResult {
        let curve = |(_, js): &(usize, [f64; 2])| {
            ResampledCurve::new((0..20).map(|r| vec![js[r % 2]; 10]).collect(), 10)
        };
        TaskNumbersResult {
            sizes: sizes.iter().map(|(size, _)| *size).collect(),
            test_tasks: vec![100; sizes.len()],
            curves: sizes.iter().map(curve).collect(),
        }
    }

    #[test]
    fn each_verdict_can_come_out() {
        let check = |sizes: &[(usize, [f64; 2])], expected: [&str; 2]| {
            let found = claims(Some((&result(sizes), 50)));
            assert_eq!(verdicts(&found), expected, "{found:?}");
        };
        check(&[(10, [0.3; 2]), (100, [0.25; 2]), (400, [0.2; 2])], ["holds", "holds"]);
        check(&[(10, [0.2; 2]), (100, [0.2; 2]), (400, [0.3; 2])], ["does not hold", "does not hold"]);
        check(&[(10, [0.3, 0.1]), (200, [0.2; 2])], ["cannot tell", "cannot tell"]);
        let few = claims(Some((&result(&[(10, [0.3; 2]), (100, [0.2; 2])]), 5)));
        assert!(few[0].verdict.reason().is_some_and(|why| why.contains("5 configurations")), "{few:?}");
    }

    #[test]
    fn few_tasks_are_a_lack() {
        let study = scored(BASE, &[("a", 2)], &[FAMILY], 5, kinds);
        let options = Options::default();
        let lack = analyse(&context(&study, &options)).err().unwrap();
        assert!(lack.sentence().contains("2 tasks"), "{lack:?}");
    }
}
