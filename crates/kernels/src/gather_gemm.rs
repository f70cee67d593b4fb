//! Matrix products whose left operand is read through tables of offsets: convolutions without copies of their windows.
//!
//! The windows of an image are a matrix whose element (i, k) lies at `rows[i] + depth[k]`: where window i starts, and
//! where pixel and channel k lie within a window. Reading it in place saves a copy nine times as large as the image,
//! which other libraries make. Rows and columns can be left out, so padding is never multiplied.
//!
//! As in [`gemm`](super::gemm), every element of C is one chain of (fused) multiply-adds in the order of k.

use super::Scalar;
use super::gemm::{First, Micro, Start};

/// An entry of a table: a row, or a column, of the left operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its part of the place of its elements in the left operand's data.
    pub offset: u32,
    /// The row of the result (for rows) or of the right operand (for columns) that goes with it.
    pub row: u32,
}

/// A left operand A with `A[i, k] = data[rows[i].offset + depth[k].offset]`.
#[derive(Clone, Copy, Debug)]
pub struct Gathered<'a, T> {
    /// The elements.
    pub data: &'a [T],
    /// The rows of A; each is added to the row `row` of the result, no two to the same.
    pub rows: &'a [Entry],
    /// The columns of A; each is multiplied with the row `row` of the right operand.
    pub depth: &'a [Entry],
}

/// Most columns of A that are summed at a time: that part of a panel of B stays in the first-level cache.
const DEPTH: usize = 144;

/// `c[rows[i].row] = start + Σ_k a[i, k] b[depth[k].row]`, then `max(·, 0)` if `relu`, for row-major `b` and `c` of `n`
/// columns. Rows of `c` that the table does not name stay as they are.
///
/// # Panics
/// If a table points beyond an operand.
pub(crate) fn product<T: Scalar, K: GatherMicro<T>>(
    a: Gathered<'_, T>,
    b: &[T],
    start: Start<'_, T>,
    relu: bool,
    n: usize,
    c: &mut [T],
) {
    let largest = |entries: &[Entry]| {
        let fold = |(offset, row): (u32, u32), e: &Entry| (offset.max(e.offset), row.max(e.row));
        let (offset, row) = entries.iter().fold((0, 0), fold);
        (offset as usize, row as usize)
    };
    if a.rows.is_empty() || n == 0 {
        return;
    }
    let ((row, c_row), (column, b_row)) = (largest(a.rows), largest(a.depth));
    // The kernels read and write through pointers, so everything they may touch is checked here.
    assert!(c.len() >= (c_row + 1) * n, "the result ends before row {c_row}");
    if !a.depth.is_empty() {
        assert!(a.data.len() > row + column, "the left operand ends before {row} + {column}");
        assert!(b.len() >= (b_row + 1) * n, "the right operand ends before row {b_row}");
    }
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), n, "a bias has one element per column");
    }
    // Tiles of nearly equal height, so that none is thin.
    let tiles = a.rows.len().div_ceil(K::MR);
    let (height, extra) = (a.rows.len() / tiles, a.rows.len() % tiles);
    let row = |tile: usize| tile * height + tile.min(extra);
    // Blocks of nearly equal depth, too: each costs reading and writing C.
    let block = a.depth.len().div_ceil(a.depth.len().div_ceil(DEPTH).max(1));
    let mut k0 = 0;
    loop {
        let depth = &a.depth[k0..a.depth.len().min(k0 + block)];
        let last = k0 + depth.len() == a.depth.len();
        for col in (0..n).step_by(K::NR) {
            let cols = K::NR.min(n - col);
            let first = match start {
                _ if k0 > 0 => First::Accumulate,
                Start::Zero => First::Zero,
                Start::Accumulate => First::Accumulate,
                Start::Bias(bias) => First::Bias(bias[col..col + cols].as_ptr()),
            };
            for t in 0..tiles {
                let tile = GatherTile {
                    rows: &a.rows[row(t)..row(t + 1)],
                    depth,
                    cols,
                    a: a.data.as_ptr(),
                    b: b[col..].as_ptr(),
                    whole: b.len() >= b_row * n + col + K::NR,
                    c: c[col..].as_mut_ptr(),
                    stride: n,
                    first,
                    relu: relu && last,
                };
                // SAFETY: every sum of offsets lies within A, every row within B and C, by the assertions above; a
                // tile has between 1 and MR rows; `K` is chosen by a backend, which exists only where its
                // instructions do.
                unsafe { K::gather_tile(&tile) };
            }
        }
        k0 += depth.len();
        if last {
            return;
        }
    }
}

/// One tile of C: up to `MR` rows of `cols` columns, summed over `depth`.
pub(crate) struct GatherTile<'a, T> {
    pub(crate) rows: &'a [Entry],
    pub(crate) depth: &'a [Entry],
    pub(crate) cols: usize,
    pub(crate) a: *const T,
    /// The first of `cols` columns of row 0; so is `c`.
    pub(crate) b: *const T,
    /// Whether `NR` elements of every row of B that the table names are readable from that column on.
    pub(crate) whole: bool,
    pub(crate) c: *mut T,
    /// Elements from row to row of B and of C.
    pub(crate) stride: usize,
    pub(crate) first: First<T>,
    pub(crate) relu: bool,
}

