//! Figure 12: lists under other normalisers (appendix A.4).

use taskset_figures::{
    Category, Claim, Color, Guide, LineChart, PointGroup, ScatterChart, Table, Verdict, significant,
};
use taskset_meta::ScoreMatrix;
use taskset_meta::correlation::pearson;
use taskset_meta::experiment::Family as Searched;
use taskset_meta::other_scores::{OtherScores, OtherScoresResult, paired_scores};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::{CurveTable, J, J_IS, TRIED, series, shortages};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture, optimizer_color};
use crate::claims::{AGREEMENT, cannot_tell, percent};
use crate::comparison;
use crate::options::RESAMPLINGS;
use crate::study::Reading;

const FAMILY: Family = Family::Adam8p;

/// The other normalisers, each with its name in the figure: the lowest point, and the 95th percentile of the last losses.
const OTHERS: [(&str, &str); 2] =
    [("min", "lowest point"), ("last_quantile", "95th percentile of the last losses")];

/// Their colours.
const LOOKS: [Color; 2] = [Color::PURPLE, Color::ORANGE];

/// Points of a scatter chart: more would only cover each other.
const POINTS: usize = 3_000;

/// The budget of the claims.
const CLAIMED: usize = 10;

/// A difference of the median J that is negligible.
const NEGLIGIBLE: f64 = 0.02;

/// Pairs of scores that a correlation needs.
const MIN_PAIRS: usize = 1_000;

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig12",
    label: "Figure 12",
    title: "Lists under other normalisers",
    part: Part::Appendix,
    place: "appendix A.4",
    families: &[FAMILY],
    options: &[&RESAMPLINGS],
    readings: &[Reading::whole(OTHERS[0].0), Reading::whole(OTHERS[1].0)],
    claims: || claims(None),
    analyse,
};

/// What the claims are made from.
struct Numbers {
    result: OtherScoresResult,
    /// Pearson's correlation with the main scores, and the number of pairs.
    correlations: [(f64, usize); 2],
    candidates: usize,
}

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let tested = context.matrix(FAMILY)?;
    let others = [
        context.study.matrix(Reading::whole(OTHERS[0].0), FAMILY)?,
        context.study.matrix(Reading::whole(OTHERS[1].0), FAMILY)?,
    ];
    let result = OtherScores {
        tested: searched(&tested),
        learned: [&tested, &others[0], &others[1]].map(searched).to_vec(),
        resamplings: context.number(&RESAMPLINGS) as u64,
        k: tested.configs().len(),
    }
    .run(&StreamId::root("taskset-rs/appendix/figure12"))?;
    let pairs = |other: &ScoreMatrix| paired_scores(&searched(&tested), &searched(other));
    let [min, last] = [pairs(&others[0])?, pairs(&others[1])?];
    let correlations = [&min, &last].map(|[a, b]| (pearson(a, b), a.len()));
    let main = context.base.normalizer;
    let names = [main, OTHERS[0].0, OTHERS[1].0];
    let mut table = CurveTable::new(&["learned_with_normalizer"]);
    for (name, curve) in names.iter().zip(&result.curves) {
        table.push(&[(*name).to_owned()], curve);
    }
    table.push(&["random search".to_owned()], &result.random);
    let mut correlation = Table::new(["normalizer", "pearson_with_main", "pairs"]);
    for ((name, _), (r, n)) in OTHERS.iter().zip(correlations) {
        correlation.push([(*name).to_owned(), r.to_string(), n.to_string()]);
    }
    let scatter = |number: usize, pairs: &[Vec<f64>; 2]| scatter(main, number, pairs, correlations[number].0);
    let numbers = Numbers { result, correlations, candidates: tested.configs().len() };
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure12",
            panels: vec![
                chart(main, &numbers.result, context).into(),
                scatter(1, &last).into(),
                scatter(0, &min).into(),
            ],
            columns: 2,
            caption: format!(
                "{J_IS} First: lists that were learned under different normalisers, all tested under the main one ({main}) on other \
                 tasks; median and 25–75 percentiles over {} resamplings. Second and third: the score of each configuration on each \
                 task under both normalisers, {} of {} pairs.",
                context.number(&RESAMPLINGS),
                POINTS.min(numbers.correlations[0].1),
                numbers.correlations[0].1
            ),
        }],
        tables: vec![
            DataFile { file: "figure12.csv", label: "numbers", table: table.table() },
            DataFile { file: "figure12_correlations.csv", label: "correlations", table: correlation },
        ],
        claims: claims(Some(&numbers)),
        ..Findings::default()
    })
}

