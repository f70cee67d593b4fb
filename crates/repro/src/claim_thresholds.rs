//! What the rules of all claims share: thresholds, and words of verdicts.
//!
//! The rules and thresholds of a figure stand in its module before anything is measured. A claim gets a verdict only from a
//! measurement that could have come out either way; everything else is "cannot tell", with the reason.

use taskset_figures::{Claim, Verdict};

/// The share of the resamplings that must agree. With three quarters, the middle half of the differences, which is the
/// band that the paper draws, lies on one side of zero.
pub(crate) const AGREEMENT: f64 = 0.75;

/// Resamplings that shares are taken of: a quarter is then at least five of them.
pub(crate) const MIN_RESAMPLINGS: usize = 20;

/// Tasks that a mean score needs: with fewer, one task moves it by more than a tenth.
pub(crate) const MIN_TASKS: usize = 10;

/// A claim from its words, its rule, what was measured and the verdict.
pub(crate) fn claim(
    text: impl Into<String>,
    rule: String,
    (measured, verdict): (Vec<String>, Verdict),
) -> Claim {
    Claim { text: text.into(), rule, measured, verdict }
}

pub(crate) fn cannot_tell(reason: impl Into<String>) -> Verdict {
    Verdict::CannotTell { reason: reason.into() }
}

/// `75 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

pub(crate) fn few_resamplings(number: usize) -> String {
    format!("the number of resamplings is {number}, and at least {MIN_RESAMPLINGS} are needed")
}
