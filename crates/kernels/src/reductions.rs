//! Reductions of the columns of tall matrices: gradients of biases, pooling.

use super::Scalar;
use super::math::Math;

/// How the numbers of a column become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnReduction {
    /// Their sum.
    Sum,
    /// The sum of their squares.
    SquaredSum,
    /// The largest; NaN if one of them is.
    Max,
}

/// Numbers that are reduced side by side, so that narrow matrices fill the vectors, too.
const SIDE_BY_SIDE: usize = 256;

/// See [`Scalar::reduce_columns`].
#[inline(always)]
pub(super) fn reduce<T: Scalar, M: Math<T>>(matrix: &[T], reduction: ColumnReduction, out: &mut [T]) {
    let sum = |a: T, b: T| a + b;
    // NaN wins: once it is `a`, no comparison replaces it, and if it is `b`, it is taken.
    let max = |a: T, b: T| if b > a || b.is_nan() { b } else { a };
    match reduction {
        ColumnReduction::Sum => fold(matrix, T::zero(), sum, sum, out),
        ColumnReduction::SquaredSum => fold(matrix, T::zero(), |a, b| M::mul_add(b, b, a), sum, out),
        ColumnReduction::Max => fold(matrix, T::neg_infinity(), max, max, out),
    }
}

/// The gradient with respect to `x` of the maxima `y` of its columns, given their gradient `dy`. Equal maxima share it,
/// as in TensorFlow. A maximum that is NaN equals nothing, so 0 / 0 makes its column NaN, as there. `ties` is room for one number per column.
pub fn maxima_backward<T: Scalar>(x: &[T], y: &[T], dy: &[T], dx: &mut [T], ties: &mut Vec<T>) {
    let n = y.len();
    let equal = |x: T, y: T| if x == y { T::one() } else { T::zero() };
    ties.clear();
    ties.resize(n, T::zero());
    for x in x.chunks_exact(n) {
        for (ties, (&x, &y)) in ties.iter_mut().zip(x.iter().zip(y)) {
            *ties = *ties + equal(x, y);
        }
    }
    for (dx, x) in dx.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
        let columns = x.iter().zip(&*ties).zip(y.iter().zip(dy));
        for (dx, ((&x, &ties), (&y, &dy))) in dx.iter_mut().zip(columns) {
            *dx = equal(x, y) / ties * dy;
        }
    }
}

#[inline(always)]
fn fold<T: Scalar>(
    matrix: &[T],
    neutral: T,
    add: impl Fn(T, T) -> T,
    join: impl Fn(T, T) -> T,
    out: &mut [T],
) {
    let n = out.len();
    let mut partial = [neutral; SIDE_BY_SIDE];
    let rows = SIDE_BY_SIDE / n;
    let mut rest = matrix;
    if rows > 1 && matrix.len() >= 2 * rows * n {
        let partial = &mut partial[..rows * n];
        let chunks = matrix.chunks_exact(rows * n);
        rest = chunks.remainder();
        for chunk in chunks {
            partial.iter_mut().zip(chunk).for_each(|(a, &x)| *a = add(*a, x));
        }
        for row in partial.chunks_exact(n) {
            out.iter_mut().zip(row).for_each(|(a, &x)| *a = join(*a, x));
        }
    }
    for row in rest.chunks_exact(n) {
        out.iter_mut().zip(row).for_each(|(a, &x)| *a = add(*a, x));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;
    use proptest::prelude::*;

    fn check<T: Scalar>(backend: Backend, matrix: &[f64], n: usize, tolerance: f64) {
        let cast: Vec<T> = matrix.iter().map(|&x| T::of(x)).collect();
        for (reduction, first) in [
            (ColumnReduction::Sum, 1.0),
            (ColumnReduction::SquaredSum, 2.0),
            (ColumnReduction::Max, f64::NEG_INFINITY),
        ] {
            let mut out = vec![T::of(first); n];
            T::reduce_columns(backend, &cast, reduction, &mut out);
            for (j, found) in out.iter().enumerate() {
                let column = matrix.iter().skip(j).step_by(n);
                let expected = match reduction {
                    ColumnReduction::Sum => first + column.sum::<f64>(),
                    ColumnReduction::SquaredSum => first + column.map(|x| x * x).sum::<f64>(),
                    ColumnReduction::Max => column.fold(first, |a, &b| a.max(b)),
                };
                let error = (found.wide() - expected).abs();
                assert!(error <= tolerance * matrix.len() as f64, "{reduction:?} {found} {expected}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_shape(rows in 1usize..90, n in prop::sample::select(&[1, 3, 16, 22, 64, 100, 128, 257][..])) {
            let matrix: Vec<f64> = (0..rows * n).map(|i| f64::from((i * 7919 % 1013) as u32) / 507.0 - 1.0).collect();
            for backend in Backend::available() {
                check::<f32>(backend, &matrix, n, 4e-7);
                check::<f64>(backend, &matrix, n, 1e-15);
            }
        }
    }

    #[test]
    fn nan_reaches_its_column_wherever_it_stands() {
        for backend in Backend::available() {
            for at in [0, 5, 299] {
                let mut matrix = vec![1f32; 300 * 3];
                matrix[at * 3 + 1] = f32::NAN;
                for reduction in [ColumnReduction::Sum, ColumnReduction::SquaredSum, ColumnReduction::Max] {
                    let mut out = [0.0; 3];
                    f32::reduce_columns(backend, &matrix, reduction, &mut out);
                    assert!(out[1].is_nan() && !out[0].is_nan() && !out[2].is_nan(), "{reduction:?} {at}");
                }
            }
        }
    }
}
