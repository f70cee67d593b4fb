//! Matrix products C = start + A·B for the small and medium shapes of TaskSet's models.
//!
//! B is read in panels of a few vectors' width, A by broadcasting single elements, so A may have any strides and is
//! packed only where its strides would thrash the cache. Every element of C is one chain of (fused) multiply-adds in
//! the order of k, whatever the tile it falls into: a row's result does not depend on how many rows are computed with
//! it, and the two x86-64 vector kernels agree bit for bit.

use super::prefetch::prefetch;
use super::transpose::{self, SIDE};
use super::{MatrixRef, Scalar};

/// What the product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a, T> {
    /// Nothing: C is overwritten.
    Zero,
    /// The present contents of C.
    Accumulate,
    /// A row vector, one element per column of C.
    Bias(&'a [T]),
}

/// Buffers for packed operands; grow to the largest product once and are reused.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T> {
    b: Packed<T>,
    a: Vec<T>,
    /// One panel of B, one block deep.
    panel: Vec<T>,
}

/// A right operand in the layout that the kernels of one backend read: packed once, used in many products.
#[derive(Clone, Debug, Default)]
pub struct Packed<T> {
    data: Vec<T>,
    rows: usize,
    cols: usize,
    /// Columns of a panel.
    width: usize,
}

/// A right operand as the tiles read it: panels of `width` columns, `panel` elements apart, rows `stride` apart.
#[derive(Clone, Copy)]
struct Panels<'a, T> {
    data: &'a [T],
    width: usize,
    stride: usize,
    panel: usize,
    rows: usize,
    cols: usize,
}

impl<T> Packed<T> {
    fn panels(&self) -> Panels<'_, T> {
        let (width, panel) = (self.width, self.rows * self.width);
        Panels { data: &self.data, width, stride: width, panel, rows: self.rows, cols: self.cols }
    }
}

/// `c = start + a · b` for row-major, contiguous `c`, then `max(·, 0)` if `relu` (NaN stays NaN).
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn product<T: Scalar, K: Micro<T>>(
    a: MatrixRef<'_, T>,
    b: MatrixRef<'_, T>,
    start: Start<'_, T>,
    relu: bool,
    c: &mut [T],
    scratch: &mut Scratch<T>,
) {
    // Copying a panel pays off if many tiles read it, and always if its rows are not contiguous.
    let packed = b.col_stride != 1 || (a.rows.div_ceil(K::MR) > 3 && b.cols.div_ceil(K::NR) > 1);
    let Scratch { b: whole, a: packed_a, panel } = scratch;
    let right = if packed && a.rows.div_ceil(K::MR) <= CHUNK_TILES {
        Right::Matrix(b, panel)
    } else if packed {
        pack::<T, K>(b, whole);
        Right::Panels(whole.panels())
    } else {
        // Few rows have few sums to interleave, unless their tiles are wide.
        let width = if a.rows <= THIN { K::THIN_NR } else { K::NR };
        let (rows, cols) = (b.rows, b.cols);
        Right::Panels(Panels { data: b.data, width, stride: b.row_stride, panel: width, rows, cols })
    };
    tiles::<T, K>(a, right, start, relu, c, packed_a);
}

/// [`product`] with a right operand that [`pack`] has packed for the same kernel.
///
/// # Panics
/// If the shapes do not fit, or it was packed for another kernel.
pub(crate) fn product_packed<T: Scalar, K: Micro<T>>(
    a: MatrixRef<'_, T>,
    b: &Packed<T>,
    start: Start<'_, T>,
    relu: bool,
    c: &mut [T],
    scratch: &mut Scratch<T>,
) {
    assert_eq!(b.width, K::NR, "packed for another backend");
    tiles::<T, K>(a, Right::Panels(b.panels()), start, relu, c, &mut scratch.a);
}

