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

/// Rows whose multiples [`weigh_rows`] adds together, so that `g` is read and written once for all of them.
const ROWS: usize = 4;

/// One pass over a row-major matrix of `x.len()` columns, each row read from memory once: `weight(i, w_i · x)` for every
/// row `w_i`, and `g += Σ_i weight_i w_i`. Sums have the order of [`dot`], and of [`axpy`] row by row.
pub(crate) fn weigh_rows<T: Real>(
    matrix: &[T],
    x: &[T],
    mut weight: impl FnMut(usize, T) -> T,
    mut g: Option<&mut [T]>,
) {
    let n = x.len().max(1);
    for (block, rows) in matrix.chunks(ROWS * n).enumerate() {
        let mut weights = [T::zero(); ROWS];
        for (i, (row, to)) in rows.chunks_exact(n).zip(&mut weights).enumerate() {
            *to = weight(ROWS * block + i, dot(row, x));
        }
        let Some(g) = g.as_deref_mut() else { continue };
        if rows.len() == ROWS * n {
            let (a, rest) = rows.split_at(n);
            let (b, rest) = rest.split_at(n);
            let (c, d) = rest.split_at(n);
            for ((((g, &a), &b), &c), &d) in g.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *g = *g + weights[0] * a + weights[1] * b + weights[2] * c + weights[3] * d;
            }
        } else {
            for (row, &weight) in rows.chunks_exact(n).zip(&weights) {
                axpy(weight, row, g);
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
    fn weighing_rows_is_a_product_with_the_transpose_row_by_row() {
        for n in [1, 3, 4, 5, 8, 18, 33] {
            let matrix: Vec<f32> = (0..n * n).map(|i| (i as f32).sin()).collect();
            let x: Vec<f32> = (0..n).map(|i| (i as f32).cos()).collect();
            let (mut g, mut expected, mut seen) = (x.clone(), x.clone(), Vec::new());
            let weight = |i, product: f32| {
                seen.push((i, product.to_bits()));
                product - i as f32
            };
            weigh_rows(&matrix, &x, weight, Some(&mut g));
            for (i, row) in matrix.chunks_exact(n).enumerate() {
                let product = dot(row, &x);
                assert_eq!(seen[i], (i, product.to_bits()));
                axpy(product - i as f32, row, &mut expected);
            }
            assert!(
                seen.len() == n && g.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{n}"
            );
        }
    }

    #[test]
    fn not_a_number_is_kept() {
        assert!(dot(&[f32::NAN, 0.0], &[0.0, 1.0]).is_nan());
        assert!(dot(&[f32::INFINITY; 40], &[0.0; 40]).is_nan());
    }
}
