//! Figure 5: lists for types of tasks that they were not learned on (section 5.3).

use taskset_figures::{Block, Claim, Color, Dash, LineChart, Verdict, count, counted};
use taskset_meta::learned_against_random::Family as Searched;
use taskset_meta::transfer::{Transfer, TransferResult};
use taskset_meta::{SameTasks, quantile};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::{CurveTable, J_IS, TRIED, series, shortages};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture, optimizer_color};
use crate::claim_thresholds::{AGREEMENT, cannot_tell, claim, percent};
use crate::clustered_confidence::Differences;
use crate::figure_options::{FigureOption, OptionKind, RESAMPLINGS};
use crate::list_comparison::reached;
use crate::scored_task::TaskSummary;
use crate::task_kinds;

/// The list's family first, then that of the search over the learning rate alone.
const FAMILIES: [Family; 2] = [Family::Adam8p, Family::Adam1p];

/// Tasks of other types that the paper learns on.
const PAPERS_TASKS: &str = "700";

/// Where there are fewer, so many of the others, so that each sampling is another one.
const SHARE: f64 = 0.8;

/// Budgets of the list at which random search is measured by the tries that it needs.
const BUDGETS: [usize; 3] = [1, 2, 5];

/// Ratio of tries that is nearer to ten than to one, on a logarithmic scale.
const ORDER: f64 = 3.162_277_660_168_379_5;

/// The budget of the comparison with the best case.
const CLAIMED: usize = 10;

/// Share of the way from random search to the best case that is close to it.
const CLOSE: f64 = 0.8;

const AUTOENCODERS: FigureOption = FigureOption {
    name: "autoencoders",
    doc: "Which tasks count as autoencoders in figure 5.",
    kind: OptionKind::Choice(&[
        ("plain", "autoencoders that are not variational"),
        ("with-variational", "these and the variational autoencoders"),
    ]),
    default: "plain",
};

pub(super) const SAME_TASKS: FigureOption = FigureOption {
    name: "same-tasks",
    doc: "How a list is tested on the kind of tasks on which it is learned.",
    kind: OptionKind::Choice(&[
        ("tested", "on the same tasks on which it was learned; this is how we understand the paper"),
        (
            "halves",
            "the tasks are split into two halves, and the list that is learned on each half is tested on the other half",
        ),
    ]),
    default: "tested",
};

const TRAIN_TASKS: FigureOption = FigureOption {
    name: "train-tasks",
    doc: "The number of tasks of other types on which a list of figure 5 is learned. If there are not more tasks than this, four \
          fifths of them are used.",
    kind: OptionKind::Number(1, 100_000),
    default: PAPERS_TASKS,
};

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig5",
    label: "Figure 5",
    title: "Lists for other types of tasks",
    part: Part::Section5,
    place: "section 5.3",
    families: &FAMILIES,
    options: &[&RESAMPLINGS, &TRAIN_TASKS, &AUTOENCODERS, &SAME_TASKS],
    readings: &[],
    claims: || TYPES.iter().flat_map(|of_type| claims(of_type, None)).collect(),
    analyse,
};

/// A type of tasks.
struct TaskType {
    /// In words, for several tasks.
    name: &'static str,
    key: &'static str,
    is: fn(&TaskSummary, variational: bool) -> bool,
}

const TYPES: [TaskType; 2] = [
    TaskType { name: "recurrent networks", key: "recurrent", is: |task, _| task_kinds::is_recurrent(task) },
    TaskType { name: "autoencoders", key: "autoencoder", is: task_kinds::is_autoencoder },
];