/// Where the tiles find the right operand.
enum Right<'a, T> {
    /// As it is.
    Panels(Panels<'a, T>),
    /// Each panel is packed right before its tiles, which then find it in the first-level cache; for so few rows that
    /// they are all computed with it.
    Matrix(MatrixRef<'a, T>, &'a mut Vec<T>),
}

fn tiles<T: Scalar, K: Micro<T>>(
    a: MatrixRef<'_, T>,
    mut b: Right<'_, T>,
    start: Start<'_, T>,
    relu: bool,
    c: &mut [T],
    packed_a: &mut Vec<T>,
) {
    let (b_rows, b_cols, width) = match &b {
        Right::Panels(panels) => (panels.rows, panels.cols, panels.width),
        Right::Matrix(matrix, _) => (matrix.rows, matrix.cols, K::NR),
    };
    let (m, k, n) = (a.rows, a.cols, b_cols);
    assert_eq!(k, b_rows, "inner dimensions differ");
    assert_eq!(c.len(), m * n, "the result must be {m} × {n}");
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), n, "a bias has one element per column");
    }
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        return empty_sum(start, relu, n, c);
    }
    let panels = n.div_ceil(width);
    let tiles = m.div_ceil(K::MR);
    let pack_a = a.col_stride >= 1024 && panels > 1;
    if pack_a {
        packed_a.resize(CHUNK_TILES * K::MR * KC, T::zero());
    }
    let c_is_far = size_of_val(c) > FAR;
    // Tiles of nearly equal height, so that none is thin.
    let (height, extra) = (m / tiles, m % tiles);
    let row = |tile: usize| tile * height + tile.min(extra);
    let mut k0 = 0;
    while k0 < k {
        let depth = KC.min(k - k0);
        let mut t0 = 0;
        while t0 < tiles {
            let t1 = tiles.min(t0 + CHUNK_TILES);
            if pack_a {
                for t in t0..t1 {
                    let into = &mut packed_a[(t - t0) * K::MR * KC..][..K::MR * KC];
                    pack_a_tile(a, row(t)..row(t + 1), k0..k0 + depth, K::MR, into);
                }
            }
            for p in 0..panels {
                let col = p * width;
                let cols = width.min(n - col);
                let (panel, b_stride) = match &mut b {
                    Right::Panels(b) => (&b.data[p * b.panel + k0 * b.stride..], b.stride),
                    Right::Matrix(matrix, buffer) => {
                        buffer.resize(KC * K::NR, T::zero());
                        let panel = &mut buffer[..depth * K::NR];
                        pack_panel::<T, K>(*matrix, k0, col..col + cols, panel);
                        (&*panel, K::NR)
                    }
                };
                for t in t0..t1 {
                    let (r0, rows) = (row(t), row(t + 1) - row(t));
                    let (tile_a, row_stride, col_stride) = if pack_a {
                        (&packed_a[(t - t0) * K::MR * KC..], 1, K::MR)
                    } else {
                        (&a.data[r0 * a.row_stride + k0 * a.col_stride..], a.row_stride, a.col_stride)
                    };
                    if c_is_far && t + 1 < t1 {
                        // Storing the next tile would wait for its rows, which may lie on as many pages.
                        (row(t + 1)..row(t + 2)).for_each(|r| prefetch(&c[r * n + col..][..cols]));
                    }
                    let tile_c = &mut c[r0 * n + col..];
                    // The kernels read and write through pointers, so what they touch is checked here, once per tile.
                    assert!(rows >= 1 && rows <= K::MR && cols >= 1 && (cols <= K::NR || rows <= THIN));
                    assert!(tile_a.len() > (rows - 1) * row_stride + (depth - 1) * col_stride);
                    assert!(panel.len() >= (depth - 1) * b_stride + cols);
                    assert!(tile_c.len() >= (rows - 1) * n + cols);
                    let first = match start {
                        _ if k0 > 0 => First::Accumulate,
                        Start::Zero => First::Zero,
                        Start::Accumulate => First::Accumulate,
                        Start::Bias(bias) => First::Bias(bias[col..col + cols].as_ptr()),
                    };
                    let tile = Tile {
                        rows,
                        cols,
                        depth,
                        a: tile_a.as_ptr(),
                        row_stride,
                        col_stride,
                        b: panel.as_ptr(),
                        b_stride,
                        whole: panel.len() >= (depth - 1) * b_stride + K::NR,
                        c: tile_c.as_mut_ptr(),
                        c_stride: n,
                        first,
                        relu: relu && k0 + depth == k,
                    };
                    // SAFETY: the assertions above bound everything a kernel touches; `K` is chosen by a backend,
                    // which exists only where its instructions do.
                    unsafe { K::tile(&tile) };
                }
            }
            t0 = t1;
        }
        k0 += depth;
    }
}