/// A kernel for tiles whose left operand is gathered.
pub(crate) trait GatherMicro<T: Scalar>: Micro<T> {
    /// Computes one tile.
    ///
    /// # Safety
    /// `1 <= rows.len() <= MR`, `1 <= cols <= NR`, all elements that the tables name readable (writable for `c`), `NR` of each
    /// row of B if it is `whole`, a bias of `cols` elements, and the machine has the kernel's instructions.
    unsafe fn gather_tile(tile: &GatherTile<'_, T>);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    fn random(n: usize, label: &str) -> Vec<f64> {
        let mut stream = StreamId::root("gather-tests").child(label).stream();
        (0..n).map(|_| stream.normal()).collect()
    }

    /// Tables with offsets and rows in no order; rows are distinct.
    fn tables(rows: usize, depth: usize) -> [Vec<Entry>; 2] {
        let mut stream = StreamId::root("gather-tests").child("tables").stream();
        let mut table = |n: usize, spare: usize| -> Vec<Entry> {
            let mut places: Vec<u32> = (0..(n + spare) as u32).collect();
            for i in (1..places.len()).rev() {
                places.swap(i, stream.below(i as u64 + 1) as usize);
            }
            places[..n].iter().map(|&row| Entry { offset: stream.below(500) as u32, row }).collect()
        };
        [table(rows, 3), table(depth, 2)]
    }

    /// One product on every backend, in both precisions, against the definition.
    fn check(rows: usize, depth: usize, n: usize, start: u8, relu: bool) {
        let [rows, depth] = tables(rows, depth);
        let (a, b) = (random(1000, "a"), random((depth.len() + 2) * n, "b"));
        let (bias, c0) = (random(n, "bias"), random((rows.len() + 3) * n, "c"));
        let (mut expected, mut magnitude) = (c0.clone(), vec![0.0; c0.len()]);
        for row in &rows {
            for j in 0..n {
                let at = row.row as usize * n + j;
                let first = [0.0, c0[at], bias[j]][start as usize];
                let term = |k: &Entry| a[(row.offset + k.offset) as usize] * b[k.row as usize * n + j];
                let sum = first + depth.iter().map(term).sum::<f64>();
                expected[at] = if relu { sum.max(0.0) } else { sum };
                magnitude[at] = first.abs() + depth.iter().map(|k| term(k).abs()).sum::<f64>();
            }
        }
        fn run<T: Scalar>(
            backend: Backend,
            [a, b, bias, c0]: [&[f64]; 4],
            [rows, depth]: [&[Entry]; 2],
            start: u8,
            relu: bool,
        ) -> Vec<T> {
            let cast = |x: &[f64]| x.iter().map(|&x| T::of(x)).collect::<Vec<_>>();
            let (a, b, bias, mut c) = (cast(a), cast(b), cast(bias), cast(c0));
            let start = [Start::Zero, Start::Accumulate, Start::Bias(&bias)][start as usize];
            let a = Gathered { data: &a, rows, depth };
            T::gather_gemm(backend, a, &b, start, relu, bias.len(), &mut c);
            c
        }
        let (data, tables) = ([&a[..], &b, &bias, &c0], [&rows[..], &depth]);
        let mut vector: Option<Vec<f32>> = None;
        for backend in Backend::available() {
            let single = run::<f32>(backend, data, tables, start, relu);
            let double = run::<f64>(backend, data, tables, start, relu);
            for (i, &e) in expected.iter().enumerate() {
                // Rounding of the inputs and of all additions, each at most 2⁻²⁴ of the terms' magnitude.
                let bound = (depth.len() + 4) as f64 * 6e-8 * magnitude[i] + 3e-7;
                assert!((f64::from(single[i]) - e).abs() <= bound, "{} at {i}", backend.name());
                assert!((double[i] - e).abs() <= (depth.len() + 4) as f64 * 2e-16 * magnitude[i] + 1e-15);
            }
            if backend != Backend::portable() {
                let first = vector.get_or_insert_with(|| single.clone());
                assert!(first.iter().zip(&single).all(|(x, y)| x.to_bits() == y.to_bits()));
            }
        }
    }

    #[test]
    fn nothing_to_sum_and_several_blocks() {
        check(5, 0, 7, 2, true);
        check(5, 0, 7, 0, false);
        check(0, 4, 7, 0, false);
        check(30, 2 * DEPTH + 9, 33, 2, true);
        check(30, 2 * DEPTH, 64, 1, false);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn every_shape(rows in 1usize..40, depth in 1usize..300, n in 1usize..75, start in 0u8..3, relu: bool) {
            check(rows, depth, n, start, relu);
        }
    }

    #[test]
    fn nan_reaches_the_result_through_the_rectifier() {
        let table: Vec<Entry> = (0..3).map(|i| Entry { offset: i, row: i }).collect();
        for backend in Backend::available() {
            let mut c = [0f32; 3 * 40];
            let a = [1.0, 1.0, 1.0, 1.0, f32::NAN];
            let a = Gathered { data: &a, rows: &table, depth: &table };
            f32::gather_gemm(backend, a, &[1.0; 3 * 40], Start::Zero, true, 40, &mut c);
            assert!(c[..80].iter().all(|c| (c - 3.0).abs() < 1e-6) && c[80..].iter().all(|c| c.is_nan()));
        }
    }
}
