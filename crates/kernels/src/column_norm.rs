//! Kernels of batch norm: the statistics of the columns of tall matrices, and what is computed from them.
//!
//! A matrix has a row for each pixel and a column for each channel. All functions take what belongs to the columns `w`
//! numbers wide, where `w` is a multiple of the number of columns: each chunk of `w` numbers of the matrix is handled at a
//! time, so that matrices of few columns fill the vectors, too. Totals are then partial: those of the same column are
//! added by the caller.

use super::math::Math;
use super::vectorised::kernels;
use super::{Backend, Scalar};

kernels! {
    /// The kernels of batch norm for a number type.
    pub trait ColumnNorm: Sized {
        /// Adds the numbers of each column to `totals`, `[w]`. `partial`, `[w]`, is overwritten.
        fn column_totals(backend: Backend, x: &[Self], partial: &mut [Self], totals: &mut [f64]);

        /// Adds `(x − mean)²` of each column to `totals`, `[w]`. `partial`, `[w]`, is overwritten.
        fn column_squares(backend: Backend, x: &[Self], mean: &[Self], partial: &mut [Self], totals: &mut [f64]);

        /// `y = (x − mean) scale + shift`, then the rectifier `max(·, 0)` if `relu`.
        fn normalise_columns(
            backend: Backend,
            x: &[Self],
            mean: &[Self],
            scale: &[Self],
            shift: &[Self],
            relu: bool,
            y: &mut [Self],
        );

        /// Adds `dy` of each column to the first half of `totals`, `[2, w]`, and `dy (x − mean)` to the second half.
        /// `partial`, `[2, w]`, is overwritten.
        fn column_products(
            backend: Backend,
            dy: &[Self],
            x: &[Self],
            mean: &[Self],
            partial: &mut [Self],
            totals: &mut [f64],
        );

        /// `dx = a dy + (b (x − mean) + c)`.
        fn normalise_columns_backward(
            backend: Backend,
            dy: &[Self],
            x: &[Self],
            mean: &[Self],
            abc: [&[Self]; 3],
            dx: &mut [Self],
        );
    }
}

/// Chunks whose numbers are added in the matrix's precision, before the sum is added in double precision.
const CHUNKS: usize = 32;

/// Adds the sums of short blocks, which `add` leaves in `partial`, to `totals`.
#[inline(always)]
fn in_blocks<T: Scalar>(x: &[T], partial: &mut [T], totals: &mut [f64], add: impl Fn(&[T], &mut [T])) {
    let width = totals.len();
    for block in x.chunks(CHUNKS * width) {
        partial.fill(T::zero());
        for chunk in block.chunks(width) {
            add(chunk, partial);
        }
        for (total, &part) in totals.iter_mut().zip(&*partial) {
            *total += part.wide();
        }
    }
}

#[inline(always)]
fn column_totals<T: Scalar, M: Math<T>>(x: &[T], partial: &mut [T], totals: &mut [f64]) {
    in_blocks(x, partial, totals, |chunk, partial| {
        for (sum, &x) in partial.iter_mut().zip(chunk) {
            *sum = *sum + x;
        }
    });
}

#[inline(always)]
fn column_squares<T: Scalar, M: Math<T>>(x: &[T], mean: &[T], partial: &mut [T], totals: &mut [f64]) {
    in_blocks(x, partial, totals, |chunk, partial| {
        for ((sum, &x), &mean) in partial.iter_mut().zip(chunk).zip(mean) {
            let centred = x - mean;
            *sum = M::mul_add(centred, centred, *sum);
        }
    });
}

#[inline(always)]
fn normalise_columns<T: Scalar, M: Math<T>>(
    x: &[T],
    mean: &[T],
    scale: &[T],
    shift: &[T],
    relu: bool,
    y: &mut [T],
) {
    let zero = T::zero();
    for (y, x) in y.chunks_mut(mean.len()).zip(x.chunks(mean.len())) {
        let columns = mean.iter().zip(scale).zip(shift);
        if relu {
            for ((y, &x), ((&mean, &scale), &shift)) in y.iter_mut().zip(x).zip(columns) {
                let value = M::mul_add(x - mean, scale, shift);
                // NaN stays NaN.
                *y = if value <= zero { zero } else { value };
            }
        } else {
            for ((y, &x), ((&mean, &scale), &shift)) in y.iter_mut().zip(x).zip(columns) {
                *y = M::mul_add(x - mean, scale, shift);
            }
        }
    }
}

#[inline(always)]
fn column_products<T: Scalar, M: Math<T>>(
    dy: &[T],
    x: &[T],
    mean: &[T],
    partial: &mut [T],
    totals: &mut [f64],
) {
    let width = mean.len();
    let blocks = dy.chunks(CHUNKS * width).zip(x.chunks(CHUNKS * width));
    for (dy, x) in blocks {
        partial.fill(T::zero());
        let (sums, products) = partial.split_at_mut(width);
        for (dy, x) in dy.chunks(width).zip(x.chunks(width)) {
            let columns = sums.iter_mut().zip(products.iter_mut()).zip(mean);
            for ((&dy, &x), ((sum, product), &mean)) in dy.iter().zip(x).zip(columns) {
                *sum = *sum + dy;
                *product = M::mul_add(dy, x - mean, *product);
            }
        }
        for (total, &part) in totals.iter_mut().zip(&*partial) {
            *total += part.wide();
        }
    }
}

