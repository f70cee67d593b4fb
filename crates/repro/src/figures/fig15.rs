//! Figure 15: how many configurations a list needs to be chosen from (appendix A.6).

use taskset_figures::{Claim, Color, Dash, Guide, LineChart, Marker, Point, Series, Verdict, count, counted};
use taskset_meta::candidate_counts::{Candidates, CandidatesResult, TunedOn};
use taskset_meta::learned_against_random::Family as Searched;
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::{CurveTable, J, J_IS, shortages};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::claim_thresholds::{AGREEMENT, cannot_tell, claim, percent};
use crate::figure_options::{FigureOption, OptionKind, RESAMPLINGS};
use crate::list_comparison;

/// The family of the lists, and Adam whose learning rate alone is tuned in half orders of magnitude.
const FAMILIES: [Family; 2] = [Family::Adam8p, Family::AdamLr];

/// Numbers of candidates. The paper's are not in its text.
const SIZES: [usize; 8] = [5, 10, 20, 50, 100, 200, 500, 1_000];

/// Budgets, one line each. The paper names 1 and 10.
const BUDGETS: [usize; 4] = [1, 3, 10, 30];

/// Candidates of the paper.
const PAPERS_CANDIDATES: usize = 1_000;

/// Candidates that the paper finds enough for ten tries, and how many still count as "around" that number.
const ENOUGH: usize = 100;
const AROUND: usize = 200;

const TUNED_ON: FigureOption = FigureOption {
    name: "tuned-on",
    doc: "The tasks on which the learning rates of figure 15 are tuned.",
    kind: OptionKind::Choice(&[
        ("train", "the tasks on which the lists are learned"),
        (
            "held-out",
            "the tasks on which the lists are tested; this uses hindsight, and makes the baseline as strong as possible",
        ),
    ]),
    default: "train",
};

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig15",
    label: "Figure 15",
    title: "More configurations to choose from",
    part: Part::Appendix,
    place: "appendix A.6",
    families: &FAMILIES,
    options: &[&RESAMPLINGS, &TUNED_ON],
    readings: &[],
    claims: || claims(None),
    analyse,
};

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let matrix = context.matrix(FAMILIES[0])?;
    // Without them, or where a task lacks one, the lists are still drawn.
    let (tuned, without_stars) = match context.matrix(FAMILIES[1]) {
        Ok(tuned) if tuned.tasks() == matrix.tasks() => (Some(tuned), None),
        Ok(_) => (None, Some("the curves of adam_lr are of other tasks".to_owned())),
        Err(lack) => (None, Some(lack.reason())),
    };
    let candidates = matrix.configs().len();
    let mut sizes: Vec<usize> = SIZES.into_iter().filter(|&size| size < candidates).collect();
    sizes.push(candidates);
    let k = BUDGETS[BUDGETS.len() - 1].min(candidates);
    let result = Candidates {
        learned: Searched { label: FAMILIES[0].info().name, matrix: &matrix },
        sizes: &sizes,
        tuned: tuned.as_ref().map(|matrix| Searched { label: FAMILIES[1].info().name, matrix }),
        tuned_on: match context.options.value(&TUNED_ON) {
            "held-out" => TunedOn::HeldOut,
            _ => TunedOn::Train,
        },
        resamplings: context.number(&RESAMPLINGS) as u64,
        k,
    }
    .run(&StreamId::root("taskset-rs/appendix/figure15"))?;
    let mut table = CurveTable::new(&["candidates"], context.study.origin);
    for (size, curve) in sizes.iter().zip(&result.curves) {
        table.push(&[size.to_string()], curve);
    }
    if let Some(tuned) = &result.tuned {
        table.push(&["tuned learning rate".to_owned()], tuned);
    }
    let tasks = matrix.tasks().len();
    let rates = tuned.as_ref().map(|matrix| matrix.configs().len());
    let mut findings = Findings {
        pictures: vec![Picture {
            stem: "figure15",
            panels: vec![chart(&result, context).into()],
            columns: 1,
            caption: format!(
                "{J_IS} Lists that were chosen from random subsets of the configurations of adam8p, tested on tasks that they were not \
                 learned on; median and 25–75 percentiles over {} resamplings of subsets and splits.{}",
                count(context.number(&RESAMPLINGS) as u64),
                rates.map_or_else(String::new, stars)
            ),
        }],
        tables: vec![DataFile { file: "figure15.csv", label: "numbers", table: table.table() }],
        claims: claims(Some((&result, tasks / 2))),
        ..Findings::default()
    };
    if let Some(reason) = without_stars {
        findings.lacks.push(Lack::new(format!("The stars are missing, because {reason}.")));
    }
    Ok(findings)
}

