//! The loss that scores 1: the initial loss, or the 95th percentile of the last losses.

use crate::quantile;

/// The loss at initialisation, which scores 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initial {
    /// Mean of all finite first losses of the task. All optimizers share the distribution of initial parameters, so pooling
    /// removes the noise of the minibatches.
    Pooled,
    /// Each curve's own first loss. A curve that starts non-finite, or at or below the best, scores 1.
    OwnFirstPoint,
}

/// The loss that scores 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Upper {
    /// The loss at initialisation (section 3.3).
    Initial(Initial),
    /// The 95th percentile over configurations of the last loss, non-finite ones left out ("last quantile", Appendix
    /// A.4).
    Percentile95OfFinal,
}

impl Upper {
    /// The loss that scores 1, from the mean of all first losses and the last loss of each configuration. With
    /// [`Initial::OwnFirstPoint`] it is the mean of what each curve has.
    pub(crate) fn reference(self, initial: f64, last: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::Initial(_) => initial,
            Self::Percentile95OfFinal => {
                let finite: Vec<f64> = last.filter(|loss| loss.is_finite()).collect();
                quantile(&finite, 0.95)
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the interpolation is exact on these numbers")]
mod tests {
    use super::*;

    #[test]
    fn references_by_hand() {
        let check = |upper: Upper, last: &[f64], expected: f64| {
            assert_eq!(upper.reference(7.0, last.iter().copied()), expected, "{upper:?}");
        };
        check(Upper::Initial(Initial::Pooled), &[1.0], 7.0);
        check(Upper::Initial(Initial::OwnFirstPoint), &[1.0], 7.0);
        // Between the last two of 21 numbers, 0 to 20, lie 5 %.
        let numbers: Vec<f64> = (0..=20).map(f64::from).collect();
        check(Upper::Percentile95OfFinal, &numbers, 19.0);
        check(Upper::Percentile95OfFinal, &[f64::NAN, 2.0, f64::INFINITY], 2.0);
        assert!(Upper::Percentile95OfFinal.reference(7.0, std::iter::empty()).is_nan());
    }
}
