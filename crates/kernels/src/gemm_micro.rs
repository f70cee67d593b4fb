//! The inner kernels of the matrix product: portable Rust, AVX2 with FMA, AVX-512.

use super::Scalar;
use super::gemm::{First, Micro, Tile};
use super::math::{Exact, Fast, Math};
use taskset_simd::PORTABLE_FMA;

/// Calls `$function::<rows, generics>` for a run-time number of rows.
macro_rules! by_rows {
    ($rows:expr, $tile:expr, $function:ident [$($row:literal)*] $generics:tt) => {
        match $rows {
            $($row => by_rows!(@call $function, $row, $tile, $generics),)*
            _ => unreachable!("a tile has between 1 and MR rows"),
        }
    };
    (@call $function:ident, $row:literal, $tile:expr, ($($generics:tt)*)) => {
        // SAFETY: the caller of `Micro::tile` has promised what the kernels need.
        unsafe { $function::<$row, $($generics)*>($tile) }
    };
}
pub(super) use by_rows;

/// Plain Rust; the compiler vectorises the row of accumulators with what the target has.
pub(crate) struct Portable;

impl Micro<f32> for Portable {
    const MR: usize = 2;
    const NR: usize = 16;

    unsafe fn tile(tile: &Tile<f32>) {
        by_rows!(tile.rows, tile, portable [1 2] (16, f32, Fast<PORTABLE_FMA>));
    }
}

impl Micro<f64> for Portable {
    const MR: usize = 2;
    const NR: usize = 8;

    unsafe fn tile(tile: &Tile<f64>) {
        by_rows!(tile.rows, tile, portable [1 2] (8, f64, Exact));
    }
}