/// What the caption says about Adam with this number of learning rates.
fn stars(rates: usize) -> String {
    let mut text = " Dotted lines: Adam whose learning rate alone is tuned, with as many tries. A star stands at the first number of \
                    configurations at which the median J of the lists is lower. A cross at the right end means that it is never lower."
        .to_owned();
    if let Some(k) = BUDGETS.into_iter().find(|&k| k > rates) {
        text += &format!(
            " For k = {k}{} there is neither, because adam_lr has {}.",
            if k < BUDGETS[BUDGETS.len() - 1] { " and more" } else { "" },
            counted(rates as u64, "learning rate")
        );
    }
    text
}

fn chart(result: &CandidatesResult, context: &Context<'_>) -> LineChart {
    let (mut lines, mut guides) = (Vec::new(), Vec::new());
    let most = result.sizes.last().copied().unwrap_or(1);
    for (i, k) in BUDGETS.into_iter().enumerate() {
        let color = Color::cycle(i);
        let points: Vec<Point> = result
            .sizes
            .iter()
            .zip(&result.curves)
            .filter_map(|(size, curve)| {
                let [lo, y, hi] = curve.at(k)?;
                Some(Point { x: *size as f64, y, lo, hi })
            })
            .collect();
        if points.is_empty() {
            continue;
        }
        lines.push(Series::new(format!("k = {k}"), color, points).markers(Marker::Circle));
        if let Some([_, y, _]) = result.tuned.as_ref().and_then(|tuned| tuned.at(k)) {
            guides.push(Guide::horizontal(y).color(color).dash(Dash::Dotted));
            let (x, label, marker) = match result.beats_tuned_at(k) {
                Some(size) => (size, format!("better than a tuned learning rate, k = {k}"), Marker::Star),
                None => (most, format!("never better than a tuned learning rate, k = {k}"), Marker::Cross),
            };
            lines.push(Series::new(label, color, vec![Point::bare(x as f64, y)]).markers(marker));
        }
    }
    LineChart {
        title: ROW.title.to_owned(),
        subtitle: Some("J against the number of configurations that a list is chosen from".to_owned()),
        x_label: "configurations of adam8p to choose from".to_owned(),
        y_label: J.to_owned(),
        x_log: true,
        series: lines,
        guides,
        note: context.note.clone(),
        ..LineChart::default()
    }
}

/// The claims, from the result and the number of tasks that lists are learned on.
fn claims(measured: Option<(&CandidatesResult, usize)>) -> Vec<Claim> {
    let of = |judge: fn(&CandidatesResult) -> (Vec<String>, Verdict)| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some((result, tasks)) => {
            let most = result.sizes.last().copied().unwrap_or(0);
            let resamplings = result.curves.first().map_or(0, |curve| curve.raw.len());
            let lacks = shortages(FAMILIES[0].info().name, most, tasks, resamplings);
            let (words, verdict) = judge(result);
            (words, if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
    };
    vec![
        claim(
            "Performance continues to improve as there are more configurations to choose from.",
            format!(
                "Holds if at k = 10 the list from all configurations is better than that from every smaller number of at least 10, in at \
                 least {} of the resamplings; does not hold if it is worse in as many than one of them; otherwise the measurement cannot \
                 tell.",
                percent(AGREEMENT)
            ),
            of(improves),
        ),
        claim(
            "With a single try, all 1,000 configurations are needed to be better than Adam with a tuned learning rate.",
            format!(
                "A number of configurations is enough if its list is better at k = 1 than the tuned learning rate in at least {} of the \
                 resamplings, and not enough if it is better in at most {}. Holds if {} are enough and no smaller number of the figure \
                 is; does not hold if a smaller number is enough, or {} are not; otherwise the measurement cannot tell.",
                percent(AGREEMENT),
                percent(1.0 - AGREEMENT),
                count(PAPERS_CANDIDATES as u64),
                count(PAPERS_CANDIDATES as u64)
            ),
            of(all_needed),
        ),
        claim(
            "With ten tries, about 100 configurations are enough.",
            format!(
                "By the same measure at k = 10. Holds if some number of at most {AROUND} configurations is enough; does not hold if none \
                 of them is; otherwise, and with fewer than {ENOUGH} configurations of which none is enough, the measurement cannot tell."
            ),
            of(hundred_enough),
        ),
    ]
}

fn improves(result: &CandidatesResult) -> (Vec<String>, Verdict) {
    list_comparison::largest_is_best(&result.sizes, &result.curves, 10, "configurations")
}

/// Whether a number of configurations is enough.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enough {
    Yes,
    No,
    /// The resamplings disagree.
    Open,
}

