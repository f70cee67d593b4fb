//! The summary of a reproduction: its files, its figures and its claims, as `--json` prints it.

use std::path::PathBuf;

use serde::Serialize;
use taskset_figures::{Claim, Verdict, counted};

use crate::drawn_figure::Drawn;

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The written files, the report last.
    pub files: Vec<PathBuf>,
    /// Which figures were drawn, and what the others lack.
    pub figures: Vec<FigureSummary>,
    /// The paper's claims beside what was measured.
    pub claims: Vec<ClaimSummary>,
    /// How many of them hold, do not hold, and are open.
    pub verdicts: Verdicts,
    /// Curves trained now.
    pub trained: usize,
    /// Curves that were there before.
    pub reused: usize,
    /// Seconds of training.
    pub train_seconds: f64,
    /// Seconds of reading and scoring the curves.
    pub scoring_seconds: f64,
    /// Seconds of analysis and drawing.
    pub analysis_seconds: f64,
    /// `synthetic` if the data of any task is, else `partial` if any is partial, else `real`.
    pub data: &'static str,
}

/// How the claims came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Claims that hold.
    pub hold: usize,
    /// Claims that do not hold.
    pub do_not_hold: usize,
    /// Claims of which the measurement cannot tell.
    pub cannot_tell: usize,
}

impl Verdicts {
    pub(crate) fn of(claims: &[Claim]) -> Self {
        let mut verdicts = Self::default();
        for claim in claims {
            match claim.verdict {
                Verdict::Holds => verdicts.hold += 1,
                Verdict::DoesNotHold => verdicts.do_not_hold += 1,
                Verdict::CannotTell { .. } => verdicts.cannot_tell += 1,
            }
        }
        verdicts
    }
}

/// `4 claims: 2 hold, 1 does not hold, 1 cannot tell`.
impl std::fmt::Display for Verdicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hold, do_not_hold, cannot_tell } = *self;
        let claims = counted((hold + do_not_hold + cannot_tell) as u64, "claim");
        let holds = if hold == 1 { "holds" } else { "hold" };
        let does = if do_not_hold == 1 { "does" } else { "do" };
        write!(f, "{claims}: {hold} {holds}, {do_not_hold} {does} not hold, {cannot_tell} cannot tell")
    }
}

/// How a figure came out.
#[derive(Clone, Debug, Serialize)]
pub struct FigureSummary {
    /// Its name, e.g. `fig3`.
    pub figure: &'static str,
    /// Names of its pictures, without ending; empty where nothing could be drawn.
    pub pictures: Vec<&'static str>,
    /// What it lacks, each in a sentence.
    pub lacks: Vec<String>,
    /// Seconds of its analysis.
    pub seconds: f64,
}

impl FigureSummary {
    pub(crate) fn of(figure: &Drawn) -> Self {
        Self {
            figure: figure.row.name,
            pictures: figure.pictures.iter().map(|picture| picture.stem).collect(),
            lacks: figure.lacks.iter().map(|lack| lack.sentence().to_owned()).collect(),
            seconds: figure.seconds,
        }
    }
}

/// A claim and its verdict.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimSummary {
    /// The figure, e.g. `fig3`.
    pub figure: &'static str,
    /// What the paper says.
    pub claim: String,
    /// How the verdict follows from the numbers.
    pub rule: String,
    /// What was measured here.
    pub measured: String,
    /// `holds`, `does not hold` or `cannot tell`.
    pub verdict: String,
    /// Why the measurement cannot tell; none where it can.
    pub reason: Option<String>,
}

impl ClaimSummary {
    pub(crate) fn new(figure: &'static str, claim: Claim) -> Self {
        Self {
            figure,
            verdict: claim.verdict.words().to_owned(),
            reason: claim.verdict.reason().map(str::to_owned),
            claim: claim.text,
            rule: claim.rule,
            measured: claim.measured.join("; "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_counted_in_words() {
        let claim =
            |verdict| Claim { text: String::new(), rule: String::new(), measured: Vec::new(), verdict };
        let open = || Verdict::CannotTell { reason: "few".to_owned() };
        let check = |verdicts: Vec<Verdict>, words: &str| {
            let claims: Vec<Claim> = verdicts.into_iter().map(claim).collect();
            assert_eq!(Verdicts::of(&claims).to_string(), words);
        };
        check(vec![Verdict::Holds], "1 claim: 1 holds, 0 do not hold, 0 cannot tell");
        check(vec![Verdict::DoesNotHold, open(), open()], "3 claims: 0 hold, 1 does not hold, 2 cannot tell");
        let summary = ClaimSummary::new("fig3", claim(open()));
        assert_eq!((summary.verdict.as_str(), summary.reason.as_deref()), ("cannot tell", Some("few")));
        assert_eq!(ClaimSummary::new("fig3", claim(Verdict::Holds)).reason, None);
    }
}
