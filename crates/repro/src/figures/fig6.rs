//! Figure 6: lists for tasks of other sizes (section 5.4).

use std::collections::BTreeMap;

use taskset_figures::{
    Block, Claim, Color, Dash, LineChart, Marker, Point, Series, Table, Verdict, count, significant,
};
use taskset_meta::correlation::spearman;
use taskset_meta::groups::{Groups, GroupsResult, TrainJ};
use taskset_meta::{SameTasks, ScoreMatrix, quantile};
use taskset_names::Origin;
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::alike;
use super::fig5::{SAME_TASKS, same_tasks};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::claims::{MIN_RESAMPLINGS, cannot_tell, claim, few_resamplings};
use crate::options::{FigureOption, OptionKind, RESAMPLINGS};

const FAMILY: Family = Family::Adam8p;

/// Tasks that a size needs to be judged.
const MIN_IN_GROUP: usize = 5;

/// Sizes that the claims need.
const MIN_GROUPS: usize = 4;

/// A rank correlation that is clearly negative.
const FALLS: f64 = -0.3;

/// How often sizes are shuffled among the tasks. The 5th percentile then stands on ten shuffles.
const SHUFFLES: u64 = 200;

/// Splits into halves of which the own J of each size is the median, in the measurement and in each shuffle. Each split tests
/// every task once, and each costs as much time as all lists of a shuffle.
const HALVINGS: u64 = 2;

/// Ratios that differ by less are equal: sums in another order differ by more than nothing.
const TIE: f64 = 1e-9;

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

/// What the claims are made from.
struct Measured<'a> {
    sizes: &'a [Size],
    /// Lists in halves.
    judged: &'a GroupsResult,
    fall: &'a Fall,
    k: usize,
    resamplings: usize,
    candidates: usize,
}

impl Measured<'_> {
    /// What a verdict lacks; empty if nothing.
    fn shortages(&self) -> Vec<String> {
        let mut lacks = alike(FAMILY.info().name, self.candidates, self.k);
        let large = large(self.sizes).len();
        if large < MIN_GROUPS {
            lacks.push(format!(
                "the number of orders of magnitude with at least {MIN_IN_GROUP} tasks is {large}, and {MIN_GROUPS} are needed"
            ));
        }
        if self.resamplings < MIN_RESAMPLINGS {
            lacks.push(few_resamplings(self.resamplings));
        }
        lacks
    }
}

/// The places of the sizes with enough tasks.
fn large(sizes: &[Size]) -> Vec<usize> {
    (0..sizes.len()).filter(|&i| sizes[i].tasks.len() >= MIN_IN_GROUP).collect()
}

/// How the ratio falls with the distance of two sizes.
struct Fall {
    /// Spearman's correlation of distance and ratio; NaN if there is none.
    observed: f64,
    /// The same with the sizes shuffled among the tasks, where there is one.
    shuffled: Vec<f64>,
    /// Pairs of sizes.
    pairs: usize,
}

impl Fall {
    /// Lists of `k` entries are learned anew for each shuffle, so that the shuffles differ from the measurement only in
    /// which tasks have which size.
    fn new(matrix: &ScoreMatrix, sizes: &[Size], k: usize, id: &StreamId) -> Result<Self, Lack> {
        let large = large(sizes);
        let exponents: Vec<u32> = large.iter().map(|&i| sizes[i].exponent).collect();
        let tasks: Vec<usize> = large.iter().flat_map(|&i| sizes[i].tasks.iter().copied()).collect();
        let of = |order: &[usize]| {
            let mut rest = order;
            let groups: Vec<Vec<usize>> = large
                .iter()
                .map(|&i| {
                    let (group, after) = rest.split_at(sizes[i].tasks.len());
                    rest = after;
                    group.to_vec()
                })
                .collect();
            correlation(matrix, &exponents, &groups, k, &id.child("fall"))
        };
        if large.len() < MIN_GROUPS || k * 2 > matrix.configs().len() {
            return Ok(Self { observed: f64::NAN, shuffled: Vec::new(), pairs: 0 });
        }
        let observed = of(&tasks)?;
        let mut shuffled = Vec::new();
        // Where nothing can be compared, shuffles cannot help.
        for shuffle in 0..if observed.is_nan() { 0 } else { SHUFFLES } {
            let mut order = tasks.clone();
            id.child("shuffle").index(shuffle).stream().shuffle(&mut order);
            shuffled.extend(Some(of(&order)?).filter(|r| !r.is_nan()));
        }
        Ok(Self { observed, shuffled, pairs: large.len() * (large.len() - 1) })
    }
}

