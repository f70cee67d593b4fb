//! Figure 6: lists for tasks of other sizes (section 5.4).

mod claims;
mod fall;
mod sizes;

use taskset_figures::{Block, Color, Dash, LineChart, Marker, Point, Series, Table, count};
use taskset_meta::groups::{Groups, GroupsResult, TrainJ};
use taskset_meta::{SameTasks, quantile};
use taskset_names::Origin;
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::fig5::{SAME_TASKS, same_tasks};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::figure_options::{FigureOption, OptionKind, RESAMPLINGS};
use claims::{Measured, claims};
use fall::Fall;
use sizes::{Size, sizes};

const FAMILY: Family = Family::Adam8p;

pub(super) const K: FigureOption = FigureOption {
    name: "k",
    doc: "How many optimizers of a list are tried in figures 6 and 13. The paper does not give the number.",
    kind: OptionKind::Number(1, 1_000),
    default: "10",
};

const TRAIN_J: FigureOption = FigureOption {
    name: "train-j",
    doc: "The numerator of the ratio train J / test J in figure 6.",
    kind: OptionKind::Choice(&[
        (
            "test-group",
            "J on the test group, of the list that was learned on the test group; a ratio of 1 then means that nothing is lost",
        ),
        ("train-group", "J on the group on which the list was learned"),
    ]),
    default: "test-group",
};

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig6",
    label: "Figure 6",
    title: "Lists for tasks of other sizes",
    part: Part::Section5,
    place: "section 5.4",
    families: &[FAMILY],
    options: &[&K, &TRAIN_J, &SAME_TASKS, &RESAMPLINGS],
    readings: &[],
    claims: || claims(None),
    analyse,
};

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let matrix = context.matrix(FAMILY)?;
    let sizes = sizes(context, &matrix);
    if sizes.len() < 2 {
        return Err(Lack::new(
            "Tasks of at least two orders of magnitude of parameters are needed; those on which something was learned have one.",
        ));
    }
    let groups: Vec<Vec<usize>> = sizes.iter().map(|size| size.tasks.clone()).collect();
    // As many of each size as the median size has: larger ones give a part of theirs, smaller ones theirs several times.
    let counts: Vec<f64> = groups.iter().map(|group| group.len() as f64).collect();
    let experiment = Groups {
        matrix: &matrix,
        groups: &groups,
        same_group: same_tasks(context),
        mixture_tasks: (quantile(&counts, 0.5) as usize).max(1),
        resamplings: context.number(&RESAMPLINGS) as u64,
        k: matrix.configs().len(),
    };
    let id = StreamId::root("taskset-rs/sec5/figure6");
    let train_j = match context.options.value(&TRAIN_J) {
        "train-group" => TrainJ::OfTrainGroup,
        _ => TrainJ::OfTestGroup,
    };
    let k = context.number(&K).min(matrix.configs().len());
    let shown = experiment.run(&id)?;
    // In halves: on the tasks that it was learned on, a list cannot lose against others.
    let judged = Groups { same_group: SameTasks::Halves, ..experiment.clone() }.run(&id)?;
    let fall = Fall::new(&matrix, &sizes, k, &id)?;
    let measured = Measured {
        sizes: &sizes,
        judged: &judged,
        fall: &fall,
        k,
        resamplings: context.number(&RESAMPLINGS),
        candidates: matrix.configs().len(),
    };
    let one = match train_j {
        TrainJ::OfTestGroup => "1 means that nothing is lost against a list of the tested size.",
        TrainJ::OfTrainGroup => {
            "1 means that a list is as good on the tested size as on its own. The ratio also depends on which size has lower scores."
        }
    };
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure6",
            panels: vec![chart(&sizes, &shown, k, train_j, context).into()],
            columns: 1,
            caption: format!(
                "Each coloured line is a list that was learned on the tasks of one order of magnitude of parameters, tested on the tasks \
                 of each. {one} Black: lists from a uniform mixture of the sizes, median and 25–75 percentiles over {} mixtures. k = {} \
                 optimizers are tried.",
                count(shown.mixture.len() as u64),
                count(k as u64)
            ),
        }],
        tables: vec![
            DataFile {
                file: "figure6.csv",
                label: "numbers",
                table: table(&sizes, &shown, k, train_j, context.study.origin),
            },
            DataFile {
                file: "figure6_judged.csv",
                label: "numbers of the claims",
                table: table(&sizes, &judged, k, TrainJ::OfTestGroup, context.study.origin),
            },
        ],
        claims: claims(Some(&measured)),
        blocks: vec![Block::Paragraph(JUDGED.to_owned())],
        ..Findings::default()
    })
}

