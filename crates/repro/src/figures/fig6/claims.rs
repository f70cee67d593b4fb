//! The claims of figure 6.

use taskset_figures::{Claim, Verdict, significant};
use taskset_meta::groups::{GroupsResult, TrainJ};
use taskset_meta::quantile;

use super::fall::{Fall, MIN_GROUPS, SHUFFLES, TIE};
use super::sizes::{MIN_IN_GROUP, Size, large, power};
use super::{FAMILY, mixture};
use crate::claim_thresholds::{MIN_RESAMPLINGS, cannot_tell, claim, few_resamplings};
use crate::figures::common::alike;

/// A rank correlation that is clearly negative.
const FALLS: f64 = -0.3;

/// Ratios of the mixture: no fall, and a fall.
const FLAT: f64 = 0.9;
const FALLEN: f64 = 0.8;

/// What the claims are made from.
pub(super) struct Measured<'a> {
    pub(super) sizes: &'a [Size],
    /// Lists in halves.
    pub(super) judged: &'a GroupsResult,
    pub(super) fall: &'a Fall,
    pub(super) k: usize,
    pub(super) resamplings: usize,
    pub(super) candidates: usize,
}

impl Measured<'_> {
    /// What a verdict lacks; empty if nothing.
    fn shortages(&self) -> Vec<String> {
        let mut lacks = alike(FAMILY.info().name, self.candidates, self.k);
        let large = large(self.sizes).len();
        if large < MIN_GROUPS {
            lacks.push(format!(
                "the number of orders of magnitude with at least {MIN_IN_GROUP} tasks is {large}, and {MIN_GROUPS} are needed"
            ));
        }
        if self.resamplings < MIN_RESAMPLINGS {
            lacks.push(few_resamplings(self.resamplings));
        }
        lacks
    }
}

/// The claims, from lists that are tested on tasks that they have not seen.
pub(super) fn claims(measured: Option<&Measured<'_>>) -> Vec<Claim> {
    let of = |judge: fn(&Measured<'_>) -> (Vec<String>, Verdict)| match measured {
        None => (Vec::new(), cannot_tell("nothing was measured")),
        Some(measured) => {
            let lacks = measured.shortages();
            let (words, verdict) = judge(measured);
            (words, if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
    };
    vec![
        claim(
            "Lists are best around the sizes that they were learned on, and fall off as the tested tasks become more different in \
             size.",
            format!(
                "Over all pairs of different sizes with at least {MIN_IN_GROUP} tasks: the rank correlation between the distance in \
                 orders of magnitude and the ratio. It is compared with the same measure after the sizes were shuffled among the tasks, \
                 {SHUFFLES} times. Holds if it is at most {} and below the 5th percentile of the shuffles; does not hold if it is above \
                 their median; otherwise, and if k is more than half of the configurations, the measurement cannot tell. A size's own \
                 list is learned on one half of its tasks and tested on the other half.",
                minus(FALLS)
            ),
            of(falls_off),
        ),
        claim(
            "A list that was learned on a uniform mixture of the sizes does not fall off.",
            format!(
                "Holds if its median ratio is at least {FLAT} on every size with at least {MIN_IN_GROUP} tasks; does not hold if it is \
                 below {FALLEN} on one of them; otherwise, and if every ratio is 1 or k is more than half of the configurations, the \
                 measurement cannot tell. Lists are tested on tasks that they have not seen. A size's own list is learned on half of \
                 its tasks, and the mixture on more tasks, so the ratio can be above 1."
            ),
            of(mixture_is_flat),
        ),
    ]
}

/// A number with a real minus sign.
fn minus(number: f64) -> String {
    number.to_string().replace('-', "−")
}

fn falls_off(measured: &Measured<'_>) -> (Vec<String>, Verdict) {
    let Fall { observed, shuffled, pairs } = measured.fall;
    if observed.is_nan() || shuffled.len() * 2 < SHUFFLES as usize {
        return (
            Vec::new(),
            cannot_tell("there is no correlation, because all ratios or all distances are equal"),
        );
    }
    let [low, median] = [0.05, 0.5].map(|q| quantile(shuffled, q));
    let words = vec![format!(
        "rank correlation {} over {pairs} pairs of sizes; with shuffled sizes, the median is {} and the 5th percentile {}",
        significant(*observed),
        significant(median),
        significant(low)
    )];
    let verdict = match *observed {
        r if r <= FALLS && r < low => Verdict::Holds,
        r if r > median => Verdict::DoesNotHold,
        r if r < low => cannot_tell("the correlation is weak"),
        _ => cannot_tell("shuffled sizes often have as low a correlation"),
    };
    (words, verdict)
}

fn mixture_is_flat(measured: &Measured<'_>) -> (Vec<String>, Verdict) {
    let &Measured { sizes, judged, k, .. } = measured;
    let large = large(sizes);
    let ratios = mixture(judged, k, TrainJ::OfTestGroup, sizes.len());
    let own = judged.ratios(k, TrainJ::OfTestGroup);
    let of_lists = large.iter().flat_map(|&train| large.iter().map(move |&test| (train, test)));
    let mut all = of_lists.map(|(train, test)| own[train][test]).chain(large.iter().flat_map(|&i| ratios[i]));
    if all.all(|ratio| ratio.is_nan() || (ratio - 1.0).abs() <= TIE) {
        return (Vec::new(), cannot_tell("all lists have the same J: every ratio is 1"));
    }
    let lowest =
        large.iter().map(|&i| (ratios[i][1], sizes[i].exponent)).filter(|(ratio, _)| !ratio.is_nan());
    let Some((ratio, exponent)) = lowest.min_by(|a, b| a.0.total_cmp(&b.0)) else {
        return (Vec::new(), cannot_tell("there is no ratio of the mixture"));
    };
    let words = vec![format!(
        "lowest median ratio {}, on tasks of {} to {} parameters",
        significant(ratio),
        power(exponent),
        power(exponent + 1)
    )];
    let verdict = match ratio {
        r if r >= FLAT => Verdict::Holds,
        r if r < FALLEN => Verdict::DoesNotHold,
        _ => cannot_tell("the lowest ratio lies between the two marks"),
    };
    (words, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first claim of these correlations.
    fn fall(observed: f64, shuffled: f64) -> Claim {
        let size = |exponent| Size { exponent, tasks: (0..5).collect(), parameters: 10.0 };
        let sizes: Vec<Size> = (0..4).map(size).collect();
        let judged = GroupsResult { j: vec![vec![vec![0.5]; 4]; 4], mixture: vec![vec![vec![0.5]; 4]] };
        let fall = Fall { observed, shuffled: vec![shuffled; SHUFFLES as usize], pairs: 12 };
        let measured =
            Measured { sizes: &sizes, judged: &judged, fall: &fall, k: 1, resamplings: 20, candidates: 20 };
        claims(Some(&measured)).remove(0)
    }

    #[test]
    fn a_fall_is_judged_against_shuffled_sizes() {
        let check = |observed, shuffled, expected| {
            let claim = fall(observed, shuffled);
            assert_eq!(claim.verdict.words(), expected, "{claim:?}");
        };
        check(-0.5, 0.0, "holds");
        check(-0.2, 0.0, "cannot tell");
        check(-0.5, -0.5, "cannot tell");
        check(0.1, 0.0, "does not hold");
        check(-0.5, -0.6, "does not hold");
        check(f64::NAN, 0.0, "cannot tell");
        assert!(fall(-0.5, 0.0).rule.contains("at most −0.3"));
    }
}
