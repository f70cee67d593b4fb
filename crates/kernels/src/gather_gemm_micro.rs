//! The inner kernels of the gathered product, for the tiles of [`gemm_micro`](super::gemm_micro).

use super::Scalar;
use super::gather_gemm::{GatherMicro, GatherTile};
use super::gemm::First;
use super::gemm_micro::{Portable, by_rows};
use super::math::{Exact, Fast, Math};
use taskset_simd::PORTABLE_FMA;

impl GatherMicro<f32> for Portable {
    unsafe fn gather_tile(tile: &GatherTile<'_, f32>) {
        by_rows!(tile.rows.len(), tile, portable [1 2] (16, f32, Fast<PORTABLE_FMA>));
    }
}

impl GatherMicro<f64> for Portable {
    unsafe fn gather_tile(tile: &GatherTile<'_, f64>) {
        by_rows!(tile.rows.len(), tile, portable [1 2] (8, f64, Exact));
    }
}

/// Where the rows of a tile start in A.
///
/// # Safety
/// As [`GatherMicro::gather_tile`], with `MR` rows.
#[inline(always)]
unsafe fn a_rows<const MR: usize, T>(t: &GatherTile<'_, T>) -> [*const T; MR] {
    // SAFETY: the tile has MR rows, which start within A.
    std::array::from_fn(|i| unsafe { t.a.add(t.rows.get_unchecked(i).offset as usize) })
}

/// Where the rows of a tile start in C.
///
/// # Safety
/// As [`a_rows`].
#[inline(always)]
unsafe fn c_rows<const MR: usize, T>(t: &GatherTile<'_, T>) -> [*mut T; MR] {
    // SAFETY: the tile has MR rows, which lie within C.
    std::array::from_fn(|i| unsafe { t.c.add(t.rows.get_unchecked(i).row as usize * t.stride) })
}

