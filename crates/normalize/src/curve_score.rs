//! How one curve becomes one number: scaled and clipped points, collapsed; and its lowest loss.

use crate::{Collapse, Normalizer};

impl Normalizer {
    /// One curve, scaled, clipped and collapsed. Has at least one point.
    pub(crate) fn collapse<T: Copy + Into<f64>>(&self, losses: &[T], best: f64, upper: f64) -> f64 {
        let scale = upper - best;
        if !(scale.is_finite() && scale > 0.0) {
            return 1.0;
        }
        let point = |loss: f64| {
            let scaled = (loss - best) / scale;
            if loss.is_finite() && scaled < 1.0 { scaled } else { 1.0 }
        };
        let ends = || [losses[0], losses[losses.len() - 1]].map(|loss| point(loss.into()));
        let sum = || fold(losses, point, 0.0, |sum, x| sum + x);
        let count = losses.len() as f64;
        match self.collapse {
            Collapse::Trapezoid if losses.len() > 1 => {
                (sum() - 0.5 * ends().iter().sum::<f64>()) / (count - 1.0)
            }
            Collapse::Mean | Collapse::Trapezoid => sum() / count,
            Collapse::Minimum => fold(losses, point, 1.0, f64::min),
            Collapse::Final => ends()[1],
        }
    }
}

/// Folds the points of a curve in their order. The points of a block are computed before they are folded: they do not wait for each
/// other, so the processor computes several at once. This is most of the work on the curves of a thousand tasks.
fn fold<T: Copy + Into<f64>>(
    losses: &[T],
    point: impl Fn(f64) -> f64,
    start: f64,
    step: impl Fn(f64, f64) -> f64,
) -> f64 {
    let mut points = [0.0; 64];
    losses.chunks(points.len()).fold(start, |folded, block| {
        let points = &mut points[..block.len()];
        points.iter_mut().zip(block).for_each(|(to, &loss)| *to = point(loss.into()));
        points.iter().copied().fold(folded, &step)
    })
}

/// The lowest finite loss; NaN if there is none.
pub(crate) fn lowest<T: Copy + Into<f64>>(losses: &[T]) -> f64 {
    // Eight side by side, which do not wait for each other.
    let mut lowest = [f64::INFINITY; 8];
    let lower = |lowest: &mut f64, loss: f64| {
        *lowest = if loss.is_finite() && loss < *lowest { loss } else { *lowest };
    };
    let (blocks, rest) = losses.as_chunks::<8>();
    for block in blocks {
        lowest.iter_mut().zip(block).for_each(|(lowest, &loss)| lower(lowest, loss.into()));
    }
    lowest.iter_mut().zip(rest).for_each(|(lowest, &loss)| lower(lowest, loss.into()));
    let lowest = lowest.into_iter().fold(f64::INFINITY, f64::min);
    if lowest < f64::INFINITY { lowest } else { f64::NAN }
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    reason = "losses are multiples of powers of two, on which the arithmetic is exact"
)]
mod tests {
    use super::*;
    use crate::named;

    const NAN: f32 = f32::NAN;

    #[test]
    fn long_curves_are_scored_as_point_by_point() {
        // Longer than the blocks of both loops. What is lower than all others is neither first nor last of its place in a block.
        let mut losses: Vec<f32> = (0..150_u16).map(|i| 64.0 + f32::from(i * 37 % 101)).collect();
        (losses[3], losses[40], losses[77]) = (NAN, f32::NEG_INFINITY, 32.0);
        assert_eq!(lowest(&losses), 32.0);
        let points = losses
            .iter()
            .map(|&loss| if loss.is_finite() { ((f64::from(loss) - 32.0) / 64.0).min(1.0) } else { 1.0 });
        let normalizer = |name| named(name).unwrap();
        let sum: f64 = points.clone().sum();
        assert_eq!(normalizer("default").collapse(&losses, 32.0, 96.0), sum / 150.0);
        assert_eq!(normalizer("min").collapse(&losses[78..], 16.0, 80.0), 0.75);
        let ends = points.clone().next().unwrap() + points.clone().next_back().unwrap();
        assert_eq!(normalizer("trapezoid").collapse(&losses, 32.0, 96.0), (sum - 0.5 * ends) / 149.0);
    }

    #[test]
    fn without_a_finite_loss_there_is_no_lowest() {
        assert!(lowest(&[NAN, f32::INFINITY, f32::NEG_INFINITY]).is_nan());
        assert!(lowest::<f64>(&[]).is_nan());
    }
}