/// Tiles of A that are computed with a panel before the next one.
const CHUNK_TILES: usize = 12;

/// A matrix of more bytes is taken to be too large for the second-level cache. Its rows are asked for ahead then: the
/// processor does so by itself only within a page.
const FAR: usize = 1 << 20;

/// Most rows of a product whose tiles are wide.
pub(crate) const THIN: usize = 2;

/// Depth of a block: one panel of B of this depth stays in the first-level cache.
const KC: usize = 256;

fn empty_sum<T: Scalar>(start: Start<'_, T>, relu: bool, n: usize, c: &mut [T]) {
    for row in c.chunks_exact_mut(n) {
        match start {
            Start::Zero => row.fill(T::zero()),
            Start::Accumulate => {}
            Start::Bias(bias) => row.copy_from_slice(bias),
        }
        if relu {
            row.iter_mut().for_each(|x| *x = if *x <= T::zero() { T::zero() } else { *x });
        }
    }
}

/// Copies B into panels `[cols / width][rows][width]`; elements beyond the last column are left as they are: what kernels
/// compute of them is never stored.
pub(crate) fn pack<T: Scalar, K: Micro<T>>(b: MatrixRef<'_, T>, packed: &mut Packed<T>) {
    let width = K::NR;
    let size = b.cols.div_ceil(width) * width * b.rows;
    (packed.rows, packed.cols, packed.width) = (b.rows, b.cols, width);
    let into = &mut packed.data;
    if into.len() < size {
        into.resize(size, T::zero());
    }
    if b.rows == 0 {
        return;
    }
    for (p, panel) in into[..size].chunks_exact_mut(b.rows * width).enumerate() {
        pack_panel::<T, K>(b, 0, p * width..b.cols.min((p + 1) * width), panel);
    }
}

