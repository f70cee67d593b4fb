//! Figure 13: lists from one family of tasks, tested on every family (appendix A.5).

use taskset_figures::{Block, Claim, Heatmap, HeatmapRow, Table, Verdict, significant};
use taskset_meta::correlation::pearson;
use taskset_meta::groups::Groups;
use taskset_meta::{SameTasks, quantile, rescale_columns};
use taskset_names::Origin;
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::alike;
use super::fig5::{SAME_TASKS, same_tasks};
use super::fig6::K;
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::claim_thresholds::{cannot_tell, claim};

const FAMILY: Family = Family::Adam8p;

/// Tasks that a family of tasks needs to be judged.
const MIN_IN_FAMILY: usize = 5;

/// Families of tasks that the claims need.
const MIN_FAMILIES: usize = 6;

/// Columns with a higher correlation are alike to the eye.
const DUPLICATE: f64 = 0.99;

/// Columns with at most this correlation are clearly different.
const DIFFERENT: f64 = 0.95;

/// Splits into halves, of which a family's own J is the median.
const HALVINGS: u64 = 20;

/// J that differ by less are equal: sums in another order differ by more than nothing.
const TIE: f64 = 1e-9;

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig13",
    label: "Figure 13",
    title: "Lists from one family of tasks, tested on every family",
    part: Part::Appendix,
    place: "appendix A.5",
    families: &[FAMILY],
    options: &[&K, &SAME_TASKS],
    readings: &[],
    claims: || claims(None),
    analyse,
};

/// Families of tasks, and the rescaled J of each pair.
struct Numbers {
    /// Names, and numbers of tasks.
    families: Vec<(String, usize)>,
    /// `[train][test]`, each column from 0 to 1; NaN in columns in which every list has the same J.
    rescaled: Vec<Vec<f64>>,
    /// What the claims lack; empty if nothing.
    lacks: Vec<String>,
}

/// Each column rescaled from 0 to 1. Where every list has the same J, none is the best, so the column has no values.
fn rescaled(j: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let constant = |column: usize| {
        let values = j.iter().map(|row| row[column]).filter(|j| !j.is_nan());
        let (lo, hi) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), j| (lo.min(j), hi.max(j)));
        hi - lo <= TIE
    };
    let mut rescaled = rescale_columns(j);
    for column in (0..j.len()).filter(|&column| constant(column)) {
        rescaled.iter_mut().for_each(|row| row[column] = f64::NAN);
    }
    rescaled
}

/// Why the claims are not about the values of the picture.
const JUDGED: &str = "The claims are judged on lists that are learned on one half of a family and tested on the other half where \
                      they are tested on their own family. The file “numbers of the claims” has these values.";

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let matrix = context.matrix(FAMILY)?;
    let of_families = context.study.groups_of(matrix.tasks().iter().map(String::as_str));
    let (names, groups): (Vec<String>, Vec<Vec<usize>>) =
        of_families.into_iter().filter_map(|group| Some((group.name?.to_owned(), group.tasks))).unzip();
    if names.len() < 2 {
        return Err(Lack::new(format!(
            "Tasks of at least two families are needed; those on which something was learned are of {}.",
            names.first().map_or("none that is known", String::as_str)
        )));
    }
    let k = context.number(&K).min(matrix.configs().len());
    let run = |same_group| {
        // The mixtures are not used, so they are as small as they can be.
        let experiment = Groups {
            matrix: &matrix,
            groups: &groups,
            same_group,
            mixture_tasks: 1,
            resamplings: HALVINGS,
            k,
        };
        experiment.run(&StreamId::root("taskset-rs/appendix/figure13")).map(|result| result.at(k))
    };
    let shown_j = run(same_tasks(context))?;
    let judged_j = run(SameTasks::Halves)?;
    let families: Vec<(String, usize)> = names.into_iter().zip(groups.iter().map(Vec::len)).collect();
    let numbers = |j: &[Vec<f64>]| Numbers {
        families: families.clone(),
        rescaled: rescaled(j),
        lacks: alike(FAMILY.info().name, matrix.configs().len(), k),
    };
    let (shown, judged) = (numbers(&shown_j), numbers(&judged_j));
    let origin = context.study.origin;
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure13",
            panels: vec![chart(&shown, k, context).into()],
            columns: 1,
            caption: format!(
                "Rows: the family of tasks that a list was learned on. Columns: the family that it was tested on, by J after k = {k} \
                 tries. Each column is rescaled: 0 is the best of the lists for this family, 1 the worst. A column in which all lists \
                 have the same J has no values. In brackets the number of tasks."
            ),
        }],
        tables: vec![
            DataFile { file: "figure13.csv", label: "numbers", table: table(&shown, &shown_j, origin) },
            DataFile {
                file: "figure13_judged.csv",
                label: "numbers of the claims",
                table: table(&judged, &judged_j, origin),
            },
        ],
        claims: claims(Some(&judged)),
        blocks: vec![Block::Paragraph(JUDGED.to_owned())],
        ..Findings::default()
    })
}