/// Why the claims are not about the ratios of the picture.
const JUDGED: &str = "The claims are judged on lists that are learned on one half of a size and tested on the other half, because \
                      a list that was learned on the tested tasks themselves cannot lose against others. The file “numbers of the \
                      claims” has these ratios. There, a list that was learned on more tasks than half of a size can be better than \
                      the size's own list, so the ratio can be above 1.";

/// Quartiles of the mixture's ratio on each size.
fn mixture(result: &GroupsResult, k: usize, train_j: TrainJ, sizes: usize) -> Vec<[f64; 3]> {
    let ratios = result.mixture_ratios(k, train_j);
    let column = |test: usize| ratios.iter().map(|row| row[test]).collect::<Vec<f64>>();
    (0..sizes).map(|test| [0.25, 0.5, 0.75].map(|q| quantile(&column(test), q))).collect()
}

fn chart(
    sizes: &[Size],
    result: &GroupsResult,
    k: usize,
    train_j: TrainJ,
    context: &Context<'_>,
) -> LineChart {
    let ratios = result.ratios(k, train_j);
    let last = (sizes.len() - 1) as f64;
    let mut series: Vec<Series> = sizes
        .iter()
        .enumerate()
        .map(|(train, size)| {
            let points = sizes
                .iter()
                .enumerate()
                .map(|(test, s)| Point::bare(s.parameters.max(1.0), ratios[train][test]));
            Series::new(
                format!("learned on {}", size.words()),
                Color::sequence(train as f64 / last),
                points.collect(),
            )
            .markers(Marker::ALL[train % 8])
        })
        .collect();
    let points = sizes
        .iter()
        .zip(mixture(result, k, train_j, sizes.len()))
        .map(|(size, [lo, y, hi])| Point { x: size.parameters.max(1.0), y, lo, hi });
    series.push(
        Series::new("learned on a uniform mixture", Color::BLACK, points.collect())
            .dash(Dash::Dashed)
            .emphasized(),
    );
    LineChart {
        title: ROW.title.to_owned(),
        subtitle: Some(format!("k = {k}; in brackets the number of tasks")),
        x_label: "parameters of the tested tasks (median of each order of magnitude)".to_owned(),
        y_label: match train_j {
            TrainJ::OfTestGroup => "train J / test J (1: nothing is lost)",
            TrainJ::OfTrainGroup => "train J / test J (1: as good as on its own size)",
        }
        .to_owned(),
        x_log: true,
        series,
        note: context.note.clone(),
        ..LineChart::default()
    }
}