/// Spearman's correlation of the distance of two groups and the ratio of the list of one on the other, over all pairs of
/// different groups.
fn correlation(
    matrix: &ScoreMatrix,
    exponents: &[u32],
    groups: &[Vec<usize>],
    k: usize,
    id: &StreamId,
) -> Result<f64, Lack> {
    // The mixture is not used, so it is as small as it can be.
    let experiment =
        Groups { matrix, groups, same_group: SameTasks::Halves, mixture_tasks: 1, resamplings: HALVINGS, k };
    let ratios = experiment.run(id)?.ratios(k, TrainJ::OfTestGroup);
    let (mut distances, mut values) = (Vec::new(), Vec::new());
    for (train, row) in ratios.iter().enumerate() {
        for (test, ratio) in row.iter().enumerate() {
            if train != test && ratio.is_finite() {
                distances.push(f64::from(exponents[train].abs_diff(exponents[test])));
                values.push((ratio / TIE).round());
            }
        }
    }
    Ok(spearman(&distances, &values))
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

/// The claims, from lists that are tested on tasks that they have not seen.
fn claims(measured: Option<&Measured<'_>>) -> Vec<Claim> {
    let of = |judge: fn(&Measured<'_>) -> (Vec<String>, Verdict)| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some(measured) => {
            let lacks = measured.shortages();
            let (words, verdict) = judge(measured);
            (words, if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
    };
    vec![
        claim(
            "Lists are best around the sizes that they were learned on, and fall off as the tested tasks become more different in \
             size.",
            format!(
                "Over all pairs of different sizes with at least {MIN_IN_GROUP} tasks: the rank correlation between the distance in \
                 orders of magnitude and the ratio. It is compared with the same measure after the sizes were shuffled among the tasks, \
                 {SHUFFLES} times. Holds if it is at most {} and below the 5th percentile of the shuffles; does not hold if it is above \
                 their median; otherwise, and if k is more than half of the configurations, the measurement cannot tell. A size's own \
                 list is learned on one half of its tasks and tested on the other half.",
                minus(FALLS)
            ),
            of(falls_off),
        ),
        claim(
            "A list that was learned on a uniform mixture of the sizes does not fall off.",
            format!(
                "Holds if its median ratio is at least {FLAT} on every size with at least {MIN_IN_GROUP} tasks; does not hold if it is \
                 below {FALLEN} on one of them; otherwise, and if every ratio is 1 or k is more than half of the configurations, the \
                 measurement cannot tell. Lists are tested on tasks that they have not seen. A size's own list is learned on half of \
                 its tasks, and the mixture on more tasks, so the ratio can be above 1."
            ),
            of(mixture_is_flat),
        ),
    ]
}

/// A number with a real minus sign.
fn minus(number: f64) -> String {
    number.to_string().replace('-', "−")
}

fn falls_off(measured: &Measured<'_>) -> (Vec<String>, Verdict) {
    let Fall { observed, shuffled, pairs } = measured.fall;
    if observed.is_nan() || shuffled.len() * 2 < SHUFFLES as usize {
        return (
            Vec::new(),
            cannot_tell("there is no correlation, because all ratios or all distances are equal"),
        );
    }
    let [low, median] = [0.05, 0.5].map(|q| quantile(shuffled, q));
    let words = vec![format!(
        "rank correlation {} over {pairs} pairs of sizes; with shuffled sizes, the median is {} and the 5th percentile {}",
        significant(*observed),
        significant(median),
        significant(low)
    )];
    let verdict = match *observed {
        r if r <= FALLS && r < low => Verdict::Holds,
        r if r > median => Verdict::DoesNotHold,
        r if r < low => cannot_tell("the correlation is weak"),
        _ => cannot_tell("shuffled sizes often have as low a correlation"),
    };
    (words, verdict)
}

fn mixture_is_flat(measured: &Measured<'_>) -> (Vec<String>, Verdict) {
    let &Measured { sizes, judged, k, .. } = measured;
    let large = large(sizes);
    let ratios = mixture(judged, k, TrainJ::OfTestGroup, sizes.len());
    let own = judged.ratios(k, TrainJ::OfTestGroup);
    let of_lists = large.iter().flat_map(|&train| large.iter().map(move |&test| (train, test)));
    let mut all = of_lists.map(|(train, test)| own[train][test]).chain(large.iter().flat_map(|&i| ratios[i]));
    if all.all(|ratio| ratio.is_nan() || (ratio - 1.0).abs() <= TIE) {
        return (Vec::new(), cannot_tell("all lists have the same J: every ratio is 1"));
    }
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

    /// The first claim of these correlations.
    fn fall(observed: f64, shuffled: f64) -> Claim {
        let size = |exponent| Size { exponent, tasks: (0..5).collect(), parameters: 10.0 };
        let sizes: Vec<Size> = (0..4).map(size).collect();
        let judged = GroupsResult { j: vec![vec![vec![0.5]; 4]; 4], mixture: vec![vec![vec![0.5]; 4]] };
        let fall = Fall { observed, shuffled: vec![shuffled; SHUFFLES as usize], pairs: 12 };
        let measured =
            Measured { sizes: &sizes, judged: &judged, fall: &fall, k: 1, resamplings: 20, candidates: 20 };
        claims(Some(&measured)).remove(0)
    }

    #[test]
    fn a_fall_is_judged_against_shuffled_sizes() {
        let check = |observed, shuffled, expected| {
            let claim = fall(observed, shuffled);
            assert_eq!(claim.verdict.words(), expected, "{claim:?}");
        };
        check(-0.5, 0.0, "holds");
        check(-0.2, 0.0, "cannot tell");
        check(-0.5, -0.5, "cannot tell");
        check(0.1, 0.0, "does not hold");
        check(-0.5, -0.6, "does not hold");
        check(f64::NAN, 0.0, "cannot tell");
        assert!(fall(-0.5, 0.0).rule.contains("at most −0.3"));
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
