//! Figure 12: lists under other normalisers (appendix A.4).

use taskset_figures::{
    Category, Claim, Color, Guide, LineChart, PointGroup, ScatterChart, Table, Verdict, count, significant,
};
use taskset_meta::correlation::pearson;
use taskset_meta::learned_against_random::Family as Searched;
use taskset_meta::lists_from_other_scores::{OtherScores, OtherScoresResult, paired_scores};
use taskset_meta::{ResampledCurve, ScoreMatrix};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::{CurveTable, J, J_IS, TRIED, series, shortages};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture, optimizer_color};
use crate::claim_thresholds::{AGREEMENT, cannot_tell, claim, percent};
use crate::figure_options::RESAMPLINGS;
use crate::list_comparison;
use crate::score_readings::Reading;

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
    /// Of the main normaliser.
    main: &'static str,
    /// The list of the main normaliser first, then those of [`Self::others`].
    result: OtherScoresResult,
    /// Those of the other normalisers of which there are scores.
    others: Vec<Other>,
    candidates: usize,
}

/// Scores under another normaliser against the main scores.
struct Other {
    /// Its place in [`OTHERS`].
    place: usize,
    /// Pearson's correlation with the main scores, and the number of pairs.
    correlation: (f64, usize),
}

impl Numbers {
    /// The curve of one of [`OTHERS`], and its correlation with the main scores.
    ///
    /// # Errors
    /// Why it cannot be compared with the main normaliser.
    fn other(&self, place: usize) -> Result<(&ResampledCurve, (f64, usize)), String> {
        let name = OTHERS[place].0;
        if name == self.main {
            return Err(format!("the main normaliser is `{name}` itself"));
        }
        let found = self.others.iter().position(|other| other.place == place);
        found
            .map(|i| (&self.result.curves[i + 1], self.others[i].correlation))
            .ok_or_else(|| format!("there are no scores under `{name}`"))
    }
}

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let tested = context.matrix(FAMILY)?;
    let main = context.base.normalizer;
    let (mut matrices, mut lacks) = (Vec::new(), Vec::new());
    // The main normaliser is drawn once.
    for (place, (name, _)) in OTHERS.iter().enumerate().filter(|(_, (name, _))| *name != main) {
        match context.study.matrix(Reading::whole(name), FAMILY) {
            Ok(matrix) => matrices.push((place, matrix)),
            Err(lack) => lacks.push(Lack::new(format!(
                "The list under the normaliser `{name}` is missing, because {}.",
                lack.reason()
            ))),
        }
    }
    if matrices.is_empty() {
        return Err(Lack::new("There are no scores under another normaliser than the main one."));
    }
    let result = OtherScores {
        tested: searched(&tested),
        learned: [&tested]
            .into_iter()
            .chain(matrices.iter().map(|(_, matrix)| matrix))
            .map(searched)
            .collect(),
        resamplings: context.number(&RESAMPLINGS) as u64,
        k: tested.configs().len(),
    }
    .run(&StreamId::root("taskset-rs/appendix/figure12"))?;
    let (mut others, mut scatters) = (Vec::new(), Vec::new());
    for (place, matrix) in &matrices {
        let pairs = paired_scores(&searched(&tested), &searched(matrix))?;
        let correlation = (pearson(&pairs[0], &pairs[1]), pairs[0].len());
        // The percentile first, as in the paper.
        scatters.insert(0, scatter(main, *place, &pairs, correlation.0).into());
        others.push(Other { place: *place, correlation });
    }
    let names: Vec<&str> =
        [main].into_iter().chain(others.iter().map(|other| OTHERS[other.place].0)).collect();
    let mut table = CurveTable::new(&["learned_with_normalizer"], context.study.origin);
    for (name, curve) in names.iter().zip(&result.curves) {
        table.push(&[(*name).to_owned()], curve);
    }
    table.push(&["random search".to_owned()], &result.random);
    let mut correlation = Table::new(["normalizer", "data", "pearson_with_main", "pairs"]);
    for Other { place, correlation: (r, n) } in &others {
        correlation.push([
            OTHERS[*place].0.to_owned(),
            context.study.origin.to_string(),
            r.to_string(),
            n.to_string(),
        ]);
    }
    let pairs = others[0].correlation.1;
    let numbers = Numbers { main, result, others, candidates: tested.configs().len() };
    Ok(Findings {
        pictures: vec![Picture {
            stem: "figure12",
            panels: [chart(&names, &numbers.result, context).into()].into_iter().chain(scatters).collect(),
            columns: 2,
            caption: format!(
                "{J_IS} First: lists that were learned under different normalisers, all tested under the main one ({main}) on other \
                 tasks; median and 25–75 percentiles over {} resamplings. The others: the score of each configuration on each \
                 task under both normalisers, {} of {} pairs.",
                count(context.number(&RESAMPLINGS) as u64),
                count(POINTS.min(pairs) as u64),
                count(pairs as u64)
            ),
        }],
        tables: vec![
            DataFile { file: "figure12.csv", label: "numbers", table: table.table() },
            DataFile { file: "figure12_correlations.csv", label: "correlations", table: correlation },
        ],
        claims: claims(Some(&numbers)),
        lacks,
        ..Findings::default()
    })
}

