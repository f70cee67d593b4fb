//! The paper's claims about figure 3 (section 5.1), each with the rule by which it is checked.
//!
//! The rules and thresholds stand in this folder before anything is measured. A claim gets a verdict only from a measurement that
//! could have come out either way; everything else is "cannot tell", with the reason.

mod boxes;
mod efficiency;
#[cfg(test)]
mod tests;

use taskset_figures::{Claim, Verdict};
use taskset_meta::experiment::{Method, MethodCurve};

use super::analysis::Numbers;
use boxes::{min_max_box, percentile_box};
use efficiency::{every_baseline, same_space};

/// The share of the resamplings that must agree. With three quarters, the middle half of the differences, which is the
/// band that the paper draws, lies on one side of zero.
const AGREEMENT: f64 = 0.75;

/// Resamplings that shares are taken of: a quarter is then at least five of them.
const MIN_RESAMPLINGS: usize = 20;

/// All claims, in the paper's order. Where a scale gives no verdicts, `withheld` says why.
pub(crate) fn check(numbers: &Numbers, withheld: Option<&str>) -> Vec<Claim> {
    let mut claims =
        vec![same_space(numbers), every_baseline(numbers), min_max_box(numbers), percentile_box(numbers)];
    if let Some(reason) = withheld {
        for claim in &mut claims {
            claim.verdict = cannot_tell(reason);
        }
    }
    claims
}

/// How a curve is called in words.
pub(crate) fn label(curve: &MethodCurve) -> String {
    match curve.method {
        Method::Learned => format!("Learned list: {}", curve.family),
        Method::Random => format!("Random search: {}", curve.family),
        Method::RandomInBox { lower, upper } if lower <= 0.0 && upper >= 1.0 => {
            format!("Random search: {}, min–max box", curve.family)
        }
        Method::RandomInBox { lower, upper } => {
            format!(
                "Random search: {}, {:.0}–{:.0} percentile box",
                curve.family,
                lower * 100.0,
                upper * 100.0
            )
        }
    }
}

fn cannot_tell(reason: impl Into<String>) -> Verdict {
    Verdict::CannotTell { reason: reason.into() }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn few_resamplings(number: usize) -> String {
    format!("the number of resamplings is {number}, and at least {MIN_RESAMPLINGS} are needed")
}
