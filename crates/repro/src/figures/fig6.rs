//! Figure 6: lists for tasks of other sizes (section 5.4).

use std::collections::BTreeMap;

use taskset_figures::{
    Claim, Color, Dash, LineChart, Marker, Point, Series, Table, Verdict, count, significant,
};
use taskset_meta::correlation::spearman;
use taskset_meta::groups::{Groups, GroupsResult, TrainJ};
use taskset_meta::{SameTasks, ScoreMatrix, quantile};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::fig5::{SAME_TASKS, same_tasks};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::claims::cannot_tell;
use crate::options::{FigureOption, OptionKind, RESAMPLINGS};

const FAMILY: Family = Family::Adam8p;

/// Tasks that a size needs to be judged.
const MIN_IN_GROUP: usize = 5;

/// Sizes that the claims need.
const MIN_GROUPS: usize = 4;

/// A rank correlation that is clearly negative.
const FALLS: f64 = -0.3;

/// Ratios of the mixture: no fall, and a fall.
const FLAT: f64 = 0.9;
const FALLEN: f64 = 0.8;

pub(super) const K: FigureOption = FigureOption {
    name: "k",
    doc: "How many optimizers of a list are tried in figures 6 and 13. The paper does not say.",
    kind: OptionKind::Number(1, 1_000),
    default: "10",
};

const TRAIN_J: FigureOption = FigureOption {
    name: "train-j",
    doc: "The numerator of the ratio of figure 6, train J / test J.",
    kind: OptionKind::Choice(&[
        (
            "test-group",
            "J on the test group of the list that was learned on this group: 1 means that nothing is lost",
        ),
        ("train-group", "J on the group that the list was learned on"),
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

/// Tasks of one order of magnitude of parameters.
struct Size {
    /// 10 to this power, up to the next power.
    exponent: u32,
    tasks: Vec<usize>,
    /// Median number of parameters.
    parameters: f64,
}

impl Size {
    fn words(&self) -> String {
        format!("{} to {} parameters ({})", power(self.exponent), power(self.exponent + 1), self.tasks.len())
    }
}

/// A power of ten: `10,000`.
fn power(exponent: u32) -> String {
    10_u64.checked_pow(exponent).map_or_else(|| format!("1e{exponent}"), count)
}

/// The tasks of a matrix by the order of magnitude of their parameters, smallest first.
fn sizes(context: &Context<'_>, matrix: &ScoreMatrix) -> Vec<Size> {
    let mut by_exponent: BTreeMap<u32, Vec<(usize, u64)>> = BTreeMap::new();
    for (place, name) in matrix.tasks().iter().enumerate() {
        if let Some(task) = context.study.task(name) {
            by_exponent.entry(task.parameters.max(1).ilog10()).or_default().push((place, task.parameters));
        }
    }
    let size = |(exponent, tasks): (u32, Vec<(usize, u64)>)| Size {
        exponent,
        parameters: quantile(&tasks.iter().map(|(_, n)| *n as f64).collect::<Vec<_>>(), 0.5),
        tasks: tasks.into_iter().map(|(place, _)| place).collect(),
    };
    by_exponent.into_iter().map(size).collect()
}

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
    let judged = Groups { same_group: SameTasks::Halves, ..experiment }.run(&id)?;
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure6",
            panels: vec![chart(&sizes, &shown, k, train_j, context).into()],
            columns: 1,
            caption: format!(
                "Each coloured line is a list that was learned on the tasks of one order of magnitude of parameters, tested on the tasks \
                 of each. 1 means that nothing is lost against a list of the tested size. Black: lists from a uniform mixture of the \
                 sizes, median and 25–75 percentiles over {} mixtures. k = {k} optimizers are tried.",
                shown.mixture.len()
            ),
        }],
        tables: vec![DataFile {
            file: "figure6.csv",
            label: "numbers",
            table: table(&sizes, &shown, k, train_j),
        }],
        claims: claims(Some((&sizes, &judged, k))),
        ..Findings::default()
    })
}

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
        y_label: "train J / test J (1: nothing is lost)".to_owned(),
        x_log: true,
        series,
        note: context.note.clone(),
        ..LineChart::default()
    }
}

fn table(sizes: &[Size], result: &GroupsResult, k: usize, train_j: TrainJ) -> Table {
    let header = [
        "learned_on_parameters",
        "tested_on_parameters",
        "test_tasks",
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
            k.to_string(),
            quantile(&column, 0.5).to_string(),
            median.to_string(),
            lo.to_string(),
            hi.to_string(),
        ]);
    }
    table
}

/// From sizes, J, the number of tries and the sizes with enough tasks to what was measured and the verdict.
type Judge = fn(&[Size], &GroupsResult, usize, &[usize]) -> (Vec<String>, Verdict);

