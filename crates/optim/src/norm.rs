//! Norms that have the same bits on every machine.

use crate::Real;

/// Partial sums, so that the sum need not wait for each addition.
const LANES: usize = 8;

/// The square of the Euclidean norm, summed in f64. The order of the additions depends on the length alone.
pub(crate) fn sum_of_squares<T: Real>(values: &[T]) -> f64 {
    let wide = |x: T| x.to_f64().unwrap_or(f64::NAN);
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += wide(x) * wide(x);
        }
    }
    let tail: f64 = rest.iter().map(|&x| wide(x) * wide(x)).sum();
    sums.into_iter().sum::<f64>() + tail
}

/// The Euclidean norm.
pub(crate) fn norm<T: Real>(values: &[T]) -> f64 {
    sum_of_squares(values).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_counts_once() {
        for n in 0..40 {
            let values: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let expected: usize = (0..n).map(|i| i * i).sum();
            assert!((sum_of_squares(&values) - expected as f64).abs() < 1e-9, "{n}");
        }
        assert!(norm(&[0.0f32, f32::NAN]).is_nan());
        assert!((norm(&[3e30f32, 4e30]) - 5e30).abs() < 1e24);
    }
}