fn chart(numbers: &Numbers, k: usize, context: &Context<'_>) -> Heatmap {
    let short = |name: &str| name.trim_end_matches("_family").trim_end_matches("_tasks").to_owned();
    Heatmap {
        title: ROW.title.to_owned(),
        subtitle: Some(format!("k = {k}; lower is better")),
        x_label: "family that is tested".to_owned(),
        y_label: "family that the list was learned on".to_owned(),
        value_label: "J, rescaled in each column".to_owned(),
        columns: numbers.families.iter().map(|(name, _)| short(name)).collect(),
        rows: numbers
            .families
            .iter()
            .zip(&numbers.rescaled)
            .map(|((name, n), row)| HeatmapRow::new(format!("{} ({n})", short(name)), row.clone()))
            .collect(),
        range: Some((0.0, 1.0)),
        decimals: Some(2),
        note: context.note.clone(),
        ..Heatmap::default()
    }
}

fn table(numbers: &Numbers, j: &[Vec<f64>], data: Origin) -> Table {
    let mut table =
        Table::new(["learned_on", "tested_on", "train_tasks", "test_tasks", "data", "j", "rescaled"]);
    for (train, (name, n)) in numbers.families.iter().enumerate() {
        for (test, (tested, m)) in numbers.families.iter().enumerate() {
            table.push([
                name.clone(),
                tested.clone(),
                n.to_string(),
                m.to_string(),
                data.to_string(),
                j[train][test].to_string(),
                numbers.rescaled[train][test].to_string(),
            ]);
        }
    }
    table
}