/// The claims, from lists that are tested on tasks that they have not seen.
fn claims(measured: Option<(&[Size], &GroupsResult, usize)>) -> Vec<Claim> {
    let large = |sizes: &[Size]| -> Vec<usize> {
        (0..sizes.len()).filter(|&i| sizes[i].tasks.len() >= MIN_IN_GROUP).collect()
    };
    let of = |judge: Judge| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some((sizes, result, k)) => {
            let large = large(sizes);
            let (words, verdict) = judge(sizes, result, k, &large);
            let enough = large.len() >= MIN_GROUPS;
            let lack = || {
                cannot_tell(format!(
                    "{} orders of magnitude have at least {MIN_IN_GROUP} tasks, and {MIN_GROUPS} are needed",
                    large.len()
                ))
            };
            (words, if enough { verdict } else { lack() })
        }
    };
    let claim = |text: &str, rule: String, (measured, verdict): (Vec<String>, Verdict)| Claim {
        text: text.to_owned(),
        rule,
        measured,
        verdict,
    };
    vec![
        claim(
            "Lists are best around the sizes that they were learned on, and fall off as the tested tasks become more different in \
             size.",
            format!(
                "Over all pairs of different sizes with at least {MIN_IN_GROUP} tasks: the rank correlation between the distance in \
                 orders of magnitude and the ratio. Holds if it is at most {FALLS}; does not hold if it is not negative; otherwise the \
                 measurement cannot tell. Lists are tested on tasks that they have not seen."
            ),
            of(falls_off),
        ),
        claim(
            "A list that was learned on a uniform mixture of the sizes does not fall off.",
            format!(
                "Holds if its median ratio is at least {FLAT} on every size with at least {MIN_IN_GROUP} tasks; does not hold if it is \
                 below {FALLEN} on one of them; otherwise the measurement cannot tell. Lists are tested on tasks that they have not seen."
            ),
            of(mixture_is_flat),
        ),
    ]
}

fn falls_off(sizes: &[Size], result: &GroupsResult, k: usize, large: &[usize]) -> (Vec<String>, Verdict) {
    let ratios = result.ratios(k, TrainJ::OfTestGroup);
    let (mut distances, mut values) = (Vec::new(), Vec::new());
    for (&train, &test) in large.iter().flat_map(|train| large.iter().map(move |test| (train, test))) {
        if train != test && ratios[train][test].is_finite() {
            distances.push(f64::from(sizes[train].exponent.abs_diff(sizes[test].exponent)));
            values.push(ratios[train][test]);
        }
    }
    let correlation = spearman(&distances, &values);
    let words =
        vec![format!("rank correlation {} over {} pairs of sizes", significant(correlation), values.len())];
    let verdict = match correlation {
        r if r <= FALLS => Verdict::Holds,
        r if r >= 0.0 => Verdict::DoesNotHold,
        r if r.is_nan() => {
            cannot_tell("there is no correlation, because all ratios or all distances are equal")
        }
        _ => cannot_tell("the correlation is weak"),
    };
    (words, verdict)
}

fn mixture_is_flat(
    sizes: &[Size],
    result: &GroupsResult,
    k: usize,
    large: &[usize],
) -> (Vec<String>, Verdict) {
    let ratios = mixture(result, k, TrainJ::OfTestGroup, sizes.len());
    let lowest =
        large.iter().map(|&i| (ratios[i][1], sizes[i].exponent)).filter(|(ratio, _)| !ratio.is_nan());
    let Some((ratio, exponent)) = lowest.min_by(|a, b| a.0.total_cmp(&b.0)) else {
        return (Vec::new(), cannot_tell("there is no ratio of the mixture"));
    };
    let words = vec![format!(
        "lowest median ratio {}, on tasks of {} to {} parameters",
        significant(ratio),
        power(exponent),
        power(exponent + 1)
    )];
    let verdict = match ratio {
        r if r >= FLAT => Verdict::Holds,
        r if r < FALLEN => Verdict::DoesNotHold,
        _ => cannot_tell("the lowest ratio lies between the two marks"),
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::options::Options;
    use crate::study::tests::scored;

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
        assert!(ten.tables[0].table.csv().contains("\nmixture,1e2,16,10,"));
    }

    #[test]
    fn what_does_not_depend_on_it_does_not() {
        let same = |_: usize, c: usize, _: Family| (c as f64 / 30.0, c as f64 / 30.0);
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, same);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_ne!(verdicts(&findings.claims)[0], "holds", "{:?}", findings.claims);
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
        assert!(findings.claims[0].verdict.reason().unwrap().contains("0 orders of magnitude"));
    }
}