fn chart(main: &str, result: &OtherScoresResult, context: &Context<'_>) -> LineChart {
    let names = [format!("mean of the points ({main})"), OTHERS[0].1.to_owned(), OTHERS[1].1.to_owned()];
    let looks = [Color::BLACK, LOOKS[0], LOOKS[1]];
    let mut lines: Vec<_> = names
        .into_iter()
        .zip(looks)
        .zip(&result.curves)
        .map(|((name, color), curve)| series(format!("learned under: {name}"), color, curve))
        .collect();
    lines.push(series("random search: adam8p", optimizer_color(FAMILY), &result.random));
    LineChart {
        title: ROW.title.to_owned(),
        subtitle: Some(format!("{} tasks, half of them to learn from", result.tasks)),
        x_label: TRIED.to_owned(),
        y_label: J.to_owned(),
        x_log: true,
        series: lines,
        note: context.note.clone(),
        ..LineChart::default()
    }
}

fn searched(matrix: &ScoreMatrix) -> Searched<'_> {
    Searched { label: FAMILY.info().name, matrix }
}

/// Evenly spaced pairs of all.
fn scatter(main: &str, number: usize, pairs: &[Vec<f64>; 2], correlation: f64) -> ScatterChart {
    let count = pairs[0].len();
    let shown = POINTS.min(count);
    // With a fraction in the spacing, not always the same configurations are met.
    let places = (0..shown).map(|i| i * count / shown);
    let points = places.map(|i| (pairs[0][i], pairs[1][i])).collect();
    let category = Category { color: LOOKS[number], ..Category::of(0) };
    ScatterChart {
        title: format!("Main score against: {}", OTHERS[number].1),
        subtitle: Some(format!("Pearson's correlation {}", significant(correlation))),
        x_label: format!("score under {main}"),
        y_label: format!("score under {}", OTHERS[number].0),
        groups: vec![PointGroup::new("a configuration on a task", category, points)],
        guides: vec![Guide::diagonal()],
        radius: 2.5,
        opacity: 0.4,
        ..ScatterChart::default()
    }
}

fn claims(measured: Option<&Numbers>) -> Vec<Claim> {
    let of = |judge: &dyn Fn(&Numbers) -> (Vec<String>, Verdict)| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some(numbers) => {
            let result = &numbers.result;
            let lacks =
                shortages(FAMILY.info().name, numbers.candidates, result.tasks / 2, result.random.raw.len());
            let (words, verdict) = judge(numbers);
            (words, if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
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
            "Learning lists from the lowest point of a curve instead of its mean changes J negligibly.",
            format!(
                "Holds if the medians of J at k = {CLAIMED} differ by at most {}; does not hold if they differ by more and one list is \
                 better in at least {} of the resamplings; otherwise the measurement cannot tell.",
                percent(NEGLIGIBLE),
                percent(AGREEMENT)
            ),
            of(&min_is_alike),
        ),
        claim(
            "Learning lists with the percentile normaliser is worse.",
            format!(
                "Holds if the list of the main normaliser is better at k = {CLAIMED} in at least {} of the resamplings; does not hold if \
                 it is worse in as many; otherwise the measurement cannot tell.",
                percent(AGREEMENT)
            ),
            of(&percentile_is_worse),
        ),
        claim(
            "Under each of the normalisers, the list is better than random search.",
            format!(
                "Holds if each list is better in at least {} of the resamplings at every budget k up to half of the configurations; does \
                 not hold if one is worse in as many at some budget; otherwise the measurement cannot tell.",
                percent(AGREEMENT)
            ),
            of(&all_beat_random),
        ),
        claim(
            "The percentile score correlates much more weakly with the main score (0.193 in the paper) than the lowest point does (0.911).",
            format!(
                "Holds if Pearson's correlation of the percentile score is lower by at least 0.1; does not hold if it is higher; otherwise, \
                 and with fewer than {MIN_PAIRS} pairs, the measurement cannot tell."
            ),
            of(&correlations_differ),
        ),
    ]
}