/// What a normaliser is called in the picture.
fn label(name: &str) -> String {
    match OTHERS.iter().find(|(other, _)| *other == name) {
        Some((_, words)) => (*words).to_owned(),
        None if name == "default" => "mean of the points (default)".to_owned(),
        None => name.to_owned(),
    }
}

fn chart(names: &[&str], result: &OtherScoresResult, context: &Context<'_>) -> LineChart {
    let mut lines: Vec<_> = names
        .iter()
        .zip(&result.curves)
        .enumerate()
        .map(|(i, (name, curve))| {
            let other = OTHERS.iter().position(|(other, _)| other == name).filter(|_| i > 0);
            let color = other.map_or(Color::BLACK, |place| LOOKS[place]);
            series(format!("learned under: {}", label(name)), color, curve)
        })
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
    let all = pairs[0].len();
    let shown = POINTS.min(all);
    // With a fraction in the spacing, not always the same configurations are met.
    let places = (0..shown).map(|i| i * all / shown);
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
    vec![
        claim(
            "Learning lists from the lowest point of a curve instead of its mean changes J negligibly.",
            format!(
                "Holds if the medians of J at k = {CLAIMED} differ by at most {}, and neither list is better in at least {} of the \
                 resamplings; does not hold if they differ by more and one list is better in as many; otherwise the measurement cannot \
                 tell.",
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
                 and with fewer than {} pairs, the measurement cannot tell.",
                count(MIN_PAIRS as u64)
            ),
            of(&correlations_differ),
        ),
    ]
}