/// Which way lists are tested on their own kind.
pub(super) fn same_tasks(context: &Context<'_>) -> SameTasks {
    match context.options.value(&SAME_TASKS) {
        "halves" => SameTasks::Halves,
        _ => SameTasks::Tested,
    }
}

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let matrix = context.matrix(FAMILIES[0])?;
    // Without it, or where it is of other tasks, the rest is still drawn.
    let rates = match context.matrix(FAMILIES[1]) {
        Ok(rates) if rates.tasks() == matrix.tasks() => Ok(rates),
        Ok(_) => Err(Lack::new("The curves of adam1p are of other tasks.")),
        Err(lack) => Err(lack),
    };
    let variational = context.options.value(&AUTOENCODERS) == "with-variational";
    let learned = Searched { label: FAMILIES[0].info().name, matrix: &matrix };
    let searched = rates.as_ref().ok().map(|matrix| Searched { label: FAMILIES[1].info().name, matrix });
    let mut table = CurveTable::new(&["tested_on", "curve"], context.study.origin);
    let mut findings = Findings::default();
    if let Err(lack) = &rates {
        findings.lacks.push(Lack::new(format!("{} Random search in adam1p is not drawn.", lack.sentence())));
    }
    let (mut panels, mut sizes) = (Vec::new(), Vec::new());
    for of_type in &TYPES {
        let target = context.study.places(&matrix, |task| (of_type.is)(task, variational));
        let others = matrix.tasks().len() - target.len();
        if target.is_empty() || others < 2 {
            let lack = format!(
                "To test on {}, some of them and at least two tasks of other types are needed; there are {} and {others}.",
                of_type.name,
                target.len()
            );
            findings.lacks.push(Lack::new(&*lack));
            let reason = findings.lacks[findings.lacks.len() - 1].reason();
            let open = claims(of_type, None);
            findings.claims.extend(open.into_iter().map(|c| Claim { verdict: cannot_tell(&*reason), ..c }));
            continue;
        }
        let wanted = context.number(&TRAIN_TASKS);
        let train_tasks = if others > wanted { wanted } else { ((others as f64 * SHARE) as usize).max(1) };
        let transfer = Transfer {
            learned,
            target: &target,
            train_tasks,
            best_case: same_tasks(context),
            random: [learned].into_iter().chain(searched).collect(),
            resamplings: context.number(&RESAMPLINGS) as u64,
            k: matrix.configs().len(),
        };
        let id = StreamId::root("taskset-rs/sec5/figure5").child(of_type.key);
        let result = transfer.run(&id)?;
        let differences = Differences::of(&matrix, &result.lists, 0, CLAIMED);
        let what = format!("Tested on {}, the list from other types against random search", of_type.name);
        let words = differences.words(context.study, &matrix, &what, &id.child("clusters"));
        findings.blocks.extend(words.map(|words| Block::Paragraph(format!("{words}."))));
        let mut chart = chart(of_type, &result, train_tasks);
        if panels.is_empty() {
            chart.note.clone_from(&context.note);
        }
        panels.push(chart.into());
        sizes.push(format!("{} of {}", counted(target.len() as u64, "task"), of_type.name));
        for (label, curve) in curves(&result) {
            table.push(&[of_type.key.to_owned(), label.to_owned()], curve);
        }
        findings.claims.extend(claims(of_type, Some((&result, train_tasks, matrix.configs().len()))));
    }
    findings.tables.push(DataFile { file: "figure5.csv", label: "numbers", table: table.table() });
    if !panels.is_empty() {
        findings.pictures.push(Picture {
            stem: "figure5",
            panels,
            columns: 2,
            caption: format!(
                "{J_IS} Lists that were learned on other types of tasks (black), and on the tested type itself, which is the best case \
                 (orange), against random search. Tested on {}. Median and 25–75 percentiles over {} samplings.",
                sizes.join(" and "),
                count(context.number(&RESAMPLINGS) as u64)
            ),
        });
    }
    Ok(findings)
}

/// The curves by their names in tables.
fn curves(result: &TransferResult) -> Vec<(&'static str, &taskset_meta::ResampledCurve)> {
    let mut curves = vec![
        ("learned on other types", &result.other_types),
        ("learned on the same type", &result.best_case),
    ];
    let names = ["random search: adam8p", "random search: adam1p"];
    curves.extend(names.into_iter().zip(&result.random));
    curves
}

fn chart(of_type: &TaskType, result: &TransferResult, train_tasks: usize) -> LineChart {
    let looks = [
        (Color::BLACK, Dash::Solid, true),
        (Color::ORANGE, Dash::Dashed, false),
        (optimizer_color(FAMILIES[0]), Dash::Solid, false),
        (optimizer_color(FAMILIES[1]), Dash::Solid, false),
    ];
    let line = |((label, curve), (color, dash, bold)): ((&str, _), (Color, Dash, bool))| {
        let line = series(label, color, curve).dash(dash);
        if bold { line.emphasized() } else { line }
    };
    LineChart {
        title: format!("Tested on {}", of_type.name),
        subtitle: Some(format!(
            "lists learned on {} of {} other tasks; {} tested on",
            count(train_tasks as u64),
            count(result.other_tasks as u64),
            counted(result.target_tasks as u64, "task")
        )),
        x_label: TRIED.to_owned(),
        y_label: format!("J on {} (lower is better)", of_type.name),
        x_log: true,
        series: curves(result).into_iter().zip(looks).map(line).collect(),
        ..LineChart::default()
    }
}