#[inline(always)]
fn normalise_columns_backward<T: Scalar, M: Math<T>>(
    dy: &[T],
    x: &[T],
    mean: &[T],
    [a, b, c]: [&[T]; 3],
    dx: &mut [T],
) {
    let width = mean.len();
    for (dx, (dy, x)) in dx.chunks_mut(width).zip(dy.chunks(width).zip(x.chunks(width))) {
        let columns = mean.iter().zip(a).zip(b.iter().zip(c));
        for ((dx, (&dy, &x)), ((&mean, &a), (&b, &c))) in dx.iter_mut().zip(dy.iter().zip(x)).zip(columns) {
            *dx = M::mul_add(a, dy, M::mul_add(b, x - mean, c));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    fn random(n: usize, label: &str) -> Vec<f64> {
        let mut stream = StreamId::root("column-norm-tests").child(label).stream();
        (0..n).map(|_| stream.normal()).collect()
    }

    /// What all functions compute for a matrix with this mean, in the order of the trait.
    fn run<T: Scalar>(backend: Backend, width: usize, x: &[f64], offset: f64, relu: bool) -> [Vec<f64>; 5] {
        let cast = |x: &[f64]| x.iter().map(|&x| T::of(x)).collect::<Vec<_>>();
        let wide = |x: &[T]| x.iter().map(|x| x.wide()).collect::<Vec<_>>();
        let x = cast(&x.iter().map(|x| x + offset).collect::<Vec<_>>());
        let [dy, mean] = [random(x.len(), "dy"), random(width, "mean")];
        let (dy, mean) = (cast(&dy), cast(&mean.iter().map(|mean| mean + offset).collect::<Vec<_>>()));
        let [a, b, c] = ["a", "b", "c"].map(|label| cast(&random(width, label)));
        let mut partial = vec![T::nan(); 2 * width];
        let [mut sums, mut squares, mut products] = [1, 1, 2].map(|n| vec![0.5; n * width]);
        T::column_totals(backend, &x, &mut partial[..width], &mut sums);
        T::column_squares(backend, &x, &mean, &mut partial[..width], &mut squares);
        let (mut y, mut dx) = (x.clone(), x.clone());
        T::normalise_columns(backend, &x, &mean, &a, &b, relu, &mut y);
        T::column_products(backend, &dy, &x, &mean, &mut partial, &mut products);
        T::normalise_columns_backward(backend, &dy, &x, &mean, [&a, &b, &c], &mut dx);
        [sums, squares, wide(&y), products, wide(&dx)]
    }

    /// The definitions, for one number a column at a time.
    fn expected(width: usize, x: &[f64], offset: f64, relu: bool) -> [Vec<f64>; 5] {
        let [dy, mean] = [random(x.len(), "dy"), random(width, "mean")];
        let [a, b, c] = ["a", "b", "c"].map(|label| random(width, label));
        let [mut sums, mut squares, mut products] = [1, 1, 2].map(|n| vec![0.5; n * width]);
        let (mut y, mut dx) = (Vec::new(), Vec::new());
        for (i, (&x, &dy)) in x.iter().zip(&dy).enumerate() {
            let j = i % width;
            let centred = x - mean[j];
            sums[j] += x + offset;
            squares[j] += centred * centred;
            products[j] += dy;
            products[width + j] += dy * centred;
            let value = centred * a[j] + b[j];
            y.push(if relu { value.max(0.0) } else { value });
            dx.push(a[j] * dy + b[j] * centred + c[j]);
        }
        [sums, squares, y, products, dx]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_shape(width in 1usize..80, chunks in 1usize..80, cut in 0.0f64..1.0, relu: bool) {
            let x = random(chunks * width - (cut * width as f64) as usize, "x");
            let exact = expected(width, &x, 0.0, relu);
            let mut vector: Option<[Vec<f64>; 5]> = None;
            for backend in Backend::available() {
                let (single, double) = (run::<f32>(backend, width, &x, 0.0, relu), run::<f64>(backend, width, &x, 0.0, relu));
                for (exact, (single, double)) in exact.iter().zip(single.iter().zip(&double)) {
                    prop_assert_eq!(exact.len(), single.len());
                    for (&exact, (&single, &double)) in exact.iter().zip(single.iter().zip(double)) {
                        // A number may be the sum of 80 squares.
                        prop_assert!((single - exact).abs() < 2e-4 && (double - exact).abs() < 1e-12);
                    }
                }
                if backend != Backend::portable() {
                    let first = vector.get_or_insert_with(|| single.clone());
                    prop_assert_eq!(&*first, &single, "vectorised kernels have the same bits");
                }
            }
        }
    }

    /// Single precision adds few numbers, so that a million of them lose no more digits than a hundred.
    #[test]
    fn totals_of_long_columns_are_accurate() {
        let (width, rows) = (64, 20_000);
        let x = random(rows * width, "long");
        for backend in Backend::available() {
            let [sums, squares, ..] = run::<f32>(backend, width, &x, 100.0, false);
            let [exact_sums, exact_squares, ..] = expected(width, &x, 100.0, false);
            for j in 0..width {
                assert!((sums[j] / exact_sums[j] - 1.0).abs() < 1e-6, "{} {}", sums[j], exact_sums[j]);
                // The mean alone, near 100, is rounded by up to 4e-6 of the deviation.
                assert!((squares[j] / exact_squares[j] - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn nan_stays_in_its_column() {
        for backend in Backend::available() {
            let mut x = vec![1f32; 300];
            x[4] = f32::NAN;
            let (ones, mut y, mut partial, mut totals) = ([1f32; 3], x.clone(), [0.0; 3], [0.0; 3]);
            f32::column_totals(backend, &x, &mut partial, &mut totals);
            assert!(totals[1].is_nan() && totals[0].is_finite() && totals[2].is_finite());
            f32::normalise_columns(backend, &x, &ones, &ones, &ones, true, &mut y);
            assert!(y.iter().enumerate().all(|(i, y)| y.is_nan() == (i == 4)));
        }
    }
}
