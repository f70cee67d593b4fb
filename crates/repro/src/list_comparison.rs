//! A learned list against another method over resamplings, at several budgets: the rule that most claims share.

use taskset_figures::{Verdict, count, significant};
use taskset_meta::{ResampledCurve, quantile};

use crate::claim_thresholds::{AGREEMENT, cannot_tell, percent};

/// Budgets at which curves are compared: the paper's axes are logarithmic.
const BUDGETS: [usize; 6] = [1, 2, 5, 10, 20, 50];

/// Two methods at one budget.
pub(crate) struct AtBudget {
    pub(crate) k: usize,
    /// Medians of J over the resamplings.
    first: f64,
    second: f64,
    /// Shares of the resamplings in which the first method is strictly better, and strictly worse.
    pub(crate) better: f64,
    pub(crate) worse: f64,
}

impl AtBudget {
    /// In words; the names say what the two methods are.
    pub(crate) fn words(&self, first: &str, second: &str) -> String {
        format!(
            "k = {}: J {} with {first}, {} with {second}; better in {} of the resamplings, worse in {}",
            self.k,
            significant(self.first),
            significant(self.second),
            percent(self.better),
            percent(self.worse)
        )
    }
}

/// Compares two methods, `raw[r][k - 1]` each, at the budgets up to `most`. Budgets that one of them does not reach in some
/// resampling are left out.
pub(crate) fn compare(first: &[Vec<f64>], second: &[Vec<f64>], most: usize) -> Vec<AtBudget> {
    BUDGETS.into_iter().filter(|&k| k <= most).filter_map(|k| at(first, second, k)).collect()
}

/// Compares two methods at one budget; none where one of them does not reach it in some resampling.
pub(crate) fn at(first: &[Vec<f64>], second: &[Vec<f64>], k: usize) -> Option<AtBudget> {
    let column =
        |raw: &[Vec<f64>]| raw.iter().map(|row| row.get(k - 1).copied()).collect::<Option<Vec<f64>>>();
    let (a, b) = (column(first)?, column(second)?);
    let share = |wins: fn(&f64, &f64) -> bool| {
        a.iter().zip(&b).filter(|(a, b)| wins(a, b)).count() as f64 / a.len() as f64
    };
    (!a.is_empty() && a.len() == b.len()).then(|| AtBudget {
        k,
        first: quantile(&a, 0.5),
        second: quantile(&b, 0.5),
        better: share(|a, b| a < b),
        worse: share(|a, b| a > b),
    })
}

/// Better at every budget: holds. Worse at some: does not hold. Otherwise the measurement cannot tell.
pub(crate) fn verdict(compared: &[AtBudget]) -> Verdict {
    if compared.iter().any(|at| at.worse >= AGREEMENT) {
        return Verdict::DoesNotHold;
    }
    let open: Vec<String> =
        compared.iter().filter(|at| at.better < AGREEMENT).map(|at| at.k.to_string()).collect();
    if compared.is_empty() {
        return cannot_tell("there is no budget at which they can be compared");
    }
    if open.is_empty() {
        return Verdict::Holds;
    }
    cannot_tell(format!(
        "at k = {} the middle half of the differences over the resamplings contains zero",
        open.join(", ")
    ))
}

/// Whether the curve of the largest size is better after `k` tries than those of all smaller ones, `sizes` in rising order. In
/// words and as a verdict; `noun` says in the plural what there is more of.
pub(crate) fn largest_is_best(
    sizes: &[usize],
    curves: &[ResampledCurve],
    k: usize,
    noun: &str,
) -> (Vec<String>, Verdict) {
    let (Some((largest, smaller)), Some(most)) = (curves.split_last(), sizes.last()) else {
        return (Vec::new(), cannot_tell("no list was learned"));
    };
    let compared: Vec<(String, AtBudget)> = sizes
        .iter()
        .zip(smaller)
        .filter_map(|(size, curve)| Some((count(*size as u64), at(&largest.raw, &curve.raw, k)?)))
        .collect();
    let words = compared.iter().map(|(size, at)| {
        let better = percent(at.better);
        format!("{} {noun} are better than {size} in {better} of the resamplings", count(*most as u64))
    });
    let open: Vec<&str> =
        compared.iter().filter(|(_, at)| at.better < AGREEMENT).map(|(size, _)| size.as_str()).collect();
    let verdict = if compared.is_empty() {
        cannot_tell(format!("no two numbers of {noun} can be compared at k = {k}"))
    } else if compared.iter().any(|(_, at)| at.worse >= AGREEMENT) {
        Verdict::DoesNotHold
    } else if open.is_empty() {
        Verdict::Holds
    } else {
        cannot_tell(format!("the resamplings disagree about {} {noun}", open.join(", ")))
    };
    (words.collect(), verdict)
}

/// The first budget at which a curve of medians is at most `target`; none if it never is.
pub(crate) fn reached(band: &[Option<[f64; 3]>], target: f64) -> Option<usize> {
    band.iter().position(|at| at.is_some_and(|[_, median, _]| median <= target)).map(|i| i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_by_hand() {
        let rows = |value: f64| vec![vec![value; 5]; 4];
        let compared = compare(&rows(0.2), &rows(0.3), 10);
        assert_eq!(
            compared.iter().map(|at| at.k).collect::<Vec<_>>(),
            [1, 2, 5],
            "no further than the curves go"
        );
        assert_eq!(verdict(&compared), Verdict::Holds);
        assert_eq!(verdict(&compare(&rows(0.3), &rows(0.2), 10)), Verdict::DoesNotHold);
        assert!(
            verdict(&compare(&rows(0.3), &rows(0.3), 2)).reason().is_some_and(|why| why.contains("k = 1, 2"))
        );
        assert!(verdict(&[]).reason().is_some());
        assert!(
            compared[0].words("a", "b").starts_with("k = 1: J 0.2000 with a, 0.3000 with b; better in 100 %")
        );
    }

    #[test]
    fn a_target_is_reached_by_the_median() {
        let band = [Some([0.0, 0.5, 1.0]), None, Some([0.0, 0.2, 1.0])];
        assert_eq!((reached(&band, 0.3), reached(&band, 0.1)), (Some(3), None));
    }
}