fn table(sizes: &[Size], result: &GroupsResult, k: usize, train_j: TrainJ, data: Origin) -> Table {
    let header = [
        "learned_on_parameters",
        "tested_on_parameters",
        "test_tasks",
        "data",
        "k",
        "j",
        "ratio",
        "ratio_p25",
        "ratio_p75",
    ];
    let mut table = Table::new(header);
    let (j, ratios) = (result.at(k), result.ratios(k, train_j));
    for (train, size) in sizes.iter().enumerate() {
        for (test, tested) in sizes.iter().enumerate() {
            table.push([
                format!("1e{}", size.exponent),
                format!("1e{}", tested.exponent),
                tested.tasks.len().to_string(),
                data.to_string(),
                k.to_string(),
                j[train][test].to_string(),
                ratios[train][test].to_string(),
                String::new(),
                String::new(),
            ]);
        }
    }
    let mixtures = result.mixture_at(k);
    for (test, [lo, median, hi]) in mixture(result, k, train_j, sizes.len()).into_iter().enumerate() {
        let column: Vec<f64> = mixtures.iter().map(|row| row[test]).collect();
        table.push([
            "mixture".to_owned(),
            format!("1e{}", sizes[test].exponent),
            sizes[test].tasks.len().to_string(),
            data.to_string(),
            k.to_string(),
            quantile(&column, 0.5).to_string(),
            median.to_string(),
            lo.to_string(),
            hi.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_options::Options;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::scored_curves::tests::scored;

    const GROUPS: [(&str, usize); 5] = [("a", 16), ("b", 16), ("c", 16), ("d", 16), ("e", 16)];

    /// The best learning rate rises with the size of the task, and what is good for one size is nearly so for the next.
    fn graded(t: usize, c: usize, _: Family) -> (f64, f64) {
        let distance = (c as f64 / 4.0 - (t / 16) as f64).abs();
        let score = (0.1 + 0.15 * distance + 0.02 * noise(t, c)).min(1.0);
        (score, score)
    }

    #[test]
    fn what_depends_on_the_size_falls_off() {
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, graded);
        let options = Options::parse(&["k=1".to_owned()], &[&ROW]).unwrap();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims)[0], "holds", "{:?}", findings.claims);
        assert_eq!(verdicts(&findings.claims)[1], "does not hold", "one try cannot serve all sizes");
        let options = Options::default();
        let ten = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&ten.claims)[1], "holds", "{:?}", ten.claims);
        assert!(ten.tables[0].table.csv().contains("\nmixture,1e2,16,real,10,"));
    }

    #[test]
    fn what_does_not_depend_on_it_does_not() {
        let same = |_: usize, c: usize, _: Family| (c as f64 / 30.0, c as f64 / 30.0);
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, same);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["cannot tell"; 2], "{:?}", findings.claims);
        assert!(findings.claims[0].verdict.reason().unwrap().contains("all ratios"));
        assert!(findings.claims[1].verdict.reason().unwrap().contains("every ratio is 1"));
    }

    #[test]
    fn sizes_that_do_not_matter_rarely_hold() {
        // What is good depends on the task, but not on its size: about one in twenty holds by chance.
        let options = Options::default();
        let holds = (0..8).filter(|seed| {
            let varied = |t: usize, c: usize, _: Family| (noise(t, c + 100 * seed), noise(t, c + 100 * seed));
            let study = scored(BASE, &GROUPS.map(|(name, _)| (name, 6)), &[FAMILY], 20, varied);
            verdicts(&analyse(&context(&study, &options)).unwrap().claims)[0] == "holds"
        });
        let holds = holds.count();
        assert!(holds <= 1, "{holds} of 8");
    }

    #[test]
    fn few_configurations_and_few_resamplings_give_no_verdict() {
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, graded);
        let check = |option: &str, words: &str| {
            let options = Options::parse(&[option.to_owned()], &[&ROW]).unwrap();
            for claim in analyse(&context(&study, &options)).unwrap().claims {
                assert!(claim.verdict.reason().is_some_and(|why| why.contains(words)), "{claim:?}");
            }
        };
        check("k=11", "more than half of the 20 configurations");
        check("resamplings=19", "number of resamplings is 19");
    }

    #[test]
    fn the_caption_says_what_1_means() {
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, graded);
        let options = Options::parse(&["train-j=train-group".to_owned()], &[&ROW]).unwrap();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert!(!findings.pictures[0].caption.contains("nothing is lost"));
        assert_eq!(findings.tables[1].file, "figure6_judged.csv");
    }

    #[test]
    fn one_size_is_a_lack_and_few_tasks_give_no_verdict() {
        let options = Options::default();
        let one = scored(BASE, &GROUPS[..1], &[FAMILY], 5, graded);
        assert!(
            analyse(&context(&one, &options)).err().unwrap().sentence().contains("two orders of magnitude")
        );
        let few = scored(BASE, &GROUPS.map(|(name, _)| (name, 1)), &[FAMILY], 5, graded);
        let findings = analyse(&context(&few, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["cannot tell"; 2]);
        assert!(findings.claims[0].verdict.reason().unwrap().contains("at least 5 tasks is 0"));
    }
}