/// The claims about a type: from the result, the number of tasks that lists were learned on, and of configurations.
fn claims(of_type: &TaskType, measured: Option<(&TransferResult, usize, usize)>) -> Vec<Claim> {
    let of = |judge: fn(&TransferResult) -> (Vec<String>, Verdict)| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some((result, train, candidates)) => {
            let resamplings = result.other_types.raw.len();
            let lacks =
                shortages(FAMILIES[0].info().name, candidates, train.min(result.target_tasks), resamplings);
            let (measured, verdict) = judge(result);
            (measured, if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
    };
    let budgets = BUDGETS.map(|k| k.to_string()).join(", ");
    vec![
        claim(
            format!(
                "On {}, a list that was learned on other types of tasks needs an order of magnitude fewer tries than random \
                 search.",
                of_type.name
            ),
            format!(
                "The tries that random search needs to reach the median J of the list after k = {budgets} tries, divided by k. \
                 Holds if this is at least {ORDER:.2}, which is nearer to ten than to one, at each of them and in both families; \
                 does not hold if it is less at each of them in one family; otherwise the measurement cannot tell."
            ),
            of(efficiency),
        ),
        claim(
            format!(
                "On {}, such a list is close to one that was learned on the tested type itself.",
                of_type.name
            ),
            format!(
                "The share of the way from random search in adam8p to the best case that the list covers at k = {CLAIMED}. Holds if \
                 it is at least {} in at least {} of the samplings; does not hold if it is less in as many; otherwise the \
                 measurement cannot tell.",
                percent(CLOSE),
                percent(AGREEMENT)
            ),
            of(closeness),
        ),
    ]
}

fn efficiency(result: &TransferResult) -> (Vec<String>, Verdict) {
    let (mut words, mut large, mut small) = (Vec::new(), true, false);
    for (family, random) in FAMILIES.iter().zip(&result.random) {
        let (mut parts, mut all_small, mut any) = (Vec::new(), true, false);
        for k in BUDGETS {
            let Some([_, target, _]) = result.other_types.at(k) else { continue };
            any = true;
            let most = random.band.iter().filter(|at| at.is_some()).count();
            let needed = reached(&random.band, target);
            // What is never reached needs more than all tries there are.
            let ratio = needed.unwrap_or(most + 1) as f64 / k as f64;
            parts.push(match needed {
                Some(tries) => format!("{tries} for k = {k}"),
                None => format!("more than {most} for k = {k}"),
            });
            // Where random search ran out of configurations, a ratio below the mark only says that there are too few.
            large &= ratio >= ORDER;
            all_small &= ratio < ORDER && needed.is_some();
        }
        small |= all_small && any;
        words.push(format!("random search in {} needs {} tries", family.info().name, parts.join(", ")));
    }
    let missing = FAMILIES.get(result.random.len()).map(|family| family.info().name);
    let verdict = match (large, small) {
        (_, true) => Verdict::DoesNotHold,
        (true, _) => missing.map_or(Verdict::Holds, |name| {
            cannot_tell(format!("the curves of {name} are missing or not complete"))
        }),
        _ => cannot_tell("the ratio is large at some budgets or in one family, and small at others"),
    };
    (words, verdict)
}

fn closeness(result: &TransferResult) -> (Vec<String>, Verdict) {
    let at =
        |raw: &[Vec<f64>]| raw.iter().map(|row| row.get(CLAIMED - 1).copied()).collect::<Option<Vec<f64>>>();
    let curves = result
        .random
        .first()
        .map(|random| (at(&result.other_types.raw), at(&result.best_case.raw), at(&random.raw)));
    let Some((Some(list), Some(best), Some(random))) = curves else {
        return (Vec::new(), cannot_tell(format!("there is no J at k = {CLAIMED}")));
    };
    // Where random search is no worse than the best case, there is no way to cover.
    let shares: Vec<f64> = list
        .iter()
        .zip(&best)
        .zip(&random)
        .filter(|((_, best), random)| random > best)
        .map(|((list, best), random)| (random - list) / (random - best))
        .collect();
    if shares.len() * 2 < list.len() {
        return (Vec::new(), cannot_tell("random search is as good as the best case in most samplings"));
    }
    let close = shares.iter().filter(|share| **share >= CLOSE).count() as f64 / shares.len() as f64;
    let words = vec![format!(
        "the list covers {} of the way in the median; at least {} of it in {} of the samplings",
        percent(quantile(&shares, 0.5)),
        percent(CLOSE),
        percent(close)
    )];
    let verdict = match close {
        close if close >= AGREEMENT => Verdict::Holds,
        close if close <= 1.0 - AGREEMENT => Verdict::DoesNotHold,
        _ => cannot_tell("the samplings disagree"),
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_options::Options;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::scored_curves::tests::scored;

    const GROUPS: [(&str, usize); 4] = [
        ("mlp_ae_family", 20),
        ("mlp_family", 40),
        ("quadratic_family", 20),
        ("rnn_text_classification_family", 20),
    ];

    /// Four configurations of adam8p are good, each on a quarter of the tasks whatever their type.
    fn shared(t: usize, c: usize, family: Family) -> (f64, f64) {
        let good = family == Family::Adam8p && c % 50 == 7 + t % 4;
        let score = if good { 0.1 } else { 0.6 + 0.3 * noise(t, c) };
        (score, score)
    }

    #[test]
    fn what_holds_for_all_types_transfers() {
        let study = scored(BASE, &GROUPS, &FAMILIES, 50, shared);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["holds"; 4], "{:?}", findings.claims);
        assert_eq!((findings.pictures.len(), findings.pictures[0].panels.len()), (1, 2));
    }

    #[test]
    fn what_is_good_for_one_type_alone_does_not() {
        // On autoencoders and recurrent networks, the good configuration is one that is bad elsewhere.
        let own = |t: usize, c: usize, _: Family| {
            let special = !(20..80).contains(&t);
            let score = if (c < 25) == special { 0.1 + 0.01 * noise(t, c) } else { 0.9 };
            (score, score)
        };
        let study = scored(BASE, &GROUPS, &FAMILIES, 50, own);
        let options = Options::parse(&["same-tasks=halves".to_owned()], &[&ROW]).unwrap();
        let findings = analyse(&context(&study, &options)).unwrap();
        let found = verdicts(&findings.claims);
        assert!(found.iter().all(|verdict| *verdict != "holds"), "{:?}", findings.claims);
    }

    #[test]
    fn a_type_that_is_missing_is_named_and_the_other_is_drawn() {
        let study = scored(BASE, &GROUPS[..3], &FAMILIES, 50, shared);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(findings.pictures[0].panels.len(), 1);
        assert!(findings.lacks[0].sentence().contains("recurrent networks"));
        assert_eq!(verdicts(&findings.claims), ["cannot tell", "cannot tell", "holds", "holds"]);
        assert!(findings.claims[0].verdict.reason().unwrap().contains("there are 0 and 80"));
    }

    #[test]
    fn without_the_second_family_the_rest_is_drawn() {
        let study = scored(BASE, &GROUPS, &FAMILIES[..1], 50, shared);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        let sentence = "There are no curves of adam1p. Random search in adam1p is not drawn.";
        assert_eq!(findings.lacks.iter().map(Lack::sentence).collect::<Vec<_>>(), [sentence]);
        assert_eq!(findings.pictures[0].panels.len(), 2);
        assert_eq!(verdicts(&findings.claims), ["cannot tell", "holds", "cannot tell", "holds"]);
        assert!(findings.claims[0].verdict.reason().unwrap().contains("adam1p"));
        // What the first family shows is enough to deny the claim.
        let flat = |_: usize, c: usize, _: Family| (0.5 + 0.001 * c as f64, 0.5 + 0.001 * c as f64);
        let study = scored(BASE, &GROUPS, &FAMILIES[..1], 50, flat);
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_ne!(verdicts(&findings.claims)[0], "holds");
    }

    #[test]
    fn the_bootstrap_over_families_stands_below() {
        // Recurrent networks of two families; autoencoders of one, which has no interval.
        let groups = [GROUPS[0], GROUPS[1], GROUPS[3], ("word_rnn_language_model_family", 20)];
        let study = scored(BASE, &groups, &FAMILIES, 50, shared);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        let [Block::Paragraph(text)] = &findings.blocks[..] else { panic!("{:?}", findings.blocks) };
        assert!(
            text.starts_with("Tested on recurrent networks, the list from other types against"),
            "{text}"
        );
        assert!(text.contains("at k = 10") && text.contains("2 families, which are few"), "{text}");
    }
}