fn min_is_alike(numbers: &Numbers) -> (Vec<String>, Verdict) {
    let [main, min, ..] = &numbers.result.curves[..] else {
        return (Vec::new(), cannot_tell("there are no lists"));
    };
    let (Some([_, a, _]), Some([_, b, _])) = (main.at(CLAIMED), min.at(CLAIMED)) else {
        return (Vec::new(), cannot_tell(format!("there is no J at k = {CLAIMED}")));
    };
    let difference = (a - b).abs() / a.max(b);
    let words = vec![format!(
        "median J {} and {}: they differ by {:.1} %",
        significant(a),
        significant(b),
        difference * 100.0
    )];
    let decided = comparison::at(&main.raw, &min.raw, CLAIMED)
        .is_some_and(|at| at.better >= AGREEMENT || at.worse >= AGREEMENT);
    let verdict = if difference > NEGLIGIBLE && decided {
        Verdict::DoesNotHold
    } else if difference > NEGLIGIBLE {
        cannot_tell("the resamplings disagree about which list is better")
    } else {
        // Also where both are 0.
        Verdict::Holds
    };
    (words, verdict)
}

fn percentile_is_worse(numbers: &Numbers) -> (Vec<String>, Verdict) {
    let [main, _, percentile] = &numbers.result.curves[..] else {
        return (Vec::new(), cannot_tell("there are no lists"));
    };
    let compared: Vec<_> = comparison::at(&main.raw, &percentile.raw, CLAIMED).into_iter().collect();
    let words = compared.iter().map(|at| at.words("the main normaliser", "the percentile")).collect();
    (words, comparison::verdict(&compared))
}

fn all_beat_random(numbers: &Numbers) -> (Vec<String>, Verdict) {
    let (mut words, mut open, mut against) = (Vec::new(), Vec::new(), false);
    for ((name, _), curve) in OTHERS.iter().zip(&numbers.result.curves[1..]) {
        let compared = comparison::compare(&curve.raw, &numbers.result.random.raw, numbers.candidates / 2);
        let better = compared.iter().filter(|at| at.better >= AGREEMENT).count();
        words.push(format!("{name}: the list is better at {better} of {} budgets", compared.len()));
        match comparison::verdict(&compared) {
            Verdict::Holds => {}
            Verdict::DoesNotHold => against = true,
            Verdict::CannotTell { reason } => open.push(format!("{name}: {reason}")),
        }
    }
    let verdict = match (against, open.is_empty()) {
        (true, _) => Verdict::DoesNotHold,
        (false, true) => Verdict::Holds,
        (false, false) => cannot_tell(open.join("; ")),
    };
    (words, verdict)
}

fn correlations_differ(numbers: &Numbers) -> (Vec<String>, Verdict) {
    let [(min, pairs), (last, _)] = numbers.correlations;
    let words = vec![format!(
        "{} for the percentile, {} for the lowest point, over {pairs} pairs",
        significant(last),
        significant(min)
    )];
    let verdict = match min - last {
        _ if pairs < MIN_PAIRS => cannot_tell(format!("there are {pairs} pairs")),
        difference if difference >= 0.1 => Verdict::Holds,
        difference if difference < 0.0 => Verdict::DoesNotHold,
        difference if difference.is_nan() => cannot_tell("one of the scores is the same everywhere"),
        _ => cannot_tell("the correlations are nearly equal"),
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::options::Options;
    use crate::study::Study;
    use crate::study::tests::{also, scored};

    /// Three kinds of tasks, each with a good configuration of its own.
    fn good(t: usize, c: usize, _: Family) -> (f64, f64) {
        let score = if c == 3 + t % 3 { 0.1 } else { 0.5 + 0.4 * noise(t, c) };
        (score, score)
    }

    fn study(last: impl Fn(f64) -> f64) -> Study {
        let study = scored(BASE, &[("a", 40)], &[FAMILY], 40, good);
        also(also(study, Reading::whole("min"), |score| score * 0.9), Reading::whole("last_quantile"), last)
    }

    #[test]
    fn normalisers_are_judged_by_their_lists() {
        let options = Options::default();
        // The percentile prefers what the main normaliser finds bad.
        let findings = analyse(&context(&study(|score| 1.0 - score), &options)).unwrap();
        let found = verdicts(&findings.claims);
        assert_eq!([found[0], found[1], found[3]], ["holds"; 3], "{:?}", findings.claims);
        assert_ne!(found[2], "holds", "{:?}", findings.claims);
        assert_eq!(findings.pictures[0].panels.len(), 3);
        let findings = analyse(&context(&study(|score| score), &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["holds", "cannot tell", "holds", "cannot tell"]);
    }

    #[test]
    fn without_the_other_readings_there_is_a_lack() {
        let options = Options::default();
        let plain = scored(BASE, &[("a", 40)], &[FAMILY], 40, good);
        assert!(analyse(&context(&plain, &options)).is_err());
    }
}