/// # Safety
/// As [`GatherMicro::gather_tile`], with `MR` rows.
unsafe fn portable<const MR: usize, const NR: usize, T: Scalar, M: Math<T>>(t: &GatherTile<'_, T>) {
    // SAFETY: as the caller promises.
    let (a, c): ([_; MR], [_; MR]) = unsafe { (a_rows(t), c_rows(t)) };
    let mut sums = [[T::zero(); NR]; MR];
    for (i, sum) in sums.iter_mut().enumerate() {
        for (j, x) in sum[..t.cols].iter_mut().enumerate() {
            // SAFETY: within the tile of C, and within the bias of `cols` elements.
            *x = unsafe {
                match t.first {
                    First::Zero => T::zero(),
                    First::Accumulate => *c[i].add(j),
                    First::Bias(bias) => *bias.add(j),
                }
            };
        }
    }
    for k in t.depth {
        let mut b = [T::zero(); NR];
        // SAFETY: this row of B has `cols` elements.
        let row = unsafe { std::slice::from_raw_parts(t.b.add(k.row as usize * t.stride), t.cols) };
        match <&[T; NR]>::try_from(row) {
            Ok(full) => b = *full,
            Err(_) => b[..t.cols].copy_from_slice(row),
        }
        for (i, sum) in sums.iter_mut().enumerate() {
            // SAFETY: within A.
            let a = unsafe { *a[i].add(k.offset as usize) };
            for (x, b) in sum.iter_mut().zip(b) {
                *x = M::mul_add(a, b, *x);
            }
        }
    }
    for (i, sum) in sums.iter().enumerate() {
        for (j, &x) in sum[..t.cols].iter().enumerate() {
            // SAFETY: within the tile of C.
            unsafe { *c[i].add(j) = if t.relu && x <= T::zero() { T::zero() } else { x } };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{First, GatherMicro, GatherTile, a_rows, by_rows, c_rows};
    use crate::gemm_micro::{
        Avx2, Avx512, by_rows_and_cols, load, load512, masks256, masks512, store_first, store512,
    };
    use std::arch::asm;
    use std::arch::x86_64::{
        __m256, __m512, __mmask16, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_max_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_max_ps, _mm512_setzero_ps,
    };

    impl GatherMicro<f32> for Avx512 {
        unsafe fn gather_tile(tile: &GatherTile<'_, f32>) {
            by_rows_and_cols!(tile.rows.len(), tile, avx512);
        }
    }

    /// `sum += a[offset] · row`. In assembly because the compiler would read the elements of all rows first, for which
    /// there are not registers enough, and keep half of the sums in memory.
    ///
    /// # Safety
    /// `a[offset]` is readable.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn add_product<const NV: usize>(
        sum: &mut [__m512; NV],
        a: *const f32,
        offset: u32,
        row: [__m512; NV],
    ) {
        let offset = offset as usize;
        // SAFETY: reads one number, which the caller says is readable; both have NV elements.
        unsafe {
            if NV == 2 {
                asm!(
                    "vbroadcastss {x}, dword ptr [{a} + 4*{offset}]",
                    "vfmadd231ps {s0}, {x}, {r0}",
                    "vfmadd231ps {s1}, {x}, {r1}",
                    a = in(reg) a, offset = in(reg) offset, x = out(zmm_reg) _,
                    s0 = inout(zmm_reg) sum[0], s1 = inout(zmm_reg) sum[NV - 1],
                    r0 = in(zmm_reg) row[0], r1 = in(zmm_reg) row[NV - 1],
                    options(pure, readonly, nostack, preserves_flags)
                );
            } else {
                asm!(
                    "vfmadd231ps {s0}, {r0}, dword ptr [{a} + 4*{offset}]{{1to16}}",
                    a = in(reg) a, offset = in(reg) offset, s0 = inout(zmm_reg) sum[0], r0 = in(zmm_reg) row[0],
                    options(pure, readonly, nostack, preserves_flags)
                );
            }
        }
    }

    /// # Safety
    /// As [`GatherMicro::gather_tile`], with `MR` rows and at most 16 times `NV` columns, exactly so many if `FULL`.
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const MR: usize, const NV: usize, const FULL: bool>(t: &GatherTile<'_, f32>) {
        let masks: [__mmask16; NV] = masks512(t.cols);
        // SAFETY: masked loads and stores touch only the columns of the tile; the tables are the tile's.
        unsafe {
            let mut sums: [[__m512; NV]; MR] = [[_mm512_setzero_ps(); NV]; MR];
            match t.first {
                First::Zero => {}
                First::Accumulate => {
                    let c: [_; MR] = c_rows(t);
                    for (sum, c) in sums.iter_mut().zip(c) {
                        for v in 0..NV {
                            sum[v] = load512::<FULL>(c.wrapping_add(16 * v), masks[v]);
                        }
                    }
                }
                First::Bias(bias) => {
                    for v in 0..NV {
                        let bias = load512::<FULL>(bias.wrapping_add(16 * v), masks[v]);
                        for sum in &mut sums {
                            sum[v] = bias;
                        }
                    }
                }
            }
            let a: [_; MR] = a_rows(t);
            for k in t.depth {
                let b = t.b.add(k.row as usize * t.stride);
                let mut row = [_mm512_setzero_ps(); NV];
                for v in 0..NV {
                    row[v] = load512::<FULL>(b.wrapping_add(16 * v), masks[v]);
                }
                for (sum, a) in sums.iter_mut().zip(a) {
                    add_product(sum, a, k.offset, row);
                }
            }
            let c: [_; MR] = c_rows(t);
            for (sum, c) in sums.iter().zip(c) {
                for v in 0..NV {
                    // The second operand is returned if either is NaN.
                    let x = if t.relu { _mm512_max_ps(_mm512_setzero_ps(), sum[v]) } else { sum[v] };
                    store512::<FULL>(c.wrapping_add(16 * v), masks[v], x);
                }
            }
        }
    }

    impl GatherMicro<f32> for Avx2 {
        unsafe fn gather_tile(tile: &GatherTile<'_, f32>) {
            // As for products of matrices.
            match (tile.cols, tile.whole) {
                (16, _) => by_rows!(tile.rows.len(), tile, avx2 [1 2 3 4 5 6] (2, true, true)),
                (9.., true) => by_rows!(tile.rows.len(), tile, avx2 [1 2 3 4 5 6] (2, true, false)),
                (9.., false) => by_rows!(tile.rows.len(), tile, avx2 [1 2 3 4 5 6] (2, false, false)),
                (8, _) => by_rows!(tile.rows.len(), tile, avx2 [1 2 3 4 5 6] (1, true, true)),
                (_, true) => by_rows!(tile.rows.len(), tile, avx2 [1 2 3 4 5 6] (1, true, false)),
                (_, false) => by_rows!(tile.rows.len(), tile, avx2 [1 2 3 4 5 6] (1, false, false)),
            }
        }
    }

    /// # Safety
    /// As [`GatherMicro::gather_tile`], with `MR` rows and at most 8 times `NV` columns, exactly so many if `FULL`; `WHOLE`
    /// only if all rows of B have so many readable elements.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<const MR: usize, const NV: usize, const WHOLE: bool, const FULL: bool>(
        t: &GatherTile<'_, f32>,
    ) {
        // SAFETY: masked loads and stores touch only the columns of the tile; the tables are the tile's.
        unsafe {
            let masks: [_; NV] = masks256(t.cols);
            let mut sums: [[__m256; NV]; MR] = [[_mm256_setzero_ps(); NV]; MR];
            match t.first {
                First::Zero => {}
                First::Accumulate => {
                    let c: [_; MR] = c_rows(t);
                    for (sum, c) in sums.iter_mut().zip(c) {
                        for v in 0..NV {
                            sum[v] = load::<FULL>(c.wrapping_add(8 * v), masks[v]);
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
            let a: [_; MR] = a_rows(t);
            for k in t.depth {
                let b = t.b.add(k.row as usize * t.stride);
                let mut row = [_mm256_setzero_ps(); NV];
                for v in 0..NV {
                    row[v] = load::<WHOLE>(b.wrapping_add(8 * v), masks[v]);
                }
                for (sum, a) in sums.iter_mut().zip(a) {
                    let x = _mm256_broadcast_ss(&*a.add(k.offset as usize));
                    for v in 0..NV {
                        sum[v] = _mm256_fmadd_ps(x, row[v], sum[v]);
                    }
                }
            }
            let c: [_; MR] = c_rows(t);
            for (sum, c) in sums.iter().zip(c) {
                for (v, &x) in sum.iter().enumerate() {
                    // The second operand is returned if either is NaN.
                    let x = if t.relu { _mm256_max_ps(_mm256_setzero_ps(), x) } else { x };
                    if FULL || v + 1 < NV {
                        _mm256_storeu_ps(c.wrapping_add(8 * v), x);
                    } else {
                        store_first(c.wrapping_add(8 * v), t.cols - 8 * v, x);
                    }
                }
            }
        }
    }
}
