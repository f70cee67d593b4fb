//! The losses of classifiers over rows of logits; gradients replace the logits.

use super::Scalar;
use super::math::Math;

/// Number of classes, after checking the shapes.
#[inline(always)]
fn classes<T>(logits: &[T], labels: &[u16]) -> usize {
    if labels.is_empty() {
        assert!(logits.is_empty(), "logits without labels");
        return 1;
    }
    let classes = logits.len() / labels.len();
    assert!(classes > 0 && classes * labels.len() == logits.len(), "one row of logits per label");
    classes
}

/// Largest element, ignoring NaN (which the sum of exponentials keeps).
#[inline(always)]
fn maximum<T: Scalar>(row: &[T]) -> T {
    let pick = |a: T, b: T| if b > a { b } else { a };
    let mut lanes = [T::neg_infinity(); 16];
    let chunks = row.chunks_exact(16);
    let mut max = chunks.remainder().iter().copied().fold(T::neg_infinity(), pick);
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = pick(*lane, x);
        }
    }
    for lane in lanes {
        max = pick(max, lane);
    }
    max
}

/// Sum in sixteen interleaved parts.
#[inline(always)]
pub(super) fn total<T: Scalar>(row: &[T]) -> T {
    let mut lanes = [T::zero(); 16];
    let chunks = row.chunks_exact(16);
    let rest: T = chunks.remainder().iter().copied().sum();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = *lane + x;
        }
    }
    lanes.iter().copied().sum::<T>() + rest
}

/// With this many classes or more, the loop over one row vectorises well.
const MANY_CLASSES: usize = 32;

/// See [`Scalar::softmax_cross_entropy`]. Row by row for many classes; else in three passes, so that the exponentials
/// vectorise for few classes too.
#[inline(always)]
pub(super) fn softmax_cross_entropy<T: Scalar, M: Math<T>>(
    logits: &mut [T],
    labels: &[u16],
    scale: Option<T>,
) -> f64 {
    let classes = classes(logits, labels);
    let mut sum = 0.0;
    let gradient = |row: &mut [T], label: u16, normalizer: T| {
        if let Some(scale) = scale {
            let factor = scale / normalizer;
            for x in row.iter_mut() {
                *x = *x * factor;
            }
            let target = &mut row[usize::from(label)];
            *target = *target - scale;
        }
    };
    if classes >= MANY_CLASSES {
        for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
            let max = maximum(row);
            sum -= (row[usize::from(label)] - max).wide();
            let normalizer = exponentials::<T, M>(row, max);
            sum += M::ln(normalizer).wide();
            gradient(row, label, normalizer);
        }
        return sum;
    }
    for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
        let max = maximum(row);
        for x in row.iter_mut() {
            *x = *x - max;
        }
        sum -= row[usize::from(label)].wide();
    }
    for x in logits.iter_mut() {
        *x = M::exp(*x);
    }
    for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
        let normalizer = total(row);
        sum += M::ln(normalizer).wide();
        gradient(row, label, normalizer);
    }
    sum
}

/// `exp(x − max)` in place of every `x`; their sum as [`total`] adds.
#[inline(always)]
fn exponentials<T: Scalar, M: Math<T>>(row: &mut [T], max: T) -> T {
    let mut lanes = [T::zero(); 16];
    let mut chunks = row.chunks_exact_mut(16);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = M::exp(*x - max);
            *lane = *lane + *x;
        }
    }
    let mut rest = T::zero();
    for x in chunks.into_remainder() {
        *x = M::exp(*x - max);
        rest = rest + *x;
    }
    lanes.iter().copied().sum::<T>() + rest
}

