//! Dense kernels on slices, with a fixed order of summation so that results do not depend on the machine.

use super::real::Real;

/// Independent partial sums of [`dot`]: enough to fill the vector registers.
const LANES: usize = 16;

/// `Σ a_i b_i` over the shorter of the two lengths.
#[inline]
pub(crate) fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    let mut sums = [T::zero(); LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: T = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(&x, &y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    halve(sums) + rest
}

/// The sum of the lanes, by halves. Not inlined: LLVM would carry its last, narrow steps into the loop of [`dot`], which
/// then fills half a vector register at a time.
#[inline(never)]
fn halve<T: Real>(mut sums: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let other = sums[lane + width];
            sums[lane] += other;
        }
        width /= 2;
    }
    sums[0]
}

/// Copies a row-major matrix of `cols` columns to its row-major transpose.
pub(crate) fn transpose<T: Copy>(matrix: &[T], cols: usize, out: &mut [T]) {
    /// Squares of which one line of each row and column stays in the cache.
    const BLOCK: usize = 16;
    let rows = matrix.len() / cols.max(1);
    if rows == 1 || cols == 1 {
        return out.copy_from_slice(matrix);
    }
    for i0 in (0..rows).step_by(BLOCK) {
        for j0 in (0..cols).step_by(BLOCK) {
            for i in i0..rows.min(i0 + BLOCK) {
                for j in j0..cols.min(j0 + BLOCK) {
                    out[j * rows + i] = matrix[i * cols + j];
                }
            }
        }
    }
}

/// `y += factor · x`.
#[inline]
pub(crate) fn axpy<T: Real>(factor: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// `x *= factor`.
#[inline]
pub(crate) fn scale<T: Real>(factor: T, x: &mut [T]) {
    for x in x {
        *x *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_products_of_every_length_up_to_three_blocks() {
        for n in 0..=3 * LANES {
            let a: Vec<f64> = (0..n).map(|i| i as f64 + 1.0).collect();
            let b: Vec<f64> = (0..n).map(|i| 2.0 - i as f64).collect();
            let naive: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            // Small integers: every order of summation is exact.
            assert!((dot(&a, &b) - naive).abs() < 1e-9, "{n}");
        }
    }

    #[test]
    fn transposing_swaps_indices() {
        for (rows, cols) in [(1, 1), (1, 5), (5, 1), (3, 7), (17, 16), (40, 33)] {
            let matrix: Vec<usize> = (0..rows * cols).collect();
            let mut out = vec![usize::MAX; rows * cols];
            transpose(&matrix, cols, &mut out);
            assert!((0..rows * cols).all(|e| out[(e % cols) * rows + e / cols] == e), "{rows} {cols}");
        }
    }

    #[test]
    fn not_a_number_is_kept() {
        assert!(dot(&[f32::NAN, 0.0], &[0.0, 1.0]).is_nan());
        assert!(dot(&[f32::INFINITY; 40], &[0.0; 40]).is_nan());
    }
}