fn min_is_alike(numbers: &Numbers) -> (Vec<String>, Verdict) {
    let main = &numbers.result.curves[0];
    let min = match numbers.other(0) {
        Ok((min, _)) => min,
        Err(reason) => return (Vec::new(), cannot_tell(reason)),
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
    let decided = list_comparison::at(&main.raw, &min.raw, CLAIMED)
        .is_some_and(|at| at.better >= AGREEMENT || at.worse >= AGREEMENT);
    // Where both are 0, the difference is NaN, and there is none.
    let verdict = match (difference > NEGLIGIBLE, decided) {
        (true, true) => Verdict::DoesNotHold,
        (true, false) => cannot_tell("the resamplings disagree about which list is better"),
        (false, true) => {
            cannot_tell("the difference is small, but the resamplings agree about which list is better")
        }
        (false, false) => Verdict::Holds,
    };
    (words, verdict)
}

fn percentile_is_worse(numbers: &Numbers) -> (Vec<String>, Verdict) {
    let main = &numbers.result.curves[0];
    let percentile = match numbers.other(1) {
        Ok((percentile, _)) => percentile,
        Err(reason) => return (Vec::new(), cannot_tell(reason)),
    };
    let compared: Vec<_> = list_comparison::at(&main.raw, &percentile.raw, CLAIMED).into_iter().collect();
    let words = compared.iter().map(|at| at.words("the main normaliser", "the percentile")).collect();
    (words, list_comparison::verdict(&compared))
}

fn all_beat_random(numbers: &Numbers) -> (Vec<String>, Verdict) {
    let (mut words, mut open, mut against) = (Vec::new(), Vec::<String>::new(), false);
    let missing = (0..OTHERS.len()).filter(|place| {
        OTHERS[*place].0 != numbers.main && numbers.others.iter().all(|other| other.place != *place)
    });
    open.extend(missing.map(|place| format!("there are no scores under `{}`", OTHERS[place].0)));
    let names = [numbers.main].into_iter().chain(numbers.others.iter().map(|other| OTHERS[other.place].0));
    // The list of the main normaliser counts if it is one of these.
    let listed = |name: &str| OTHERS.iter().any(|(other, _)| *other == name);
    for (name, curve) in names.zip(&numbers.result.curves).filter(|(name, _)| listed(name)) {
        let compared =
            list_comparison::compare(&curve.raw, &numbers.result.random.raw, numbers.candidates / 2);
        let better = compared.iter().filter(|at| at.better >= AGREEMENT).count();
        words.push(format!("{name}: the list is better at {better} of {} budgets", compared.len()));
        match list_comparison::verdict(&compared) {
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
    let ((min, pairs), last) = match (numbers.other(0), numbers.other(1)) {
        (Ok((_, min)), Ok((_, (last, _)))) => (min, last),
        (Err(reason), _) | (_, Err(reason)) => return (Vec::new(), cannot_tell(reason)),
    };
    let words = vec![format!(
        "{} for the percentile, {} for the lowest point, over {} pairs",
        significant(last),
        significant(min),
        count(pairs as u64)
    )];
    let verdict = match min - last {
        _ if pairs < MIN_PAIRS => cannot_tell(format!("the number of pairs is {}", count(pairs as u64))),
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
    use crate::figure_options::Options;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::scored_curves::Study;
    use crate::scored_curves::tests::{also, scored};

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

    #[test]
    fn one_of_the_other_readings_is_enough_for_a_picture() {
        let options = Options::default();
        let plain = scored(BASE, &[("a", 40)], &[FAMILY], 40, good);
        let one = also(plain, Reading::whole("last_quantile"), |score| 1.0 - score);
        let findings = analyse(&context(&one, &options)).unwrap();
        assert_eq!((findings.pictures[0].panels.len(), findings.lacks.len()), (2, 1));
        assert!(findings.lacks[0].sentence().starts_with("The list under the normaliser `min` is missing"));
        assert_eq!(verdicts(&findings.claims)[1], "holds", "{:?}", findings.claims);
        for claim in [&findings.claims[0], &findings.claims[3]] {
            assert!(claim.verdict.reason().unwrap().contains("no scores under `min`"), "{claim:?}");
        }
    }

    #[test]
    fn a_normaliser_is_not_compared_with_itself() {
        let options = Options::default();
        let study = study(|score| 1.0 - score);
        let base = Reading::whole("last_quantile");
        let findings = analyse(&Context { base, ..context(&study, &options) }).unwrap();
        assert_eq!((findings.pictures[0].panels.len(), findings.lacks.len()), (2, 0), "drawn once");
        assert_eq!(findings.claims[2].measured.len(), 2, "both lists are compared with random search");
        for claim in [&findings.claims[1], &findings.claims[3]] {
            assert!(claim.verdict.reason().unwrap().contains("`last_quantile` itself"), "{claim:?}");
        }
        assert_eq!(label("default"), "mean of the points (default)");
        assert_eq!((label("min"), label("final")), ("lowest point".to_owned(), "final".to_owned()));
    }

    /// The first claim where the main list has J `main` in all of 20 resamplings, and that of the minimum `min`.
    fn alike(main: f64, min: [f64; 2]) -> &'static str {
        let curve = |js: [f64; 2]| ResampledCurve::new((0..20).map(|r| vec![js[r % 2]; 10]).collect(), 10);
        let result = OtherScoresResult {
            curves: vec![curve([main; 2]), curve(min)],
            random: curve([0.9; 2]),
            tasks: 40,
            lists: Vec::new(),
        };
        let others = vec![Other { place: 0, correlation: (0.9, 2_000) }];
        let numbers = Numbers { main: "default", result, others, candidates: 40 };
        verdicts(&claims(Some(&numbers)))[0]
    }

    #[test]
    fn negligible_is_small_and_not_sure() {
        assert_eq!(alike(0.5, [0.495, 0.505]), "holds");
        assert_eq!(alike(0.5, [0.499; 2]), "cannot tell", "small, but always better");
        assert_eq!(alike(0.5, [0.7; 2]), "does not hold");
        assert_eq!(alike(0.5, [0.4, 0.8]), "cannot tell");
        assert_eq!(alike(0.0, [0.0; 2]), "holds");
    }
}