/// Words, and whether each number of configurations is enough.
type Against = (Vec<String>, Vec<(usize, Enough)>);

/// Whether each number of configurations is enough to be better than the tuned learning rate after k tries, in words and as
/// it is; numbers below k are left out. An error is why nothing can be compared.
fn against_tuned(result: &CandidatesResult, k: usize) -> Result<Against, &'static str> {
    let tuned = result.tuned.as_ref().ok_or("the curves of adam_lr are missing or not complete")?;
    let (mut words, mut sizes) = (Vec::new(), Vec::new());
    for (&size, curve) in result.sizes.iter().zip(&result.curves) {
        let Some(at) = list_comparison::at(&curve.raw, &tuned.raw, k) else { continue };
        words.push(format!(
            "k = {k}, {}: better than the tuned learning rate in {} of the resamplings",
            counted(size as u64, "configuration"),
            percent(at.better)
        ));
        sizes.push((
            size,
            match at.better {
                better if better >= AGREEMENT => Enough::Yes,
                better if better <= 1.0 - AGREEMENT => Enough::No,
                _ => Enough::Open,
            },
        ));
    }
    if sizes.is_empty() {
        Err("no list has as many tries as there are learning rates")
    } else {
        Ok((words, sizes))
    }
}

/// "the resamplings disagree about …", of the numbers that are open.
fn disagree(sizes: &[(usize, Enough)]) -> Option<Verdict> {
    let open: Vec<String> = sizes
        .iter()
        .filter(|(_, enough)| *enough == Enough::Open)
        .map(|(size, _)| count(*size as u64))
        .collect();
    let reason = || format!("the resamplings disagree whether {} configurations are enough", open.join(", "));
    (!open.is_empty()).then(|| cannot_tell(reason()))
}

fn all_needed(result: &CandidatesResult) -> (Vec<String>, Verdict) {
    let (words, sizes) = match against_tuned(result, 1) {
        Ok(found) => found,
        Err(reason) => return (Vec::new(), cannot_tell(reason)),
    };
    let smaller_is_enough = sizes.iter().any(|&(size, is)| size < PAPERS_CANDIDATES && is == Enough::Yes);
    let all = sizes.iter().find(|(size, _)| *size >= PAPERS_CANDIDATES);
    let verdict = match all {
        _ if smaller_is_enough => Verdict::DoesNotHold,
        Some((_, Enough::No)) => Verdict::DoesNotHold,
        Some(_) => disagree(&sizes).unwrap_or(Verdict::Holds),
        None => cannot_tell(format!(
            "there are fewer than {} configurations, and no number of them is clearly enough",
            count(PAPERS_CANDIDATES as u64)
        )),
    };
    (words, verdict)
}