/// # Safety
/// As [`Micro::tile`].
unsafe fn portable<const MR: usize, const NR: usize, T: Scalar, M: Math<T>>(t: &Tile<T>) {
    let mut sums = [[T::zero(); NR]; MR];
    for (i, sum) in sums.iter_mut().enumerate() {
        for (j, x) in sum[..t.cols].iter_mut().enumerate() {
            // SAFETY: within the tile of C, and within the bias of `cols` elements.
            *x = unsafe {
                match t.first {
                    First::Zero => T::zero(),
                    First::Accumulate => *t.c.add(i * t.c_stride + j),
                    First::Bias(bias) => *bias.add(j),
                }
            };
        }
    }
    for k in 0..t.depth {
        let mut b = [T::zero(); NR];
        // SAFETY: row `k` of B has `cols` elements.
        let row = unsafe { std::slice::from_raw_parts(t.b.add(k * t.b_stride), t.cols) };
        match <&[T; NR]>::try_from(row) {
            Ok(full) => b = *full,
            Err(_) => b[..t.cols].copy_from_slice(row),
        }
        for (i, sum) in sums.iter_mut().enumerate() {
            // SAFETY: within the tile of A.
            let a = unsafe { *t.a.add(i * t.row_stride + k * t.col_stride) };
            for (x, b) in sum.iter_mut().zip(b) {
                *x = M::mul_add(a, b, *x);
            }
        }
    }
    for (i, sum) in sums.iter().enumerate() {
        for (j, &x) in sum[..t.cols].iter().enumerate() {
            // SAFETY: within the tile of C.
            unsafe { *t.c.add(i * t.c_stride + j) = if t.relu && x <= T::zero() { T::zero() } else { x } };
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{
    Avx2, Avx512, by_rows_and_cols, load, load512, masks256, masks512, store_first, store512,
};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{First, Micro, Tile};
    use crate::transpose;
    use std::arch::x86_64::{
        __m256, __m256i, __m512, __mmask16, _mm_castps_pd, _mm_movehl_ps, _mm_store_ss, _mm_storel_pd,
        _mm_storeu_ps, _mm256_broadcast_ss, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_max_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
        _mm512_max_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    /// Calls `$function::<rows, vectors, full>` for a run-time number of rows, 12 at most, and of columns, 32 at most.
    macro_rules! by_rows_and_cols {
        ($rows:expr, $tile:expr, $function:ident) => {
            match $tile.cols {
                0..=15 => by_rows!($rows, $tile, $function [1 2 3 4 5 6 7 8 9 10 11 12] (1, false)),
                16 => by_rows!($rows, $tile, $function [1 2 3 4 5 6 7 8 9 10 11 12] (1, true)),
                17..=31 => by_rows!($rows, $tile, $function [1 2 3 4 5 6 7 8 9 10 11 12] (2, false)),
                _ => by_rows!($rows, $tile, $function [1 2 3 4 5 6 7 8 9 10 11 12] (2, true)),
            }
        };
    }
    pub(crate) use by_rows_and_cols;

    /// 12 rows of two 16-element vectors: 24 of 32 registers accumulate.
    pub(crate) struct Avx512;

    impl Micro<f32> for Avx512 {
        const MR: usize = 12;
        const NR: usize = 32;
        /// 8 vectors: as many sums as multiply-adds are under way at a time.
        const THIN_NR: usize = 128;

        unsafe fn tile(tile: &Tile<f32>) {
            match tile.cols {
                0..=32 => by_rows_and_cols!(tile.rows, tile, avx512),
                33..=64 => by_rows!(tile.rows, tile, avx512 [1 2] (4, false)),
                _ => by_rows!(tile.rows, tile, avx512 [1 2] (8, false)),
            }
        }

        unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
            // SAFETY: the caller's promise.
            unsafe { transpose::avx2(from, from_stride, to, to_stride) };
        }
    }

    /// # Safety
    /// As [`Micro::tile`], with `rows == MR` and `cols` at most 16 times `NV`, exactly so many if `FULL`.
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const MR: usize, const NV: usize, const FULL: bool>(t: &Tile<f32>) {
        let masks: [__mmask16; NV] = masks512(t.cols);
        // SAFETY: masked loads and stores touch only the columns of the tile; rows and depth are the tile's.
        unsafe {
            let mut sums: [[__m512; NV]; MR] = [[_mm512_setzero_ps(); NV]; MR];
            match t.first {
                First::Zero => {}
                First::Accumulate => {
                    for (i, sum) in sums.iter_mut().enumerate() {
                        for v in 0..NV {
                            sum[v] = load512::<FULL>(t.c.add(i * t.c_stride + 16 * v), masks[v]);
                        }
                    }
                }
                First::Bias(bias) => {
                    for v in 0..NV {
                        let bias = load512::<FULL>(bias.add(16 * v), masks[v]);
                        for sum in &mut sums {
                            sum[v] = bias;
                        }
                    }
                }
            }
            let (mut a, mut b) = (t.a, t.b);
            for _ in 0..t.depth {
                let mut row = [_mm512_setzero_ps(); NV];
                for v in 0..NV {
                    row[v] = load512::<FULL>(b.add(16 * v), masks[v]);
                }
                for (i, sum) in sums.iter_mut().enumerate() {
                    let x = _mm512_set1_ps(*a.add(i * t.row_stride));
                    for v in 0..NV {
                        sum[v] = _mm512_fmadd_ps(x, row[v], sum[v]);
                    }
                }
                a = a.wrapping_add(t.col_stride);
                b = b.wrapping_add(t.b_stride);
            }
            for (i, sum) in sums.iter().enumerate() {
                for v in 0..NV {
                    // The second operand is returned if either is NaN.
                    let x = if t.relu { _mm512_max_ps(_mm512_setzero_ps(), sum[v]) } else { sum[v] };
                    store512::<FULL>(t.c.add(i * t.c_stride + 16 * v), masks[v], x);
                }
            }
        }
    }

    /// The masks of the vectors of a tile of `cols` columns.
    pub(crate) fn masks512<const NV: usize>(cols: usize) -> [__mmask16; NV] {
        let mut masks = [0; NV];
        for (v, mask) in masks.iter_mut().enumerate() {
            let left = cols.saturating_sub(16 * v);
            *mask = if left >= 16 { 0xffff } else { (1 << left) - 1 };
        }
        masks
    }

    /// On Zen 4 a masked load takes the slot of a multiply-add, so whole vectors are loaded without a mask.
    ///
    /// # Safety
    /// `from` has the elements that the mask selects (16 if `FULL`).
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) unsafe fn load512<const FULL: bool>(from: *const f32, mask: __mmask16) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { if FULL { _mm512_loadu_ps(from) } else { _mm512_maskz_loadu_ps(mask, from) } }
    }

    /// # Safety
    /// `into` has the elements that the mask selects (16 if `FULL`).
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) unsafe fn store512<const FULL: bool>(into: *mut f32, mask: __mmask16, x: __m512) {
        // SAFETY: the caller's promise.
        unsafe { if FULL { _mm512_storeu_ps(into, x) } else { _mm512_mask_storeu_ps(into, mask, x) } }
    }

    /// 6 rows of two 8-element vectors: 12 of 16 registers accumulate.
    pub(crate) struct Avx2;

    impl Micro<f32> for Avx2 {
        const MR: usize = 6;
        const NR: usize = 16;

        unsafe fn tile(tile: &Tile<f32>) {
            // One vector for up to 8 columns. Loads of B without masks wherever they stay within it: with masks there
            // are not registers enough for 12 sums.
            match (tile.cols, tile.whole) {
                (16, _) => by_rows!(tile.rows, tile, avx2 [1 2 3 4 5 6] (2, true, true)),
                (9.., true) => by_rows!(tile.rows, tile, avx2 [1 2 3 4 5 6] (2, true, false)),
                (9.., false) => by_rows!(tile.rows, tile, avx2 [1 2 3 4 5 6] (2, false, false)),
                (8, _) => by_rows!(tile.rows, tile, avx2 [1 2 3 4 5 6] (1, true, true)),
                (_, true) => by_rows!(tile.rows, tile, avx2 [1 2 3 4 5 6] (1, true, false)),
                (_, false) => by_rows!(tile.rows, tile, avx2 [1 2 3 4 5 6] (1, false, false)),
            }
        }

        unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
            // SAFETY: the caller's promise.
            unsafe { transpose::avx2(from, from_stride, to, to_stride) };
        }
    }

    /// Eight words from position `8 - n` select the first `n` lanes.
    static LANES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

    /// The mask of vector `v` of a tile of `cols` columns.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn lanes(cols: usize, v: usize) -> __m256i {
        let left = cols.saturating_sub(8 * v).min(8);
        // SAFETY: the offset lies in 0..=8, so 8 of the 16 words follow.
        unsafe { _mm256_loadu_si256(LANES.as_ptr().add(8 - left).cast()) }
    }

    /// # Safety
    /// `from` has the elements that the mask selects (8 if `FULL`).
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) unsafe fn load<const FULL: bool>(from: *const f32, mask: __m256i) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { if FULL { _mm256_loadu_ps(from) } else { _mm256_maskload_ps(from, mask) } }
    }

    /// Stores the first `count` lanes. Without a mask: AMD's processors take forty operations for a masked store.
    ///
    /// # Safety
    /// `into` has so many elements, 8 at most.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) unsafe fn store_first(into: *mut f32, count: usize, x: __m256) {
        // SAFETY: the parts have `count` elements together.
        unsafe {
            if count >= 8 {
                return _mm256_storeu_ps(into, x);
            }
            let (mut into, mut left) = (into, _mm256_castps256_ps128(x));
            if count & 4 != 0 {
                _mm_storeu_ps(into, left);
                into = into.add(4);
                left = _mm256_extractf128_ps::<1>(x);
            }
            if count & 2 != 0 {
                _mm_storel_pd(into.cast(), _mm_castps_pd(left));
                into = into.add(2);
                left = _mm_movehl_ps(left, left);
            }
            if count & 1 != 0 {
                _mm_store_ss(into, left);
            }
        }
    }

    /// # Safety
    /// As [`Micro::tile`], with `rows == MR` and at most 8 times `NV` columns, exactly so many if `FULL`; `WHOLE` only if all
    /// rows of B have so many readable elements.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<const MR: usize, const NV: usize, const WHOLE: bool, const FULL: bool>(t: &Tile<f32>) {
        // SAFETY: masked loads and stores touch only the columns of the tile; rows and depth are the tile's.
        unsafe {
            let masks: [__m256i; NV] = masks256(t.cols);
            let mut sums: [[__m256; NV]; MR] = [[_mm256_setzero_ps(); NV]; MR];
            match t.first {
                First::Zero => {}
                First::Accumulate => {
                    for (i, sum) in sums.iter_mut().enumerate() {
                        for v in 0..NV {
                            sum[v] = load::<FULL>(t.c.wrapping_add(i * t.c_stride + 8 * v), masks[v]);
                        }
                    }
                }
                First::Bias(bias) => {
                    for v in 0..NV {
                        let bias = load::<FULL>(bias.wrapping_add(8 * v), masks[v]);
                        for sum in &mut sums {
                            sum[v] = bias;
                        }
                    }
                }
            }
            let (mut a, mut b) = (t.a, t.b);
            for _ in 0..t.depth {
                let mut row = [_mm256_setzero_ps(); NV];
                for v in 0..NV {
                    row[v] = load::<WHOLE>(b.wrapping_add(8 * v), masks[v]);
                }
                for (i, sum) in sums.iter_mut().enumerate() {
                    let x = _mm256_broadcast_ss(&*a.add(i * t.row_stride));
                    for v in 0..NV {
                        sum[v] = _mm256_fmadd_ps(x, row[v], sum[v]);
                    }
                }
                a = a.wrapping_add(t.col_stride);
                b = b.wrapping_add(t.b_stride);
            }
            for (i, sum) in sums.iter().enumerate() {
                for (v, &x) in sum.iter().enumerate() {
                    // The second operand is returned if either is NaN.
                    let x = if t.relu { _mm256_max_ps(_mm256_setzero_ps(), x) } else { x };
                    let into = t.c.wrapping_add(i * t.c_stride + 8 * v);
                    if FULL || v + 1 < NV {
                        _mm256_storeu_ps(into, x);
                    } else {
                        store_first(into, t.cols - 8 * v, x);
                    }
                }
            }
        }
    }

    /// The masks of the vectors of a tile of `cols` columns.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn masks256<const NV: usize>(cols: usize) -> [__m256i; NV] {
        std::array::from_fn(|v| lanes(cols, v))
    }
}
