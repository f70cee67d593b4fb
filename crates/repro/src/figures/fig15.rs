//! Figure 15: how many configurations a list needs to be chosen from (appendix A.6).

use taskset_figures::{Claim, Color, Dash, Guide, LineChart, Marker, Point, Series, Verdict, significant};
use taskset_meta::candidates::{Candidates, CandidatesResult, TunedOn};
use taskset_meta::experiment::Family as Searched;
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::{CurveTable, J, J_IS, shortages};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::claims::{AGREEMENT, cannot_tell, percent};
use crate::comparison;
use crate::options::{FigureOption, OptionKind, RESAMPLINGS};

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
        ("train", "the tasks that the lists are learned on"),
        ("held-out", "the tested tasks: with hindsight, which makes the baseline as strong as possible"),
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
    let tuned = match context.study.has(FAMILIES[1]) {
        true => Some(context.matrix(FAMILIES[1])?),
        false => None,
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
    let mut table = CurveTable::new(&["candidates"]);
    for (size, curve) in sizes.iter().zip(&result.curves) {
        table.push(&[size.to_string()], curve);
    }
    if let Some(tuned) = &result.tuned {
        table.push(&["tuned learning rate".to_owned()], tuned);
    }
    let tasks = matrix.tasks().len();
    let mut findings = Findings {
        pictures: vec![Picture {
            stem: "figure15",
            panels: vec![chart(&result, context).into()],
            columns: 1,
            caption: format!(
                "{J_IS} Lists that were chosen from random subsets of the configurations of adam8p, tested on tasks that they were not \
                 learned on; median and 25–75 percentiles over {} resamplings of subsets and splits. Dotted lines with a star: Adam whose \
                 learning rate alone is tuned, with as many tries; the star stands where the lists become better, or at the right end if \
                 they never do.",
                context.number(&RESAMPLINGS)
            ),
        }],
        tables: vec![DataFile { file: "figure15.csv", label: "numbers", table: table.table() }],
        claims: claims(Some((&result, tasks / 2))),
        ..Findings::default()
    };
    if result.tuned.is_none() {
        findings.lacks.push(Lack::new("There are no curves of adam_lr, so the stars are missing."));
    }
    Ok(findings)
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
            let x = result.beats_tuned_at(k).unwrap_or(most) as f64;
            lines.push(
                Series::new(format!("tuned learning rate, k = {k}"), color, vec![Point::bare(x, y)])
                    .markers(Marker::Star),
            );
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
    let claim = |text: &str, rule: String, (measured, verdict): (Vec<String>, Verdict)| Claim {
        text: text.to_owned(),
        rule,
        measured,
        verdict,
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
                "Holds if the median J at k = 1 is lower than that of the tuned learning rate with {PAPERS_CANDIDATES} configurations and \
                 with no smaller number of the figure; does not hold if a smaller number is enough, or {PAPERS_CANDIDATES} are not; with \
                 fewer than {PAPERS_CANDIDATES} configurations of which none is enough, the measurement cannot tell."
            ),
            of(all_needed),
        ),
        claim(
            "With ten tries, about 100 configurations are enough.",
            format!(
                "Holds if the median J at k = 10 is lower than that of the tuned learning rate with at most {AROUND} configurations; does \
                 not hold if more are needed; with fewer than {ENOUGH} configurations of which none is enough, the measurement cannot tell."
            ),
            of(hundred_enough),
        ),
    ]
}

fn improves(result: &CandidatesResult) -> (Vec<String>, Verdict) {
    let Some((all, smaller)) = result.curves.split_last() else {
        return (Vec::new(), cannot_tell("no list was learned"));
    };
    let (mut words, mut compared) = (Vec::new(), Vec::new());
    for (size, curve) in result.sizes.iter().zip(smaller) {
        if let Some(at) = comparison::at(&all.raw, &curve.raw, 10) {
            let most = result.sizes.last().copied().unwrap_or(0);
            words.push(format!(
                "{most} configurations are better than {size} in {} of the resamplings",
                percent(at.better)
            ));
            compared.push((*size, at));
        }
    }
    let open: Vec<String> =
        compared.iter().filter(|(_, at)| at.better < AGREEMENT).map(|(size, _)| size.to_string()).collect();
    let verdict = if compared.is_empty() {
        cannot_tell("no two numbers of configurations can be compared at k = 10")
    } else if compared.iter().any(|(_, at)| at.worse >= AGREEMENT) {
        Verdict::DoesNotHold
    } else if open.is_empty() {
        Verdict::Holds
    } else {
        cannot_tell(format!("the resamplings disagree about {} configurations", open.join(", ")))
    };
    (words, verdict)
}

/// How the list compares with the tuned learning rate after k tries: words, the smallest number of candidates that is enough,
/// and the largest number there is. None without a baseline.
fn against_tuned(result: &CandidatesResult, k: usize) -> Option<(Vec<String>, Option<usize>, usize)> {
    let [_, tuned, _] = result.tuned.as_ref()?.at(k)?;
    let most = result.sizes.last().copied()?;
    let [_, all, _] = result.curves.last()?.at(k)?;
    let enough = result.beats_tuned_at(k);
    let words = format!(
        "median J at k = {k}: {} with {most} configurations, {} with a tuned learning rate; {}",
        significant(all),
        significant(tuned),
        enough.map_or_else(|| "no number is enough".to_owned(), |n| format!("{n} configurations are enough"))
    );
    Some((vec![words], enough, most))
}

fn all_needed(result: &CandidatesResult) -> (Vec<String>, Verdict) {
    let Some((words, enough, most)) = against_tuned(result, 1) else {
        return (Vec::new(), cannot_tell("there are no curves of adam_lr"));
    };
    let verdict = match enough {
        Some(n) if n >= PAPERS_CANDIDATES => Verdict::Holds,
        Some(_) => Verdict::DoesNotHold,
        None if most >= PAPERS_CANDIDATES => Verdict::DoesNotHold,
        None => cannot_tell(format!("there are {most} configurations, and they are not enough")),
    };
    (words, verdict)
}

fn hundred_enough(result: &CandidatesResult) -> (Vec<String>, Verdict) {
    let Some((words, enough, most)) = against_tuned(result, 10) else {
        return (Vec::new(), cannot_tell("there are no curves of adam_lr"));
    };
    let verdict = match enough {
        Some(n) if n <= AROUND => Verdict::Holds,
        Some(_) => Verdict::DoesNotHold,
        None if most >= ENOUGH => Verdict::DoesNotHold,
        None => cannot_tell(format!("there are {most} configurations, and they are not enough")),
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::options::Options;
    use crate::study::tests::scored;

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
        assert!(findings.tables[0].table.csv().contains("\ntuned learning rate,1,"));
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
