//! The paper's claims about figure 3 (section 5.1), each with the rule by which it is checked.
//!
//! The rules and thresholds stand in this folder and in [`crate::claim_thresholds`] before anything is measured.

mod boxes;
mod efficiency;
#[cfg(test)]
mod tests;

use taskset_figures::Claim;
use taskset_meta::learned_against_random::{Method, MethodCurve};

use super::analysis::Numbers;
use boxes::{min_max_box, percentile_box};
use efficiency::{every_baseline, same_space};

/// All claims, in the paper's order.
pub(crate) fn check(numbers: &Numbers) -> Vec<Claim> {
    vec![same_space(numbers), every_baseline(numbers), min_max_box(numbers), percentile_box(numbers)]
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