fn claims(measured: Option<&Numbers>) -> Vec<Claim> {
    let large = |numbers: &Numbers| -> Vec<usize> {
        (0..numbers.families.len()).filter(|&i| numbers.families[i].1 >= MIN_IN_FAMILY).collect()
    };
    let of = |judge: fn(&Numbers, &[usize]) -> (Vec<String>, Verdict)| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some(numbers) => {
            let large = large(numbers);
            let (words, verdict) = judge(numbers, &large);
            let mut lacks = numbers.lacks.clone();
            if large.len() < MIN_FAMILIES {
                lacks.push(format!(
                    "the number of families with at least {MIN_IN_FAMILY} tasks is {}, and {MIN_FAMILIES} are needed",
                    large.len()
                ));
            }
            (words, if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
    };
    vec![
        claim(
            "No two families behave alike: there are no duplicate columns.",
            format!(
                "The highest correlation of two columns of families with at least {MIN_IN_FAMILY} tasks. Holds if it is at most {DIFFERENT}; \
                 does not hold if it is above {DUPLICATE}; otherwise, and if k is more than half of the configurations, the measurement \
                 cannot tell. Columns in which all lists have the same J do not count. A family's own list is learned on one half of its \
                 tasks and tested on the other half."
            ),
            of(no_duplicates),
        ),
        claim(
            "A list from a far-away family, the quadratics, is poor on most other families.",
            "The mean of its row over the other columns. Holds if it is in the upper third of those of all families; does not hold if it is \
             in the lower third; otherwise the measurement cannot tell. A family with the same mean counts half."
                .to_owned(),
            of(quadratics_are_far),
        ),
        claim(
            "MAF and NVP are alike.",
            "The correlation of their columns. Holds if it is among the highest quarter of all pairs of columns; does not hold if it is \
             below the median; otherwise the measurement cannot tell."
                .to_owned(),
            of(flows_are_alike),
        ),
    ]
}

/// The correlation of two columns over the rows in which both have values.
fn correlation(numbers: &Numbers, a: usize, b: usize) -> f64 {
    let pairs =
        numbers.rescaled.iter().map(|row| (row[a], row[b])).filter(|(a, b)| a.is_finite() && b.is_finite());
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
    pearson(&a, &b)
}

fn pairs(large: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    large.iter().enumerate().flat_map(|(i, &a)| large[i + 1..].iter().map(move |&b| (a, b)))
}

fn no_duplicates(numbers: &Numbers, large: &[usize]) -> (Vec<String>, Verdict) {
    let highest = pairs(large)
        .map(|(a, b)| (correlation(numbers, a, b), a, b))
        .filter(|(r, ..)| !r.is_nan())
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((r, a, b)) = highest else { return (Vec::new(), cannot_tell("no two columns can be compared")) };
    let words = vec![format!(
        "the highest correlation is {}, of {} and {}",
        significant(r),
        numbers.families[a].0,
        numbers.families[b].0
    )];
    let verdict = match r {
        r if r > DUPLICATE => Verdict::DoesNotHold,
        r if r <= DIFFERENT => Verdict::Holds,
        _ => cannot_tell("the two columns are neither clearly different nor duplicates"),
    };
    (words, verdict)
}

fn quadratics_are_far(numbers: &Numbers, large: &[usize]) -> (Vec<String>, Verdict) {
    let mean = |train: usize| {
        let values: Vec<f64> = large
            .iter()
            .filter(|&&test| test != train)
            .map(|&test| numbers.rescaled[train][test])
            .filter(|value| value.is_finite())
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let Some(quadratic) = large.iter().copied().find(|&i| numbers.families[i].0 == "quadratic_family") else {
        return (Vec::new(), cannot_tell(format!("there are fewer than {MIN_IN_FAMILY} quadratics")));
    };
    let own = mean(quadratic);
    let others: Vec<f64> =
        large.iter().filter(|&&i| i != quadratic).map(|&i| mean(i)).filter(|mean| mean.is_finite()).collect();
    if others.is_empty() || !own.is_finite() {
        return (Vec::new(), cannot_tell("all lists have the same J on each of the other families"));
    }
    let equal = others.iter().filter(|&&other| (other - own).abs() <= TIE).count();
    let better = others.iter().filter(|&&other| other < own - TIE).count();
    let share = (better as f64 + 0.5 * equal as f64) / others.len() as f64;
    let words = vec![format!(
        "mean of its row {}; of {} other families, {better} are better and {equal} equal",
        significant(own),
        others.len()
    )];
    let verdict = match share {
        // With room for rounding: two of three others are two thirds.
        share if share >= 2.0 / 3.0 - TIE => Verdict::Holds,
        share if share <= 1.0 / 3.0 + TIE => Verdict::DoesNotHold,
        _ => cannot_tell("it lies in the middle"),
    };
    (words, verdict)
}

fn flows_are_alike(numbers: &Numbers, large: &[usize]) -> (Vec<String>, Verdict) {
    let find = |name: &str| large.iter().copied().find(|&i| numbers.families[i].0 == name);
    let (Some(maf), Some(nvp)) = (find("maf_family"), find("nvp_family")) else {
        return (
            Vec::new(),
            cannot_tell(format!("there are fewer than {MIN_IN_FAMILY} tasks of maf_family or nvp_family")),
        );
    };
    let all: Vec<f64> =
        pairs(large).map(|(a, b)| correlation(numbers, a, b)).filter(|r| !r.is_nan()).collect();
    let own = correlation(numbers, maf, nvp);
    let words = vec![format!(
        "correlation {}; median of all pairs {}",
        significant(own),
        significant(quantile(&all, 0.5))
    )];
    let verdict = match own {
        r if r.is_nan() => cannot_tell("one of the columns has the same value everywhere"),
        r if r >= quantile(&all, 0.75) => Verdict::Holds,
        r if r < quantile(&all, 0.5) => Verdict::DoesNotHold,
        _ => cannot_tell("it lies between the median and the highest quarter"),
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_options::Options;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::scored_curves::tests::scored;

    const GROUPS: [(&str, usize); 6] = [
        ("conv_fc_family", 8),
        ("maf_family", 8),
        ("mlp_ae_family", 8),
        ("mlp_family", 8),
        ("nvp_family", 8),
        ("quadratic_family", 8),
    ];

    /// Networks like one corner, flows a second one, quadratics what the others find bad.
    fn families(t: usize, c: usize, _: Family) -> (f64, f64) {
        let kind = [1, 2, 3, 4, 2, 0][t / 8];
        let wanted = [0.0, 10.0, 14.0, 11.0, 12.0][kind];
        let score = (0.1 + 0.05 * (c as f64 - wanted).abs() + 0.02 * noise(t, c)).min(1.0);
        (score, score)
    }

    #[test]
    fn families_are_told_apart() {
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, families);
        let options = Options::parse(&["k=1".to_owned()], &[&ROW]).unwrap();
        let findings = analyse(&context(&study, &options)).unwrap();
        let verdicts = verdicts(&findings.claims);
        assert_eq!(verdicts[1..], ["holds", "holds"], "{:?}", findings.claims);
        assert!(findings.tables[0].table.csv().contains("maf_family,nvp_family,8,8,real,"));
    }

    #[test]
    fn one_family_is_a_lack_and_few_give_no_verdict() {
        let options = Options::default();
        let one = scored(BASE, &GROUPS[..1], &[FAMILY], 20, families);
        assert!(analyse(&context(&one, &options)).err().unwrap().sentence().contains("conv_fc_family"));
        let few = scored(BASE, &GROUPS[..4], &[FAMILY], 20, families);
        let findings = analyse(&context(&few, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["cannot tell"; 3]);
    }

    #[test]
    fn equal_families_are_duplicates() {
        let options = Options::parse(&["k=1".to_owned()], &[&ROW]).unwrap();
        let same = |t: usize, c: usize, _: Family| {
            let wanted = [3.0, 9.0][(t / 8) % 2];
            let score = 0.1 + 0.05 * (c as f64 - wanted).abs();
            (score, score)
        };
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, same);
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims)[0], "does not hold", "{:?}", findings.claims);
    }

    /// Numbers of six families, of which some columns are the last three, the others irregular.
    fn numbers(column: impl Fn(usize, usize) -> f64) -> Numbers {
        let j: Vec<Vec<f64>> = (0..6).map(|train| (0..6).map(|test| column(train, test)).collect()).collect();
        let families = GROUPS.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        Numbers { families, rescaled: rescaled(&j), lacks: Vec::new() }
    }

    #[test]
    fn columns_that_are_nearly_alike_give_no_verdict() {
        let with = |difference: f64| {
            let claims = claims(Some(&numbers(|train, test| match test {
                0 => train as f64 / 5.0,
                1 => train as f64 / 5.0 + if train % 2 == 0 { difference } else { 0.0 },
                _ => noise(train, test),
            })));
            let reason = claims[0].verdict.reason().unwrap_or_default().to_owned();
            (claims[0].verdict.words(), reason)
        };
        assert_eq!(with(0.01).0, "does not hold");
        assert_eq!(with(0.6).0, "holds");
        let (verdict, reason) = with(0.14);
        assert!(verdict == "cannot tell" && reason.contains("neither clearly different"), "{reason}");
    }

    #[test]
    fn columns_without_differences_have_no_values_and_do_not_count() {
        // Sums in another order are not a difference.
        let same =
            numbers(|train, test| if test < 2 { 0.3 + 1e-16 * train as f64 } else { noise(train, test) });
        assert!(same.rescaled.iter().all(|row| row[0].is_nan() && row[1].is_nan() && row[2].is_finite()));
        assert_eq!(verdicts(&claims(Some(&same)))[0], "holds");
        let all = claims(Some(&numbers(|_, _| 0.3)));
        assert_eq!(verdicts(&all), ["cannot tell"; 3], "{all:?}");
    }

    #[test]
    fn rows_that_are_equal_count_half() {
        let check = |quadratics: f64, expected| {
            let claims = claims(Some(&numbers(|train, test| match (train, test) {
                (train, test) if train == test => 0.0,
                (5, _) => quadratics,
                // Each column has its worst list in another row.
                (train, test) => {
                    if (train + 1) % 5 == test % 5 {
                        1.0
                    } else {
                        0.25
                    }
                }
            })));
            assert_eq!(claims[1].verdict.words(), expected, "{:?}", claims[1]);
        };
        check(0.9, "holds");
        check(0.1, "does not hold");
        let equal = numbers(|train, test| if train == test { 0.0 } else { 1.0 });
        let (words, verdict) = quadratics_are_far(&equal, &[0, 1, 2, 3, 4, 5]);
        assert!(verdict.reason().is_some() && words[0].ends_with("0 are better and 5 equal"), "{words:?}");
    }

    #[test]
    fn lists_that_have_most_in_common_give_no_verdict() {
        let study = scored(BASE, &GROUPS, &[FAMILY], 20, families);
        let options = Options::parse(&["k=11".to_owned()], &[&ROW]).unwrap();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["cannot tell"; 3]);
        assert!(findings.claims[0].verdict.reason().unwrap().contains("more than half"));
        let halves = Options::parse(&["k=1".to_owned(), "same-tasks=halves".to_owned()], &[&ROW]).unwrap();
        let findings = analyse(&context(&study, &halves)).unwrap();
        assert!(!findings.tables[0].table.csv().contains("NaN"), "halves have a value on the diagonal");
    }
}