/// Copies some columns of B, from a row on, to the rows of `panel`, `K::NR` elements each.
fn pack_panel<T: Scalar, K: Micro<T>>(
    b: MatrixRef<'_, T>,
    first: usize,
    cols: std::ops::Range<usize>,
    panel: &mut [T],
) {
    let (width, count) = (K::NR, cols.len());
    if b.col_stride == 1 {
        let far = size_of_val(b.data) > FAR;
        for (row, out) in panel.chunks_exact_mut(width).enumerate() {
            let from = (first + row) * b.row_stride + cols.start;
            // The next panel is needed soon: after the tiles of this one, or at once if all of B is packed.
            if far && let Some(next) = b.data.get(from + width..from + 2 * width) {
                prefetch(next);
            }
            // A copy of fixed length needs no function call. So whole rows are copied where possible, even of a narrow panel.
            match b.data.get(from..from + width) {
                Some(whole) => out.copy_from_slice(whole),
                None => out[..count].copy_from_slice(&b.data[from..from + count]),
            }
        }
    } else if b.row_stride == 1 {
        // Transposing, block by block where there are whole ones. A strip of columns is read to its end before the next one: its
        // few lines stay in the first-level cache, and the processor sees that they are read in order.
        let rows = panel.len() / width;
        let whole = [rows, count].map(|n| n - n % SIDE);
        let at = |row: usize, col: usize| (cols.start + col) * b.col_stride + first + row;
        for j in (0..whole[1]).step_by(SIDE) {
            for i in (0..whole[0]).step_by(SIDE) {
                let (from, to) = (&b.data[at(i, j)..], &mut panel[i * width + j..]);
                assert!(
                    from.len() >= (SIDE - 1) * b.col_stride + SIDE && to.len() >= (SIDE - 1) * width + SIDE
                );
                // SAFETY: the assertion above bounds the block; `K` is chosen by a backend, which exists only where
                // its instructions do.
                unsafe { K::transpose(from.as_ptr(), b.col_stride, to.as_mut_ptr(), width) };
            }
        }
        for col in 0..count {
            let done = if col < whole[1] { whole[0] } else { 0 };
            for row in done..rows {
                panel[row * width + col] = b.data[at(row, col)];
            }
        }
    } else {
        for (row, out) in panel.chunks_exact_mut(width).enumerate() {
            for (x, col) in out.iter_mut().zip(cols.clone()) {
                *x = b.data[(first + row) * b.row_stride + col * b.col_stride];
            }
        }
    }
}

/// Copies a tile of A to `[depth][height]`.
fn pack_a_tile<T: Scalar>(
    a: MatrixRef<'_, T>,
    rows: std::ops::Range<usize>,
    depth: std::ops::Range<usize>,
    height: usize,
    into: &mut [T],
) {
    let count = rows.len();
    for (k, out) in depth.zip(into.chunks_exact_mut(height)) {
        if a.row_stride == 1 {
            let from = k * a.col_stride + rows.start;
            out[..count].copy_from_slice(&a.data[from..from + count]);
        } else {
            for (i, x) in rows.clone().zip(out) {
                *x = a.data[i * a.row_stride + k * a.col_stride];
            }
        }
    }
}

/// What a tile starts from.
#[derive(Clone, Copy)]
pub(crate) enum First<T> {
    Zero,
    Accumulate,
    Bias(*const T),
}

/// One tile of C: `rows × cols`, summed over `depth`.
pub(crate) struct Tile<T> {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) depth: usize,
    pub(crate) a: *const T,
    pub(crate) row_stride: usize,
    pub(crate) col_stride: usize,
    pub(crate) b: *const T,
    pub(crate) b_stride: usize,
    /// Whether `NR` elements of every row of B are readable, however few columns there are.
    pub(crate) whole: bool,
    pub(crate) c: *mut T,
    pub(crate) c_stride: usize,
    pub(crate) first: First<T>,
    pub(crate) relu: bool,
}

/// A kernel for tiles of up to `MR × NR`.
pub(crate) trait Micro<T: Scalar> {
    const MR: usize;
    const NR: usize;
    /// Most columns of a tile of at most [`THIN`] rows.
    const THIN_NR: usize = Self::NR;

    /// Computes one tile.
    ///
    /// # Safety
    /// `1 <= rows <= MR`, `1 <= cols <= NR` (`THIN_NR` for at most [`THIN`] rows), all elements of the operands within the
    /// tile readable (writable for `c`), `NR` of each row of B if it is `whole`, a bias of `cols` elements, and the machine
    /// has the kernel's instructions.
    unsafe fn tile(tile: &Tile<T>);

    /// `to[i · to_stride + j] = from[j · from_stride + i]` for `i` and `j` below [`SIDE`].
    ///
    /// # Safety
    /// The elements named are readable in `from` and writable in `to`, the two do not overlap, and the machine has the
    /// kernel's instructions.
    unsafe fn transpose(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
        // SAFETY: the caller's promise.
        unsafe { transpose::portable(from, from_stride, to, to_stride) };
    }
}

#[cfg(test)]
mod tests;
