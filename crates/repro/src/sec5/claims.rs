//! The paper's claims about figure 3 (section 5.1), each with the rule by which it is checked.

use taskset_figures::{Claim, Verdict};
use taskset_meta::experiment::{Method, MethodCurve};

use super::analysis::Figure3;

/// Budgets at which curves are compared: the paper's axis is logarithmic.
const BUDGETS: [usize; 6] = [1, 2, 5, 10, 20, 50];

/// All claims, in the paper's order.
pub(crate) fn check(figure: &Figure3) -> Vec<Claim> {
    let curves = &figure.result.curves;
    let learned = &curves[0];
    let mut claims = vec![same_space(learned, &curves[1])];
    let others: Vec<&MethodCurve> = curves[2..].iter().collect();
    claims.push(every_baseline(learned, &others));
    claims.push(min_max_box(figure));
    claims.push(percentile_box(figure));
    claims
}

/// How a curve is called in words.
pub(crate) fn label(curve: &MethodCurve) -> String {
    match curve.method {
        Method::Learned => format!("Learned list ({})", curve.family),
        Method::Random => format!("Rand: {}", curve.family),
        Method::RandomInBox { lower, upper } if lower <= 0.0 && upper >= 1.0 => {
            format!("Rand: {}, min–max box", curve.family)
        }
        Method::RandomInBox { lower, upper } => {
            format!("Rand: {}, {:.0}–{:.0} percentile box", curve.family, lower * 100.0, upper * 100.0)
        }
    }
}

fn median(curve: &MethodCurve, k: usize) -> Option<f64> {
    Some(curve.quartiles.get(k - 1).copied().flatten()?[1])
}

/// The smallest budget at which the median of a curve is at most `target`.
fn budget_to_reach(curve: &MethodCurve, target: f64) -> Option<usize> {
    (1..=curve.quartiles.len()).find(|&k| median(curve, k).is_some_and(|m| m <= target))
}

/// Budgets to compare at: where at most half of the random candidates are used up. Beyond, random search without
/// replacement runs out of configurations and must meet the list.
fn budgets(curve: &MethodCurve) -> impl Iterator<Item = usize> {
    let most = curve.candidates.iter().copied().min().unwrap_or(0) / 2;
    BUDGETS.into_iter().filter(move |&k| k <= most)
}

fn same_space(learned: &MethodCurve, random: &MethodCurve) -> Claim {
    let mut measured = Vec::new();
    let mut holds = true;
    for k in budgets(random) {
        let (Some(list), Some(rand)) = (median(learned, k), median(random, k)) else { continue };
        let wins = random.learned_is_better.get(k - 1).copied().flatten().unwrap_or(0.0);
        holds &= list < rand && wins >= 0.75;
        measured.push(format!("k = {k}: {list:.3} against {rand:.3} ({:.0} % of resamplings)", wins * 100.0));
    }
    let reach = median(learned, 5).and_then(|target| budget_to_reach(random, target)).map_or_else(
        || "random search never reaches what 5 entries of the list do".to_owned(),
        |k| format!("random search needs {k} trials for what 5 entries of the list reach"),
    );
    measured.push(reach);
    Claim {
        text: "A learned list is far more efficient than random search in the space it was learned from (adam8p), on \
               tasks that it was not learned on. Rule: its median J is lower, and it is better in at least three \
               quarters of the resamplings, at every budget up to half of the candidates."
            .to_owned(),
        verdict: if budgets(random).next().is_some() { verdict(holds) } else { Verdict::NotMeasured },
        measured: measured.join("; "),
    }
}

fn every_baseline(learned: &MethodCurve, others: &[&MethodCurve]) -> Claim {
    let mut measured = Vec::new();
    let (mut holds, mut compared) = (true, 0);
    for other in others {
        let (mut better, mut all) = (0, 0);
        for k in budgets(other) {
            let (Some(list), Some(rand)) = (median(learned, k), median(other, k)) else { continue };
            all += 1;
            better += usize::from(list < rand);
        }
        if all == 0 {
            measured.push(format!("{}: too few candidates to compare", label(other)));
            continue;
        }
        compared += 1;
        holds &= better == all;
        measured.push(format!("{}: better at {better} of {all} budgets", label(other)));
    }
    Claim {
        text: "In all cases, the smaller and the constrained search spaces included, learning the list is more \
               efficient. Rule: its median J is lower at every budget up to half of the baseline's candidates."
            .to_owned(),
        verdict: if compared == others.len() { verdict(holds) } else { Verdict::NotMeasured },
        measured: measured.join("; "),
    }
}

fn min_max_box(figure: &Figure3) -> Claim {
    let b = &figure.boxes[0];
    Claim {
        text: "The box between the smallest and the largest best hyperparameters covers nearly all of the search \
               space. Rule: at least half of the candidates are inside."
            .to_owned(),
        verdict: verdict(2 * b.inside >= b.of),
        measured: format!("{} of {} candidates, {:.0} % of the volume", b.inside, b.of, b.volume * 100.0),
    }
}

fn percentile_box(figure: &Figure3) -> Claim {
    let b = &figure.boxes[1];
    Claim {
        text: "The box between the 5th and 95th percentiles has less than a tenth of the volume and leaves about 100 of \
               1,000 configurations. Rule: the volume is at most a tenth."
            .to_owned(),
        verdict: verdict(b.volume <= 0.1),
        measured: format!("{} of {} candidates, {:.1} % of the volume", b.inside, b.of, b.volume * 100.0),
    }
}

fn verdict(holds: bool) -> Verdict {
    if holds { Verdict::Holds } else { Verdict::DoesNotHold }
}