fn hundred_enough(result: &CandidatesResult) -> (Vec<String>, Verdict) {
    let (words, mut sizes) = match against_tuned(result, 10) {
        Ok(found) => found,
        Err(reason) => return (Vec::new(), cannot_tell(reason)),
    };
    sizes.retain(|(size, _)| *size <= AROUND);
    let verdict = if sizes.iter().any(|(_, enough)| *enough == Enough::Yes) {
        Verdict::Holds
    } else if sizes.iter().all(|(size, _)| *size < ENOUGH) {
        cannot_tell(format!("no number of at least {ENOUGH} configurations could be tried"))
    } else {
        disagree(&sizes).unwrap_or(Verdict::DoesNotHold)
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_options::Options;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::scored_curves::tests::scored;
    use taskset_meta::ResampledCurve;

    /// Few configurations of adam8p are good; the tuned learning rate is middling.
    fn rare(t: usize, c: usize, family: Family) -> (f64, f64) {
        let score = match family {
            Family::AdamLr => 0.35 + 0.01 * c as f64,
            _ if c % 40 == 3 => 0.1 + 0.1 * noise(t, c) + 0.001 * (c / 40) as f64,
            _ => 0.7 + 0.2 * noise(t, c),
        };
        (score, score)
    }

    #[test]
    fn more_candidates_help_where_good_ones_are_rare() {
        let study = scored(BASE, &[("a", 40)], &FAMILIES, 200, rare);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims)[2], "holds", "{:?}", findings.claims);
        assert_eq!(
            verdicts(&findings.claims)[1],
            "does not hold",
            "a smaller number is enough: {:?}",
            findings.claims
        );
        assert!(findings.lacks.is_empty());
        assert!(findings.tables[0].table.csv().contains("\ntuned learning rate,real,1,"));
    }

    #[test]
    fn where_the_learning_rate_is_all_no_number_is_enough() {
        let rate = |_: usize, c: usize, family: Family| {
            let score = if family == Family::AdamLr { 0.1 } else { 0.5 + 0.001 * c as f64 };
            (score, score)
        };
        let study = scored(BASE, &[("a", 40)], &FAMILIES, 60, rate);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims)[1..], ["cannot tell"; 2], "{:?}", findings.claims);
        assert!(findings.pictures[0].caption.contains("A cross at the right end"));
    }

    /// Twenty resamplings: numbers of configurations, each better than the tuned learning rate in so many of them.
    fn result(wins: &[(usize, usize)]) -> CandidatesResult {
        let curve = |better: usize| {
            let row = |r| vec![if r < better { 0.2 } else { 0.5 }; 10];
            ResampledCurve::new((0..20).map(row).collect(), 10)
        };
        CandidatesResult {
            sizes: wins.iter().map(|(size, _)| *size).collect(),
            curves: wins.iter().map(|(_, better)| curve(*better)).collect(),
            // Ties are not better.
            tuned: Some(curve(0)),
        }
    }

    #[test]
    fn what_is_enough_is_judged_by_pairs() {
        let check = |wins: &[(usize, usize)], expected: [&str; 2]| {
            let found = claims(Some((&result(wins), 20)));
            assert_eq!(verdicts(&found)[1..], expected, "{found:?}");
        };
        check(&[(100, 0), (1_000, 20)], ["holds", "does not hold"]);
        check(&[(100, 15), (1_000, 20)], ["does not hold", "holds"]);
        check(&[(100, 0), (1_000, 5)], ["does not hold", "does not hold"]);
        check(&[(100, 10), (1_000, 20)], ["cannot tell", "cannot tell"]);
        check(&[(100, 0), (1_000, 10)], ["cannot tell", "does not hold"]);
        check(&[(50, 0), (1_000, 20)], ["holds", "cannot tell"]);
        check(&[(50, 0)], ["cannot tell", "cannot tell"]);
        let open = claims(Some((&result(&[(100, 10), (1_000, 20)]), 20)));
        assert!(open[1].verdict.reason().unwrap().contains("whether 100 configurations are enough"));
    }

    #[test]
    fn the_caption_says_why_a_budget_has_no_star() {
        assert!(stars(17).ends_with("For k = 30 there is neither, because adam_lr has 17 learning rates."));
        assert!(stars(5).contains("For k = 10 and more"));
        assert!(!stars(40).contains("neither"));
    }

    #[test]
    fn without_the_learning_rates_the_lists_are_still_drawn() {
        let study = scored(BASE, &[("a", 40)], &FAMILIES[..1], 60, rare);
        let options = Options::default();
        let findings = analyse(&context(&study, &options)).unwrap();
        assert!(findings.lacks[0].sentence().contains("adam_lr"));
        assert_eq!(findings.pictures.len(), 1);
        assert!(findings.claims[1].verdict.reason().unwrap().contains("adam_lr"));
    }
}