/// See [`Scalar::sigmoid_squared_error`].
#[inline(always)]
pub(super) fn sigmoid_squared_error<T: Scalar, M: Math<T>>(
    logits: &mut [T],
    labels: &[u16],
    scale: Option<T>,
) -> f64 {
    let classes = classes(logits, labels);
    for x in logits.iter_mut() {
        *x = M::sigmoid(*x);
    }
    let one = T::one();
    let factor = scale.map(|scale| T::of(2.0) * scale / T::of(classes as f64));
    let mut sum = 0.0;
    for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
        let label = usize::from(label);
        let target = row[label];
        // The square of the target is never added, because subtracting it later would leave its rounding error.
        row[label] = T::zero();
        let mut squares = T::zero();
        for x in row.iter() {
            squares = squares + *x * *x;
        }
        let error = target - one;
        sum += (squares + error * error).wide();
        if let Some(factor) = factor {
            for x in row.iter_mut() {
                *x = factor * *x * *x * (one - *x);
            }
            row[label] = factor * error * target * (one - target);
        }
    }
    sum / classes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;
    use taskset_rng::StreamId;

    type Loss<T> = fn(Backend, &mut [T], &[u16], Option<T>) -> f64;

    fn logits(n: usize) -> Vec<f64> {
        let mut stream = StreamId::root("loss-tests").stream();
        (0..n).map(|_| 3.0 * stream.normal()).collect()
    }

    /// Losses by their definitions.
    fn reference(logits: &[f64], labels: &[u16], softmax: bool) -> f64 {
        let classes = logits.len() / labels.len();
        let rows = logits.chunks_exact(classes).zip(labels);
        rows.map(|(row, &label)| {
            let label = usize::from(label);
            if softmax {
                row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[label]
            } else {
                let error = |(j, x): (usize, &f64)| {
                    (f64::from(u8::from(j == label)) - 1.0 / (1.0 + (-x).exp())).powi(2)
                };
                row.iter().enumerate().map(error).sum::<f64>() / classes as f64
            }
        })
        .sum()
    }

    #[test]
    fn values_and_gradients_follow_the_definition() {
        let losses: [(Loss<f32>, Loss<f64>, bool); 2] = [
            (f32::softmax_cross_entropy, f64::softmax_cross_entropy, true),
            (f32::sigmoid_squared_error, f64::sigmoid_squared_error, false),
        ];
        for (single, double, softmax) in losses {
            for classes in [1, 2, 10, 16, 101] {
                let labels: Vec<u16> = (0..7).map(|i| (i * 5 % classes) as u16).collect();
                let x = logits(7 * usize::from(classes as u16));
                let expected = reference(&x, &labels, softmax);
                let mut gradient = x.clone();
                let loss = double(Backend::portable(), &mut gradient, &labels, Some(0.25));
                assert!((loss - expected).abs() < 1e-12 * expected.max(1.0));
                let mut without = x.clone();
                let same = double(Backend::portable(), &mut without, &labels, None);
                assert!((loss - same).abs() < 1e-15);
                for i in 0..x.len() {
                    let moved = |by: f64| {
                        let mut x = x.clone();
                        x[i] += by;
                        reference(&x, &labels, softmax)
                    };
                    let difference = 0.25 * (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    assert!((gradient[i] - difference).abs() < 1e-8, "{i}: {} {difference}", gradient[i]);
                }
                for backend in Backend::available() {
                    let mut small: Vec<f32> = x.iter().map(|&x| x as f32).collect();
                    let loss = single(backend, &mut small, &labels, Some(0.25));
                    assert!((loss - expected).abs() < 3e-6 * expected.max(1.0));
                    assert!(small.iter().zip(&gradient).all(|(a, b)| (f64::from(*a) - b).abs() < 3e-7));
                }
            }
        }
    }

    #[test]
    fn squared_errors_far_below_one_keep_their_digits() {
        for (label, x) in [(0u16, [30f32, -6.0, -7.0, -5.5]), (2, [-8.0, -9.0, 40.0, -9.5])] {
            let wide = x.map(f64::from);
            let expected = reference(&wide, &[label], false);
            for backend in Backend::available() {
                for scale in [None, Some(1.0)] {
                    let loss = f32::sigmoid_squared_error(backend, &mut x.clone(), &[label], scale);
                    assert!((loss / expected - 1.0).abs() < 1e-5, "{loss} {expected}");
                }
            }
        }
    }

    #[test]
    fn divergence_is_never_hidden() {
        let losses: [Loss<f32>; 2] = [f32::softmax_cross_entropy, f32::sigmoid_squared_error];
        for backend in Backend::available() {
            for (which, loss) in losses.iter().enumerate() {
                for place in 0..20 {
                    let mut x = [0.5f32; 20];
                    x[place] = f32::NAN;
                    assert!(loss(backend, &mut x, &[3], Some(1.0)).is_nan());
                    assert!(x[place].is_nan());
                    let mut x = [0.5f32; 20];
                    x[place] = f32::INFINITY;
                    let value = loss(backend, &mut x, &[3], Some(1.0));
                    // An infinite logit has no softmax, but a saturated sigmoid.
                    assert_eq!(value.is_finite(), which == 1, "{value}");
                }
            }
        }
        // Large finite logits are stable.
        let mut x = [1e30f32, 0.0, -1e30];
        let loss = f32::softmax_cross_entropy(Backend::detect(), &mut x, &[1], Some(1.0));
        assert!((loss / 1e30 - 1.0).abs() < 1e-6);
        assert!(x.iter().zip([1.0, -1.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
